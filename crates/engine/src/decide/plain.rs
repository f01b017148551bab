//! Few rows and a plain matcher: each row is asked as it stands.

use crate::budget::{count, hash_steps};
use crate::decision::EvaluationError as Error;
use crate::effect::{Merge, Settled};
use crate::evaluate::frame::Frame;
use crate::index::Few;
use crate::plan::plain::{Asks, Plain, Test};
use crate::plan::{FEW_ROWS, Lookup, Plan};
use crate::request::{GraphId, Value};
use crate::roles::Graph;
use crate::roles::closure::Closure;
use crate::symbols::Symbol;
use crate::table::Table;

use super::rows::Merged;

/// An error, and the position of the row that it comes from.
type Failed = (Error, Option<u32>);

/// The positions of all rows, where they are few.
const ALL: [u32; FEW_ROWS] = [0, 1, 2, 3, 4, 5];

/// The plain matcher of a plan, if it has one, which may leave few rows, and
/// the request is of texts.
pub(super) fn of<'a>(plan: &'a Plan, table: &Table, frame: &Frame<'_>) -> Option<&'a Plain> {
    let plain = plan.plain.as_ref()?;
    let may_be_few = table.len() <= FEW_ROWS || plain.first.is_some();
    if !may_be_few || plain.request != frame.request.context.request {
        return None;
    }
    let mut tests = plain.tests.iter();
    let is_plain = |test: &Test| {
        value(frame, test.value).is_some()
            && match test.asks {
                Asks::Equal | Asks::Pattern(_) => true,
                Asks::Role { graph, domain } => {
                    let graph = frame.loaded.graphs.get(usize::from(graph));
                    graph.is_some_and(|graph| frame.is_simple(graph))
                        && domain.is_none_or(|domain| value(frame, domain).is_some())
                }
            }
    };
    tests.all(is_plain).then_some(plain)
}

/// A value of the request that is text.
fn value<'a>(frame: &Frame<'a>, number: u16) -> Option<&'a str> {
    match frame.request.values.get(usize::from(number)) {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}

/// One request and the plain matcher that answers it.
pub(super) struct Search<'a> {
    plain: &'a Plain,
    table: &'a Table,
    frame: &'a Frame<'a>,
    /// Whether all rows that are asked hold the first lookup.
    is_first_known: bool,
    /// What is known about the role that rows ask for.
    role: Role,
}

/// What is known about one question to a role graph.
#[derive(Default)]
struct Role {
    /// What the last row asked for, and the answer.
    last: Option<(Symbol, bool)>,
    /// All roles, once they had to be found out.
    closure: Option<Closure>,
}

impl<'a> Search<'a> {
    /// Nothing asked yet.
    #[inline]
    pub(super) fn new(plain: &'a Plain, table: &'a Table, frame: &'a Frame<'a>) -> Self {
        Self {
            plain,
            table,
            frame,
            is_first_known: false,
            role: Role::default(),
        }
    }

    /// The decision, if few rows are left; none where they are many.
    pub(super) fn decide(
        &mut self,
        plan: &'a Plan,
        merge: &mut Merge,
        examined: &mut u32,
    ) -> Result<Option<Settled>, Failed> {
        let mut merged = Merged::new();
        let left = if self.table.len() <= FEW_ROWS {
            ALL.get(..self.table.len())
        } else {
            let left = self.positions(plan, &mut merged);
            left.map_err(|error| (error, None))?
        };
        let Some(positions) = left else {
            return Ok(None);
        };
        let mut equal = false;
        for position in positions {
            *examined = examined.saturating_add(1);
            let failed = |error| (error, Some(*position));
            let Some(row) = self.table.row(*position) else {
                continue;
            };
            if self.holds(row, &mut equal).map_err(failed)?
                && let Some(effect) = self.table.effect(*position)
                && let Some(settled) = merge.matched(*position, effect)
            {
                return Ok(Some(settled));
            }
        }
        // Values that no row has are a lookup that finds none.
        if !equal {
            *examined = 0;
        }
        Ok(Some(merge.finish()))
    }

