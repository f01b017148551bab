//! The values of a column for which a lookup is true.

use std::borrow::Cow;

use doorward_syntax::expression::Expr;
use doorward_syntax::pattern::Kind;
use smallvec::SmallVec;

use crate::budget::{count, hash_steps};
use crate::decision::EvaluationError as Error;
use crate::evaluate::frame::Frame;
use crate::evaluate::value::Val;
use crate::index::{Column, Few, Found};
use crate::plan::{Lookup, Plan, Probe};
use crate::roles::Graph;
use crate::roles::closure::Closure;
use crate::sorting;
use crate::symbols::Symbol;

/// Up to so many values are compared one by one.
const SCAN_TO: usize = 16;

/// Up to so many patterns are run before it is known how many rows are left,
/// and up to so many roles are looked up.
const AT_ONCE: usize = 4;
const ROLES_AT_ONCE: usize = 64;

/// What a probe answers for one request.
#[derive(Debug)]
pub(super) enum Values<'a> {
    /// It was not asked yet.
    Unasked,
    /// No lookup can be made: the term is evaluated on every row.
    Unknown,
    /// These values, ascending where they are many.
    These(Few),
    /// The roles of a closure, which are many.
    Roles(&'a Graph, Box<Closure>),
    /// Patterns, of which some are left to be run on the text.
    Patterns(Box<Patterns<'a>>),
}

/// Patterns of which some are left to be run.
#[derive(Debug)]
pub(super) struct Patterns<'a> {
    kind: Kind,
    text: Cow<'a, str>,
    found: Found,
}

/// Whether a probe holds for a value of its column; none where its term has
/// to be evaluated.
pub(super) fn holds(
    probe: &Probe,
    values: &Values<'_>,
    value: Symbol,
    frame: &Frame<'_>,
) -> Result<Option<bool>, Error> {
    if let (Values::Unasked, Lookup::Equal(wanted)) = (values, &probe.lookup) {
        let wanted = frame.request_text(wanted);
        return Ok(wanted.map(|wanted| wanted == frame.loaded.symbols.text(value)));
    }
    values.contains(value, frame)
}

impl Values<'_> {
    /// Whether a value is among them; none where that is not known.
    fn contains(&self, value: Symbol, frame: &Frame<'_>) -> Result<Option<bool>, Error> {
        Ok(Some(match self {
            Self::Unasked | Self::Unknown => return Ok(None),
            Self::These(values) if values.len() <= SCAN_TO => values.contains(&value),
            Self::These(values) => values.binary_search(&value).is_ok(),
            Self::Roles(graph, closure) => {
                frame.budget.spend(1)?;
                closure.contains(graph, value)
            }
            Self::Patterns(patterns) => {
                let Patterns { kind, text, found } = &**patterns;
                frame.budget.spend(1)?;
                found.sure.binary_search(&value).is_ok()
                    || (found.unsure.binary_search(&value).is_ok()
                        && frame.matching().matches_symbol(*kind, text, value)?)
            }
        }))
    }

    /// How many values would have to be looked at to know them all; none
    /// where they are known.
    pub(super) fn pending(&self) -> Option<usize> {
        match self {
            Self::Roles(graph, closure) => Some(closure.len(graph)),
            Self::Patterns(patterns) => Some(patterns.found.unsure.len()),
            Self::Unasked | Self::Unknown | Self::These(_) => None,
        }
    }

    /// Finds out all values.
    pub(super) fn complete(&mut self, frame: &Frame<'_>) -> Result<(), Error> {
        let values = match self {
            Self::Roles(graph, closure) => names_of(graph, closure, frame)?,
            Self::Patterns(patterns) => patterns.run(frame)?,
            Self::Unasked | Self::Unknown | Self::These(_) => return Ok(()),
        };
        *self = these(values);
        Ok(())
    }
}

impl Patterns<'_> {
    /// The same in ascending order, so that each is found by halving.
    fn sorted(mut self) -> Self {
        self.found.sure = sorted(&self.found.sure);
        self.found.unsure = sorted(&self.found.unsure);
        self
    }

    /// The patterns that the text matches.
    fn run(&self, frame: &Frame<'_>) -> Result<Few, Error> {
        self.found.run(self.kind, &self.text, &frame.matching())
    }
}

/// The names of a closure.
fn names_of(graph: &Graph, closure: &Closure, frame: &Frame<'_>) -> Result<Few, Error> {
    frame.budget.spend(count(closure.len(graph)))?;
    let mut values = SmallVec::new();
    closure.each(graph, |role| values.push(role));
    Ok(values)
}

fn sorted(values: &[Symbol]) -> Few {
    SmallVec::from_vec(sorting::by_number(values, |value| i64::from(value.0)))
}

fn these<'a>(mut values: Few) -> Values<'a> {
    if values.len() > SCAN_TO {
        values = sorted(&values);
        values.dedup();
        return Values::These(values);
    }
    let mut different: Few = SmallVec::new();
    for value in values {
        if !different.contains(&value) {
            different.push(value);
        }
    }
    Values::These(different)
}

