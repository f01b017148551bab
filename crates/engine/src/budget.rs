//! What one decision may still cost.

use std::cell::Cell;

use crate::decision::EvaluationError;

/// Steps left in one decision.
#[derive(Debug)]
pub(crate) struct Budget {
    left: Cell<u64>,
}

impl Budget {
    /// A budget of so many steps.
    pub(crate) fn new(steps: u64) -> Self {
        Self {
            left: Cell::new(steps),
        }
    }

    /// Takes steps; an error if there are not that many left.
    pub(crate) fn spend(&self, steps: u64) -> Result<(), EvaluationError> {
        match self.left.get().checked_sub(steps) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => Err(EvaluationError::Limit {
                limit: "expression_steps",
            }),
        }
    }
}

/// Bytes hashed that make a step.
const HASHED_PER_STEP: u64 = 16;

/// Bytes copied, or searched for one character, that make a step.
const SCANNED_PER_STEP: u64 = 64;

/// A length as a number of steps.
pub(crate) fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// What looking a text up in a table costs.
pub(crate) fn hash_steps(text: &str) -> u64 {
    count(text.len()).checked_div(HASHED_PER_STEP).unwrap_or(0)
}

/// What copying a text costs, or searching it for one character.
pub(crate) fn scan_steps(text: &str) -> u64 {
    scanned(text.len())
}

/// The same for so many bytes.
pub(crate) fn scanned(bytes: usize) -> u64 {
    count(bytes).checked_div(SCANNED_PER_STEP).unwrap_or(0)
}
