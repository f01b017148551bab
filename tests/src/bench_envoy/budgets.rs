//! The budgets, held against what was measured.

use super::memory::PerWorker;
use super::mint::Algorithm;
use super::pushes::Pushes;
use super::results::Results;
use super::variant::{FLOOR, Kind, RULES, Tokens, allowed};
use serde::Serialize;

/// The least latency that can be told from none, in microseconds: wrk's unit.
const RESOLUTION: f64 = 1.0;

/// What must not be exceeded, or must be reached.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Target {
    AtMost(f64),
    AtLeast(f64),
}

/// How a budget stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    Pass,
    Short,
    NotMeasured,
}

impl Verdict {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Short => "SHORT",
            Self::NotMeasured => "not measured",
        }
    }
}

/// One budget.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Budget {
    pub(super) what: String,
    pub(super) unit: &'static str,
    pub(super) target: Target,
    pub(super) measured: Option<f64>,
    pub(super) verdict: Verdict,
}

impl Budget {
    pub(super) fn new(
        what: String,
        unit: &'static str,
        target: Target,
        measured: Option<f64>,
    ) -> Self {
        let within = |measured: f64| match target {
            Target::AtMost(most) => measured <= most,
            Target::AtLeast(least) => measured >= least,
        };
        let verdict = match measured.map(within) {
            None => Verdict::NotMeasured,
            Some(true) => Verdict::Pass,
            Some(false) => Verdict::Short,
        };
        Self {
            what,
            unit,
            target,
            measured,
            verdict,
        }
    }
}

/// What was measured beside the variants.
pub(super) struct Beside<'a> {
    pub(super) module_bytes: u64,
    pub(super) per_worker: &'a [PerWorker],
    pub(super) pushes: Option<Pushes>,
}

/// The budgets of DESIGN.md that are measured here.
pub(super) fn all(results: &Results, beside: &Beside<'_>) -> Vec<Budget> {
    let mut budgets = costs(results);
    budgets.push(uncached_rs256(results));
    budgets.push(Budget::new(
        "size of the module".to_owned(),
        "MiB",
        Target::AtMost(1.5),
        Some(beside.module_bytes as f64 / 1_048_576.0),
    ));
    let rules = 10_000;
    let memory = beside.per_worker.iter().find(|found| found.rules == rules);
    budgets.push(Budget::new(
        format!("memory of one more worker, {rules} rules"),
        "MiB",
        Target::AtMost(16.0),
        memory.map(|found| found.rss_mib),
    ));
    budgets.push(Budget::new(
        "a push of 10000 rules is in force after (median)".to_owned(),
        "ms",
        Target::AtMost(50.0),
        beside.pushes.map(|pushes| pushes.in_force_ms.median),
    ));
    budgets.push(Budget::new(
        "added to p99.9 by a push each second".to_owned(),
        "ms",
        Target::AtMost(10.0),
        beside.pushes.map(|pushes| pushes.p999_ms_added),
    ));
    budgets.extend(latencies(results));
    budgets
}

fn costs(results: &Results) -> Vec<Budget> {
    const RATIOS: [(usize, f64); 4] = [(1, 1.0), (100, 0.7), (1_000, 0.16), (10_000, 0.015)];
    let added = RULES.iter().map(|rules| {
        let doorward = allowed(Kind::Doorward, *rules, Tokens::One);
        Budget::new(
            format!("CPU over one bulk header read, cached token, {rules} rules"),
            "us",
            Target::AtMost(3.0),
            results.added(doorward, FLOOR, |slice| slice.cpu),
        )
    });
    let ratios = RATIOS.iter().map(|(rules, most)| {
        let doorward = allowed(Kind::Doorward, *rules, Tokens::One);
        let native = allowed(Kind::JwtRbac { cache: true }, *rules, Tokens::One);
        Budget::new(
            format!("all added CPU, part of jwt_authn (cache on) + rbac, {rules} rules"),
            "",
            Target::AtMost(*most),
            results.ratio(doorward, native),
        )
    });
    added.chain(ratios).collect()
}

/// The goal that `cargo xtask bench tokens` must meet.
pub(super) fn uncached_rs256(results: &Results) -> Budget {
    let tokens = Tokens::Different(Algorithm::Rs256);
    let doorward = allowed(Kind::Doorward, 1, tokens);
    let native = allowed(Kind::JwtAuthn { cache: false }, 0, tokens);
    Budget::new(
        "all added CPU, RS256 tokens all different, part of jwt_authn (cache off)".to_owned(),
        "",
        Target::AtMost(0.7),
        results.ratio(doorward, native),
    )
}

fn latencies(results: &Results) -> [Budget; 2] {
    let doorward = allowed(Kind::Doorward, 1, Tokens::One);
    let server = allowed(Kind::ExtAuthz, 0, Tokens::One);
    let times = |of: fn(&super::load::Latency) -> f64| {
        let ours = results.added_latency(doorward, of)?;
        times(results.added_latency(server, of)?, ours)
    };
    let budget = |what: &str, measured| {
        let what = format!("added latency at {what} of ext_authz answered at once, times ours");
        Budget::new(what, "", Target::AtLeast(5.0), measured)
    };
    [
        budget("p50", times(|latency| latency.p50)),
        budget("p99", times(|latency| latency.p99)),
    ]
}

/// How often ours goes into theirs; none where theirs cannot be told from none.
fn times(theirs: f64, ours: f64) -> Option<f64> {
    (theirs >= RESOLUTION).then(|| theirs / ours.max(RESOLUTION))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_itself_is_a_pass() {
        let verdict = |target, measured| Budget::new(String::new(), "", target, measured).verdict;
        assert_eq!(verdict(Target::AtMost(3.0), Some(3.0)), Verdict::Pass);
        assert_eq!(verdict(Target::AtMost(3.0), Some(3.1)), Verdict::Short);
        assert_eq!(verdict(Target::AtLeast(5.0), Some(5.0)), Verdict::Pass);
        assert_eq!(verdict(Target::AtLeast(5.0), Some(4.9)), Verdict::Short);
        assert_eq!(verdict(Target::AtMost(3.0), Some(f64::NAN)), Verdict::Short);
        assert_eq!(verdict(Target::AtMost(3.0), None), Verdict::NotMeasured);
    }

    #[test]
    fn a_latency_below_what_can_be_told_is_that() {
        assert_eq!(times(50.0, 10.0), Some(5.0));
        assert_eq!(times(50.0, 0.0), Some(50.0));
        assert_eq!(times(50.0, -1.0), Some(50.0));
        assert_eq!(times(-3.0, -1.0), None);
    }
}
