//! Compares the engine with the yardstick on generated cases.

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Parser;
use doorward_yardstick::run::{self, Plan};
use doorward_yardstick::{coverage::Coverage, shrink::shrink};

/// Compares the engine with the yardstick on generated models, policies and
/// requests. Exits with 1 at a disagreement, which it prints made small.
#[derive(Parser)]
struct Options {
    /// How many requests to compare.
    #[arg(long, default_value_t = 100_000)]
    triples: u64,
    /// Where the cases start; without it, from the clock.
    #[arg(long)]
    seed: Option<u64>,
    /// Threads to use.
    #[arg(long, default_value_t = 2)]
    threads: u64,
    /// Compare on this one case, by the number that a disagreement names.
    #[arg(long)]
    case: Option<u64>,
    /// Print a disagreement as it was found, not made small.
    #[arg(long)]
    as_found: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    if let Some(case) = options.case {
        return match run::case(case, &mut Coverage::default()) {
            Some(found) => {
                print!("{}", shrink(found));
                ExitCode::FAILURE
            }
            None => ExitCode::SUCCESS,
        };
    }
    let plan = Plan {
        seed: options.seed.unwrap_or_else(from_clock),
        triples: options.triples,
        threads: options.threads,
        shrink: !options.as_found,
    };
    eprintln!("seed {}", plan.seed);
    let report = run::run(plan, &|done| {
        if done % 10_000 < 1_000 {
            eprintln!("{done} of {}", plan.triples);
        }
    });
    print!("{}", report.coverage);
    for found in &report.disagreements {
        print!("{found}");
    }
    if report.disagreements.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn from_clock() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |since| since.as_secs())
}
