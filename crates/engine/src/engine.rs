//! The compiled engine: made once from a model, a policy and settings, then
//! asked any number of times.

use thiserror::Error;

use crate::decision::{Decision, Outcome, Rule, RuleId};
use crate::error::CompileError;
use crate::request::{Context, GraphId, Request, Value};
use crate::settings::Settings;
use crate::syntax::{Model, Policy};

/// A model and a policy, compiled. Immutable, and shared between threads.
#[derive(Debug)]
pub struct Engine {
    _private: (),
}

impl Engine {
    /// Compiles a model and a policy.
    ///
    /// # Errors
    ///
    /// Everything that can be refused before the first request: rows that do
    /// not fit their definition, malformed patterns, cycles among roles,
    /// violated constraints, settings that name what the model does not have,
    /// and whatever is over a limit.
    pub fn compile(
        _model: &Model,
        _policy: &Policy,
        _settings: &Settings,
    ) -> Result<Self, CompileError> {
        Ok(Self { _private: () })
    }

    /// Decides a request. Never fails: what cannot be evaluated is an
    /// [`Outcome::Error`], which denies.
    #[must_use]
    pub fn decide(&self, _request: &Request<'_>) -> Decision {
        Decision {
            outcome: Outcome::Deny,
            rule: None,
            rows_examined: 0,
        }
    }

    /// A row of the policy, none if it is of another engine.
    #[must_use]
    pub fn rule(&self, _id: RuleId) -> Option<Rule<'_>> {
        None
    }

    /// The definitions of these names as a context, for example
    /// `context("r2", "p2", "e2", "m2")`; none if the model lacks one.
    #[must_use]
    pub fn context(
        &self,
        _request: &str,
        _policy: &str,
        _effect: &str,
        _matcher: &str,
    ) -> Option<Context> {
        None
    }

    /// The role graph of that definition, such as `g2`.
    #[must_use]
    pub fn graph(&self, _name: &str) -> Option<GraphId> {
        None
    }

    /// The names of the context's request definition, in order: what the
    /// values of a request stand for. None if the context is of another
    /// engine.
    #[must_use]
    pub fn request_definition(&self, _context: Context) -> Option<&[Box<str>]> {
        None
    }

    /// Whether the matcher or the effect of the default context reads the
    /// policy: then a policy without a row of its kind is surely a mistake.
    #[must_use]
    pub fn reads_policy(&self) -> bool {
        false
    }

    /// Rows in force, of all kinds, without duplicates.
    #[must_use]
    pub fn row_count(&self) -> usize {
        0
    }

    /// Rows in force of one kind, such as `p` or `g2`.
    #[must_use]
    pub fn row_count_of(&self, _kind: &str) -> usize {
        0
    }
}

/// What a built-in function gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FunctionResult {
    /// The functions that match.
    Bool(bool),
    /// The functions that extract a part.
    Text(String),
}

/// Why a built-in function could not be called.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FunctionError {
    /// No built-in function has that name.
    #[error("there is no function {0}")]
    Unknown(String),
    /// The call failed.
    #[error(transparent)]
    Evaluation(#[from] crate::decision::EvaluationError),
}

/// Calls one built-in function by its name in matchers, or `timeMatch`, at
/// the time `now` in seconds since 1970-01-01 UTC.
///
/// # Errors
///
/// [`FunctionError::Unknown`], or what the call itself says: wrong number or
/// types of arguments, a malformed pattern.
pub fn call_function(
    name: &str,
    _args: &[Value<'_>],
    _now: i64,
) -> Result<FunctionResult, FunctionError> {
    Err(FunctionError::Unknown(name.to_owned()))
}
