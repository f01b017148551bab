//! What the pipeline answers with.

use std::rc::Rc;

use doorward_request::HeaderSnapshot;
use doorward_token::remote::Millis;

use crate::answer::Answer;
use crate::grants::Grant;
use crate::keys::Wait;
use crate::record::Record;

/// Where the pipeline stands after a call.
#[derive(Debug)]
pub enum Step {
    /// The request may go on.
    Permit(Permitted),
    /// The request is refused.
    Deny(Denied),
    /// The request has to wait for the keys of its token's issuer.
    AwaitKeys(Awaiting),
}

impl Step {
    /// The decision record, once there is a decision.
    #[must_use]
    pub fn record(&self) -> Option<&Record> {
        match self {
            Self::Permit(permitted) => Some(permitted.record()),
            Self::Deny(denied) => Some(denied.record()),
            Self::AwaitKeys(_) => None,
        }
    }
}

/// A request that waits for keys, as it was when it came.
#[derive(Debug)]
pub struct Awaiting {
    pub(crate) headers: HeaderSnapshot,
    pub(crate) wait: Wait,
}

impl Awaiting {
    /// How long the request may wait from when it came.
    #[must_use]
    pub fn timeout(&self) -> Millis {
        self.wait.timeout
    }

    /// What it takes in memory, about, in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.headers.size().saturating_add(size_of::<Self>())
    }
}

/// One change to the request's headers before it goes upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderEdit {
    /// Take out every header of this name, as the request spells it.
    Remove(Vec<u8>),
    /// Set the header to this value, in the place of all that it has.
    Replace(String, Vec<u8>),
}

/// The proof that a request was authorized, with what is to be changed on it.
///
/// INVARIANT: only the pipeline makes one, after the policy said allow.
#[derive(Debug)]
pub struct Permitted {
    edits: Vec<HeaderEdit>,
    grant: Rc<Grant>,
}

impl Permitted {
    pub(crate) fn new(edits: Vec<HeaderEdit>, grant: Rc<Grant>) -> Self {
        Self { edits, grant }
    }

    /// The header changes, to be made in this order before the request goes
    /// on. If one cannot be made, the request must not go on.
    #[must_use]
    pub fn edits(&self) -> &[HeaderEdit] {
        &self.edits
    }

    /// The decision record.
    #[must_use]
    pub fn record(&self) -> &Record {
        self.grant.record()
    }

    /// [`Record::to_json`] of the record, which was made before; none where the
    /// bundle has records of refused requests alone.
    #[must_use]
    pub fn record_json(&self) -> Option<&str> {
        self.grant.json()
    }
}

/// A refusal, with the answer to the client.
#[derive(Debug)]
pub struct Denied {
    code: &'static str,
    answer: Answer,
    record: Record,
}

impl Denied {
    pub(crate) fn new(code: &'static str, answer: Answer, record: Record) -> Self {
        Self {
            code,
            answer,
            record,
        }
    }

    /// The reason code, for metrics: one of a fixed number of texts.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// What the client gets.
    #[must_use]
    pub fn answer(&self) -> &Answer {
        &self.answer
    }

    /// The decision record.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }
}
