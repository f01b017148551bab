//! The values of a column for which a lookup is true.

use std::borrow::Cow;

use doorward_syntax::expression::Expr;
use doorward_syntax::pattern::Kind;
use smallvec::SmallVec;

use crate::budget::{count, hash_steps};
use crate::decision::EvaluationError as Error;
use crate::evaluate::frame::{Frame, is_final};
use crate::evaluate::value::Val;
use crate::index::{Few, PatternIndex};
use crate::plan::{Lookup, Plan, Probe};
use crate::roles::Graph;
use crate::roles::closure::Closure;
use crate::sorting;
use crate::symbols::Symbol;

/// Up to so many values are compared one by one.
const SCAN_TO: usize = 16;

/// Up to so many patterns are run before it is known how many rows are left.
const AT_ONCE: usize = 4;

/// Finding out one more role and its rows costs as much as asking so many rows
/// whether theirs is among those that are known.
const ROWS_PER_ROLE: usize = 4;

/// What a probe answers for one request.
#[derive(Debug, Clone, Copy)]
pub(super) enum Values<'a> {
    /// It was not asked yet.
    Unasked,
    /// It is not asked, since the rows are few: the value of a row is run on
    /// this text as a pattern.
    Pattern(Kind, &'a str),
    /// No lookup can be made: the term is evaluated on every row.
    Unknown,
    /// One value.
    One(Symbol),
    /// The values from one place to another, ascending where they are many.
    These(usize, usize),
    /// The names of a closure, by its number.
    Roles(usize),
    /// Patterns, of which some are left to be run on the text, by number.
    Patterns(usize),
}

/// What a probe answers, and how many rows its values leave, where that was
/// asked.
#[derive(Debug, Clone, Copy)]
struct Answer<'a> {
    values: Values<'a>,
    leaves: Option<usize>,
}

/// A closure and its graph.
#[derive(Debug)]
struct Roles<'a> {
    graph: &'a Graph,
    closure: Closure,
}

/// Patterns of which some are left to be run.
#[derive(Debug)]
struct Patterns<'a> {
    kind: Kind,
    text: Cow<'a, str>,
    /// These match.
    sure: Few,
    /// These have to be run.
    unsure: Few,
}

