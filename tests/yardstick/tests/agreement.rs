//! The engine and the yardstick agree on generated cases: on the decision,
//! on whether it is an error, and on the row that it comes from.

use std::time::{SystemTime, UNIX_EPOCH};

use doorward_yardstick::coverage::Coverage;
use doorward_yardstick::run::{self, Plan};

/// Requests compared for each fixed seed, and for the fresh one.
const TRIPLES: u64 = 25_000;

/// Seeds that every run starts from.
const SEEDS: [u64; 3] = [1, 20_261_122, 0xd00d];

/// How often each operator, function and effect has to occur.
const OCCURRENCES: u64 = 1_000;

#[test]
fn the_engine_agrees_with_the_yardstick() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let fresh = now.map_or(0, |since| since.as_secs());
    println!("seeds {SEEDS:?} and {fresh}");
    let mut coverage = Coverage::default();
    for seed in SEEDS.into_iter().chain([fresh]) {
        let plan = Plan {
            seed,
            triples: TRIPLES,
            threads: 2,
            shrink: true,
        };
        let report = run::run(plan, &|_| {});
        let found: Vec<String> = report
            .disagreements
            .iter()
            .map(ToString::to_string)
            .collect();
        assert!(found.is_empty(), "seed {seed}\n{}", found.join("\n"));
        coverage.merge(&report.coverage);
    }
    println!("{coverage}");
    assert!(
        coverage.triples >= 4 * TRIPLES,
        "only {} triples",
        coverage.triples
    );
    check_shares(&coverage);
    let rare: Vec<String> = Coverage::required()
        .map(|name| (name, coverage.count(name)))
        .filter(|(_, count)| *count < OCCURRENCES)
        .map(|(name, count)| format!("{name}: {count}"))
        .collect();
    assert!(rare.is_empty(), "too rare: {}", rare.join(", "));
}

fn check_shares(coverage: &Coverage) {
    let allow = coverage.percent(coverage.allow);
    assert!(allow >= 25.0, "only {allow:.1} % are allowed");
    let error = coverage.percent(coverage.error);
    assert!(error >= 5.0, "only {error:.1} % are errors");
    let all = coverage.policies + coverage.refused;
    assert!(
        coverage.refused * 5 < all,
        "{} of {all} policies are refused",
        coverage.refused
    );
}
