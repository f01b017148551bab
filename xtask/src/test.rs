//! Everything that must hold, in one run.

use crate::sections::{Counts, Sections};
use crate::step::Outcome;
use crate::{differential, envoy, place, step, tests_crate, wasm};
use anyhow::Result;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Runs all sections and prints the table; exit status 1 when any failed.
///
/// # Errors
///
/// None of its own: each section's errors are its result.
pub(crate) fn run() -> Result<ExitCode> {
    let mut sections = Sections::new();
    sections.run("format", || {
        component("fmt", "rustfmt")?;
        cargo(&["fmt", "--all", "--check"])
    });
    sections.run("lints", || {
        component("clippy", "clippy")?;
        let clippy = [&["clippy", "--locked"], &tests_crate::PACKAGES[..]].concat();
        cargo(&[&clippy[..], &["--all-targets", "--", "-D", "warnings"]].concat())
    });
    sections.run("unit and property tests", || {
        let test = [&["test", "--locked"], &tests_crate::PACKAGES[..]].concat();
        counted(&step::run(&mut command(
            &[&test[..], &["--no-fail-fast"]].concat(),
        ))?)
    });
    // What the comparison with the yardstick is worth: each fault is caught.
    sections.run("seeded faults", || {
        let package = ["--package", "doorward-yardstick", "--bin", "faults"];
        counted(&step::run(&mut command(
            &[&["run", "--locked"], &package[..]].concat(),
        ))?)
    });
    go_casbin(&mut sections);
    let mut program = None;
    sections.run("test program", || {
        found(&mut program, tests_crate::program())
    });
    let mut module = None;
    sections.run("module", || found(&mut module, wasm::build()));
    let mut vectors = None;
    sections.run("module of the signature tests", || {
        found(&mut vectors, wasm::build_vectors())
    });
    let mut envoy = None;
    sections.run("Envoy", || found(&mut envoy, envoy::find_or_fetch()));
    signatures(
        &mut sections,
        program.as_deref(),
        vectors.as_deref(),
        envoy.as_deref(),
    );
    in_hosts(&mut sections, program, module, envoy);
    let passed = sections.close();
    Ok(ExitCode::from(u8::from(!passed)))
}

/// The only section that may be skipped: Go is not to be had everywhere.
fn go_casbin(sections: &mut Sections) {
    const NAME: &str = "Go casbin";
    match differential::obstacle() {
        Ok(Some(obstacle)) => sections.skip(NAME, &obstacle),
        _ => {
            sections.run(NAME, || counted(&differential::section()?));
        }
    }
}

/// The host's cryptography against the module's own.
fn signatures(
    sections: &mut Sections,
    program: Option<&Path>,
    module: Option<&Path>,
    envoy: Option<&Path>,
) {
    const ON_HOST_SIM: &str = "signatures on host-sim";
    const ON_ENVOY: &str = "signatures on Envoy";
    let Some((program, module)) = program.zip(module) else {
        for name in [ON_HOST_SIM, ON_ENVOY] {
            sections.cannot_run(name, "there is no test program or no module for it");
        }
        return;
    };
    sections.run(ON_HOST_SIM, || {
        counted(&tests_crate::vectors(program, module, None)?)
    });
    match envoy {
        None => sections.cannot_run(ON_ENVOY, "there is no Envoy"),
        Some(envoy) => {
            sections.run(ON_ENVOY, || {
                counted(&tests_crate::vectors(program, module, Some(envoy))?)
            });
        }
    }
}

