//! The built-in functions.

use crate::decision::EvaluationError;
use doorward_syntax::expression::Function;
use doorward_syntax::pattern::Kind;

use crate::budget::scan_steps;
use crate::patterns::Matching;

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
    matching: Matching<'_>,
) -> Result<Answer, EvaluationError> {
    match (function, arguments) {
        (Function::Match(function), [text, pattern]) => matching
            .matches(Kind::from(function), text, pattern)
            .map(Answer::Bool),
        (Function::KeyGet, [text, pattern]) => {
            let budget = matching.budget;
            budget.spend(scan_steps(text).saturating_add(scan_steps(pattern)))?;
            Ok(Answer::Text(key_get(text, pattern).to_owned()))
        }
        (Function::KeyGet2, [text, pattern, name]) => matching
            .get(Kind::KeyGet2, text, pattern, name)
            .map(Answer::Text),
        (Function::KeyGet3, [text, pattern, name]) => matching
            .get(Kind::KeyGet3, text, pattern, name)
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
