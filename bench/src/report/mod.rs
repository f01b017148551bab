//! What a run found, and its three forms: a table, a file and a plot.

mod plot;
mod table;

pub use plot::plot;
pub use table::{header, summary, table};

use crate::workload::Case;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Nanoseconds a decision took.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Nanoseconds {
    /// The lowest round. A round's value is the mean over its decisions, in
    /// the case random the median.
    pub min: f64,
    /// The median of the rounds.
    pub median: f64,
    /// The highest round.
    pub max: f64,
    /// In the case random: of each request's median over the rounds, the
    /// value that 99 of 100 requests do not exceed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99: Option<f64>,
    /// In the case random: the mean over the requests that are timed, made
    /// one after the other; of the rounds, the median.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean: Option<f64>,
}

/// What a decision of one case cost.
#[derive(Debug, Clone, Serialize)]
pub struct Cost {
    /// The family.
    pub family: &'static str,
    /// The engine.
    pub engine: &'static str,
    /// Rows of both kinds.
    pub rows: usize,
    /// The case.
    pub case: &'static str,
    /// Distinct requests that were timed.
    pub requests: usize,
    /// The time.
    pub ns: Nanoseconds,
    /// Allocations, the mean over requests.
    pub allocations: f64,
    /// Milliseconds from the policy's text to an engine that answers.
    pub load_ms: f64,
    /// Bytes that stay allocated after loading.
    pub bytes: i64,
    /// The most rows that a request of the case had examined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows_examined: Option<u32>,
}

/// Why an engine was not timed.
#[derive(Debug, Clone)]
pub struct Skipped {
    /// The engine.
    pub engine: &'static str,
    /// Rows of both kinds.
    pub rows: usize,
    /// The reason.
    pub reason: String,
}

/// What one engine allocated.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Memory {
    /// Bytes that stay after loading.
    pub bytes: i64,
    /// Allocations of a decision, by case.
    pub allocations: BTreeMap<String, f64>,
}

/// What was found for one family.
pub struct Findings {
    /// The family's name.
    pub name: &'static str,
    /// What its rows look like.
    pub about: &'static str,
    /// Whether the budget covers it.
    pub budget: bool,
    /// What decisions cost, by rows, then engine, then case.
    pub costs: Vec<Cost>,
    /// Engines that were not timed.
    pub skipped: Vec<Skipped>,
}

impl Findings {
    /// The cost of one engine, size and case.
    #[must_use]
    pub fn cost(&self, engine: &str, rows: usize, case: Case) -> Option<&Cost> {
        self.costs
            .iter()
            .find(|cost| cost.engine == engine && cost.rows == rows && cost.case == case.name())
    }

    /// The sizes that something was timed at.
    #[must_use]
    pub fn sizes(&self) -> Vec<usize> {
        let mut sizes: Vec<usize> = self.costs.iter().map(|cost| cost.rows).collect();
        sizes.extend(self.skipped.iter().map(|skipped| skipped.rows));
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }
}

/// Writes all costs as a JSON list.
///
/// # Errors
///
/// When the file cannot be written.
pub fn write_json(file: &Path, findings: &[Findings]) -> Result<()> {
    let costs: Vec<&Cost> = findings.iter().flat_map(|found| &found.costs).collect();
    let mut text = serde_json::to_string_pretty(&costs).context("the costs are not JSON")?;
    text.push('\n');
    std::fs::write(file, text).with_context(|| format!("{} cannot be written", file.display()))
}
