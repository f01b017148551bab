//! Built-in functions, called by name.

use thiserror::Error;

use crate::budget::Budget;
use crate::decision::EvaluationError;
use crate::evaluate::functions::{self, Answer};
use crate::evaluate::value::Val;
use crate::patterns::{Matching, Patterns};
use crate::request::Value;
use crate::roles::period::Period;
use crate::settings::LinkConditionFunction;
use crate::symbols::Symbols;
use doorward_syntax::Limits;
use doorward_syntax::expression::Function;

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
    Evaluation(#[from] EvaluationError),
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
    args: &[Value<'_>],
    now: i64,
) -> Result<FunctionResult, FunctionError> {
    let function = Function::from_name(name);
    let known = match (function, LinkConditionFunction::from_name(name)) {
        (Some(function), _) => function.name(),
        (None, Some(condition)) => condition.name(),
        (None, None) => return Err(FunctionError::Unknown(name.to_owned())),
    };
    let expected = function.map_or(2, Function::arity);
    if args.len() != expected {
        return Err(FunctionError::Evaluation(EvaluationError::ArgumentCount {
            function: known,
            expected: u8::try_from(expected).unwrap_or(u8::MAX),
            got: u8::try_from(args.len()).unwrap_or(u8::MAX),
        }));
    }
    let mut texts = Vec::new();
    for (value, argument) in args.iter().zip(1..) {
        match Val::from(*value) {
            Val::Text(text) => texts.push(text),
            _ => {
                return Err(FunctionError::Evaluation(EvaluationError::ArgumentType {
                    function: known,
                    argument,
                }));
            }
        }
    }
    let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
    if let Some(function) = function {
        let limits = Limits::default();
        let matching = Matching {
            symbols: &Symbols::default(),
            patterns: &Patterns::default(),
            limits: &limits,
            budget: &Budget::new(limits.expression_steps),
        };
        let answer = functions::call(function, &texts, matching)?;
        return Ok(match answer {
            Answer::Bool(value) => FunctionResult::Bool(value),
            Answer::Text(text) => FunctionResult::Text(text),
        });
    }
    let period = match texts.as_slice() {
        [start, end] => Period::parse(start, end),
        _ => None,
    };
    let malformed = EvaluationError::MalformedPattern { function: known };
    let period = period.ok_or(malformed)?;
    Ok(FunctionResult::Bool(period.contains(now)))
}
