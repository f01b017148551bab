//! The bound on fetches before their time.

use super::{Millis, SECOND};

/// How many fetches tokens by unknown keys may bring in a row.
pub const EARLY_BURST: u32 = 4;

/// The time after which they may bring one more.
pub const EARLY_INTERVAL: Millis = 10 * SECOND;

/// The least time between two of them.
const EARLY_SPACING: Millis = SECOND;

/// The bound on fetches that tokens by unknown keys bring.
#[derive(Debug)]
pub(super) struct Early {
    left: u32,
    counted_at: Millis,
    last: Millis,
}

impl Default for Early {
    fn default() -> Self {
        Self {
            left: EARLY_BURST,
            counted_at: 0,
            last: 0,
        }
    }
}

impl Early {
    fn refill(&mut self, now: Millis) {
        // A clock that was set back starts the interval again.
        self.counted_at = self.counted_at.min(now);
        let passed = now
            .saturating_sub(self.counted_at)
            .checked_div(EARLY_INTERVAL)
            .unwrap_or(0);
        let gained = u32::try_from(passed).unwrap_or(u32::MAX);
        self.left = self.left.saturating_add(gained).min(EARLY_BURST);
        self.counted_at = if self.left == EARLY_BURST {
            now
        } else {
            let counted = passed.saturating_mul(EARLY_INTERVAL);
            self.counted_at.saturating_add(counted)
        };
    }

    /// Whether one more may be made; it counts.
    pub(super) fn take(&mut self, now: Millis) -> bool {
        self.refill(now);
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }

    /// Has one not count.
    pub(super) fn give_back(&mut self) {
        self.left = self.left.saturating_add(1).min(EARLY_BURST);
    }

    /// When the one that was just taken may be made.
    pub(super) fn spaced(&mut self, now: Millis) -> Millis {
        let spaced = self.last.min(now).saturating_add(EARLY_SPACING);
        self.last = now;
        spaced
    }
}
