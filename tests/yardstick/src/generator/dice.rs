//! Chance, the same for the same seed.

/// A source of chance.
#[derive(Debug)]
pub(crate) struct Dice(fastrand::Rng);

impl Dice {
    /// The same throws for the same seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// True that many times in a hundred.
    pub(crate) fn chance(&mut self, percent: u32) -> bool {
        self.0.u32(0..100) < percent
    }

    /// A number below `end`; 0 if that is 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { self.0.usize(0..end) }
    }

    /// A number from `least` to `most`.
    pub(crate) fn between(&mut self, least: usize, most: usize) -> usize {
        self.0.usize(least..=most)
    }

    /// One of them.
    pub(crate) fn pick<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }

    /// One of the texts, empty if there is none.
    pub(crate) fn text(&mut self, all: &[String]) -> String {
        let index = self.below(all.len());
        all.get(index).cloned().unwrap_or_default()
    }

    /// One of the values.
    pub(crate) fn value<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}
