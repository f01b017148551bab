//! A bounded table of values by provider and token.

use hashbrown::HashTable;

use crate::fingerprint::Fingerprint;

/// What an entry costs beside its token and its value: slot, index, and what
/// the allocator adds.
const OVERHEAD: usize = 192;

/// An entry above this part of all bytes is not kept, so that a few large
/// tokens do not push out all others.
const LARGEST_PART: usize = 16;

/// How much a table may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableLimits {
    /// The greatest number of entries.
    pub entries: usize,
    /// The greatest number of bytes, estimated from above.
    pub bytes: usize,
}

/// Where an entry is until the table changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(usize);

#[derive(Debug)]
struct Slot<V> {
    hash: u64,
    provider: Fingerprint,
    token: Box<[u8]>,
    bytes: usize,
    /// Whether it was asked for since the hand last passed.
    used: bool,
    value: V,
}

/// The table. What it holds is found by the keyed hash of its caller and
/// compared as a whole.
///
/// A full table makes room as CLOCK does: a hand goes round, takes what was
/// not used since its last visit, and marks the rest as unused. A mark is made
/// by one use only, so that each step of the hand is paid for by a use or an
/// insertion; and since new entries come unmarked, a flood of tokens that are
/// used once pushes out its own and not those that are used again.
#[derive(Debug)]
pub(super) struct Table<V> {
    limits: TableLimits,
    slots: Vec<Option<Slot<V>>>,
    free: Vec<usize>,
    index: HashTable<usize>,
    hand: usize,
    bytes: usize,
}

