//! How much of a worker's time slow signature checks may take.

/// By how much checks may run ahead of their share, in nanoseconds: what a
/// second allows goes through at once after a quiet time.
const BURST: u64 = 1_000_000_000;

/// The most that one check is taken to have cost, in nanoseconds. None takes
/// so long by itself: the worker was halted meanwhile.
const MAX_COST: u64 = 100_000_000;

/// A budget of time, kept as the time until which it is spent (the generic
/// cell rate algorithm of ITU-T I.371): under a share of half the time, a
/// check spends the next time twice as long as itself.
///
/// One serves a whole worker, whatever the shares of the policies in it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct VerificationBudget {
    spent_until: u64,
}

impl VerificationBudget {
    /// Whether a check may begin at `now`, in nanoseconds of a clock that only
    /// goes forward, under a share of `percent` of the time. What it costs is
    /// known only behind it, so the last one before the bound may go beyond.
    #[must_use]
    pub const fn allows(&self, now: u64, percent: u8) -> bool {
        percent > 0 && self.spent_until.saturating_sub(now) < BURST
    }

    /// Books a check that began at `start` and ended at `end`.
    pub const fn spend(&mut self, start: u64, end: u64, percent: u8) {
        let cost = end.saturating_sub(start);
        let cost = if cost > MAX_COST { MAX_COST } else { cost };
        if let Some(booked) = cost.saturating_mul(100).checked_div(percent as u64) {
            let from = if self.spent_until > start {
                self.spent_until
            } else {
                start
            };
            self.spent_until = from.saturating_add(booked);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn a_burst_and_then_a_share_of_the_time_go_through() {
        for (percent, expected) in [(0, 0), (1, 110), (10, 1_100), (50, 5_500), (100, 10_000)] {
            let mut budget = VerificationBudget::default();
            let mut passed = 0_u64;
            // For ten seconds, a check of one millisecond every millisecond.
            for turn in 0..10_000 {
                let now = 77 * BURST + turn * MS;
                if budget.allows(now, percent) {
                    budget.spend(now, now + MS, percent);
                    passed += 1;
                }
            }
            assert_eq!(passed, expected, "{percent} %");
        }
    }

    #[test]
    fn what_was_spent_comes_back_with_time() {
        let mut budget = VerificationBudget::default();
        for _ in 0..6 {
            budget.spend(0, 100 * MS, 50);
        }
        assert!(!budget.allows(200 * MS, 50));
        assert!(budget.allows(201 * MS, 50));
    }

    #[test]
    fn a_share_of_none_allows_nothing_and_books_nothing() {
        let mut budget = VerificationBudget::default();
        assert!(!budget.allows(0, 0));
        budget.spend(0, MS, 0);
        assert_eq!(budget, VerificationBudget::default());
    }

    #[test]
    fn extreme_times_neither_break_nor_close_it() {
        let mut budget = VerificationBudget::default();
        // A worker that was halted for a year during a check.
        budget.spend(0, 31_536_000 * BURST, 50);
        assert!(budget.allows(0, 50));
        budget.spend(u64::MAX, u64::MAX, 1);
        assert!(budget.allows(u64::MAX, 1));
        budget.spend(u64::MAX, 0, 1);
        assert!(budget.allows(u64::MAX, 1));
    }
}
