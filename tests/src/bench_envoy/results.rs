//! What all rounds showed, and what that says.

use super::load::{Latency, Slice};
use super::statistics::{Spread, median};
use super::variant::{NO_FILTER, Variant};

/// What was measured of one variant: a slice and the round it is of.
pub(super) struct Measured {
    pub(super) variant: Variant,
    /// Under load that leaves the worker no pause.
    pub(super) busy: Vec<(usize, Slice)>,
    /// On one connection.
    pub(super) calm: Vec<(usize, Slice)>,
    /// Of an Envoy that has this variant alone.
    pub(super) rss_mib: Option<f64>,
}

impl Measured {
    pub(super) fn new(variant: Variant) -> Self {
        Self {
            variant,
            busy: Vec::new(),
            calm: Vec::new(),
            rss_mib: None,
        }
    }

    /// A quantity over all rounds, under full load.
    pub(super) fn busy(&self, of: impl Fn(&Slice) -> f64) -> Option<Spread> {
        Spread::of(&values(&self.busy, of))
    }

    /// The median of a latency, on one connection.
    pub(super) fn calm(&self, of: impl Fn(&Latency) -> f64) -> Option<f64> {
        median(&values(&self.calm, |slice| of(&slice.latency)))
    }
}

fn values(slices: &[(usize, Slice)], of: impl Fn(&Slice) -> f64) -> Vec<f64> {
    slices.iter().map(|(_, slice)| of(slice)).collect()
}

/// All that was measured.
pub(super) struct Results(pub(super) Vec<Measured>);

impl Results {
    /// What was measured of a variant, if it was.
    pub(super) fn of(&self, variant: Variant) -> Option<&Measured> {
        self.0.iter().find(|found| found.variant == variant)
    }

    /// What a variant takes more than another: the median of the differences
    /// of each round, so that what slows a whole round down cancels out.
    pub(super) fn added(
        &self,
        variant: Variant,
        base: Variant,
        of: impl Fn(&Slice) -> f64,
    ) -> Option<f64> {
        let pairs = pairs(&self.of(variant)?.busy, &self.of(base)?.busy);
        let differences: Vec<f64> = pairs.map(|(one, two)| of(one) - of(two)).collect();
        median(&differences)
    }

    /// What a variant adds to no filter, as a part of what another adds: the
    /// median of the ratios of each round. None where the other added nothing
    /// in half of the rounds, since then it says nothing.
    pub(super) fn ratio(&self, ours: Variant, theirs: Variant) -> Option<f64> {
        let base = &self.of(NO_FILTER)?.busy;
        let (ours, theirs) = (&self.of(ours)?.busy, &self.of(theirs)?.busy);
        let rounds: Vec<(f64, f64)> = ours
            .iter()
            .filter_map(|(round, ours)| {
                let (theirs, base) = (at(theirs, *round)?, at(base, *round)?);
                Some((ours.cpu - base.cpu, theirs.cpu - base.cpu))
            })
            .collect();
        let ratios: Vec<f64> = rounds
            .iter()
            .filter(|(_, theirs)| *theirs > 0.0)
            .map(|(ours, theirs)| ours / theirs)
            .collect();
        (ratios.len() * 2 > rounds.len()).then(|| median(&ratios))?
    }

    /// The latency on one connection that a variant adds to no filter, in
    /// microseconds.
    pub(super) fn added_latency(
        &self,
        variant: Variant,
        of: impl Fn(&Latency) -> f64,
    ) -> Option<f64> {
        let pairs = pairs(&self.of(variant)?.calm, &self.of(NO_FILTER)?.calm);
        let differences: Vec<f64> = pairs
            .map(|(one, two)| of(&one.latency) - of(&two.latency))
            .collect();
        median(&differences)
    }

    /// The part of the machine's time that others had: the median slice's and
    /// the worst one's.
    pub(super) fn steal(&self) -> Option<Spread> {
        let slices = self
            .0
            .iter()
            .flat_map(|found| found.busy.iter().chain(&found.calm));
        let steal: Vec<f64> = slices.map(|(_, slice)| slice.steal).collect();
        Spread::of(&steal)
    }
}

fn at(slices: &[(usize, Slice)], round: usize) -> Option<&Slice> {
    let (_, slice) = slices.iter().find(|(found, _)| *found == round)?;
    Some(slice)
}

/// Slices of the same round.
fn pairs<'a>(
    slices: &'a [(usize, Slice)],
    base: &'a [(usize, Slice)],
) -> impl Iterator<Item = (&'a Slice, &'a Slice)> {
    slices
        .iter()
        .filter_map(|(round, slice)| Some((slice, at(base, *round)?)))
}

#[cfg(test)]
mod tests {
    use super::super::variant::{FLOOR, Kind, Tokens, allowed};
    use super::*;

    fn measured(variant: Variant, cpu: &[(usize, f64)]) -> Measured {
        let latency = Latency {
            p50: 0.0,
            p90: 0.0,
            p99: 0.0,
            p999: 0.0,
        };
        let slice = |cpu| Slice {
            requests: 1,
            cpu,
            cpu_with_server: cpu,
            per_second: 1.0,
            latency,
            steal: 0.0,
        };
        let busy = cpu.iter().map(|(round, cpu)| (*round, slice(*cpu)));
        Measured {
            busy: busy.collect(),
            ..Measured::new(variant)
        }
    }

    #[test]
    fn rounds_are_compared_with_themselves() {
        let doorward = allowed(Kind::Doorward, 1, Tokens::One);
        // The second round is slow for all; of the third, one has no slice.
        let results = Results(vec![
            measured(NO_FILTER, &[(1, 40.0), (2, 400.0), (3, 40.0)]),
            measured(FLOOR, &[(1, 50.0), (2, 500.0), (3, 50.0)]),
            measured(doorward, &[(1, 45.0), (2, 450.0)]),
        ]);
        assert_eq!(results.ratio(doorward, FLOOR), Some(0.5));
        let added = results.added(FLOOR, NO_FILTER, |slice| slice.cpu);
        assert_eq!(added, Some(10.0));
        let added = results.added(doorward, NO_FILTER, |slice| slice.cpu);
        assert_eq!(added, Some(27.5));
        // Beside what adds nothing, nothing can be said.
        let nothing = allowed(Kind::Empty, 0, Tokens::One);
        let results = Results(vec![
            measured(NO_FILTER, &[(1, 40.0), (2, 40.0)]),
            measured(nothing, &[(1, 39.0), (2, 41.0)]),
            measured(doorward, &[(1, 45.0), (2, 45.0)]),
        ]);
        assert_eq!(results.ratio(doorward, nothing), None);
        let missing = allowed(Kind::Lua, 0, Tokens::One);
        assert_eq!(results.ratio(doorward, missing), None);
    }
}
