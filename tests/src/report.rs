//! What a runner says: one line per failed case, then the counts.

use host_sim::scenario::Difference;
use std::time::Instant;

/// One judged point of a scenario.
#[derive(Clone, Debug)]
pub struct Case {
    /// What was judged.
    pub name: String,
    /// How it differs from what is expected; nothing when it passed.
    pub differences: Vec<String>,
}

impl Case {
    /// A case with these differences.
    #[must_use]
    pub fn new(name: &str, differences: Vec<Difference>) -> Self {
        Self {
            name: name.to_owned(),
            differences: differences.iter().map(ToString::to_string).collect(),
        }
    }

    /// A case that failed as a whole.
    #[must_use]
    pub fn failed(name: &str, why: String) -> Self {
        Self {
            name: name.to_owned(),
            differences: vec![why],
        }
    }

    /// A case that is judged here and now.
    #[must_use]
    pub fn judged(name: &str, verdict: Result<(), String>) -> Self {
        Self {
            name: name.to_owned(),
            differences: verdict.err().into_iter().collect(),
        }
    }
}

/// The counts of one runner.
pub struct Report {
    runner: String,
    passed: u64,
    failed: u64,
}

impl Report {
    /// A report of the runner of this name.
    #[must_use]
    pub fn new(runner: &str) -> Self {
        Self {
            runner: runner.to_owned(),
            passed: 0,
            failed: 0,
        }
    }

    /// Counts the cases of one scenario and prints what became of it.
    pub fn add(&mut self, title: &str, started: Instant, cases: &[Case]) {
        let failed: Vec<_> = cases
            .iter()
            .filter(|case| !case.differences.is_empty())
            .collect();
        let word = if failed.is_empty() { "ok" } else { "FAILED" };
        println!(
            "{}: {title}: {} cases, {word} ({:.1} s)",
            self.runner,
            cases.len(),
            started.elapsed().as_secs_f64()
        );
        for case in &failed {
            println!("    {}", case.name);
            for difference in &case.differences {
                println!("        {difference}");
            }
        }
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        self.failed += count(failed.len());
        self.passed += count(cases.len().saturating_sub(failed.len()));
    }

    /// Prints the counts; whether something passed and nothing failed.
    #[must_use]
    pub fn close(&self) -> bool {
        println!(
            "{}: {} passed, {} failed",
            self.runner, self.passed, self.failed
        );
        self.failed == 0 && self.passed > 0
    }
}