fn in_hosts(
    sections: &mut Sections,
    program: Option<PathBuf>,
    module: Option<PathBuf>,
    envoy: Option<PathBuf>,
) {
    const READY: &str = "ready configurations";
    const NATIVELY: &str = "scenarios natively";
    const ON_HOST_SIM: &str = "scenarios on host-sim";
    const COSTS: &str = "costs of a request";
    const ON_ENVOY: &str = "scenarios on Envoy";
    const AGAINST_ENVOY: &str = "host-sim against Envoy";
    const PATHS: &str = "paths on Envoy";
    const MTLS: &str = "mutual TLS between Envoys";
    const UNDER_LOAD: &str = "pushes under load on Envoy";
    const ROTATION: &str = "key rotations under load on Envoy";
    let Some(program) = program else {
        for name in [
            READY,
            NATIVELY,
            ON_HOST_SIM,
            COSTS,
            ON_ENVOY,
            AGAINST_ENVOY,
            PATHS,
            MTLS,
            UNDER_LOAD,
            ROTATION,
        ] {
            sections.cannot_run(name, "there is no test program");
        }
        return;
    };
    sections.run(READY, || checked(&tests_crate::generated(&program)?));
    sections.run(NATIVELY, || {
        counted(&tests_crate::scenarios_natively(&program)?)
    });
    let Some(module) = module else {
        for name in [
            ON_HOST_SIM,
            COSTS,
            ON_ENVOY,
            AGAINST_ENVOY,
            PATHS,
            MTLS,
            UNDER_LOAD,
            ROTATION,
        ] {
            sections.cannot_run(name, "there is no module");
        }
        return;
    };
    sections.run(ON_HOST_SIM, || {
        counted(&tests_crate::scenarios_on_host_sim(&program, &module)?)
    });
    sections.run(COSTS, || {
        counted(&tests_crate::request_cost(&program, &module)?)
    });
    let Some(envoy) = envoy else {
        for name in [ON_ENVOY, AGAINST_ENVOY, PATHS, MTLS, UNDER_LOAD, ROTATION] {
            sections.cannot_run(name, "there is no Envoy");
        }
        return;
    };
    sections.run(ON_ENVOY, || {
        counted(&tests_crate::scenarios_on_envoy(&program, &module, &envoy)?)
    });
    sections.run(AGAINST_ENVOY, || {
        // The same selection of packages as above, so that nothing is rebuilt.
        let test = [&["test", "--locked"], &tests_crate::PACKAGES[..]].concat();
        let alone = ["--", "--include-ignored", "--test-threads=1"];
        let arguments = [&test[..], &["--test", "against_envoy"], &alone].concat();
        counted(&step::run(command(&arguments).env("ENVOY_BIN", &envoy))?)
    });
    sections.run(PATHS, || {
        counted(&tests_crate::paths(&program, &module, &envoy)?)
    });
    sections.run(MTLS, || {
        counted(&tests_crate::mtls(&program, &module, &envoy)?)
    });
    sections.run(UNDER_LOAD, || {
        counted(&tests_crate::push_under_load(&program, &module, &envoy)?)
    });
    sections.run(ROTATION, || {
        counted(&tests_crate::rotation_under_load(
            &program, &module, &envoy,
        )?)
    });
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(place::cargo());
    command.args(arguments).current_dir(place::root());
    command
}

/// Installs a component of the toolchain that a minimal one lacks.
fn component(subcommand: &str, name: &str) -> Result<()> {
    let there = command(&[subcommand, "--version"])
        .output()
        .is_ok_and(|output| output.status.success());
    if !there {
        step::say(&format!("Installing {name} with rustup"));
        step::must(Command::new("rustup").args(["component", "add", name]))?;
    }
    Ok(())
}

/// A cargo command that is one check by itself.
fn cargo(arguments: &[&str]) -> Result<(bool, Counts)> {
    checked(&step::run(&mut command(arguments))?)
}

fn checked(outcome: &Outcome) -> Result<(bool, Counts)> {
    if outcome.status.success() {
        Ok((true, Counts::ONE))
    } else {
        Ok((false, Counts::default()))
    }
}

/// A child that prints its own counts, of which there must be some.
fn counted(outcome: &Outcome) -> Result<(bool, Counts)> {
    let counts = Counts::of_lines(&outcome.lines);
    let ran_any = counts.passed > 0 || counts.failed > 0;
    Ok((outcome.status.success() && ran_any, counts))
}

fn found(place: &mut Option<PathBuf>, result: Result<PathBuf>) -> Result<(bool, Counts)> {
    *place = Some(result?);
    Ok((true, Counts::ONE))
}
