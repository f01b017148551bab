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
        let hash_of = |position: u32| hash::symbols(key(position).flatten());
        // For every group its first row, for every row its group.
        let mut firsts: Vec<u32> = Vec::new();
        let mut counts: Vec<u32> = Vec::new();
        let mut members: Vec<u32> = Vec::new();
        let mut groups: HashTable<u32> = HashTable::new();
        for position in table.positions() {
            let hash = hash_of(position);
            let known = groups.find(hash, |group| {
                at(&firsts, *group).is_some_and(|first| key(first).eq(key(position)))
            });
            let group = known.copied().unwrap_or_else(|| {
                let group = u32::try_from(firsts.len()).unwrap_or(u32::MAX);
                firsts.push(position);
                counts.push(0);
                groups.insert_unique(hash, group, |group| at(&firsts, *group).map_or(0, hash_of));
                group
            });
            members.push(group);
            if let Some(count) = place(&mut counts, group) {
                *count = count.saturating_add(1);
            }
        }
        let mut starts = vec![0];
        for count in counts {
            let start = starts.last().copied().unwrap_or(0);
            starts.push(count.saturating_add(start));
        }
        let mut next = starts.clone();
        let mut positions = vec![0; members.len()];
        for (position, group) in table.positions().zip(members) {
            let Some(next) = place(&mut next, group) else {
                continue;
            };
            if let Some(slot) = place(&mut positions, *next) {
                *slot = position;
            }
            *next = next.saturating_add(1);
        }
        Self {
            fields: fields.into(),
            starts,
            positions,
            groups,
        }
    }

    /// The positions of the rows with those values, ascending. The values are
    /// in the order of the fields that were indexed.
    pub(crate) fn rows(&self, table: &Table, values: &[Symbol]) -> &[u32] {
        let hash = hash::symbols(values.iter().copied());
        let same = |number: &u32| {
            let first = at(&self.starts, *number).and_then(|start| at(&self.positions, start));
            first.and_then(|first| table.row(first)).is_some_and(|row| {
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

fn at(numbers: &[u32], index: u32) -> Option<u32> {
    numbers.get(usize::try_from(index).ok()?).copied()
}

fn place(numbers: &mut [u32], index: u32) -> Option<&mut u32> {
    numbers.get_mut(usize::try_from(index).ok()?)
}