    /// The rows that the first lookup leaves, in order, if they are few.
    fn positions<'m>(
        &mut self,
        plan: &'a Plan,
        merged: &'m mut Merged,
    ) -> Result<Option<&'m [u32]>, Error>
    where
        'a: 'm,
    {
        let frame = self.frame;
        let first = self.plain.first.and_then(|number| plan.probes.get(number));
        let Some(probe) = first else {
            return Ok(None);
        };
        let (Lookup::Equal(text) | Lookup::Pattern { text, .. }) = &probe.lookup else {
            return Ok(None);
        };
        let Some(text) = frame.request_text(text) else {
            return Ok(None);
        };
        frame.budget.spend(hash_steps(text).saturating_add(1))?;
        let mut values = Few::new();
        let mut unsure = Few::new();
        match &probe.patterns {
            Some(index) => index.find(text, &frame.matching(), &mut values, &mut unsure)?,
            None => values.extend(frame.loaded.symbols.find(text)),
        }
        // Those that have to be run are run on the rows.
        self.is_first_known = unsure.is_empty();
        if let ([value], []) = (values.as_slice(), unsure.as_slice()) {
            let rows = probe.column.rows(*value);
            return Ok((rows.len() <= FEW_ROWS).then_some(rows));
        }
        for value in values.iter().chain(&unsure) {
            let rows = probe.column.rows(*value);
            if merged.len().saturating_add(rows.len()) > FEW_ROWS {
                return Ok(None);
            }
            merged.extend_from_slice(rows);
        }
        // No row has two of the values.
        merged.sort_unstable();
        Ok(Some(merged))
    }

    /// Whether a row matches; `equal` becomes true if its values are those of
    /// the request where they have to be.
    fn holds(&mut self, row: &[Symbol], equal: &mut bool) -> Result<bool, Error> {
        let frame = self.frame;
        frame.budget.spend(count(self.plain.tests.len()))?;
        for test in &self.plain.tests {
            if test.is_first && self.is_first_known {
                *equal = true;
                continue;
            }
            let (Some(text), Some(cell)) =
                (value(frame, test.value), row.get(usize::from(test.field)))
            else {
                return Ok(false);
            };
            let holds = match test.asks {
                Asks::Equal => frame.loaded.symbols.is(*cell, text),
                Asks::Pattern(kind) => {
                    *equal = true;
                    frame.matching().matches_symbol(kind, text, *cell)?
                }
                Asks::Role { graph, domain } => {
                    *equal = true;
                    self.has_role(graph, domain, text, *cell)?
                }
            };
            if !holds {
                return Ok(false);
            }
        }
        *equal = true;
        Ok(true)
    }

    /// Whether a name has a role.
    fn has_role(
        &mut self,
        number: u16,
        domain: Option<u16>,
        name: &str,
        role: Symbol,
    ) -> Result<bool, Error> {
        if let Some((last, has)) = self.role.last
            && last == role
        {
            return Ok(has);
        }
        let frame = self.frame;
        let Some(graph) = frame.loaded.graphs.get(usize::from(number)) else {
            return Ok(false);
        };
        let has = match self.is_given(number, graph, name, role)? {
            Some(has) => has,
            None => {
                let closure = match &mut self.role.closure {
                    Some(closure) => closure,
                    none => {
                        let mut asked = frame.asked(number, graph, name);
                        asked.only_known = true;
                        let domain = domain.and_then(|number| value(frame, number));
                        let closure = none.insert(Closure::default());
                        asked.gather(domain.unwrap_or(""), closure)?;
                        closure
                    }
                };
                frame.budget.spend(count(closure.places_to_look()))?;
                closure.contains(graph, role)
            }
        };
        self.role.last = Some((role, has));
        Ok(has)
    }

    /// Whether a name is a role or has it by a link of the request; none where
    /// that is not known before links of the policy are followed.
    fn is_given(
        &self,
        number: u16,
        graph: &Graph,
        name: &str,
        role: Symbol,
    ) -> Result<Option<bool>, Error> {
        let frame = self.frame;
        frame.budget.spend(count(frame.own.len()))?;
        let symbols = &frame.loaded.symbols;
        if symbols.is(role, name) {
            return Ok(Some(true));
        }
        if frame.loaded.settings.max_hierarchy_level == 0 {
            return Ok(Some(false));
        }
        let given = frame.own.gives(GraphId(number), name, symbols.bytes(role));
        Ok(given.filter(|given| *given || graph.is_empty()))
    }
}
