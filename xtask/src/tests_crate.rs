//! The program of the tests crate, which has the scenarios, the demo and the
//! pushes under load.

use crate::step::Outcome;
use crate::{apt, envoy, place, step, wasm};
use anyhow::{Context, Result};
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

/// The program with these arguments, built when it is not.
fn command(arguments: impl IntoIterator<Item = OsString>) -> Command {
    let mut command = Command::new(place::cargo());
    command
        .args([
            "run",
            "--locked",
            "--package",
            "doorward-tests",
            "--bin",
            "doorward-tests",
            "--",
        ])
        .args(arguments)
        .current_dir(place::root());
    command
}

fn words<const N: usize>(words: [&str; N]) -> Vec<OsString> {
    words.into_iter().map(OsString::from).collect()
}

/// Runs the scenario files on host-sim.
///
/// # Errors
///
/// When the program cannot be started.
pub(crate) fn scenarios_on_host_sim(module: &Path) -> Result<Outcome> {
    let mut arguments = words(["scenarios", "--module"]);
    arguments.push(module.into());
    arguments.push("--host-sim".into());
    step::run(&mut command(arguments))
}

/// Runs the scenario files on Envoy.
///
/// # Errors
///
/// When the program cannot be started.
pub(crate) fn scenarios_on_envoy(module: &Path, envoy: &Path) -> Result<Outcome> {
    let mut arguments = words(["scenarios", "--module"]);
    arguments.push(module.into());
    arguments.push("--envoy".into());
    arguments.push(envoy.into());
    step::run(&mut command(arguments))
}

/// Replaces the policy while wrk sends requests; installs wrk when missing.
///
/// # Errors
///
/// When wrk cannot be had or the program cannot be started.
pub(crate) fn push_under_load(module: &Path, envoy: &Path) -> Result<Outcome> {
    if place::in_path("wrk").is_none() {
        apt::install(&["wrk"], "wrk, which sends the load,")?;
    }
    let mut arguments = words(["push-under-load", "--module"]);
    arguments.push(module.into());
    arguments.push("--envoy".into());
    arguments.push(envoy.into());
    step::run(&mut command(arguments))
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
    let outcome = generate_outcome(check)?;
    anyhow::ensure!(outcome.status.success(), "generate failed");
    Ok(())
}

/// As [`generate`], for the test run.
///
/// # Errors
///
/// When the program cannot be started.
pub(crate) fn generate_outcome(check: bool) -> Result<Outcome> {
    let mut arguments = words(["generate"]);
    if check {
        arguments.push("--check".into());
    }
    step::run(&mut command(arguments))
}
