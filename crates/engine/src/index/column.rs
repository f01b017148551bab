//! The rows that hold a value in one column.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use crate::sorting;
use crate::symbols::Symbol;
use crate::table::Table;

/// Symbols for each row from which on the table of all symbols would take
/// more memory than the rows do.
const DENSE_TO: usize = 8;

/// Where the positions of a value start, and where they end.
#[derive(Debug)]
enum Starts {
    /// For every symbol the start; the end is the start of the next symbol.
    Dense(Vec<u32>),
    /// For every value that occurs both.
    Sparse(HashMap<Symbol, (u32, u32), FixedState>),
}

impl Starts {
    fn of(&self, value: Symbol) -> Option<(u32, u32)> {
        match self {
            Self::Dense(starts) => {
                let start = starts.get(value.index())?;
                let end = starts.get(value.index().checked_add(1)?)?;
                Some((*start, *end))
            }
            Self::Sparse(starts) => starts.get(&value).copied(),
        }
    }
}

/// The positions of the rows by their value in one column.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) field: u16,
    starts: Starts,
    /// Ascending for each symbol.
    positions: Vec<u32>,
    /// The values that occur, ascending.
    values: Vec<Symbol>,
    /// Rows of the value that has most.
    most: usize,
}

impl Column {
    /// Indexes a column; `symbols` is the number of all symbols.
    pub(crate) fn new(table: &Table, field: u16, symbols: usize) -> Self {
        let cells: Vec<(Symbol, u32)> = table.column(field).zip(table.positions()).collect();
        // Rows of one value keep their order.
        let sorted = sorting::by_number(&cells, |(value, _)| i64::from(value.0));
        let mut ranges = Vec::new();
        let mut end = 0_u32;
        for group in sorted.chunk_by(|left, right| left.0 == right.0) {
            let start = end;
            end = end.saturating_add(u32::try_from(group.len()).unwrap_or(u32::MAX));
            ranges.extend(group.first().map(|(value, _)| (*value, (start, end))));
        }
        let lengths = ranges
            .iter()
            .map(|(_, (start, end))| end.saturating_sub(*start));
        let most = lengths.max().unwrap_or(0);
        let values = ranges.iter().map(|(value, _)| *value).collect();
        let starts = if symbols <= table.len().saturating_mul(DENSE_TO) {
            Starts::Dense(dense(&ranges, symbols, end))
        } else {
            Starts::Sparse(ranges.into_iter().collect())
        };
        Self {
            field,
            starts,
            positions: sorted.into_iter().map(|(_, position)| position).collect(),
            values,
            most: usize::try_from(most).unwrap_or(usize::MAX),
        }
    }

    /// The positions of the rows with that value, ascending.
    pub(crate) fn rows(&self, value: Symbol) -> &[u32] {
        let range = self.starts.of(value).and_then(|(start, end)| {
            let (start, end) = (usize::try_from(start).ok()?, usize::try_from(end).ok()?);
            self.positions.get(start..end)
        });
        range.unwrap_or_default()
    }

    /// The values that occur.
    pub(crate) fn values(&self) -> &[Symbol] {
        &self.values
    }

    /// Rows of the value that has most.
    pub(crate) fn most(&self) -> usize {
        self.most
    }

    /// Rows that a value drawn from the rows has on average: what a lookup
    /// leaves where requests are spread as the rows are.
    pub(crate) fn expected(&self) -> f64 {
        let squares = self.values.iter().map(|value| {
            let rows = u32::try_from(self.rows(*value).len()).unwrap_or(u32::MAX);
            f64::from(rows) * f64::from(rows)
        });
        let all = u32::try_from(self.positions.len()).unwrap_or(u32::MAX);
        squares.sum::<f64>() / f64::from(all.max(1))
    }
}

/// For every symbol where its positions start, and one end after the last.
fn dense(ranges: &[(Symbol, (u32, u32))], symbols: usize, end: u32) -> Vec<u32> {
    let mut starts = Vec::with_capacity(symbols.saturating_add(1));
    for (value, (start, _)) in ranges {
        // Symbols that do not occur start where the next one that does.
        starts.resize(value.index().saturating_add(1), *start);
    }
    starts.resize(symbols.saturating_add(1), end);
    starts
}
