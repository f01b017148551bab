//! The built-in functions.

use crate::decision::EvaluationError;
use doorward_syntax::Limits;
use doorward_syntax::expression::Function;
use doorward_syntax::pattern::Kind;
use doorward_syntax::time;

use super::budget::{Budget, scan_steps};
use super::patterns::Patterns;

/// What a built-in function gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    Bool(bool),
    Text(String),
}

/// Calls a function with text arguments; their number is checked here.
pub(crate) fn call(
    function: Function,
    arguments: &[&str],
    patterns: &Patterns,
    limits: &Limits,
    budget: &Budget,
) -> Result<Answer, EvaluationError> {
    match (function, arguments) {
        (Function::Match(function), [text, pattern]) => patterns
            .matches(Kind::from(function), text, pattern, limits, budget)
            .map(Answer::Bool),
        (Function::KeyGet, [text, pattern]) => {
            budget.spend(scan_steps(text).saturating_add(scan_steps(pattern)))?;
            Ok(Answer::Text(key_get(text, pattern).to_owned()))
        }
        (Function::KeyGet2, [text, pattern, name]) => patterns
            .get(Kind::KeyGet2, text, pattern, name, limits, budget)
            .map(Answer::Text),
        (Function::KeyGet3, [text, pattern, name]) => patterns
            .get(Kind::KeyGet3, text, pattern, name, limits, budget)
            .map(Answer::Text),
        _ => Err(EvaluationError::ArgumentCount {
            function: function.name(),
            expected: u8::try_from(function.arity()).unwrap_or(u8::MAX),
            got: u8::try_from(arguments.len()).unwrap_or(u8::MAX),
        }),
    }
}

/// What the first `*` of the pattern stands for, empty if nothing.
fn key_get<'a>(text: &'a str, pattern: &str) -> &'a str {
    pattern
        .split_once('*')
        .and_then(|(prefix, _)| text.strip_prefix(prefix))
        .unwrap_or("")
}

/// The time within which a role link holds, ends excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Period {
    start: Option<i64>,
    end: Option<i64>,
}

impl Period {
    /// Reads the parameters of timeMatch: `_` or `YYYY-MM-DD hh:mm:ss` in UTC.
    pub(crate) fn parse(start: &str, end: &str) -> Option<Self> {
        let bound = |text: &str| match text {
            "_" => Some(None),
            text => time::date_time(text).map(Some),
        };
        Some(Self {
            start: bound(start)?,
            end: bound(end)?,
        })
    }

    /// Whether the time, in seconds since 1970, is within.
    pub(crate) fn contains(&self, now: i64) -> bool {
        self.start.is_none_or(|start| now > start) && self.end.is_none_or(|end| now < end)
    }
}
