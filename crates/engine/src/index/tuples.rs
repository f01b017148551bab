//! The rows that hold given values in several columns at once.

use hashbrown::HashTable;

use crate::hash;
use crate::symbols::Symbol;
use crate::table::Table;

/// The positions of the rows by their values in several columns.
#[derive(Debug)]
pub(crate) struct Tuples {
    fields: Box<[u16]>,
    /// Where each group of rows with the same values starts in `positions`,
    /// and where the last one ends.
    starts: Vec<u32>,
    /// Ascending within a group.
    positions: Vec<u32>,
    /// Groups, by the values of their rows.
    groups: HashTable<u32>,
}

impl Tuples {
    /// Indexes some columns together.
    pub(crate) fn new(table: &Table, fields: &[u16]) -> Self {
        let key = |position: u32| fields.iter().map(move |field| table.cell(position, *field));
        let mut sorted: Vec<u32> = table.positions().collect();
        sorted.sort_by(|left, right| key(*left).cmp(key(*right)));
        let mut tuples = Self {
            fields: fields.into(),
            starts: Vec::new(),
            positions: Vec::new(),
            groups: HashTable::new(),
        };
        for group in sorted.chunk_by(|left, right| key(*left).eq(key(*right))) {
            let number = u32::try_from(tuples.starts.len()).unwrap_or(u32::MAX);
            let start = u32::try_from(tuples.positions.len()).unwrap_or(u32::MAX);
            tuples.starts.push(start);
            tuples.positions.extend_from_slice(group);
            let (starts, positions) = (&tuples.starts, &tuples.positions);
            let hash_of = |number: &u32| {
                let first = first(starts, positions, *number);
                hash::symbols(first.into_iter().flat_map(key).flatten())
            };
            let hash = hash_of(&number);
            tuples.groups.insert_unique(hash, number, hash_of);
        }
        let end = u32::try_from(tuples.positions.len()).unwrap_or(u32::MAX);
        tuples.starts.push(end);
        tuples
    }

    /// The positions of the rows with those values, ascending. The values are
    /// in the order of the fields that were indexed.
    pub(crate) fn rows(&self, table: &Table, values: &[Symbol]) -> &[u32] {
        let hash = hash::symbols(values.iter().copied());
        let same = |number: &u32| {
            let row = first(&self.starts, &self.positions, *number);
            row.and_then(|position| table.row(position))
                .is_some_and(|row| {
                    let fields = self.fields.iter().zip(values);
                    fields
                        .into_iter()
                        .all(|(field, value)| row.get(usize::from(*field)) == Some(value))
                })
        };
        let Some(number) = self.groups.find(hash, same) else {
            return &[];
        };
        let bound = |number: u32| {
            let bound = self.starts.get(usize::try_from(number).ok()?)?;
            usize::try_from(*bound).ok()
        };
        let range = bound(*number).zip(bound(number.saturating_add(1)));
        range
            .and_then(|(start, end)| self.positions.get(start..end))
            .unwrap_or_default()
    }

    /// The columns.
    pub(crate) fn fields(&self) -> &[u16] {
        &self.fields
    }
}

/// The first row of a group.
fn first(starts: &[u32], positions: &[u32], number: u32) -> Option<u32> {
    let start = starts.get(usize::try_from(number).ok()?)?;
    positions.get(usize::try_from(*start).ok()?).copied()
}
