//! The engine against Casbin's Go library, from Debian's packages.

use crate::step::Outcome;
use crate::{apt, place, step};
use anyhow::Result;
use std::path::Path;
use std::process::Command;

const PACKAGES: [&str; 2] = ["golang-go", "golang-github-casbin-casbin-dev"];

/// Where Debian's package puts Casbin's sources.
const SOURCES: &str = "/usr/share/gocode/src/github.com/casbin/casbin";

/// Models and calls in `cargo xtask test`: about 20 seconds.
const SECTION_CASES: u32 = 3_000;
const SECTION_CALLS: u32 = 30_000;

/// What Debian's packages are for.
const WHAT_FOR: &str = "Casbin's Go library";

fn is_installed() -> bool {
    place::in_path("go").is_some() && Path::new(SOURCES).is_dir()
}

fn install() -> Result<()> {
    if is_installed() {
        return Ok(());
    }
    apt::install(&PACKAGES, WHAT_FOR)
}

/// Why the comparison cannot run on this machine; none where it can. Packages
/// that could be installed but fail to are no such reason.
///
/// # Errors
///
/// When it cannot be found out.
pub(crate) fn obstacle() -> Result<Option<String>> {
    if is_installed() {
        return Ok(None);
    }
    apt::obstacle(&PACKAGES, WHAT_FOR)
}

/// Runs a comparison of this size.
///
/// # Errors
///
/// When Go cannot be had, or the engine and Go disagree.
pub(crate) fn run(cases: u32, calls: u32, seed: u64) -> Result<()> {
    install()?;
    step::must(&mut command(cases, calls, seed))?;
    Ok(())
}

/// The comparison that is part of the test run.
///
/// # Errors
///
/// When Go cannot be installed or the program cannot be started.
pub(crate) fn section() -> Result<Outcome> {
    install()?;
    step::run(&mut command(SECTION_CASES, SECTION_CALLS, 1))
}

fn command(cases: u32, calls: u32, seed: u64) -> Command {
    let mut command = Command::new(place::cargo());
    command
        .args(["run", "--release", "--locked"])
        .args(["--package", "doorward-differential", "--", "go"])
        .args(["--cases", &cases.to_string()])
        .args(["--calls", &calls.to_string()])
        .args(["--seed", &seed.to_string()])
        .arg("--build")
        .arg(place::build().join("differential"))
        .current_dir(place::root());
    command
}
