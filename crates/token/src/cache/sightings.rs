//! Which tokens came lately, in few bytes for each.

use hashbrown::HashTable;

/// Remembers the keyed hashes of what came, in two generations of so many each:
/// when the newer one is full, the older one is forgotten.
///
/// Two tokens of one hash are taken for one. That changes no verdict, only
/// which tokens are kept.
#[derive(Debug)]
pub(super) struct Sightings {
    generation: usize,
    newer: HashTable<u64>,
    older: HashTable<u64>,
}

impl Sightings {
    /// Knows at least the last `generation` that came, and at most twice as
    /// many.
    pub(super) const fn new(generation: usize) -> Self {
        Self {
            generation,
            newer: HashTable::new(),
            older: HashTable::new(),
        }
    }

    /// Whether this came before, as far as is known; from now on it has.
    pub(super) fn again(&mut self, hash: u64) -> bool {
        let knows = |table: &HashTable<u64>| table.find(hash, |known| *known == hash).is_some();
        if knows(&self.newer) || knows(&self.older) {
            return true;
        }
        if self.newer.len() >= self.generation {
            std::mem::swap(&mut self.newer, &mut self.older);
            self.newer.clear();
        }
        self.newer.insert_unique(hash, hash, |known| *known);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hashes that differ where a table looks, as keyed ones do.
    const fn hash(number: u64) -> u64 {
        number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    #[test]
    fn the_last_ones_are_known_and_old_ones_are_not() {
        let mut sightings = Sightings::new(10);
        for number in 0..1_000 {
            assert!(!sightings.again(hash(number)), "{number}");
            for before in number.saturating_sub(9)..=number {
                assert!(sightings.again(hash(before)), "{before} at {number}");
            }
            assert!(sightings.newer.len() <= 10 && sightings.older.len() <= 10);
        }
        assert!(!sightings.again(hash(900)));
    }
}
