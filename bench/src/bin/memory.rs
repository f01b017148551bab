//! Counts what engines allocate for one workload: bytes that stay after
//! loading, and allocations per decision. `doorward-bench` calls it.

use allocation_counter::measure;
use anyhow::{Context, Result};
use clap::Parser;
use doorward_bench::engine::Kind;
use doorward_bench::family::{self, Routes};
use doorward_bench::report::Memory;
use doorward_bench::workload::{Case, Workload};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Decisions of a case that are counted at most, and the time after which no
/// further one is begun.
const DECISIONS: usize = 64;
const ENOUGH: Duration = Duration::from_millis(5);

#[derive(Parser)]
struct Arguments {
    #[arg(long)]
    family: String,
    #[arg(long)]
    rows: usize,
    #[arg(long)]
    engine: Vec<String>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let families = family::all(&Routes::find()?);
    let family = families
        .iter()
        .find(|family| family.name == arguments.family)
        .with_context(|| format!("there is no family {}", arguments.family))?;
    let workload = family.workload(arguments.rows);
    let mut counts = BTreeMap::new();
    for kind in Kind::ALL {
        if arguments.engine.iter().any(|name| name == kind.name()) {
            counts.insert(kind.name().to_owned(), count(kind, &workload)?);
        }
    }
    println!("{}", serde_json::to_string(&counts)?);
    Ok(())
}

fn count(kind: Kind, workload: &Workload) -> Result<Memory> {
    let mut bytes = 0;
    let mut meter = |load: &mut dyn FnMut()| bytes = measure(load).bytes_current;
    let loaded = kind.load(workload, &mut meter)?;
    let mut engine = loaded.map_err(anyhow::Error::msg)?;
    let mut allocations = BTreeMap::new();
    for case in Case::ALL {
        // What is made once, at the first use, is no cost of a decision.
        engine.allows(case, 0)?;
        let (mut total, mut decisions) = (0, 0);
        let started = Instant::now();
        for number in 0..workload.requests(case).len().min(DECISIONS) {
            let mut answer = Ok(false);
            total += measure(|| answer = engine.allows(case, number)).count_total;
            answer?;
            decisions += 1;
            if started.elapsed() > ENOUGH {
                break;
            }
        }
        allocations.insert(case.name().to_owned(), total as f64 / decisions as f64);
    }
    Ok(Memory { bytes, allocations })
}
