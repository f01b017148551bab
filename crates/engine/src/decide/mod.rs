//! A request, decided: the rows that may matter, in policy order, until the
//! effect is settled.

mod answers;
mod plain;
mod rows;

use std::cell::RefCell;

use crate::budget::Budget;
use crate::decision::{Decision, EvaluationError as Error, Outcome, RuleId};
use crate::effect::{self, Merge};
use crate::evaluate::frame::Frame;
use crate::evaluate::value::Val;
use crate::load::{Loaded, Prepared};
use crate::request::Request;
use crate::roles::own::OwnLinks;

use rows::{Merged, Rows, Search};

/// What is asked of the rows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Question {
    /// The decision.
    Decision,
    /// Whether one row alone says allow, roles that are taken for given aside.
    NearMiss,
}

/// Decides a request.
pub(crate) fn decide(loaded: &Loaded, request: &Request<'_>) -> Decision {
    let mut examined = 0;
    let (outcome, rule) = match run(loaded, request, Question::Decision, &mut examined) {
        Ok((allow, rule)) => {
            let outcome = if allow { Outcome::Allow } else { Outcome::Deny };
            (outcome, rule)
        }
        Err((error, rule)) => (Outcome::Error(error), rule),
    };
    Decision {
        outcome,
        rule: rule.map(|position| RuleId {
            definition: request.context.policy,
            position,
        }),
        rows_examined: examined,
    }
}

/// How much may be evaluated to find a near miss: nobody is let in or kept out
/// by it, and whoever is refused can ask for it again and again.
const NEAR_MISS_STEPS: u64 = 20_000;

/// The only row that says allow and would match if whoever the matcher asks
/// about had the role that it names. None where that cannot be evaluated.
pub(crate) fn near_miss(loaded: &Loaded, request: &Request<'_>) -> Option<RuleId> {
    let (_, rule) = run(loaded, request, Question::NearMiss, &mut 0).ok()?;
    Some(RuleId {
        definition: request.context.policy,
        position: rule?,
    })
}

/// A decision or an error, and the position of the row that it comes from.
type Answer = Result<(bool, Option<u32>), (Error, Option<u32>)>;

// Once in the module, though two call it.
#[inline(never)]
fn run(loaded: &Loaded, request: &Request<'_>, question: Question, examined: &mut u32) -> Answer {
    let whole = |error| (error, None);
    let context = request.context;
    let matcher = loaded.matchers.get(usize::from(context.matcher));
    let effect = loaded.effects.get(usize::from(context.effect));
    let table = loaded.tables.get(usize::from(context.policy));
    let definition = loaded.names.requests.get(usize::from(context.request));
    let (Some(matcher), Some(effect), Some(table), Some(definition)) =
        (matcher, effect, table, definition)
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
    let steps = loaded.settings.limits.expression_steps;
    let budget = Budget::new(match question {
        Question::Decision => steps,
        Question::NearMiss => steps.min(NEAR_MISS_STEPS),
    });
    let own = OwnLinks::new(request.roles);
    let closures = RefCell::default();
    let frame = Frame {
        loaded,
        request,
        row: None,
        budget: &budget,
        own: &own,
        closures: &closures,
    };
    frame.check_subjects(&matcher.subjects).map_err(whole)?;
    let (plans, merge) = match question {
        Question::Decision => (&matcher.plans, Merge::new(effect.1)),
        Question::NearMiss => (&matcher.but_for_roles, Merge::only_allow()),
    };
    let plan = plans.get(usize::from(context.policy));
    let Some(plan) = plan.and_then(Option::as_ref) else {
        if question == Question::NearMiss {
            return Ok((false, None));
        }
        return without_rows(&frame, matcher, table.len(), effect.1);
    };
    let mut merge = merge;
    if let Some(plain) = plain::of(plan, table, &frame) {
        let mut search = plain::Search::new(plain, table, &frame);
        if let Some(settled) = search.decide(plan, &mut merge, examined)? {
            return Ok(settled);
        }
    }
    let mut search = Search::new(plan, table, &frame);
    search.ask_all().map_err(whole)?;
    let mut merged = Merged::new();
    let rows = search.rows(&mut merged).map_err(whole)?;
    let settled = first_settled(&search, &rows, &mut merge, examined)?;
    Ok(settled.unwrap_or_else(|| merge.finish()))
}

/// The decision of a matcher that does not read the policy, or finds no row.
fn without_rows(
    frame: &Frame<'_>,
    matcher: &Prepared,
    rows: usize,
    effect: doorward_syntax::Effect,
) -> Answer {
    let whole = |error| (error, None);
    if rows == 0 && matcher.evaluates_rules {
        return Err(whole(Error::NoRule));
    }
    match frame.root(&matcher.expression).map_err(whole)? {
        Val::Bool(matched) => Ok((effect::without_policy(effect, matched), None)),
        _ => Err(whole(Error::MatcherResult)),
    }
}

/// Evaluates rows in order, until one settles the effect.
fn first_settled(
    search: &Search<'_>,
    rows: &Rows<'_>,
    merge: &mut Merge,
    examined: &mut u32,
) -> Result<Option<effect::Settled>, (Error, Option<u32>)> {
    for position in (0..).map_while(|number| rows.get(number)) {
        *examined = examined.saturating_add(1);
        let failed = |error| (error, Some(position));
        let Some(effect) = search.matching(position).map_err(failed)? else {
            continue;
        };
        let settled = merge.matched(position, effect);
        if settled.is_some() {
            return Ok(settled);
        }
    }
    Ok(None)
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
