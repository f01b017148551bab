//! The rows that hold a value in one column.

use crate::symbols::Symbol;
use crate::table::Table;

/// The positions of the rows by their value in one column.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) field: u16,
    /// For every symbol where its positions start; they end where those of
    /// the next symbol start.
    starts: Vec<u32>,
    /// Ascending for each symbol.
    positions: Vec<u32>,
    /// The values that occur, in order of first appearance.
    values: Vec<Symbol>,
    /// Rows of the value that has most.
    most: usize,
}

impl Column {
    /// Indexes a column; `symbols` is the number of all symbols.
    pub(crate) fn new(table: &Table, field: u16, symbols: usize) -> Self {
        let mut counts = vec![0_u32; symbols.saturating_add(1)];
        let mut values = Vec::new();
        for value in table.column(field) {
            if let Some(count) = counts.get_mut(value.index()) {
                if *count == 0 {
                    values.push(value);
                }
                *count = count.saturating_add(1);
            }
        }
        let most = counts.iter().copied().max().unwrap_or(0);
        let mut sum = 0_u32;
        for count in &mut counts {
            let own = *count;
            *count = sum;
            sum = sum.saturating_add(own);
        }
        let starts = counts.clone();
        let mut positions = vec![0; table.len()];
        for (position, value) in table.positions().zip(table.column(field)) {
            let Some(next) = counts.get_mut(value.index()) else {
                continue;
            };
            let slot = usize::try_from(*next).ok();
            if let Some(slot) = slot.and_then(|slot| positions.get_mut(slot)) {
                *slot = position;
            }
            *next = next.saturating_add(1);
        }
        Self {
            field,
            starts,
            positions,
            values,
            most: usize::try_from(most).unwrap_or(usize::MAX),
        }
    }

    /// The positions of the rows with that value, ascending.
    pub(crate) fn rows(&self, value: Symbol) -> &[u32] {
        let bound = |index: usize| {
            let bound = self.starts.get(index)?;
            usize::try_from(*bound).ok()
        };
        let range = bound(value.index()).zip(bound(value.index().saturating_add(1)));
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
        let all = u32::try_from(self.positions.len()).unwrap_or(u32::MAX);
        squares.sum::<f64>() / f64::from(all.max(1))
    }
}
