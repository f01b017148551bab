//! Sections of a test run: each headed and timed, a table at the end.

use anyhow::Result;
use std::time::{Duration, Instant};

/// How many checks passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Checks that passed.
    pub(crate) passed: u64,
    /// Checks that failed.
    pub(crate) failed: u64,
}

impl Counts {
    /// The counts of a section that is one check by itself.
    pub(crate) const ONE: Self = Self {
        passed: 1,
        failed: 0,
    };

    /// Adds up all counts in the lines: of `cargo test` (`test result: ok. 3
    /// passed; 0 failed; ...`) and of our runners (`host-sim: 3 passed, 0
    /// failed`).
    pub(crate) fn of_lines(lines: &[String]) -> Self {
        lines
            .iter()
            .filter_map(|line| Self::of_line(line))
            .fold(Self::default(), |sum, counts| Self {
                passed: sum.passed + counts.passed,
                failed: sum.failed + counts.failed,
            })
    }

    fn of_line(line: &str) -> Option<Self> {
        let (before, after) = line.split_once(" passed")?;
        let (failed, rest) = after.get(2..)?.split_once(" failed")?;
        let is_result = line.starts_with("test result: ") || rest.is_empty();
        let passed = before.rsplit(' ').next()?.parse().ok()?;
        let failed = failed.parse().ok()?;
        is_result.then_some(Self { passed, failed })
    }
}

struct Row {
    name: &'static str,
    counts: Counts,
    result: String,
    took: Duration,
}

/// The sections run so far.
pub(crate) struct Sections {
    started: Instant,
    rows: Vec<Row>,
}

impl Sections {
    /// No section yet; the clock starts.
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
            rows: Vec::new(),
        }
    }

    /// Runs one section; whether it succeeded.
    ///
    /// One that stops without counts of its own, such as a compiler's error,
    /// counts as one failure.
    pub(crate) fn run(
        &mut self,
        name: &'static str,
        section: impl FnOnce() -> Result<(bool, Counts)>,
    ) -> bool {
        println!("\n=== {name} (at {})", seconds(self.started.elapsed()));
        let started = Instant::now();
        let (ok, mut counts) = section().unwrap_or_else(|error| {
            println!("    error: {error:#}");
            (false, Counts::default())
        });
        if !ok && counts.failed == 0 {
            counts.failed = 1;
        }
        let ok = counts.failed == 0;
        let result = if ok { "ok" } else { "FAILED" };
        let took = started.elapsed();
        println!("=== {name}: {result} in {}", seconds(took));
        self.push(name, counts, result.to_owned(), took);
        ok
    }

    /// Notes a section that cannot run because another failed: a failure.
    pub(crate) fn cannot_run(&mut self, name: &'static str, why: &str) {
        println!("\n=== {name}: not run, {why}");
        let counts = Counts {
            passed: 0,
            failed: 1,
        };
        self.push(name, counts, format!("NOT RUN: {why}"), Duration::ZERO);
    }

    /// Notes a section that this machine cannot run, which is no failure: only
    /// for comparisons with other software that cannot be had everywhere.
    pub(crate) fn skip(&mut self, name: &'static str, why: &str) {
        println!("\n=== {name}: skipped: {why}");
        let result = format!("skipped: {why}");
        self.push(name, Counts::default(), result, Duration::ZERO);
    }

    fn push(&mut self, name: &'static str, counts: Counts, result: String, took: Duration) {
        self.rows.push(Row {
            name,
            counts,
            result,
            took,
        });
    }

    /// Prints the table and the closing line; whether all passed.
    pub(crate) fn close(&self) -> bool {
        let width = self.rows.iter().map(|row| row.name.len()).max();
        let width = width.unwrap_or_default().max("section".len());
        println!(
            "\n{:width$}  {:>7}  {:>7}  {:>8}  result",
            "section", "passed", "failed", "time"
        );
        for row in &self.rows {
            println!(
                "{:width$}  {:>7}  {:>7}  {:>8}  {}",
                row.name,
                row.counts.passed,
                row.counts.failed,
                seconds(row.took),
                row.result
            );
        }
        let passed: u64 = self.rows.iter().map(|row| row.counts.passed).sum();
        let failed: u64 = self.rows.iter().map(|row| row.counts.failed).sum();
        println!("\nin {}", seconds(self.started.elapsed()));
        println!("{passed} passed, {failed} failed");
        failed == 0
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_from_both_forms_and_from_nothing_else() {
        let lines = [
            "test result: ok. 12 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out",
            "host-sim: 41 passed, 2 failed",
            "envoy 1.40.0: 41 passed, 0 failed",
            "test a_case_that passed, 7 failed before",
            "7 passed",
            "all passed",
            " passed",
            "é passedé failed",
        ]
        .map(str::to_owned);
        assert_eq!(
            Counts::of_lines(&lines),
            Counts {
                passed: 94,
                failed: 3
            }
        );
    }

    #[test]
    fn a_section_that_stops_without_counts_is_one_failure() {
        let mut sections = Sections::new();
        assert!(!sections.run("stops", || anyhow::bail!("no compiler")));
        assert!(sections.run("passes", || Ok((true, Counts::ONE))));
        assert!(!sections.close());
        assert_eq!(sections.rows[0].counts.failed, 1);
    }

    #[test]
    fn a_skipped_section_is_no_failure_and_says_why() {
        let mut sections = Sections::new();
        sections.skip("Go casbin", "there is no apt-get");
        assert!(sections.close());
        assert_eq!(sections.rows[0].result, "skipped: there is no apt-get");
        assert_eq!(sections.rows[0].counts, Counts::default());
    }

    #[test]
    fn a_status_of_failure_outweighs_good_counts() {
        let mut sections = Sections::new();
        assert!(!sections.run("crashes at the end", || Ok((false, Counts::ONE))));
    }
}
