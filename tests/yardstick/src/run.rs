//! Many cases, on several threads.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use crate::compare::{self, Disagreement};
use crate::coverage::Coverage;
use crate::generator;
use crate::shrink::shrink;

/// What to run.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Where the cases start: the same cases for the same seed.
    pub seed: u64,
    /// How many requests to compare.
    pub triples: u64,
    /// Threads to use.
    pub threads: u64,
    /// Whether a disagreement is made small.
    pub shrink: bool,
}

/// What a run found.
#[derive(Debug, Default)]
pub struct Report {
    /// What was exercised.
    pub coverage: Coverage,
    /// The first disagreement of each thread, made small.
    pub disagreements: Vec<Disagreement>,
}

/// The seed of a case: neighbouring seeds give cases of no likeness.
#[must_use]
pub fn case_seed(seed: u64, number: u64) -> u64 {
    seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(number.wrapping_mul(0xd1b5_4a32_d192_ed03))
}

/// Compares the engine with the yardstick. Calls `progress` with the number
/// of requests so far, now and then. Ends at the first disagreement.
#[must_use]
pub fn run(plan: Plan, progress: &(dyn Fn(u64) + Sync)) -> Report {
    let done = AtomicU64::new(0);
    let stop = AtomicBool::new(false);
    let threads = plan.threads.max(1);
    let parts: Vec<Report> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|first| {
                let (done, stop) = (&done, &stop);
                scope.spawn(move || {
                    let share = plan.triples.div_ceil(threads);
                    part(plan, first, share, stop, &|new| {
                        progress(done.fetch_add(new, Ordering::Relaxed) + new);
                    })
                })
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| {
                worker
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    });
    let mut report = Report::default();
    for part in parts {
        report.coverage.merge(&part.coverage);
        report.disagreements.extend(part.disagreements);
    }
    report
}

/// Every case of one thread, which starts at `first`.
fn part(plan: Plan, first: u64, triples: u64, stop: &AtomicBool, progress: &dyn Fn(u64)) -> Report {
    let mut report = Report::default();
    let mut number = first;
    let mut told = 0;
    while report.coverage.triples < triples && !stop.load(Ordering::Relaxed) {
        let case_seed = case_seed(plan.seed, number);
        number += plan.threads.max(1);
        if let Some(found) = case(case_seed, &mut report.coverage) {
            stop.store(true, Ordering::Relaxed);
            let found = if plan.shrink { shrink(found) } else { found };
            report.disagreements.push(found);
        }
        if report.coverage.triples - told >= 1_000 {
            progress(report.coverage.triples - told);
            told = report.coverage.triples;
        }
    }
    report
}

/// Compares on all requests of one case.
#[must_use]
pub fn case(seed: u64, coverage: &mut Coverage) -> Option<Disagreement> {
    let case = generator::case(seed);
    let Ok(compiled) = compare::compile(&case) else {
        coverage.refused += 1;
        return None;
    };
    coverage.policies += 1;
    let yardstick = compiled.yardstick();
    for ask in &case.requests {
        let mut touched = BTreeSet::new();
        let (engine, expected) = compiled.both(&yardstick, ask, &mut touched);
        coverage.add(&expected, &touched);
        if engine.as_ref() != Some(&expected) {
            let mut only = case.clone();
            only.requests = vec![ask.clone()];
            return Some(Disagreement {
                seed,
                case: only,
                engine,
                yardstick: expected,
            });
        }
    }
    None
}
