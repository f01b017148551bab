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
    /// Where the fault is; none where the fault is what the text lacks.
    pub position: Option<Position>,
    /// What is wrong and what to do, without the place.
    pub message: String,
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
    /// Where the fault is.
    pub position: Position,
    /// What is wrong and what to do, without the place.
    pub message: String,
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
