//! The texts: model files, matchers, policy rows. What they say, not what
//! they mean for a request.

use crate::error::{ModelError, PolicyError};

/// A model: the definitions of requests, policies, roles, effects, matchers.
#[derive(Debug, Clone)]
pub struct Model {
    _private: (),
}

impl Model {
    /// Reads a model file.
    ///
    /// # Errors
    ///
    /// The first fault found, with its place.
    pub fn parse(_text: &str) -> Result<Self, ModelError> {
        Ok(Self { _private: () })
    }
}

/// The rows of a policy, in order, each with its line.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    _private: (),
}

impl Policy {
    /// Reads rows from CSV as Casbin does: `#` starts a comment line, blank
    /// lines are skipped, a field may be in double quotes.
    ///
    /// # Errors
    ///
    /// The first malformed line.
    pub fn parse_csv(_text: &str) -> Result<Self, PolicyError> {
        Ok(Self::default())
    }

    /// Adds a row: its kind (such as `p` or `g2`), its fields, and the line
    /// to name in errors, from 1.
    pub fn push_row(&mut self, _kind: &str, _fields: &[&str], _line: u32) {}

    /// The number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        0
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
