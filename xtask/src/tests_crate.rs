//! The program of the tests crate, which has the scenarios, the demo and the
//! pushes under load.

use crate::step::Outcome;
use crate::{apt, envoy, peers, place, step, wasm};
use anyhow::{Context, Result};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What is built and tested: all but the benchmarks, whose peers take minutes
/// to compile and test nothing of ours.
pub(crate) const PACKAGES: [&str; 5] = [
    "--workspace",
    "--exclude",
    "doorward-bench",
    "--exclude",
    peers::PACKAGE,
];

/// The program with these arguments, built alone when it is not: what the demo
/// needs on a new machine and no more.
fn command(arguments: impl IntoIterator<Item = OsString>) -> Command {
    let mut command = Command::new(place::cargo());
    command
        .args(["run", "--locked", "--package", "doorward-tests", "--"])
        .args(arguments)
        .current_dir(place::root());
    command
}

/// Builds the program as the tests are built and returns its path.
///
/// Built alone its dependencies would have other features, and wasmtime with
/// all of Cranelift would be compiled once more.
///
/// # Errors
///
/// When it does not compile.
pub(crate) fn program() -> Result<PathBuf> {
    step::must(
        Command::new(place::cargo())
            .args(["build", "--locked"])
            .args(PACKAGES)
            .args(["--bins", "--tests"])
            .current_dir(place::root()),
    )?;
    Ok(place::build().join("debug").join("doorward-tests"))
}

/// Runs the program that [`program`] built.
fn run(program: &Path, arguments: Vec<OsString>) -> Result<Outcome> {
    step::run(
        Command::new(program)
            .args(arguments)
            .current_dir(place::root()),
    )
}

fn words<const N: usize>(words: [&str; N]) -> Vec<OsString> {
    words.into_iter().map(OsString::from).collect()
}

/// Runs the scenario files without a proxy.
///
/// # Errors
///
/// When the program cannot be started.
pub(crate) fn scenarios_natively(program: &Path) -> Result<Outcome> {
    run(program, words(["scenarios", "--native"]))
}

/// Runs the scenario files on host-sim.
///
/// # Errors
///
/// When the program cannot be started.
pub(crate) fn scenarios_on_host_sim(program: &Path, module: &Path) -> Result<Outcome> {
    let mut arguments = words(["scenarios", "--module"]);
    arguments.push(module.into());
    arguments.push("--host-sim".into());
    run(program, arguments)
}

/// Runs the scenario files on Envoy.
///
/// # Errors
///
/// When the program cannot be started.
pub(crate) fn scenarios_on_envoy(program: &Path, module: &Path, envoy: &Path) -> Result<Outcome> {
    let mut arguments = words(["scenarios", "--module"]);
    arguments.push(module.into());
    arguments.push("--envoy".into());
    arguments.push(envoy.into());
    run(program, arguments)
}

/// Counts what a request costs on host-sim.
///
/// # Errors
///
/// When the program cannot be started.
pub(crate) fn request_cost(program: &Path, module: &Path) -> Result<Outcome> {
    let mut arguments = words(["request-cost", "--module"]);
    arguments.push(module.into());
    run(program, arguments)
}

/// Replaces the policy while wrk sends requests; installs wrk when missing.
///
/// # Errors
///
/// When wrk cannot be had or the program cannot be started.
pub(crate) fn push_under_load(program: &Path, module: &Path, envoy: &Path) -> Result<Outcome> {
    install_wrk()?;
    let mut arguments = words(["push-under-load", "--module"]);
    arguments.push(module.into());
    arguments.push("--envoy".into());
    arguments.push(envoy.into());
    run(program, arguments)
}

/// Holds the host's signatures against the module's own, on Envoy where it is
/// given, else on host-sim.
///
/// # Errors
///
/// When the program cannot be started.
pub(crate) fn vectors(program: &Path, module: &Path, envoy: Option<&Path>) -> Result<Outcome> {
    let mut arguments = words(["vectors", "--module"]);
    arguments.push(module.into());
    match envoy {
        None => arguments.push("--host-sim".into()),
        Some(envoy) => arguments.extend(["--envoy".into(), envoy.into()]),
    }
    run(program, arguments)
}

/// Builds all that it takes and times what requests cost in Envoy.
///
/// # Errors
///
/// When something cannot be built, fetched or run.
pub(crate) fn bench_envoy(peers: &Peers, options: Vec<OsString>) -> Result<()> {
    let mut arguments = bench_arguments("bench-envoy")?;
    if let Some(module) = &peers.casbin_module {
        arguments.extend(["--casbin-module".into(), module.into()]);
    }
    if let Some(program) = &peers.ext_authz {
        arguments.extend(["--ext-authz".into(), program.into()]);
    }
    arguments.extend(options);
    bench(arguments)
}

