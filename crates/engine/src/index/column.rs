//! The rows that hold a value in one column.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use crate::sorting;
use crate::symbols::Symbol;
use crate::table::Table;

/// Symbols for each value from which on a table of all symbols takes more
/// memory than one of the values.
const DENSE_TO: usize = 4;

/// The rows of a value, as one number: the position where it is one row, else
/// the number of a group with this bit set. A position that needs the bit is
/// in a group.
const GROUP: u32 = 1 << 31;

/// No row.
const NONE: u32 = u32::MAX;

/// The rows of each value.
#[derive(Debug)]
enum Codes {
    /// By the number of the symbol.
    Dense(Vec<u32>),
    /// Of the values that occur.
    Sparse(HashMap<Symbol, u32, FixedState>),
}

impl Codes {
    fn of(&self, value: Symbol) -> Option<&u32> {
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
    /// The number of rows.
    rows: usize,
    codes: Codes,
    /// Where each group starts in `positions`, and where the last one ends.
    starts: Vec<u32>,
    /// The positions of groups, ascending in each.
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
        let mut codes = Vec::new();
        let mut positions: Vec<u32> = Vec::new();
        let mut starts: Vec<u32> = Vec::new();
        let mut most = 0;
        for group in sorted.chunk_by(|left, right| left.0 == right.0) {
            most = most.max(group.len());
            let code = match group {
                [(value, position)] if *position < GROUP => Some((*value, *position)),
                _ => {
                    let number = u32::try_from(starts.len()).unwrap_or(GROUP);
                    starts.push(u32::try_from(positions.len()).unwrap_or(NONE));
                    positions.extend(group.iter().map(|(_, position)| *position));
                    group.first().map(|(value, _)| (*value, number | GROUP))
                }
            };
            codes.extend(code);
        }
        starts.push(u32::try_from(positions.len()).unwrap_or(NONE));
        let values = codes.iter().map(|(value, _)| *value).collect();
        let codes = if symbols <= codes.len().saturating_mul(DENSE_TO) {
            Codes::Dense(dense(&codes, symbols))
        } else {
            Codes::Sparse(codes.into_iter().collect())
        };
        Self {
            field,
            rows: table.len(),
            codes,
            starts,
            positions,
            values,
            most,
        }
    }

    /// The positions of the rows with that value, ascending.
    pub(crate) fn rows(&self, value: Symbol) -> &[u32] {
        let Some(code) = self.codes.of(value) else {
            return &[];
        };
        if *code < GROUP {
            return std::slice::from_ref(code);
        }
        let group = usize::try_from(*code & !GROUP).unwrap_or(usize::MAX);
        let bound = |index: usize| usize::try_from(*self.starts.get(index)?).ok();
        let range = bound(group).zip(bound(group.saturating_add(1)));
        range
            .and_then(|(start, end)| self.positions.get(start..end))
            .unwrap_or_default()
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
        let all = u32::try_from(self.rows).unwrap_or(u32::MAX);
        squares.sum::<f64>() / f64::from(all.max(1))
    }
}

/// The codes by the number of the symbol.
fn dense(codes: &[(Symbol, u32)], symbols: usize) -> Vec<u32> {
    let mut dense = vec![NONE; symbols];
    for (value, code) in codes {
        if let Some(place) = dense.get_mut(value.index()) {
            *place = *code;
        }
    }
    dense
}
