//! The records of requests that were allowed. They say the same each time that
//! the same rule allows, so each is written once.

use std::collections::BTreeMap;
use std::rc::Rc;

use doorward_engine::RuleId;

use crate::record::Record;

/// How many are kept. When there are more, all are let go: that many rules at
/// work at once make them again now and then.
const MAX_GRANTS: usize = 256;

/// What an allowed request is allowed by.
#[derive(Debug)]
pub(crate) struct Grant {
    record: Record,
    json: Option<String>,
}

impl Grant {
    pub(crate) fn new(record: Record, is_recorded: bool) -> Self {
        let json = is_recorded.then(|| record.to_json());
        Self { record, json }
    }

    pub(crate) fn record(&self) -> &Record {
        &self.record
    }

    pub(crate) fn json(&self) -> Option<&str> {
        self.json.as_deref()
    }
}

/// The rule that allowed, if any, and why the token counted as none, if it did.
type Reason = (Option<RuleId>, Option<&'static str>);

/// What allowed before.
#[derive(Debug, Default)]
pub(crate) struct Grants {
    by_reason: BTreeMap<Reason, Rc<Grant>>,
}

impl Grants {
    pub(crate) fn get(&mut self, reason: Reason, make: impl FnOnce() -> Grant) -> Rc<Grant> {
        if let Some(known) = self.by_reason.get(&reason) {
            return Rc::clone(known);
        }
        if self.by_reason.len() >= MAX_GRANTS {
            self.by_reason.clear();
        }
        let grant = Rc::new(make());
        self.by_reason.insert(reason, Rc::clone(&grant));
        grant
    }
}
