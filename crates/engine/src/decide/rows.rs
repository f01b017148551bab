//! The rows that may matter for one request.

use smallvec::SmallVec;

use crate::budget::count;
use crate::decision::EvaluationError as Error;
use crate::effect::RowEffect;
use crate::evaluate::frame::{Frame, is_final};
use crate::plan::{Asks, Branch, Lookup, Plan};
use crate::symbols::Symbol;
use crate::table::Table;

use super::answers::{self, Values};

/// Looking up one combination of values costs as much as so many rows.
const ROWS_PER_TUPLE: usize = 2;

/// So many rows are sooner asked for their value or pattern one by one than all
/// values or patterns are looked up.
const FEW_ROWS: usize = 4;

/// The positions of rows, ascending.
pub(super) enum Rows<'a> {
    All,
    These(&'a [u32]),
}

/// Room for the positions of rows from several lists.
pub(super) type Merged = SmallVec<[u32; 64]>;

/// One request and the plan that answers it.
pub(super) struct Search<'a> {
    plan: &'a Plan,
    table: &'a Table,
    frame: Frame<'a>,
    /// What the probes answer, by number.
    values: SmallVec<[Values<'a>; 6]>,
    /// How many rows each probe's values leave, where that was asked.
    leaves: SmallVec<[Option<usize>; 6]>,
    /// The branches that are not false on every row.
    branches: SmallVec<[Open<'a>; 4]>,
    /// Lists of rows that together hold all rows of these branches, unless
    /// one of them may hold on any row.
    lists: SmallVec<[&'a [u32]; 8]>,
    any_row: bool,
}

/// A branch that may be true.
struct Open<'a> {
    branch: &'a Branch,
    /// The first error of its terms that are the same on every row.
    error: Option<Error>,
}

impl<'a> Search<'a> {
    /// Nothing asked yet.
    pub(super) fn new(plan: &'a Plan, table: &'a Table, frame: Frame<'a>) -> Self {
        Self {
            plan,
            table,
            frame,
            values: plan.probes.iter().map(|_| Values::Unasked).collect(),
            leaves: plan.probes.iter().map(|_| None).collect(),
            branches: SmallVec::new(),
            lists: SmallVec::new(),
            any_row: false,
        }
    }

    /// Asks what has to be asked to know which rows may matter.
    pub(super) fn ask_all(&mut self) -> Result<(), Error> {
        for branch in &self.plan.branches {
            if let Some(open) = self.open(branch)? {
                self.list(branch)?;
                self.branches.push(open);
            }
        }
        Ok(())
    }

    /// The branch; none if it is false on every row.
    fn open(&mut self, branch: &'a Branch) -> Result<Option<Open<'a>>, Error> {
        let mut error = None;
        for number in &branch.request_terms {
            let Some(term) = self.plan.request_terms.get(*number) else {
                continue;
            };
            match self.frame.holds(term) {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(failed) if is_final(failed) => return Err(failed),
                Err(failed) => error = error.or(Some(failed)),
            }
        }
        let mut least = usize::MAX;
        for Asks { probe: number, .. } in &branch.probes {
            if self.is_cheaper_by_row(*number, least) {
                continue;
            }
            self.ask(*number)?;
            // Where rows are few, how many another lookup leaves is dear to know.
            if least > FEW_ROWS {
                least = least.min(self.leaves(*number).unwrap_or(usize::MAX));
            }
            if let Some(Values::These(values)) = self.values.get(*number)
                && values.is_empty()
            {
                return Ok(None);
            }
        }
        Ok(Some(Open { branch, error }))
    }

    fn ask(&mut self, number: usize) -> Result<(), Error> {
        let Some(probe) = self.plan.probes.get(number) else {
            return Ok(());
        };
        let (Some(column), Some(values)) = (
            self.plan.columns.get(probe.column),
            self.values.get_mut(number),
        ) else {
            return Ok(());
        };
        if !matches!(values, Values::Unasked) {
            return Ok(());
        }
        *values = match answers::ask(self.plan, probe, column, &self.frame) {
            Ok(values) => values,
            Err(error) if is_final(error) => return Err(error),
            Err(_) => Values::Unknown,
        };
        Ok(())
    }

    /// Adds the lists of a branch's rows: those of the lookup that leaves
    /// least.
    fn list(&mut self, branch: &'a Branch) -> Result<(), Error> {
        let mut best = self.shortest(branch);
        for Asks { probe: number, .. } in &branch.probes {
            let pending = self.values.get(*number).and_then(Values::pending);
            let least = best.map_or(self.table.len(), |(_, rows)| rows);
            if pending.is_some_and(|pending| pending < least) {
                self.complete(*number)?;
                self.leaves(*number);
                best = self.shortest(branch);
            }
        }
        let before = self.lists.len();
        let Some((number, rows)) = best else {
            self.any_row = true;
            return Ok(());
        };
        if !self.list_tuples(branch, rows)? {
            let column = self.plan.probes.get(number);
            let column = column.and_then(|probe| self.plan.columns.get(probe.column));
            if let (Some(column), Some(Values::These(values))) = (column, self.values.get(number)) {
                let lists = values.iter().map(|value| column.rows(*value));
                self.lists.extend(lists.filter(|rows| !rows.is_empty()));
            }
        }
        let added = self.lists.len().saturating_sub(before);
        self.frame.budget.spend(count(added))
    }

    fn complete(&mut self, number: usize) -> Result<(), Error> {
        let Some(values) = self.values.get_mut(number) else {
            return Ok(());
        };
        match values.complete(&self.frame) {
            Err(error) if !is_final(error) => *values = Values::Unknown,
            result => result?,
        }
        Ok(())
    }

    /// The rows that a probe's values leave, if they are known.
    fn leaves(&mut self, number: usize) -> Option<usize> {
        let Some(Values::These(values)) = self.values.get(number) else {
            return None;
        };
        let leaves = self.leaves.get_mut(number)?;
        if leaves.is_none() {
            let probe = self.plan.probes.get(number)?;
            let column = self.plan.columns.get(probe.column)?;
            let rows = values.iter().map(|value| column.rows(*value).len());
            *leaves = Some(rows.fold(0, usize::saturating_add));
        }
        *leaves
    }

    /// Whether so few rows are known to be left that it costs less to ask each
    /// of them than to look up all values.
    fn is_cheaper_by_row(&self, number: usize, rows: usize) -> bool {
        let probe = self.plan.probes.get(number);
        let by_row = |lookup: &Lookup| matches!(lookup, Lookup::Equal(_) | Lookup::Pattern { .. });
        rows <= FEW_ROWS && probe.is_some_and(|probe| by_row(&probe.lookup))
    }

    /// The probe whose values leave the fewest rows, of those that were asked
    /// how many, and how many.
    fn shortest(&self, branch: &Branch) -> Option<(usize, usize)> {
        let known = branch.probes.iter().map(|asks| asks.probe);
        known
            .filter_map(|number| Some((number, (*self.leaves.get(number)?)?)))
            .min_by_key(|(_, rows)| *rows)
    }

    /// Adds the lists of a branch's rows by all columns together, if that
    /// reads less than `rows` rows.
    fn list_tuples(&mut self, branch: &'a Branch, rows: usize) -> Result<bool, Error> {
        let Some(tuples) = &branch.tuples else {
            return Ok(false);
        };
        let mut all: SmallVec<[&[Symbol]; 6]> = SmallVec::new();
        let mut combinations = 1_usize;
        for field in tuples.fields() {
            let values = branch.probes.iter().find_map(|asks| {
                let probe = self.plan.probes.get(asks.probe)?;
                match self.values.get(asks.probe) {
                    Some(Values::These(values)) if probe.field == *field => Some(values),
                    _ => None,
                }
            });
            let Some(values) = values else {
                return Ok(false);
            };
            combinations = combinations.saturating_mul(values.len());
            all.push(values);
        }
        if combinations.saturating_mul(ROWS_PER_TUPLE) >= rows {
            return Ok(false);
        }
        self.frame.budget.spend(count(combinations))?;
        let mut tuple: SmallVec<[Symbol; 6]> = SmallVec::new();
        for combination in 0..combinations {
            let mut left = combination;
            tuple.clear();
            for values in &all {
                let index = left.checked_rem(values.len()).unwrap_or(0);
                left = left.checked_div(values.len()).unwrap_or(0);
                tuple.extend(values.get(index).copied());
            }
            let rows = tuples.rows(self.table, &tuple);
            if !rows.is_empty() {
                self.lists.push(rows);
            }
        }
        Ok(true)
    }

    /// The rows that may match or fail: all others are false.
    pub(super) fn rows<'m>(&self, merged: &'m mut Merged) -> Result<Rows<'m>, Error>
    where
        'a: 'm,
    {
        if self.any_row {
            return Ok(Rows::All);
        }
        let lists = &self.lists;
        match lists.as_slice() {
            [] => return Ok(Rows::These(&[])),
            [rows] => return Ok(Rows::These(rows)),
            _ => {}
        }
        let total = lists.iter().map(|rows| rows.len());
        let total = total.fold(0, usize::saturating_add);
        self.frame.budget.spend(count(total) >> 3)?;
        if total >= self.table.len() {
            return Ok(Rows::All);
        }
        merged.reserve(total);
        for list in lists {
            merged.extend_from_slice(list);
        }
        merged.sort_unstable();
        merged.dedup();
        Ok(Rows::These(merged))
    }

    /// What a row says if it matches, and none if it does not. The first
    /// branch that is not false decides.
    pub(super) fn matching(&self, position: u32) -> Result<Option<RowEffect>, Error> {
        let Some(row) = self.table.row(position) else {
            return Ok(None);
        };
        let frame = Frame {
            row: Some(row),
            ..self.frame
        };
        frame.budget.spend(1)?;
        for open in &self.branches {
            if self.holds(open, row, &frame)? {
                return Ok(self.table.effect(position));
            }
        }
        Ok(None)
    }

    /// Whether a branch holds on a row: false wins over an error.
    fn holds(&self, open: &Open<'a>, row: &[Symbol], frame: &Frame<'a>) -> Result<bool, Error> {
        let mut first = open.error;
        let mut take = |result| match result {
            Ok(holds) => Ok(holds),
            Err(error) if is_final(error) => Err(error),
            Err(error) => {
                first = first.or(Some(error));
                Ok(true)
            }
        };
        for Asks {
            probe: number,
            term,
        } in &open.branch.probes
        {
            let probe = self.plan.probes.get(*number);
            let (Some(probe), Some(values)) = (probe, self.values.get(*number)) else {
                continue;
            };
            let cell = row.get(usize::from(probe.field)).copied();
            let known = match cell {
                Some(cell) => answers::holds(probe, values, cell, frame).transpose(),
                None => None,
            };
            let holds = known.unwrap_or_else(|| frame.holds(term));
            if !take(holds)? {
                return Ok(false);
            }
        }
        for term in &open.branch.residual {
            if !take(frame.holds(term))? {
                return Ok(false);
            }
        }
        first.map_or(Ok(true), Err)
    }
}
