//! What the pipeline answers with.

use crate::answer::Answer;
use crate::record::Record;

/// Where the pipeline stands after a call.
#[derive(Debug)]
pub enum Step {
    /// The request may go on.
    Permit(Permitted),
    /// The request is refused.
    Deny(Denied),
}

impl Step {
    /// The decision record.
    #[must_use]
    pub fn record(&self) -> &Record {
        match self {
            Self::Permit(permitted) => permitted.record(),
            Self::Deny(denied) => denied.record(),
        }
    }
}

/// One change to the request's headers before it goes upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderEdit {
    /// Take out every header of this name, as the request spells it.
    Remove(Vec<u8>),
    /// Set the header to this value.
    Replace(&'static str, String),
}

/// The proof that a request was authorized, with what is to be changed on it.
///
/// INVARIANT: only the pipeline makes one, after the policy said allow.
#[derive(Debug)]
pub struct Permitted {
    edits: Vec<HeaderEdit>,
    record: Record,
}

impl Permitted {
    pub(crate) fn new(edits: Vec<HeaderEdit>, record: Record) -> Self {
        Self { edits, record }
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
        &self.record
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
