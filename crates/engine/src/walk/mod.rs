//! The plain evaluator: it walks every row in order.

mod arithmetic;
pub(crate) mod budget;
pub(crate) mod effect;
pub(crate) mod evaluate;
pub(crate) mod functions;
mod glob;
pub(crate) mod patterns;
mod regex;
pub(crate) mod roles;
pub(crate) mod value;

use std::cell::RefCell;

use crate::decision::{Decision, EvaluationError as Error, Outcome, RuleId};
use crate::load::Loaded;
use crate::request::Request;
use doorward_syntax::expression::Expr;

use budget::Budget;
use effect::Merge;
use evaluate::Frame;
use value::Val;

/// Decides a request.
pub(crate) fn decide(loaded: &Loaded, request: &Request<'_>) -> Decision {
    let mut examined = 0;
    let (outcome, rule) = match run(loaded, request, &mut examined) {
        Ok((allow, rule)) => {
            let outcome = if allow { Outcome::Allow } else { Outcome::Deny };
            (outcome, rule)
        }
        Err((error, rule)) => (Outcome::Error(error), rule),
    };
    Decision {
        outcome,
        rule: rule.map(RuleId),
        rows_examined: examined,
    }
}

/// A decision or an error, and the row it comes from.
type Answer = Result<(bool, Option<u32>), (Error, Option<u32>)>;

fn run(loaded: &Loaded, request: &Request<'_>, examined: &mut u32) -> Answer {
    let whole = |error| (error, None);
    let context = request.context;
    let matcher = loaded.matchers.get(usize::from(context.matcher));
    let effect = loaded.effects.get(usize::from(context.effect));
    let rows = loaded.order.get(usize::from(context.policy));
    let definition = loaded.names.requests.get(usize::from(context.request));
    let (Some(matcher), Some(effect), Some(rows), Some(definition)) =
        (matcher, effect, rows, definition)
    else {
        return Err(whole(Error::UnknownContext));
    };
    if definition.fields.len() != request.values.len() {
        return Err(whole(Error::RequestSize {
            expected: definition.fields.len(),
            got: request.values.len(),
        }));
    }
    check_links(loaded, request).map_err(whole)?;
    let budget = Budget::new(loaded.settings.limits.expression_steps);
    let own = roles::own_links(request.roles);
    let closures = RefCell::default();
    let frame = |row| Frame {
        loaded,
        request,
        row,
        budget: &budget,
        own: &own,
        closures: &closures,
    };
    let expression = &matcher.expression;
    frame(None).check_subjects(expression).map_err(whole)?;
    let reads_policy = expression
        .any(&mut |expr| matches!(expr, Expr::Policy(slot) if slot.definition == context.policy));
    if !reads_policy || rows.is_empty() {
        if rows.is_empty() && expression.any(&mut |expr| matches!(expr, Expr::Eval(_))) {
            return Err(whole(Error::NoRule));
        }
        return match frame(None).root(expression).map_err(whole)? {
            Val::Bool(matched) => Ok((effect::without_policy(effect.1, matched), None)),
            _ => Err(whole(Error::MatcherResult)),
        };
    }
    let mut merge = Merge::new(effect.1);
    for (index, row_effect) in rows {
        *examined = examined.saturating_add(1);
        let failed = |error| (error, Some(*index));
        let row = loaded.row(*index);
        if !matches(&frame(row), expression).map_err(failed)? {
            continue;
        }
        if let Some(settled) = merge.matched(*index, *row_effect) {
            return Ok(settled);
        }
    }
    Ok(merge.finish())
}

/// Whether the row of the frame matches: true, or a number other than 0.
fn matches(frame: &Frame<'_>, expression: &Expr) -> Result<bool, Error> {
    match frame.root(expression)? {
        Val::Bool(value) => Ok(value),
        Val::Number(number) if !number.is_nan() => Ok(number != 0.0),
        _ => Err(Error::MatcherResult),
    }
}

fn check_links(loaded: &Loaded, request: &Request<'_>) -> Result<(), Error> {
    if request.roles.len() > loaded.settings.limits.request_roles {
        return Err(Error::Limit {
            limit: "request_roles",
        });
    }
    let known = |graph: u16| usize::from(graph) < loaded.graphs.len();
    if request.roles.iter().all(|link| known(link.graph.0)) {
        Ok(())
    } else {
        Err(Error::UnknownGraph)
    }
}