/// What all probes of a plan answer for one request.
pub(super) struct Answers<'a> {
    plan: &'a Plan,
    frame: &'a Frame<'a>,
    /// By number of the probe.
    answers: SmallVec<[Answer<'a>; 6]>,
    /// The values that answers name by their places.
    values: Few,
    roles: SmallVec<[Roles<'a>; 1]>,
    patterns: Vec<Patterns<'a>>,
}

impl<'a> Answers<'a> {
    /// Nothing asked yet.
    #[inline]
    pub(super) fn new(plan: &'a Plan, frame: &'a Frame<'a>) -> Self {
        let unasked = Answer {
            values: Values::Unasked,
            leaves: None,
        };
        Self {
            plan,
            frame,
            answers: SmallVec::from_elem(unasked, plan.probes.len()),
            values: SmallVec::new(),
            roles: SmallVec::new(),
            patterns: Vec::new(),
        }
    }

    /// The values that a probe was answered with, if all of them are known.
    pub(super) fn these(&self, number: usize) -> Option<&[Symbol]> {
        match &self.answers.get(number)?.values {
            Values::One(value) => Some(std::slice::from_ref(value)),
            Values::These(start, end) => self.values.get(*start..*end),
            _ => None,
        }
    }

    /// Asks a probe that was not asked yet. An error that does not end the
    /// decision makes the values unknown, since each row may be false by
    /// another term.
    pub(super) fn ask(&mut self, number: usize) -> Result<(), Error> {
        // Rows that are few in one branch may be many in another.
        let unasked =
            |answer: &Answer<'_>| matches!(answer.values, Values::Unasked | Values::Pattern(..));
        if let Some(probe) = self.plan.probes.get(number)
            && self.answers.get(number).is_some_and(unasked)
        {
            let asked = self.values_of(probe);
            self.set(number, asked)?;
        }
        Ok(())
    }

    /// Whether finding out all values of a probe costs less than asking it of
    /// so many rows; not where its values are known.
    pub(super) fn is_worth_completing(&self, number: usize, rows: usize) -> bool {
        match self.answers.get(number).map(|answer| answer.values) {
            Some(Values::Roles(number)) => self.roles.get(number).is_some_and(|roles| {
                let values = roles.closure.len(roles.graph);
                let by_row = rows.saturating_mul(roles.closure.places_to_look());
                values.saturating_mul(ROWS_PER_ROLE) < by_row
            }),
            // A pattern costs the same, wherever it is run.
            Some(Values::Patterns(number)) => {
                let patterns = self.patterns.get(number);
                patterns.is_some_and(|patterns| patterns.unsure.len() < rows)
            }
            _ => false,
        }
    }

    /// Finds out all values of a probe.
    pub(super) fn complete(&mut self, number: usize) -> Result<(), Error> {
        let start = self.values.len();
        let found = match self.answers.get(number).map(|answer| answer.values) {
            Some(Values::Roles(roles)) => self.names_of(roles),
            Some(Values::Patterns(patterns)) => self.run(patterns),
            _ => return Ok(()),
        };
        let all = found.map(|()| self.since(start));
        self.set(number, all)
    }

    /// How many rows the values of a probe leave, if all values are known.
    pub(super) fn count_rows(&mut self, number: usize) -> Option<usize> {
        let answer = self.answers.get(number)?;
        if answer.leaves.is_some() {
            return answer.leaves;
        }
        let column = &self.plan.probes.get(number)?.column;
        let rows = self.these(number)?.iter();
        let rows = rows.map(|value| column.rows(*value).len());
        let rows = rows.fold(0, usize::saturating_add);
        self.answers.get_mut(number)?.leaves = Some(rows);
        Some(rows)
    }

    /// Leaves a probe to be answered row by row, if it can be.
    pub(super) fn by_row(&mut self, number: usize) -> bool {
        let lookup = self.plan.probes.get(number).map(|probe| &probe.lookup);
        let (Some(lookup), Some(answer)) = (lookup, self.answers.get_mut(number)) else {
            return false;
        };
        let Lookup::Pattern { kind, text } = lookup else {
            return false;
        };
        let text = self.frame.request_text(text);
        let values = text.map(|text| Values::Pattern(*kind, text));
        if let (Some(values), Values::Unasked) = (values, answer.values) {
            answer.values = values;
        }
        values.is_some()
    }

    /// Whether a probe holds for a value of its column, where that is known
    /// without further work.
    #[inline]
    pub(super) fn known(&self, number: usize, value: Symbol) -> Option<bool> {
        match self.answers.get(number)?.values {
            Values::One(one) => Some(one == value),
            Values::Roles(number) => {
                let Roles { graph, closure } = self.roles.get(number)?;
                let steps = count(closure.places_to_look());
                self.frame.budget.spend(steps).ok()?;
                Some(closure.contains(graph, value))
            }
            Values::These(start, end) => {
                let values = self.values.get(start..end)?;
                Some(if values.len() <= SCAN_TO {
                    values.contains(&value)
                } else {
                    values.binary_search(&value).is_ok()
                })
            }
            _ => None,
        }
    }

    /// Whether a probe holds for a value of its column; none where its term
    /// has to be evaluated.
    pub(super) fn holds(&self, number: usize, value: Symbol) -> Result<Option<bool>, Error> {
        let frame = self.frame;
        let matching = frame.matching();
        match self.answers.get(number).map(|answer| answer.values) {
            Some(Values::Pattern(kind, text)) => {
                matching.matches_symbol(kind, text, value).map(Some)
            }
            Some(Values::Patterns(number)) => {
                let Some(patterns) = self.patterns.get(number) else {
                    return Ok(None);
                };
                frame.budget.spend(1)?;
                let (kind, text) = (patterns.kind, &*patterns.text);
                Ok(Some(
                    patterns.sure.binary_search(&value).is_ok()
                        || (patterns.unsure.binary_search(&value).is_ok()
                            && matching.matches_symbol(kind, text, value)?),
                ))
            }
            _ => Ok(self.known(number, value)),
        }
    }

    fn set(&mut self, number: usize, found: Result<Values<'a>, Error>) -> Result<(), Error> {
        let values = match found {
            Ok(values) => values,
            Err(error) if is_final(error) => return Err(error),
            Err(_) => Values::Unknown,
        };
        if let Some(answer) = self.answers.get_mut(number) {
            answer.values = values;
        }
        Ok(())
    }

    /// The values from a place on, of which some may be there twice.
    fn since(&mut self, start: usize) -> Values<'a> {
        let all = self.values.get(start..).unwrap_or_default();
        if all.len() > SCAN_TO {
            let mut sorted = sorted(all);
            sorted.dedup();
            self.values.truncate(start);
            self.values.extend_from_slice(&sorted);
        }
        Values::These(start, self.values.len())
    }

    fn values_of(&mut self, probe: &'a Probe) -> Result<Values<'a>, Error> {
        let frame = self.frame;
        frame.budget.spend(1)?;
        let start = self.values.len();
        match &probe.lookup {
            Lookup::Equal(value) => {
                let symbol = match frame.request_text(value) {
                    Some(text) => known(text, frame)?,
                    None => symbol(&frame.value(value)?, frame)?,
                };
                return Ok(symbol.map_or(Values::These(start, start), Values::One));
            }
            Lookup::OneOf(all) => {
                for value in all {
                    let value = frame.value(value)?;
                    if let Val::List(_) = value {
                        return Err(Error::OperatorType { operator: "in" });
                    }
                    self.values.extend(symbol(&value, frame)?);
                }
            }
            Lookup::In(list) => {
                let Val::List(all) = frame.value(list)? else {
                    return Err(Error::OperatorType { operator: "in" });
                };
                frame.budget.spend(count(all.len()))?;
                for text in all.iter().filter_map(|json| json.as_str()) {
                    self.values.extend(known(text, frame)?);
                }
            }
            Lookup::Pattern { kind, text } => {
                let text = text_of(text, kind.function(), 1, frame)?;
                return self.patterns(*kind, text, probe);
            }
            Lookup::Role {
                graph,
                name,
                domain,
            } => {
                let name = text_of(name, "g", 1, frame)?;
                let domain = match domain {
                    Some(domain) => text_of(domain, "g", 3, frame)?,
                    None => "".into(),
                };
                return self.roles(*graph, &name, &domain, probe);
            }
        }
        Ok(self.since(start))
    }

    /// The patterns of a column that a text matches.
    fn patterns(
        &mut self,
        kind: Kind,
        text: Cow<'a, str>,
        probe: &Probe,
    ) -> Result<Values<'a>, Error> {
        let Some(index) = probe.patterns.as_deref() else {
            return Ok(Values::Unknown);
        };
        let start = self.values.len();
        let mut unsure = SmallVec::new();
        let matching = self.frame.matching();
        index.find(&text, &matching, &mut self.values, &mut unsure)?;
        if unsure.len() <= AT_ONCE {
            PatternIndex::run(kind, &text, &unsure, &matching, &mut self.values)?;
            return Ok(self.since(start));
        }
        // In ascending order, so that each is found by halving.
        matching.budget.spend(count(unsure.len()))?;
        let sure = sorted(self.values.get(start..).unwrap_or_default());
        self.values.truncate(start);
        self.patterns.push(Patterns {
            kind,
            text,
            sure,
            unsure: sorted(&unsure),
        });
        Ok(Values::Patterns(self.patterns.len().saturating_sub(1)))
    }

    /// Runs the patterns that are left.
    fn run(&mut self, number: usize) -> Result<(), Error> {
        let Some(patterns) = self.patterns.get(number) else {
            return Ok(());
        };
        let Patterns {
            kind,
            text,
            sure,
            unsure,
        } = patterns;
        self.values.extend_from_slice(sure);
        let matching = self.frame.matching();
        PatternIndex::run(*kind, text, unsure, &matching, &mut self.values)
    }

    /// The values that are the name of a question to a role graph, or its
    /// roles.
    fn roles(
        &mut self,
        number: u16,
        name: &str,
        domain: &str,
        probe: &Probe,
    ) -> Result<Values<'a>, Error> {
        let frame = self.frame;
        let Some(graph) = frame.loaded.graphs.get(usize::from(number)) else {
            return Ok(Values::Unknown);
        };
        let mut asked = frame.asked(number, graph, name);
        let start = self.values.len();
        let Some(kind) = graph.role_matching else {
            asked.only_known = frame.is_simple(graph);
            let number = self.roles.len();
            let closure = Closure::default();
            self.roles.push(Roles { graph, closure });
            if let Some(roles) = self.roles.last_mut() {
                asked.gather(domain, &mut roles.closure)?;
                if roles.closure.is_unknown() {
                    return Ok(Values::These(start, start));
                }
            }
            return Ok(Values::Roles(number));
        };
        let closure = asked.closure(domain)?;
        let Some(index) = probe.patterns.as_deref() else {
            return Ok(Values::Unknown);
        };
        let column = &probe.column;
        closure.each(graph, |role| self.values.push(role));
        for name in asked.texts(&closure) {
            index.matching(name, &asked.matching, &mut self.values)?;
        }
        for pattern in closure.open() {
            let symbols = asked.matching.symbols;
            if asked.matching.patterns.is_literal(kind, *pattern, symbols) {
                continue;
            }
            for value in column.values() {
                let text = symbols.text(*value);
                if asked.matching.matches_symbol(kind, text, *pattern)? {
                    self.values.push(*value);
                }
            }
        }
        Ok(self.since(start))
    }

    /// The names of a closure.
    fn names_of(&mut self, number: usize) -> Result<(), Error> {
        if let Some(Roles { graph, closure }) = self.roles.get(number) {
            self.frame.budget.spend(count(closure.len(graph)))?;
            closure.each(graph, |role| self.values.push(role));
        }
        Ok(())
    }
}

fn sorted(values: &[Symbol]) -> Few {
    SmallVec::from_vec(sorting::by_number(values, |value| i64::from(value.0)))
}

/// The symbol of a text, if the policy has it.
fn known(text: &str, frame: &Frame<'_>) -> Result<Option<Symbol>, Error> {
    frame.budget.spend(hash_steps(text))?;
    Ok(frame.loaded.symbols.find(text))
}

/// The symbol of a value, if it is a text of the policy.
fn symbol(value: &Val<'_>, frame: &Frame<'_>) -> Result<Option<Symbol>, Error> {
    match value {
        Val::Text(text) => known(text, frame),
        _ => Ok(None),
    }
}

/// The text of an argument.
fn text_of<'a>(
    value: &'a Expr,
    function: &'static str,
    argument: u8,
    frame: &Frame<'a>,
) -> Result<Cow<'a, str>, Error> {
    if let Some(text) = frame.request_text(value) {
        return Ok(text.into());
    }
    match frame.value(value)? {
        Val::Text(text) => Ok(text),
        _ => Err(Error::ArgumentType { function, argument }),
    }
}
