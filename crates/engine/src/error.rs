//! Why a model or a policy is refused.

use std::fmt;

use thiserror::Error;

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Why a model is refused. Displays as `line L, column C: what, what to do`,
/// or without a place where the fault is what the text lacks.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}{message}", prefix(*.position))]
pub struct ModelError {
    pub(crate) position: Option<Position>,
    pub(crate) message: String,
}

impl ModelError {
    /// Where the fault is; none where the fault is what the text lacks.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.position
    }

    /// What is wrong and what to do, without the place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

fn prefix(position: Option<Position>) -> String {
    position.map_or_else(String::new, |position| format!("{position}: "))
}

/// Why the text of a policy is refused. Displays as `line L, column C: ...`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{position}: {message}")]
pub struct PolicyError {
    pub(crate) position: Position,
    pub(crate) message: String,
}

impl PolicyError {
    /// Where the fault is.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// What is wrong and what to do, without the place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// Why a model, a policy and settings do not make an engine.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CompileError {
    /// The model and the settings do not fit, whatever the policy.
    #[error("{0}")]
    Model(#[source] ModelError),
    /// A setting is wrong by itself or for this model.
    #[error("settings, {field}: {message}")]
    Settings {
        /// The field of [`Settings`](crate::Settings).
        field: &'static str,
        /// What is wrong and what to do.
        message: String,
    },
    /// A row of the policy is refused.
    #[error("line {line}: {message}")]
    Row {
        /// The row's line, from 1.
        line: u32,
        /// What is wrong and what to do.
        message: String,
    },
    /// The policy is refused as a whole.
    #[error("{message}")]
    Policy {
        /// What is wrong and what to do.
        message: String,
    },
}
