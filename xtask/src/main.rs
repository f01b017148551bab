//! The commands that README and CI call: `cargo xtask wasm`, `envoy`, `test`,
//! `differential`, `demo`, `generate`, `bench` and `fuzz`.
//!
//! They need Rust, Python 3 with pip and, to install what is missing, root on
//! Debian. Everything else they fetch themselves, saying so.
//!
//! Exit status: 0 when all is well, 1 when a check or a test failed, 2 when
//! the command line is wrong (clap's own).

mod apt;
mod bench;
mod differential;
mod envoy;
mod exports;
mod fuzz;
mod optimize;
mod peers;
mod place;
mod sections;
mod step;
mod test;
mod tests_crate;
mod wasm;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    about = "Builds, tests and shows Doorward"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Builds the module: target/doorward.wasm
    Wasm,
    /// Finds or fetches Envoy 1.40.0 and prints where it is
    Envoy,
    /// Runs everything: format, lints, tests, scenarios on host-sim and Envoy, pushes under load
    Test,
    /// Holds the engine against Casbin's Go library on generated models and calls
    Differential {
        /// Models to generate, each with ten requests
        #[arg(long, default_value_t = 20_000)]
        cases: u32,
        /// Calls of built-in functions to generate
        #[arg(long, default_value_t = 100_000)]
        calls: u32,
        /// Another seed is another run
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Sends requests through Envoy with the example bundle and prints what was decided
    Demo {
        /// Leaves Envoy running until Ctrl-C, and prints curl lines to try
        #[arg(long, conflicts_with = "sim")]
        keep: bool,
        /// Uses host-sim alone, where Envoy cannot be had
        #[arg(long)]
        sim: bool,
    },
    /// Times the engine and the module beside their peers, or checks the programs that do
    Bench {
        #[command(subcommand)]
        bench: bench::Bench,
    },
    /// Fuzzes the engine's models, matchers, policies and decisions, tokens, key sets, paths and mappings
    Fuzz {
        /// model, matcher, policy, decide, token, jwks, path or mapping; all of them unless given
        target: Option<String>,
        /// Minutes for each target
        #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
        minutes: u32,
    },
    /// Writes envoy/ and istio/ from policies/orders
    Generate {
        /// Writes nothing; fails when a file is not what would be written
        #[arg(long)]
        check: bool,
    },
}

fn main() -> ExitCode {
    match run(&Arguments::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::from(1)
        }
    }
}

fn run(command: &Command) -> Result<ExitCode> {
    match command {
        Command::Wasm => wasm::build().map(|_| ExitCode::SUCCESS),
        Command::Envoy => envoy::find_or_fetch().map(|_| ExitCode::SUCCESS),
        Command::Test => test::run(),
        Command::Differential { cases, calls, seed } => {
            differential::run(*cases, *calls, *seed).map(|()| ExitCode::SUCCESS)
        }
        Command::Demo { keep, sim } => tests_crate::demo(*keep, *sim).map(|()| ExitCode::SUCCESS),
        Command::Bench { bench } => bench::run(bench).map(|()| ExitCode::SUCCESS),
        Command::Fuzz { target, minutes } => fuzz::run(target.as_deref(), *minutes),
        Command::Generate { check } => tests_crate::generate(*check).map(|()| ExitCode::SUCCESS),
    }
}
