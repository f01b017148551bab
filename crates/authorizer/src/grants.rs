//! The records of requests that were allowed. They say the same each time that
//! the same rule allows a token or one that was ignored for the same reason, so
//! each is written once.

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
    json: String,
}

impl Grant {
    pub(crate) fn new(record: Record) -> Self {
        let json = record.to_json();
        Self { record, json }
    }

    pub(crate) fn record(&self) -> &Record {
        &self.record
    }

    pub(crate) fn json(&self) -> &str {
        &self.json
    }
}

/// What a record says beside the bundle: the rule that allowed, and why a token
/// counted as none.
type Key = (Option<RuleId>, Option<&'static str>);

/// What allowed before.
#[derive(Debug, Default)]
pub(crate) struct Grants {
    by_key: BTreeMap<Key, Rc<Grant>>,
}

impl Grants {
    pub(crate) fn get(&mut self, key: Key, make: impl FnOnce() -> Grant) -> Rc<Grant> {
        if let Some(known) = self.by_key.get(&key) {
            return Rc::clone(known);
        }
        if self.by_key.len() >= MAX_GRANTS {
            self.by_key.clear();
        }
        let grant = Rc::new(make());
        self.by_key.insert(key, Rc::clone(&grant));
        grant
    }
}
