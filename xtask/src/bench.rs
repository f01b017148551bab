//! The engine and the module beside their peers.

use crate::{peers, place, step, tests_crate, wasm};
use anyhow::{Context, Result, ensure};
use clap::Subcommand;
use std::ffi::OsString;
use std::process::{Command, Stdio};

/// The package; no default member, since its peers take minutes to compile.
const PACKAGE: &str = "doorward-bench";

/// What can be asked of the benchmarks.
#[derive(Subcommand)]
pub(crate) enum Bench {
    /// Times decisions of the engine, the casbin crate, cedar-policy and regorus
    Engine {
        /// Runs fewer rounds, up to about 10,000 rows: under a minute
        #[arg(long)]
        quick: bool,
        /// Runs the families of these names alone
        #[arg(long, value_name = "NAME")]
        family: Vec<String>,
    },
    /// Times what requests cost in Envoy, beside its own filters, servers and the casbin crate
    Envoy {
        /// How often each variant is measured, after a round that warms up
        #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..))]
        rounds: u32,
        /// How long each measurement takes, in milliseconds
        #[arg(long, default_value_t = 250, value_parser = clap::value_parser!(u32).range(1..))]
        milliseconds: u32,
        /// Measures variants with one of these in their names alone; `memory` and `pushes` too
        #[arg(long, num_args = 1.., value_name = "SUBSTRING")]
        only: Vec<String>,
    },
    /// Times what tokens cost in Envoy, beside its own jwt_authn
    Tokens,
    /// Builds what Envoy is given beside the module: an ext_authz server, and
    /// the module with the casbin crate as its engine
    Peers,
    /// Runs clippy on the benchmarks, which `cargo xtask test` leaves out
    Lint,
}

/// Runs it.
///
/// # Errors
///
/// When the benchmarks do not compile, fail, or have lints.
pub(crate) fn run(bench: &Bench) -> Result<()> {
    match bench {
        Bench::Engine { quick, family } => engine(*quick, family),
        Bench::Envoy {
            rounds,
            milliseconds,
            only,
        } => envoy(*rounds, *milliseconds, only),
        Bench::Tokens => tests_crate::bench_tokens(),
        Bench::Peers => {
            wasm::build_casbin()?;
            let server = peers::ext_authz()?;
            println!("    {}", server.display());
            Ok(())
        }
        Bench::Lint => lint(),
    }
}

fn lint() -> Result<()> {
    step::say("Linting the benchmarks");
    let denied = ["--all-targets", "--", "-D", "warnings"];
    // In release, so that build scripts and macros are shared with the run.
    step::must(cargo("clippy", PACKAGE).args(denied))?;
    step::must(cargo("clippy", peers::PACKAGE).args(denied))?;
    step::must(
        cargo("clippy", "doorward-bundle")
            .args(["--package", "doorward-filter"])
            .args(["--features", "doorward-filter/casbin-engine"])
            .args(["--", "-D", "warnings"]),
    )?;
    Ok(())
}

/// What the names of variants have in them that need a peer built here.
const PEERS: [&str; 2] = [
    "doorward with casbin as engine",
    "ext_authz to rego, answered at once",
];

fn envoy(rounds: u32, milliseconds: u32, only: &[String]) -> Result<()> {
    // What is not built is left out, and the table says so. It takes many
    // minutes the first time, so it is built where it is measured alone.
    let [casbin, ext_authz] = PEERS.map(|peer| {
        let names = |part: &String| peer.contains(&part.to_lowercase());
        // A number of rules, a kind of tokens: peers have these too.
        let is_of_all = |part: &String| part.contains("rule") || part.contains("token");
        only.is_empty() || only.iter().any(|part| names(part) || is_of_all(part))
    });
    let peers = tests_crate::Peers {
        casbin_module: casbin.then(wasm::build_casbin).transpose()?,
        ext_authz: ext_authz.then(peers::ext_authz).transpose()?,
    };
    let mut options: Vec<OsString> = vec![
        "--rounds".into(),
        rounds.to_string().into(),
        "--milliseconds".into(),
        milliseconds.to_string().into(),
    ];
    for part in only {
        options.extend(["--only".into(), part.into()]);
    }
    tests_crate::bench_envoy(&peers, options)
}

fn engine(quick: bool, families: &[String]) -> Result<()> {
    step::say("Building the benchmarks (release; the first time takes minutes)");
    step::must(cargo("build", PACKAGE).arg("--bins"))?;
    let mut program = Command::new(place::build().join("release").join(PACKAGE));
    program
        .arg("--out")
        .arg(place::products().join("bench"))
        .current_dir(place::root())
        .stdin(Stdio::null());
    if quick {
        program.arg("--quick");
    }
    for family in families {
        program.args(["--family", family]);
    }
    // Its table is the product, so it has the terminal for itself.
    let status = program
        .status()
        .context("the benchmarks cannot be started")?;
    ensure!(status.success(), "the benchmarks failed: {status}");
    Ok(())
}

/// A command of cargo for a package, in release.
pub(crate) fn cargo(subcommand: &str, package: &str) -> Command {
    let mut command = Command::new(place::cargo());
    command
        .args([subcommand, "--locked", "--release", "--package", package])
        .current_dir(place::root());
    command
}