impl<V> Table<V> {
    pub(super) const fn new(limits: TableLimits) -> Self {
        Self {
            limits,
            slots: Vec::new(),
            free: Vec::new(),
            index: HashTable::new(),
            hand: 0,
            bytes: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn find(&self, hash: u64, provider: &Fingerprint, token: &[u8]) -> Option<Place> {
        let is_it = |place: &usize| {
            self.slot(*place).is_some_and(|slot| {
                slot.hash == hash && slot.provider == *provider && is_same(&slot.token, token)
            })
        };
        self.index.find(hash, is_it).copied().map(Place)
    }

    pub(super) fn get(&mut self, place: Place) -> Option<&mut V> {
        let slot = self.slots.get_mut(place.0)?.as_mut()?;
        Some(&mut slot.value)
    }

    /// Marks an entry as used.
    pub(super) fn touch(&mut self, place: Place) {
        if let Some(Some(slot)) = self.slots.get_mut(place.0) {
            slot.used = true;
        }
    }

    pub(super) fn remove(&mut self, place: Place) {
        let Some(slot) = self.slots.get_mut(place.0).and_then(Option::take) else {
            return;
        };
        if let Ok(entry) = self.index.find_entry(slot.hash, |other| *other == place.0) {
            entry.remove();
        }
        self.bytes = self.bytes.saturating_sub(slot.bytes);
        self.free.push(place.0);
    }

    /// Whether such an entry could be put in without one being taken out.
    pub(super) fn has_room(&self, token: &[u8], value_bytes: usize) -> bool {
        self.len() < self.limits.entries
            && self.bytes.saturating_add(entry_bytes(token, value_bytes)) <= self.limits.bytes
    }

    /// Puts an entry in, in place of one of the same provider and token.
    /// `value_bytes` is what the value takes in memory.
    pub(super) fn insert(
        &mut self,
        hash: u64,
        provider: Fingerprint,
        token: &[u8],
        value: V,
        value_bytes: usize,
    ) {
        if let Some(place) = self.find(hash, &provider, token) {
            self.remove(place);
        }
        let bytes = entry_bytes(token, value_bytes);
        if self.limits.entries == 0 || bytes > self.limits.bytes / LARGEST_PART {
            return;
        }
        while self.len() >= self.limits.entries
            || self.bytes.saturating_add(bytes) > self.limits.bytes
        {
            if !self.make_room() {
                return;
            }
        }
        let slot = Some(Slot {
            hash,
            provider,
            token: token.into(),
            bytes,
            used: false,
            value,
        });
        let place = match self.free.pop() {
            Some(place) => place,
            None => {
                self.slots.push(None);
                self.slots.len().saturating_sub(1)
            }
        };
        let Some(empty) = self.slots.get_mut(place) else {
            return;
        };
        *empty = slot;
        self.bytes = self.bytes.saturating_add(bytes);
        let slots = &self.slots;
        self.index.insert_unique(hash, place, |other| {
            // All that is indexed is in a slot.
            slots
                .get(*other)
                .and_then(Option::as_ref)
                .map_or(0, |slot| slot.hash)
        });
    }

    /// Takes out one entry; whether there was one.
    fn make_room(&mut self) -> bool {
        // Twice round, since the first round may only take marks away.
        for _ in 0..self.slots.len().saturating_mul(2).saturating_add(1) {
            let place = self.hand;
            self.hand = place.saturating_add(1);
            if self.hand >= self.slots.len() {
                self.hand = 0;
            }
            match self.slots.get_mut(place) {
                Some(Some(slot)) if slot.used => slot.used = false,
                Some(Some(_)) => {
                    self.remove(Place(place));
                    return true;
                }
                Some(None) | None => {}
            }
        }
        false
    }

    fn slot(&self, place: usize) -> Option<&Slot<V>> {
        self.slots.get(place).and_then(Option::as_ref)
    }
}

/// What an entry costs, from above.
const fn entry_bytes(token: &[u8], value_bytes: usize) -> usize {
    token
        .len()
        .saturating_add(value_bytes)
        .saturating_add(OVERHEAD)
}

/// Whether two tokens are the same, by 32 bytes at a time: in a module, to
/// compare slices is to go by fewer.
fn is_same(left: &[u8], right: &[u8]) -> bool {
    let ((left, left_end), (right, right_end)) = (left.as_chunks(), right.as_chunks());
    left.len() == right.len()
        && left_end == right_end
        && left.iter().zip(right).all(|(l, r)| is_same_chunk(l, r))
}

fn is_same_chunk(left: &[u8; 32], right: &[u8; 32]) -> bool {
    let word = |bytes: &[u8; 8]| u64::from_ne_bytes(*bytes);
    let words = left.as_chunks().0.iter().zip(right.as_chunks().0);
    words.fold(0, |differs, (l, r)| differs | (word(l) ^ word(r))) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Jwks;

    const JWKS: &str = include_str!("../../tests/data/jwks.json");

    fn provider() -> Fingerprint {
        *Jwks::parse(JWKS.as_bytes()).unwrap().fingerprint()
    }

    fn insert(table: &mut Table<u64>, number: u64) {
        // All in one bucket: what is found is compared as a whole.
        table.insert(7, provider(), &number.to_le_bytes(), number, 0);
    }

    fn get(table: &mut Table<u64>, number: u64) -> Option<u64> {
        let place = table.find(7, &provider(), &number.to_le_bytes())?;
        table.touch(place);
        table.get(place).copied()
    }

    #[test]
    fn neither_bound_is_ever_passed() {
        let entry = OVERHEAD + 8;
        for (limits, kept) in [
            (
                TableLimits {
                    entries: 0,
                    bytes: entry * 100,
                },
                0,
            ),
            (
                TableLimits {
                    entries: 1,
                    bytes: entry * 100,
                },
                1,
            ),
            (
                TableLimits {
                    entries: 30,
                    bytes: entry * 100,
                },
                30,
            ),
            (
                TableLimits {
                    entries: 1000,
                    bytes: entry * 20 + 1,
                },
                20,
            ),
            (
                TableLimits {
                    entries: 1000,
                    bytes: entry * LARGEST_PART - 1,
                },
                0,
            ),
        ] {
            let mut table = Table::new(limits);
            for number in 0..100 {
                insert(&mut table, number);
                assert!(table.len() <= limits.entries && table.bytes() <= limits.bytes);
            }
            assert_eq!((table.len(), table.bytes()), (kept, kept * entry));
            assert!(table.slots.len() <= kept.max(1));
        }
    }

    #[test]
    fn what_is_used_outlives_a_flood_of_what_is_not() {
        let mut table = Table::new(TableLimits {
            entries: 10,
            bytes: 1 << 20,
        });
        for number in 0..5 {
            insert(&mut table, number);
        }
        for flood in 1_000..2_000 {
            for number in 0..5 {
                assert_eq!(get(&mut table, number), Some(number), "at {flood}");
            }
            insert(&mut table, flood);
        }
        assert_eq!(table.len(), 10);
    }

    #[test]
    fn the_same_token_is_replaced_and_places_are_used_again() {
        let mut table = Table::new(TableLimits {
            entries: 4,
            bytes: 1 << 20,
        });
        for round in 0..10 {
            for number in 0..4 {
                insert(&mut table, number);
                assert_eq!(get(&mut table, number), Some(number));
            }
            let place = table.find(7, &provider(), &round.min(3_u64).to_le_bytes());
            table.remove(place.unwrap());
            table.remove(place.unwrap());
            assert_eq!(table.len(), 3);
            insert(&mut table, round.min(3));
        }
        assert_eq!((table.len(), table.slots.len()), (4, 4));
    }
}
