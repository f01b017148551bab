//! The example bundle at work: requests, decisions and their times as a table.
//!
//! The demo is the scenario file `tests/scenarios/demo.yaml`, so that what it
//! shows is tested too.

use crate::envoy::runner::{Run, Runner};
use crate::scenarios::{host_sim_options, root, version};
use anyhow::{Context, Result, bail};
use host_sim::scenario::{Bytes, DecisionRecord, Observed, Request, Scenario, Step, check};
use host_sim::{ProxyModule, Simulator};
use std::path::Path;
use std::time::{Duration, Instant};

/// How often each request is sent for its time.
const TIMES: usize = 51;

/// What the demo's requests go through.
enum Proxy<'s> {
    Envoy(Box<Run<'s>>),
    HostSim(Box<Simulator>),
}

impl Proxy<'_> {
    fn request(&mut self, request: &Request) -> Result<Observed> {
        match self {
            Self::Envoy(run) => run.request(request),
            Self::HostSim(simulator) => Ok(simulator.request(request)?),
        }
    }

    fn median(&mut self, request: &Request) -> Result<Duration> {
        match self {
            Self::Envoy(run) => run.median(request, TIMES),
            Self::HostSim(simulator) => {
                let mut took = Vec::with_capacity(TIMES);
                for _ in 0..TIMES {
                    let started = Instant::now();
                    simulator.request(request)?;
                    took.push(started.elapsed());
                }
                took.sort();
                took.get(TIMES / 2).copied().context("no request was made")
            }
        }
    }
}

/// Shows the demo on this Envoy, or on host-sim; whether all decisions were
/// the expected ones. With `keep` Envoy then runs until Ctrl-C.
///
/// # Errors
///
/// When the proxy cannot be started or a request gets no answer.
pub fn run(envoy: Option<&Path>, module: &Path, keep: bool) -> Result<bool> {
    let file = root().join("tests").join("scenarios").join("demo.yaml");
    let scenarios = crate::given::load(&file)?;
    let scenario = scenarios.first().context("demo.yaml has no scenario")?;
    let folder = root().join("target").join("envoy-runs").join("demo");
    let runner = Runner {
        envoy: envoy.unwrap_or(Path::new("")),
        module,
        folder: &folder,
    };
    let (mut proxy, title) = match envoy {
        Some(envoy) => {
            let title = format!("Envoy {}, one worker", version(envoy)?);
            (on_envoy(&runner, scenario, &folder)?, title)
        }
        None => (on_host_sim(module, scenario)?, "host-sim".to_owned()),
    };
    println!("\nThe bundle policies/orders in {title}:\n");
    let passed = show(&mut proxy, scenario)?;
    if let Proxy::Envoy(run) = &mut proxy
        && keep
    {
        stay(run, scenario)?;
    }
    Ok(passed)
}

fn on_envoy<'s>(
    runner: &'s Runner<'_>,
    scenario: &'s Scenario,
    folder: &Path,
) -> Result<Proxy<'s>> {
    let (observed, run) = runner.start(scenario, folder)?;
    let Some(run) = run else {
        bail!("Envoy refused the bundle: {}", observed.log.join("\n"));
    };
    Ok(Proxy::Envoy(Box::new(run)))
}

fn on_host_sim(module: &Path, scenario: &Scenario) -> Result<Proxy<'static>> {
    let module = ProxyModule::from_file(module)?;
    let mut simulator = Simulator::new(&module, host_sim_options().with_scenario(scenario))?;
    let observed = simulator.configure(&scenario.configuration.text()?)?;
    if !observed.accepted {
        bail!("host-sim refused the bundle: {}", observed.log.join("\n"));
    }
    Ok(Proxy::HostSim(Box::new(simulator)))
}

fn requests(scenario: &Scenario) -> impl Iterator<Item = &Request> {
    scenario.steps.iter().filter_map(|step| match step {
        Step::Request { request, .. } => Some(&**request),
        _ => None,
    })
}

fn show(proxy: &mut Proxy<'_>, scenario: &Scenario) -> Result<bool> {
    let mut rows =
        vec![["request", "", "decision", "status", "reason", "rule", "us"].map(str::to_owned)];
    let mut differences = Vec::new();
    for step in &scenario.steps {
        let Step::Request { request, expect } = step else {
            bail!("the demo's scenario has a step that is no request");
        };
        let observed = proxy.request(request)?;
        let found = check(expect, &observed);
        differences.extend(
            found
                .iter()
                .map(|found| format!("{}: {found}", request.title())),
        );
        let record: DecisionRecord = match &observed.decision {
            Some(record) => serde_json::from_str(record)?,
            None => bail!("{}: no decision was recorded", request.title()),
        };
        rows.push([
            request.title(),
            format!("{} {}", request.method, request.path),
            record.decision,
            observed.status.to_string(),
            record.reason,
            record.rule.unwrap_or_else(|| "-".to_owned()),
            proxy.median(request)?.as_micros().to_string(),
        ]);
    }
    print_table(&rows);
    match proxy {
        Proxy::Envoy(_) => println!(
            "\nus: microseconds from request to answer at the client, the median of {TIMES} on one \
             kept-alive\nconnection, network and upstream included."
        ),
        Proxy::HostSim(_) => println!(
            "\nus: microseconds for the whole request in the simulator, the median of {TIMES}; a \
             proxy differs."
        ),
    }
    for difference in &differences {
        println!("not as expected: {difference}");
    }
    Ok(differences.is_empty())
}

/// Left-aligned columns, the last one right-aligned.
fn print_table<const N: usize>(rows: &[[String; N]]) {
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(column, (cell, width))| {
                if column + 1 == N {
                    format!("{cell:>width$}")
                } else {
                    format!("{cell:width$}")
                }
            })
            .collect();
        println!("{}", cells.join("  ").trim_end());
    }
}

/// Prints how to go on by hand, and waits for Ctrl-C.
fn stay(run: &mut Run<'_>, scenario: &Scenario) -> Result<()> {
    let address = run.envoy.ingress();
    println!("\nEnvoy listens on http://{address} until you press Ctrl-C; its upstream echoes.");
    println!(
        "Admin: http://{}  Log: {}",
        run.envoy.admin(),
        run.envoy.folder().join("envoy.log").display()
    );
    println!("\nTo try (the tokens hold for an hour):\n");
    for request in requests(scenario) {
        println!("# {}", request.title());
        let mut line = format!("curl -i -X {}", request.method);
        for (name, value) in &request.headers {
            let value = String::from_utf8_lossy(value.as_slice()).into_owned();
            line.push_str(&format!(" -H '{name}: {value}'"));
        }
        if let Some(body) = request.body.as_ref().map(Bytes::as_slice) {
            line.push_str(&format!(" -d '{}'", String::from_utf8_lossy(body)));
        }
        println!("{line} 'http://{address}{}'\n", request.path);
    }
    let status = run.envoy.wait()?;
    println!("Envoy ended ({status}).");
    Ok(())
}
