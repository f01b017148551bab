//! The answer to a request.

use thiserror::Error;

/// A row of the policy that an engine was compiled from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId {
    /// The policy definition, from 0 for `p`.
    pub(crate) definition: u16,
    /// The position in the order of evaluation.
    pub(crate) position: u32,
}

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome {
    /// The request is allowed.
    Allow,
    /// The request is denied.
    Deny,
    /// The request could not be evaluated, and is denied.
    Error(EvaluationError),
}

impl Outcome {
    /// Whether the request may go on.
    #[must_use]
    pub fn is_allow(&self) -> bool {
        matches!(self, Outcome::Allow)
    }
}

/// The answer to a request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decision {
    /// What was decided.
    pub outcome: Outcome,
    /// The row that decided: the one whose effect settled the outcome, or the
    /// one that could not be evaluated. None where no row did.
    pub rule: Option<RuleId>,
    /// Rows that the matcher was evaluated on.
    pub rows_examined: u32,
}

/// Why a request could not be evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EvaluationError {
    /// The number of values is not that of the request definition.
    #[error("the request has {got} values, its definition has {expected}")]
    RequestSize {
        /// Names in the request definition.
        expected: usize,
        /// Values in the request.
        got: usize,
    },
    /// The context belongs to another engine.
    #[error("the request's context is not of this engine")]
    UnknownContext,
    /// A role link names a graph that the engine does not have.
    #[error("a role link of the request names a role graph that is not of this engine")]
    UnknownGraph,
    /// A subject starts with a prefix that only role links may introduce.
    #[error("the subject starts with a prefix that is reserved for roles of the request")]
    ReservedSubject,
    /// The matcher names a value of a definition that the context leaves out.
    #[error("the matcher names a value that the request's context does not have")]
    UnknownName,
    /// A field of a value that is not an object.
    #[error("the matcher takes a field of a value that is not an object")]
    NotAnObject,
    /// A field that the object does not have.
    #[error("the matcher takes a field that the object does not have")]
    MissingField,
    /// An operator was given a value of a type it does not take.
    #[error("operator {operator} does not take a value of that type")]
    OperatorType {
        /// The operator as written in matchers.
        operator: &'static str,
    },
    /// A function was given a value of a type it does not take.
    #[error("{function}: argument {argument} must be text")]
    ArgumentType {
        /// The function's name, `g` for every role graph.
        function: &'static str,
        /// The argument's position, from 1.
        argument: u8,
    },
    /// A function was given the wrong number of arguments.
    #[error("{function}: {got} arguments given, {expected} needed")]
    ArgumentCount {
        /// The function's name, `g` for every role graph.
        function: &'static str,
        /// The number it takes.
        expected: u8,
        /// The number it was given.
        got: u8,
    },
    /// A pattern that is not well formed.
    #[error("{function}: the pattern is malformed")]
    MalformedPattern {
        /// The function's name.
        function: &'static str,
    },
    /// Text that is not an IP address.
    #[error("ipMatch: the first argument is not an ip address")]
    NotAnIpAddress,
    /// The text given to eval is not an expression.
    #[error("eval: the rule is malformed")]
    MalformedRule,
    /// The policy has no rule, so there is nothing to evaluate.
    #[error("eval: the policy has no rule")]
    NoRule,
    /// The matcher's value is neither true or false nor a number.
    #[error("the matcher's result is neither a truth value nor a number")]
    MatcherResult,
    /// A bound of [`Limits`](crate::Limits) was reached.
    #[error("limit reached: {limit}")]
    Limit {
        /// The field of [`Limits`](crate::Limits).
        limit: &'static str,
    },
}