/// What the benchmark compares with and this workspace builds.
pub(crate) struct Peers {
    /// The module with the casbin crate as its engine.
    pub(crate) casbin_module: Option<PathBuf>,
    /// The server that ext_authz asks.
    pub(crate) ext_authz: Option<PathBuf>,
}

/// Builds all that it takes and times what tokens cost in Envoy.
///
/// # Errors
///
/// When something cannot be built, fetched or run, or the goal is not met.
pub(crate) fn bench_tokens() -> Result<()> {
    bench(bench_arguments("bench-tokens")?)
}

fn bench_arguments(command: &str) -> Result<Vec<OsString>> {
    let module = wasm::build()?;
    let envoy = envoy::find_or_fetch()?;
    install_wrk()?;
    let mut arguments = words([command, "--module"]);
    arguments.push(module.into());
    arguments.extend(["--envoy".into(), envoy.into(), "--out".into()]);
    arguments.push(place::products().join("bench").into());
    Ok(arguments)
}

fn bench(arguments: Vec<OsString>) -> Result<()> {
    step::say("Building the benchmark");
    // Its table is the product, so it has the terminal for itself.
    let status = command(arguments)
        .stdin(Stdio::null())
        .status()
        .context("the benchmark cannot be started")?;
    anyhow::ensure!(status.success(), "the benchmark failed: {status}");
    Ok(())
}

fn install_wrk() -> Result<()> {
    if place::in_path("wrk").is_none() {
        apt::install(&["wrk"], "wrk, which sends the load,")?;
    }
    Ok(())
}

/// Rotates an issuer's keys under load.
///
/// # Errors
///
/// When the program cannot be started.
pub(crate) fn rotation_under_load(program: &Path, module: &Path, envoy: &Path) -> Result<Outcome> {
    let mut arguments = words(["rotation-under-load", "--module"]);
    arguments.push(module.into());
    arguments.push("--envoy".into());
    arguments.push(envoy.into());
    run(program, arguments)
}

/// Sends the corpus of confusing paths through Envoy.
///
/// # Errors
///
/// When the program cannot be started.
pub(crate) fn paths(program: &Path, module: &Path, envoy: &Path) -> Result<Outcome> {
    let mut arguments = words(["paths", "--module"]);
    arguments.push(module.into());
    arguments.push("--envoy".into());
    arguments.push(envoy.into());
    run(program, arguments)
}

/// Tells peers apart by their certificates, between two Envoys.
///
/// # Errors
///
/// When the program cannot be started.
pub(crate) fn mtls(program: &Path, module: &Path, envoy: &Path) -> Result<Outcome> {
    let mut arguments = words(["mtls", "--module"]);
    arguments.push(module.into());
    arguments.push("--envoy".into());
    arguments.push(envoy.into());
    run(program, arguments)
}

/// Builds the module, gets Envoy and shows the example bundle at work.
///
/// # Errors
///
/// When something cannot be built or fetched, or a decision is not the
/// expected one.
pub(crate) fn demo(keep: bool, sim: bool) -> Result<()> {
    let module = wasm::build()?;
    let mut arguments = words(["demo", "--module"]);
    arguments.push(module.into());
    if !sim {
        arguments.push("--envoy".into());
        arguments.push(envoy::find_or_fetch()?.into());
    }
    if keep {
        arguments.push("--keep".into());
    }
    step::say("Building the demo");
    step::must(
        Command::new(place::cargo())
            .args(["build", "--locked", "--package", "doorward-tests"])
            .current_dir(place::root()),
    )?;
    // The demo has the terminal for itself: its table is the product, and with
    // --keep it waits for Ctrl-C.
    let mut demo = command(arguments);
    let status = demo
        .env("CARGO_TERM_QUIET", "true")
        .stdin(Stdio::null())
        .status()
        .context("the demo cannot be started")?;
    anyhow::ensure!(status.success(), "the demo failed: {status}");
    Ok(())
}

/// Writes the ready configurations, or checks that they are up to date.
///
/// # Errors
///
/// When a file cannot be written, or is stale.
pub(crate) fn generate(check: bool) -> Result<()> {
    step::must(&mut command(generate_arguments(check)))?;
    Ok(())
}

/// Checks that the ready configurations are up to date, in the test run.
///
/// # Errors
///
/// When the program cannot be started.
pub(crate) fn generated(program: &Path) -> Result<Outcome> {
    run(program, generate_arguments(true))
}

fn generate_arguments(check: bool) -> Vec<OsString> {
    let mut arguments = words(["generate"]);
    if check {
        arguments.push("--check".into());
    }
    arguments
}
