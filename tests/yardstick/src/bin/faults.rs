//! Shows that the comparison with the yardstick can fail: faults seeded into
//! a copy of the engine are each found.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Parser;
use doorward_yardstick::faults::{self, Copy};

/// Seeds faults into a copy of the engine, one build for all, and runs the
/// comparison with the yardstick once without a fault and once with each.
/// Exits with 1 if the copy disagrees without a fault, or agrees with one.
#[derive(Parser)]
struct Options {
    /// How many requests to compare for each fault.
    #[arg(long, default_value_t = 200_000)]
    triples: u64,
    /// Where the cases start.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The faults; without it, those of this package.
    #[arg(long)]
    faults: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<bool> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = package
        .ancestors()
        .nth(2)
        .context("the package is not in a workspace")?;
    let data = options
        .faults
        .clone()
        .unwrap_or_else(|| package.join("faults.yaml"));
    let faults = faults::read(&data)?;
    let folder =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    eprintln!("building a copy of the engine with {} faults", faults.len());
    let copy = Copy::make(root, &folder.join("faults"), &faults)?;
    copy.build()?;
    eprintln!("comparing without a fault");
    let sound = copy.run(None, options.triples, options.seed)?;
    if sound.found {
        println!(
            "the copy disagrees without a fault, after {} triples",
            sound.triples
        );
        return Ok(false);
    }
    println!("{:>9} triples agree without a fault", sound.triples);
    let mut caught = 0;
    for (number, fault) in faults.iter().enumerate() {
        let finding = copy
            .run(Some(number), options.triples, options.seed)
            .with_context(|| format!("fault \"{}\"", fault.name))?;
        caught += usize::from(finding.found);
        let verdict = if finding.found {
            "caught after"
        } else {
            "NOT CAUGHT in"
        };
        println!(
            "{verdict:>13} {:>7} triples  {}: {}",
            finding.triples, fault.file, fault.name
        );
    }
    let missed = faults.len() - caught;
    println!("faults: {caught} passed, {missed} failed");
    Ok(caught == faults.len())
}
