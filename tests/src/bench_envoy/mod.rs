//! What a request costs in Envoy: Doorward beside what users would pick
//! instead. One Envoy process with one worker has a listener for each variant;
//! the load takes turns among them, over many rounds, from another core.

mod budgets;
mod cores;
mod floor;
mod load;
mod memory;
pub(crate) mod mint;
mod plot;
mod proxy;
mod pushes;
mod report;
mod results;
pub(crate) mod rules;
mod run;
mod server;
mod statistics;
mod steady;
mod tokens;
mod variant;

use anyhow::Result;
use budgets::{Beside, Verdict};
use run::Run;
use std::path::Path;
use std::time::Duration;

/// Windows of pushes, at most.
const WINDOWS: usize = 6;

/// Sizes of bundles whose memory is measured.
const MEMORY_RULES: [usize; 2] = [1, 10_000];

/// What is to be run.
pub struct Plan<'a> {
    /// Envoy's program.
    pub envoy: &'a Path,
    /// The module.
    pub module: &'a Path,
    /// The module with the casbin crate as its engine, where there is one.
    pub casbin_module: Option<&'a Path>,
    /// The server that ext_authz asks, where there is one.
    pub ext_authz: Option<&'a Path>,
    /// The folder where the numbers go.
    pub out: &'a Path,
    /// How often each variant is measured.
    pub rounds: usize,
    /// How long each measurement takes.
    pub time: Duration,
    /// Variants whose names have one of these in them; all when empty.
    pub only: &'a [String],
}

/// Measures all variants, memory and pushes, and prints the tables.
///
/// # Errors
///
/// When Envoy or wrk cannot be run, or a request is not answered as it should
/// be. That a budget is short is no error.
pub fn run(plan: &Plan<'_>) -> Result<()> {
    let mut run = Run::new(plan, "bench-envoy", variant::all())?;
    run.rounds()?;
    run.memory_of_each()?;
    let beside_variants =
        |name: &str| plan.only.is_empty() || plan.only.iter().any(|part| part == name);
    let mut per_worker = Vec::new();
    if beside_variants("memory") {
        per_worker = run.per_worker(&MEMORY_RULES)?;
    }
    let mut pushes = None;
    if beside_variants("pushes") {
        pushes = Some(run.pushes(plan.rounds.min(WINDOWS))?);
    }
    let beside = Beside {
        module_bytes: std::fs::metadata(plan.module)?.len(),
        per_worker: &per_worker,
        pushes,
    };
    let budgets = budgets::all(&run.results, &beside);
    report::table(&run.results);
    run.say_what_is_left_out();
    report::beside(&run.results, &per_worker, pushes);
    report::floors(&run.results);
    report::budgets(&budgets);
    let file = |name| plan.out.join(name);
    report::write_variants(&file("envoy.json"), &run.results)?;
    let found = (budgets.as_slice(), per_worker.as_slice(), pushes);
    report::write_budgets(&file("envoy-budgets.json"), plan, &run.results, found)?;
    plot::draw(&file("envoy.svg"), &run.results)
}

/// Measures what tokens cost, with one rule; whether the goal is met.
///
/// # Errors
///
/// As [`run`].
pub fn tokens(plan: &Plan<'_>) -> Result<bool> {
    let mut run = Run::new(plan, "bench-tokens", variant::tokens())?;
    run.rounds()?;
    let goal = budgets::uncached_rs256(&run.results);
    report::table(&run.results);
    run.say_what_is_left_out();
    report::ratios(&run.results);
    report::budgets(std::slice::from_ref(&goal));
    report::write_variants(&plan.out.join("tokens.json"), &run.results)?;
    Ok(goal.verdict == Verdict::Pass)
}
