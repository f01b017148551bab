//! `go`: the engine against Casbin's Go implementation.
//!
//! Exit status: 0 when nothing differs but what is documented, 1 when
//! something does or the Go program cannot be had, 2 when the command line is
//! wrong (clap's own).

use anyhow::Result;
use clap::{Parser, Subcommand};
use doorward_differential::dice::Dice;
use doorward_differential::go::Go;
use doorward_differential::report::Report;
use doorward_differential::{calls, check, known};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Parser)]
#[command(about = "Holds the engine against other implementations of Casbin")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Against the Go library, from Debian's packages
    Go {
        /// Models to generate, each with ten requests
        #[arg(long, default_value_t = 20_000)]
        cases: usize,
        /// Calls of built-in functions to generate
        #[arg(long, default_value_t = 100_000)]
        calls: usize,
        /// Another seed is another run; the same seed is the same run
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Where the Go program is built
        #[arg(long, default_value = "target/differential")]
        build: PathBuf,
    },
}

fn main() -> ExitCode {
    let Command::Go {
        cases,
        calls,
        seed,
        build,
    } = Arguments::parse().command;
    match against_go(cases, calls, seed, &build) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(1)
        }
    }
}

fn against_go(cases: usize, calls: usize, seed: u64, build: &std::path::Path) -> Result<bool> {
    // The Go program is built in another folder than it is run from.
    let build = std::path::absolute(build)?;
    let mut go = Go::start(&build)?;
    println!("seed {seed}");
    let mut failed = 0;
    let mut passed = 0;
    let mut close = |name: &str, report: &Report| {
        println!("\n{name}\n{report}");
        passed += report.agreements();
        failed += report.disagreements();
    };
    let mut shown = Report::default();
    known::run(&mut go, &mut shown)?;
    close("documented examples", &shown);
    let mut decided = Report::default();
    check::run(
        &mut go,
        &mut Dice::new(seed),
        cases,
        &mut decided,
        progress("models", cases),
    )?;
    close("decisions", &decided);
    let mut called = Report::default();
    calls::run(
        &mut go,
        &mut Dice::new(seed),
        calls,
        &mut called,
        progress("calls", calls),
    )?;
    close("calls of built-in functions", &called);
    println!("Go casbin: {passed} passed, {failed} failed");
    Ok(failed == 0)
}

/// Tells on stderr each time another tenth is done.
fn progress(what: &'static str, all: usize) -> impl FnMut(usize) {
    let mut told = 0;
    move |done| {
        let tenth = done * 10 / all.max(1);
        if tenth > told {
            told = tenth;
            eprintln!("{done} of {all} {what}");
        }
    }
}
