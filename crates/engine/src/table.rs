//! The rows of one policy definition, in the order of evaluation.

use crate::effect::RowEffect;
use crate::symbols::Symbol;

/// The rows of one policy definition, without duplicates, in the order of
/// evaluation. A row is named by its position.
#[derive(Debug, Default)]
pub(crate) struct Table {
    /// Fields of a row, at least one.
    width: usize,
    /// The fields of all rows, one row after the other.
    cells: Vec<Symbol>,
    /// What each row says when it matches.
    effects: Vec<RowEffect>,
    /// The line of each row.
    lines: Vec<u32>,
}

impl Table {
    /// A table without rows, but with room for so many.
    pub(crate) fn new(width: usize, rows: usize) -> Self {
        Self {
            width,
            cells: Vec::with_capacity(rows.saturating_mul(width)),
            effects: Vec::with_capacity(rows),
            lines: Vec::with_capacity(rows),
        }
    }

    /// Adds a row after the others; its fields are as many as the table's.
    pub(crate) fn push(&mut self, fields: &[Symbol], line: u32, effect: RowEffect) {
        self.cells.extend_from_slice(fields);
        self.effects.push(effect);
        self.lines.push(line);
    }

    /// Gives back the room of rows that did not come.
    pub(crate) fn shrink(&mut self) {
        self.cells.shrink_to_fit();
        self.effects.shrink_to_fit();
        self.lines.shrink_to_fit();
    }

    /// The number of rows.
    pub(crate) fn len(&self) -> usize {
        self.effects.len()
    }

    /// All positions, in order.
    pub(crate) fn positions(&self) -> std::ops::Range<u32> {
        0..u32::try_from(self.effects.len()).unwrap_or(u32::MAX)
    }

    /// The fields of a row, none if there is no such row.
    pub(crate) fn row(&self, position: u32) -> Option<&[Symbol]> {
        let start = usize::try_from(position).ok()?.checked_mul(self.width)?;
        self.cells.get(start..start.checked_add(self.width)?)
    }

    /// One field of a row.
    pub(crate) fn cell(&self, position: u32, field: u16) -> Option<Symbol> {
        self.row(position)?.get(usize::from(field)).copied()
    }

    /// The fields of a column, in the order of the rows.
    pub(crate) fn column(&self, field: u16) -> impl Iterator<Item = Symbol> {
        let rows = self.cells.chunks_exact(self.width.max(1));
        rows.filter_map(move |row| row.get(usize::from(field)).copied())
    }

    /// The row's line in the policy's text, from 1.
    pub(crate) fn line(&self, position: u32) -> Option<u32> {
        self.lines.get(usize::try_from(position).ok()?).copied()
    }

    /// What the row says when it matches.
    pub(crate) fn effect(&self, position: u32) -> Option<RowEffect> {
        self.effects.get(usize::try_from(position).ok()?).copied()
    }
}