/// Asks a probe. An error that does not end the decision makes the values
/// unknown, since each row may be false by another term.
pub(super) fn ask<'a>(
    plan: &'a Plan,
    probe: &'a Probe,
    column: &Column,
    frame: &Frame<'a>,
) -> Result<Values<'a>, Error> {
    frame.budget.spend(1)?;
    match &probe.lookup {
        Lookup::Equal(value) => {
            let symbol = symbol(value, frame)?;
            Ok(Values::These(symbol.into_iter().collect()))
        }
        Lookup::OneOf(all) => {
            let mut values = SmallVec::new();
            for value in all {
                values.extend(symbol_in(&frame.value(value)?, frame)?);
            }
            Ok(these(values))
        }
        Lookup::In(list) => {
            let Val::List(all) = frame.value(list)? else {
                return Err(Error::OperatorType { operator: "in" });
            };
            frame.budget.spend(count(all.len()))?;
            let texts = all.iter().filter_map(|json| json.as_str());
            let mut values = SmallVec::new();
            for text in texts {
                values.extend(known(text, frame)?);
            }
            Ok(these(values))
        }
        Lookup::Pattern { kind, text } => {
            let Val::Text(text) = frame.value(text)? else {
                return Err(Error::ArgumentType {
                    function: kind.function(),
                    argument: 1,
                });
            };
            let index = probe.patterns.and_then(|number| plan.patterns.get(number));
            let Some(index) = index else {
                return Ok(Values::Unknown);
            };
            let found = index.find(&text, &frame.matching())?;
            let kind = *kind;
            let patterns = Patterns { kind, text, found };
            if patterns.found.unsure.len() <= AT_ONCE {
                return patterns.run(frame).map(these);
            }
            frame.budget.spend(count(patterns.found.unsure.len()))?;
            Ok(Values::Patterns(Box::new(patterns.sorted())))
        }
        Lookup::Role {
            graph,
            name,
            domain,
        } => roles(plan, probe, column, frame, (*graph, name, domain.as_ref())),
    }
}

/// The symbol of a text, if the policy has it.
fn known(text: &str, frame: &Frame<'_>) -> Result<Option<Symbol>, Error> {
    frame.budget.spend(hash_steps(text))?;
    Ok(frame.loaded.symbols.find(text))
}

/// The symbol of a value, if it is a text of the policy.
fn symbol(value: &Expr, frame: &Frame<'_>) -> Result<Option<Symbol>, Error> {
    if let Some(text) = frame.request_text(value) {
        return known(text, frame);
    }
    match frame.value(value)? {
        Val::Text(text) => known(&text, frame),
        _ => Ok(None),
    }
}

/// As [`symbol`], of a value in the brackets of `in`, which is no list.
fn symbol_in(value: &Val<'_>, frame: &Frame<'_>) -> Result<Option<Symbol>, Error> {
    match value {
        Val::List(_) => Err(Error::OperatorType { operator: "in" }),
        Val::Text(text) => known(text, frame),
        _ => Ok(None),
    }
}

fn text<'a>(value: &'a Expr, argument: u8, frame: &Frame<'a>) -> Result<Cow<'a, str>, Error> {
    if let Some(text) = frame.request_text(value) {
        return Ok(text.into());
    }
    match frame.value(value)? {
        Val::Text(text) => Ok(text),
        _ => Err(Error::ArgumentType {
            function: "g",
            argument,
        }),
    }
}

/// The values that are the name of a question to a role graph, or its roles.
fn roles<'a>(
    plan: &'a Plan,
    probe: &'a Probe,
    column: &Column,
    frame: &Frame<'a>,
    (number, name, domain): (u16, &'a Expr, Option<&'a Expr>),
) -> Result<Values<'a>, Error> {
    let Some(graph) = frame.loaded.graphs.get(usize::from(number)) else {
        return Ok(Values::Unknown);
    };
    let name = text(name, 1, frame)?;
    let domain = match domain {
        Some(domain) => text(domain, 3, frame)?,
        None => "".into(),
    };
    let asked = frame.asked(number, graph, &name);
    let closure = asked.closure(&domain)?;
    let Some(kind) = graph.role_matching else {
        if closure.len(graph) <= ROLES_AT_ONCE {
            return names_of(graph, &closure, frame).map(these);
        }
        return Ok(Values::Roles(graph, Box::new(closure)));
    };
    let index = probe.patterns.and_then(|number| plan.patterns.get(number));
    let Some(index) = index else {
        return Ok(Values::Unknown);
    };
    let mut values: Few = SmallVec::new();
    closure.each(graph, |role| values.push(role));
    for name in asked.texts(&closure) {
        values.extend(index.matching(name, &asked.matching)?);
    }
    for pattern in closure.open() {
        let symbols = asked.matching.symbols;
        if asked.matching.patterns.is_literal(kind, *pattern, symbols) {
            continue;
        }
        for value in column.values() {
            let text = symbols.text(*value);
            if asked.matching.matches_symbol(kind, text, *pattern)? {
                values.push(*value);
            }
        }
    }
    values.retain(|value| !column.rows(*value).is_empty());
    Ok(these(values))
}
