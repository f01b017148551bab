//! `cargo xtask bench engine`: what a decision costs in this engine and in its
//! peers, with equivalent policies, interleaved in one run.
//!
//! Exit status: 0 when it ran, 1 when it could not or this engine gave an
//! unexpected answer, 2 when the command line is wrong (clap's own).

mod course;
mod timing;

use anyhow::{Context, Result, bail};
use clap::Parser;
use doorward_bench::family::{self, Routes};
use doorward_bench::report;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

#[derive(Parser)]
#[command(about = "Times the engine beside its peers")]
struct Arguments {
    /// Runs fewer rounds and sizes, up to about 10,000 rows
    #[arg(long)]
    quick: bool,
    /// Runs the families of these names alone
    #[arg(long, value_name = "NAME")]
    family: Vec<String>,
    /// The folder for engine.json and engine.svg
    #[arg(long, value_name = "FOLDER", default_value = "target/bench")]
    out: PathBuf,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(1)
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let started = Instant::now();
    let routes = Routes::find()?;
    let mut families = family::all(&routes);
    let names: Vec<&str> = families.iter().map(|family| family.name).collect();
    for wanted in &arguments.family {
        if !names.contains(&wanted.as_str()) {
            bail!(
                "there is no family {wanted}; there are {}",
                names.join(", ")
            );
        }
    }
    if !arguments.family.is_empty() {
        families.retain(|family| arguments.family.iter().any(|name| name == family.name));
    }
    let clock = timing::clock();
    println!("Routes: {}.", routes.origin);
    println!("Reading the clock takes {clock:.0} ns, taken off the times of random requests.");
    print!("{}", report::header());
    let effort = course::effort(arguments.quick);
    let mut all = Vec::new();
    for family in &families {
        let found = course::run(family, effort, arguments.quick, clock)
            .with_context(|| format!("family {}", family.name))?;
        print!("{}", report::table(&found));
        all.push(found);
    }
    print!("{}", report::summary(&all));
    let out = &arguments.out;
    std::fs::create_dir_all(out)
        .with_context(|| format!("the folder {} cannot be made", out.display()))?;
    let (json, svg) = (out.join("engine.json"), out.join("engine.svg"));
    report::write_json(&json, &all)?;
    report::plot(&svg, &all)?;
    println!(
        "\nWritten: {} and {}. Took {} s.",
        json.display(),
        svg.display(),
        started.elapsed().as_secs()
    );
    Ok(())
}
