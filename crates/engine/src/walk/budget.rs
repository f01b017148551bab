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
