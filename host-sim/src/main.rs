//! `host-sim`: runs scenario files on the simulator, shows what a module imports and exports.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use host_sim::runner::{self, Report};
use host_sim::scenario::{self, Host, Variables};
use host_sim::{DEFAULT_FUEL, Options, ProxyModule};

/// Runs proxy-wasm modules as Envoy does, without Envoy.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs scenario files; exits with 0 when all is as expected, 1 when not, 2 when a file or
    /// the module cannot be used.
    Run {
        /// The module.
        #[arg(long)]
        module: PathBuf,
        /// A value for `${NAME}` in the scenarios; may be given several times.
        #[arg(long = "var", value_name = "NAME=VALUE", value_parser = variable)]
        variables: Vec<(String, String)>,
        /// The filter state that holds the decision record.
        #[arg(long, default_value = scenario::DECISION_PROPERTY)]
        decision_property: String,
        /// Fuel of one callback; a module that needs more is taken to loop.
        #[arg(long, default_value_t = DEFAULT_FUEL)]
        fuel: u64,
        /// Prints one JSON object for each scenario instead of text.
        #[arg(long)]
        json: bool,
        /// Scenario files (YAML, one scenario for each document).
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Prints the imports and exports of a module; what the host lacks is marked.
    Inspect {
        /// The module.
        #[arg(long)]
        module: PathBuf,
    },
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Run {
            module,
            variables,
            decision_property,
            fuel,
            json,
            files,
        } => {
            let options = Options {
                decision_property,
                fuel,
                ..Options::default()
            };
            run(
                &module,
                &variables.into_iter().collect(),
                &options,
                json,
                &files,
            )
        }
        Command::Inspect { module } => inspect(&module),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

/// Runs the files; true when all is as expected.
fn run(
    module: &Path,
    variables: &Variables,
    options: &Options,
    json: bool,
    files: &[PathBuf],
) -> anyhow::Result<bool> {
    // Every file is read before anything is run: a mistake in one is told at once.
    let mut scenarios = Vec::new();
    for file in files {
        scenarios.extend(scenario::load(file, variables)?);
    }
    let module = ProxyModule::from_file(module)?;
    let mut passed = 0;
    let mut failed = 0;
    for scenario in scenarios
        .iter()
        .filter(|scenario| scenario.is_for(Host::HostSim))
    {
        let report = runner::run(&module, scenario, options)
            .with_context(|| format!("scenario `{}`", scenario.name))?;
        if json {
            println!("{}", serde_json::to_string(&report)?);
        } else {
            print(&report);
        }
        for step in &report.steps {
            if step.differences.is_empty() {
                passed += 1;
            } else {
                failed += 1;
            }
        }
    }
    let left_out = scenarios
        .iter()
        .filter(|scenario| !scenario.is_for(Host::HostSim))
        .count();
    if json {
        let summary = serde_json::json!({"passed": passed, "failed": failed, "left_out": left_out});
        println!("{summary}");
    } else {
        match left_out {
            0 => {}
            1 => println!("1 scenario is not for this host"),
            _ => println!("{left_out} scenarios are not for this host"),
        }
        println!("{passed} passed, {failed} failed");
    }
    Ok(failed == 0)
}

fn print(report: &Report) {
    println!("{}", report.name);
    for step in &report.steps {
        let mark = if step.differences.is_empty() {
            "ok  "
        } else {
            "FAIL"
        };
        println!("  {mark} {}", step.title);
        for difference in &step.differences {
            println!("       {}", difference.field);
            println!("         expected {}", difference.expected);
            println!("         got      {}", difference.got);
        }
    }
}

/// Prints imports and exports; true when the host has every import.
fn inspect(path: &Path) -> anyhow::Result<bool> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let module = ProxyModule::compile(&bytes)?;
    let unknown = module.unknown_imports();
    println!("imports");
    for import in module.imports() {
        let name = format!("{}.{}", import.module, import.name);
        let mark = if unknown.contains(&name) {
            "  (unknown to the host)"
        } else {
            ""
        };
        println!("  {import}{mark}");
    }
    println!("exports");
    for export in module.exports() {
        println!("  {export}");
    }
    Ok(unknown.is_empty())
}
