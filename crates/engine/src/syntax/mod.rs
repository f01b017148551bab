//! The texts: model files, matchers, patterns, policy rows. What they say,
//! not what they mean for a request.

mod conf;
pub(crate) mod constraint;
pub(crate) mod expression;
pub(crate) mod lexer;
mod model;
pub(crate) mod names;
pub(crate) mod parser;
pub(crate) mod pattern;
pub(crate) mod policy;
pub(crate) mod time;

pub use model::Model;
pub(crate) use model::{Effect, Matcher};
pub use policy::Policy;

/// A fault in an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    /// The byte where it is.
    pub(crate) offset: usize,
    /// What is wrong.
    pub(crate) message: String,
}
