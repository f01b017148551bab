//! Casbin's texts, parsed: model files, matchers, patterns, policy rows.
//!
//! What they say, not what they mean for a request. The engine and the
//! evaluator that it is tested against share this crate and nothing else.

#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "this code runs in the proxy, where a panic is a trap"
)]

mod conf;
pub mod constraint;
mod csv;
pub mod display;
mod error;
pub mod expression;
pub mod lexer;
mod limits;
pub mod model;
pub mod names;
pub mod parser;
pub mod pattern;
pub mod policy;
pub mod time;

pub use error::{ModelError, PolicyError, Position};
pub use expression::MatchFunction;
pub use limits::Limits;
pub use model::{Effect, Matcher, Model};
pub use policy::{Policy, Rule};

/// A fault in an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// The byte where it is.
    pub offset: usize,
    /// What is wrong.
    pub message: String,
}
