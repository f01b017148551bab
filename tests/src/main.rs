//! What `cargo xtask` calls. Exit status: 0 when all passed, 1 when not, 2
//! when the command line is wrong.

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use doorward_tests::{
    bench_envoy, demo, generate, mtls, paths, push_under_load, request_cost, rotation_under_load,
    scenarios, vectors,
};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

#[derive(Parser)]
#[command(name = "doorward-tests", about = "Tests of the module in its hosts")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs scenario files on one host
    Scenarios {
        #[command(flatten)]
        runner: RunnerArguments,
        /// The module, where there is a proxy
        #[arg(long, required_unless_present = "native")]
        module: Option<PathBuf>,
        /// Scenario files; when none is given, all of tests/scenarios and of
        /// policies/*/tests
        files: Vec<PathBuf>,
    },
    /// Shows the example bundle at work
    Demo {
        /// The module
        #[arg(long)]
        module: PathBuf,
        /// Envoy's program; on host-sim when absent
        #[arg(long)]
        envoy: Option<PathBuf>,
        /// Leaves Envoy running until Ctrl-C
        #[arg(long, requires = "envoy")]
        keep: bool,
    },
    /// Writes envoy/ and istio/ from policies/orders
    Generate {
        /// Writes nothing; fails when a file is stale
        #[arg(long)]
        check: bool,
    },
    /// Rotates an issuer's keys under load
    RotationUnderLoad {
        /// The module
        #[arg(long)]
        module: PathBuf,
        /// Envoy's program
        #[arg(long)]
        envoy: PathBuf,
    },
    /// Holds the host's signatures against the module's own
    Vectors {
        #[command(flatten)]
        host: HostArguments,
        /// The module, built with the feature `vectors`
        #[arg(long)]
        module: PathBuf,
    },
    /// Counts callbacks, host calls and fuel of a request on host-sim
    RequestCost {
        /// The module
        #[arg(long)]
        module: PathBuf,
    },
    /// Times what requests cost in Envoy, beside native filters and servers
    BenchEnvoy(BenchArguments),
    /// Times what tokens cost in Envoy, beside jwt_authn; fails short of the goal
    BenchTokens(BenchArguments),
    /// Sends the corpus of confusing paths through Envoy
    Paths {
        /// The module
        #[arg(long)]
        module: PathBuf,
        /// Envoy's program
        #[arg(long)]
        envoy: PathBuf,
    },
    /// Tells peers apart by their certificates, between two Envoys
    Mtls {
        /// The module
        #[arg(long)]
        module: PathBuf,
        /// Envoy's program
        #[arg(long)]
        envoy: PathBuf,
    },
    /// Replaces the policy of an Envoy under load
    PushUnderLoad {
        /// The module
        #[arg(long)]
        module: PathBuf,
        /// Envoy's program
        #[arg(long)]
        envoy: PathBuf,
    },
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct RunnerArguments {
    /// Runs without a proxy and without Wasm
    #[arg(long)]
    native: bool,
    /// Runs on host-sim
    #[arg(long)]
    host_sim: bool,
    /// Runs on this Envoy
    #[arg(long)]
    envoy: Option<PathBuf>,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct HostArguments {
    /// Runs on host-sim
    #[arg(long)]
    host_sim: bool,
    /// Runs on this Envoy
    #[arg(long)]
    envoy: Option<PathBuf>,
}

#[derive(Args)]
struct BenchArguments {
    /// The module
    #[arg(long)]
    module: PathBuf,
    /// Envoy's program
    #[arg(long)]
    envoy: PathBuf,
    /// The folder where the numbers go
    #[arg(long)]
    out: PathBuf,
    /// The module with the casbin crate as its engine; left out when absent
    #[arg(long)]
    casbin_module: Option<PathBuf>,
    /// The server that ext_authz asks; left out when absent
    #[arg(long)]
    ext_authz: Option<PathBuf>,
    /// How often each variant is measured
    #[arg(long, default_value_t = 24, value_parser = at_least_one)]
    rounds: usize,
    /// How long each measurement takes, in milliseconds
    #[arg(long, default_value_t = 250, value_parser = clap::value_parser!(u64).range(1..))]
    milliseconds: u64,
    /// Variants with one of these in their names; `memory` and `pushes` too
    #[arg(long, num_args = 1.., value_name = "SUBSTRING")]
    only: Vec<String>,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("must be at least 1".to_owned()),
        Ok(number) => Ok(number),
        Err(error) => Err(error.to_string()),
    }
}

impl BenchArguments {
    fn plan(&self) -> bench_envoy::Plan<'_> {
        bench_envoy::Plan {
            envoy: &self.envoy,
            module: &self.module,
            casbin_module: self.casbin_module.as_deref(),
            ext_authz: self.ext_authz.as_deref(),
            out: &self.out,
            rounds: self.rounds,
            time: Duration::from_millis(self.milliseconds),
            only: &self.only,
        }
    }
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(passed) => ExitCode::from(u8::from(!passed)),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(1)
        }
    }
}

fn run(command: Command) -> Result<bool> {
    match command {
        Command::Scenarios {
            runner,
            module,
            mut files,
        } => {
            if files.is_empty() {
                files = scenarios::files()?;
            }
            match (runner.envoy, module) {
                (Some(envoy), Some(module)) => scenarios::on_envoy(&envoy, &module, &files),
                (None, Some(module)) if !runner.native => scenarios::on_host_sim(&module, &files),
                _ => Ok(scenarios::natively(&files)),
            }
        }
        Command::BenchEnvoy(arguments) => bench_envoy::run(&arguments.plan()).map(|()| true),
        Command::BenchTokens(arguments) => bench_envoy::tokens(&arguments.plan()),
        Command::RequestCost { module } => request_cost::run(&module),
        Command::Vectors { host, module } => vectors::run(host.envoy.as_deref(), &module),
        Command::Demo {
            module,
            envoy,
            keep,
        } => demo::run(envoy.as_deref(), &module, keep),
        Command::Generate { check } => generate::run(check),
        Command::Paths { module, envoy } => paths::run(&envoy, &module),
        Command::Mtls { module, envoy } => mtls::run(&envoy, &module),
        Command::PushUnderLoad { module, envoy } => push_under_load::run(&envoy, &module),
        Command::RotationUnderLoad { module, envoy } => rotation_under_load::run(&envoy, &module),
    }
}
