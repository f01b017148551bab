//! The rows that hold a value in one column.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use crate::sorting;
use crate::symbols::Symbol;
use crate::table::Table;

/// Symbols for each value from which on a table of all symbols takes more
/// memory than one of the values.
const DENSE_TO: usize = 4;

/// The rows of a value: how many, and the position of the one, or where those
/// of several start in the column's positions.
#[derive(Debug, Clone, Copy, Default)]
struct Code {
    start: u32,
    count: u32,
}

/// The rows of each value.
#[derive(Debug)]
enum Codes {
    /// By the number of the symbol.
    Dense(Vec<Code>),
    /// Of the values that occur.
    Sparse(HashMap<Symbol, Code, FixedState>),
}

impl Codes {
    fn of(&self, value: Symbol) -> Option<&Code> {
        match self {
            Self::Dense(codes) => codes.get(value.index()),
            Self::Sparse(codes) => codes.get(&value),
        }
    }
}

/// The positions of the rows by their value in one column.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) field: u16,
    codes: Codes,
    /// The positions of the rows of values that have several, ascending for
    /// each.
    positions: Vec<u32>,
    /// The values that occur, ascending.
    values: Vec<Symbol>,
    /// Rows of the value that has most.
    most: usize,
    /// See [`Column::expected`].
    expected: f64,
}

impl Column {
    /// Indexes a column; `symbols` is the number of all symbols.
    pub(crate) fn new(table: &Table, field: u16, symbols: usize) -> Self {
        let cells: Vec<(Symbol, u32)> = table.column(field).zip(table.positions()).collect();
        // Rows of one value keep their order.
        let sorted = sorting::by_number(&cells, |(value, _)| i64::from(value.0));
        let mut codes = Vec::new();
        let mut positions: Vec<u32> = Vec::new();
        let (mut most, mut squares) = (0, 0.0);
        for group in sorted.chunk_by(|left, right| left.0 == right.0) {
            most = most.max(group.len());
            let Some((value, first)) = group.first().copied() else {
                continue;
            };
            let count = bound(group.len());
            squares += f64::from(count) * f64::from(count);
            let mut start = first;
            if count > 1 {
                start = bound(positions.len());
                positions.extend(group.iter().map(|(_, position)| *position));
            }
            codes.push((value, Code { start, count }));
        }
        let values = codes.iter().map(|(value, _)| *value).collect();
        let codes = if symbols <= codes.len().saturating_mul(DENSE_TO) {
            Codes::Dense(dense(&codes, symbols))
        } else {
            Codes::Sparse(codes.into_iter().collect())
        };
        Self {
            field,
            codes,
            positions,
            values,
            most,
            expected: squares / f64::from(bound(table.len()).max(1)),
        }
    }

    /// The positions of the rows with that value, ascending.
    pub(crate) fn rows(&self, value: Symbol) -> &[u32] {
        let Some(code) = self.codes.of(value) else {
            return &[];
        };
        if code.count == 1 {
            return std::slice::from_ref(&code.start);
        }
        let index = |bound| usize::try_from(bound).unwrap_or(usize::MAX);
        let end = code.start.saturating_add(code.count);
        let rows = self.positions.get(index(code.start)..index(end));
        rows.unwrap_or_default()
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
    pub(crate) const fn expected(&self) -> f64 {
        self.expected
    }
}

/// The codes by the number of the symbol.
fn dense(codes: &[(Symbol, Code)], symbols: usize) -> Vec<Code> {
    let mut dense = vec![Code::default(); symbols];
    for (value, code) in codes {
        if let Some(place) = dense.get_mut(value.index()) {
            *place = *code;
        }
    }
    dense
}

/// A number of rows, of which there are fewer than 2^32.
fn bound(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
