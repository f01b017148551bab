//! The rows that may matter for one request.

use smallvec::SmallVec;

use crate::budget::count;
use crate::decision::EvaluationError as Error;
use crate::effect::RowEffect;
use crate::evaluate::frame::{Frame, is_final};
use crate::plan::{Asks, Branch, FEW_ROWS, Plan};
use crate::symbols::Symbol;
use crate::table::Table;

use super::answers::Answers;

/// Looking up one combination of values costs as much as so many rows.
const ROWS_PER_TUPLE: usize = 2;

/// The positions of rows, ascending.
pub(super) enum Rows<'a> {
    /// So many from the first on.
    All(u32),
    These(&'a [u32]),
}

impl Rows<'_> {
    /// The position of the row of that number.
    pub(super) fn get(&self, number: u32) -> Option<u32> {
        match self {
            Self::All(rows) => (number < *rows).then_some(number),
            Self::These(rows) => rows.get(usize::try_from(number).ok()?).copied(),
        }
    }
}

/// Room for the positions of rows from several lists.
pub(super) type Merged = SmallVec<[u32; 64]>;

/// One request and the plan that answers it.
pub(super) struct Search<'a> {
    plan: &'a Plan,
    table: &'a Table,
    frame: &'a Frame<'a>,
    answers: Answers<'a>,
    /// The branches that are not false on every row.
    branches: SmallVec<[Open<'a>; 4]>,
    /// Lists of rows that together hold all rows of these branches, unless
    /// one of them may hold on any row.
    lists: SmallVec<[&'a [u32]; 12]>,
    any_row: bool,
}

/// The lookup of a branch that leaves fewest rows, of those whose rows were
/// counted; all rows where there is none.
#[derive(Clone, Copy)]
struct Best {
    probe: Option<usize>,
    rows: usize,
}

/// A branch that may be true.
struct Open<'a> {
    branch: &'a Branch,
    /// The first error of its terms that are the same on every row.
    error: Option<Error>,
}

impl<'a> Search<'a> {
    /// Nothing asked yet.
    #[inline]
    pub(super) fn new(plan: &'a Plan, table: &'a Table, frame: &'a Frame<'a>) -> Self {
        Self {
            plan,
            table,
            frame,
            answers: Answers::new(plan, frame),
            branches: SmallVec::new(),
            lists: SmallVec::new(),
            any_row: false,
        }
    }

    /// Asks what has to be asked to know which rows may matter.
    pub(super) fn ask_all(&mut self) -> Result<(), Error> {
        for branch in &self.plan.branches {
            if let Some((open, best)) = self.open(branch)? {
                self.list(branch, best)?;
                self.branches.push(open);
            }
        }
        Ok(())
    }

    /// Asks the terms and lookups of a branch: none if it is false on every
    /// row, else the lookup that leaves fewest rows with it.
    fn open(&mut self, branch: &'a Branch) -> Result<Option<(Open<'a>, Best)>, Error> {
        let mut error = None;
        for term in &branch.request_terms {
            match self.frame.holds(term) {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(failed) if is_final(failed) => return Err(failed),
                Err(failed) => error = error.or(Some(failed)),
            }
        }
        let mut best = Best {
            probe: None,
            rows: self.table.len(),
        };
        for Asks { probe: number, .. } in &branch.probes {
            // Where rows are few, how many another lookup leaves is dear to
            // know, and some need not be made at all.
            if best.rows <= FEW_ROWS && self.answers.by_row(*number) {
                continue;
            }
            self.answers.ask(*number)?;
            if self.answers.these(*number).is_some_and(<[_]>::is_empty) {
                return Ok(None);
            }
            if best.rows > FEW_ROWS {
                self.count(*number, &mut best);
            }
        }
        Ok(Some((Open { branch, error }, best)))
    }

    /// Counts the rows that a lookup leaves, if all its values are known.
    fn count(&mut self, probe: usize, best: &mut Best) {
        if let Some(rows) = self.answers.count_rows(probe)
            && (best.probe.is_none() || rows < best.rows)
        {
            *best = Best {
                probe: Some(probe),
                rows,
            };
        }
    }

    /// Adds the lists of a branch's rows: those of the lookup that leaves
    /// least.
    fn list(&mut self, branch: &'a Branch, mut best: Best) -> Result<(), Error> {
        if self.table.len() <= FEW_ROWS {
            self.any_row = true;
            return Ok(());
        }
        for Asks { probe: number, .. } in &branch.probes {
            if self.answers.is_worth_completing(*number, best.rows) {
                self.answers.complete(*number)?;
                self.count(*number, &mut best);
            }
        }
        let before = self.lists.len();
        let Some(number) = best.probe else {
            self.any_row = true;
            return Ok(());
        };
        if !self.list_tuples(branch, best.rows)?
            && let Some(probe) = self.plan.probes.get(number)
            && let Some(values) = self.answers.these(number)
        {
            for value in values {
                let rows = probe.column.rows(*value);
                if !rows.is_empty() {
                    self.lists.push(rows);
                }
            }
        }
        let added = self.lists.len().saturating_sub(before);
        self.frame.budget.spend(count(added))
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
                let values = self.answers.these(asks.probe)?;
                (asks.field == *field).then_some(values)
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
        let all = Rows::All(self.table.positions().end);
        if self.any_row {
            return Ok(all);
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
            return Ok(all);
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
        self.frame.budget.spend(1)?;
        for open in &self.branches {
            if self.holds(open, row)? {
                return Ok(self.table.effect(position));
            }
        }
        Ok(None)
    }

    /// Whether a branch holds on a row: false wins over an error.
    fn holds(&self, open: &Open<'a>, row: &'a [Symbol]) -> Result<bool, Error> {
        let mut error = open.error;
        let mut all_known = true;
        for asks in &open.branch.probes {
            let cell = row.get(usize::from(asks.field));
            match cell.and_then(|cell| self.answers.known(asks.probe, *cell)) {
                Some(true) => {}
                Some(false) => return Ok(false),
                None => all_known = false,
            }
        }
        if !all_known {
            for asks in &open.branch.probes {
                if !take(self.asks(asks, row), &mut error)? {
                    return Ok(false);
                }
            }
        }
        for term in &open.branch.residual {
            if !take(self.on(row).holds(term), &mut error)? {
                return Ok(false);
            }
        }
        error.map_or(Ok(true), Err)
    }

    /// Whether a lookup holds on a row: as it was answered, or else by its
    /// term.
    fn asks(&self, asks: &Asks, row: &'a [Symbol]) -> Result<bool, Error> {
        let cell = row.get(usize::from(asks.field));
        let known = match cell {
            Some(cell) => self.answers.holds(asks.probe, *cell).transpose(),
            None => None,
        };
        known.unwrap_or_else(|| self.on(row).holds(&asks.term))
    }

    fn on(&self, row: &'a [Symbol]) -> Frame<'a> {
        Frame {
            row: Some(row),
            ..*self.frame
        }
    }
}

/// Keeps the first error in place of a term that failed, unless it ends the
/// decision.
fn take(result: Result<bool, Error>, first: &mut Option<Error>) -> Result<bool, Error> {
    match result {
        Err(error) if !is_final(error) => {
            first.get_or_insert(error);
            Ok(true)
        }
        result => result,
    }
}
