//! Runs scenarios on the simulator.

use serde::Serialize;

use crate::module::ProxyModule;
use crate::options::{Options, PropertyError};
use crate::scenario::{Concurrent, Difference, Scenario, Step, check, check_calls, check_push};
use crate::simulator::{SimulationError, Simulator};

/// What became of one scenario.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The scenario's name.
    pub name: String,
    /// The configuration, then each step.
    pub steps: Vec<StepReport>,
}

impl Report {
    /// Whether everything was as expected.
    pub fn passed(&self) -> bool {
        self.steps.iter().all(|step| step.differences.is_empty())
    }
}

/// What became of one step.
#[derive(Clone, Debug, Serialize)]
pub struct StepReport {
    /// What the step does.
    pub title: String,
    /// In what the outcome differs from what was expected.
    pub differences: Vec<Difference>,
}

/// Why a scenario cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A property of the scenario cannot be set.
    #[error(transparent)]
    Property(#[from] PropertyError),
    /// A configuration's file cannot be read.
    #[error("cannot read the configuration: {0}")]
    Configuration(#[from] std::io::Error),
}

/// Runs a scenario on a fresh simulator. What the scenario says of the proxy goes before
/// `options`. A step that cannot be taken to its end is a difference, and the following steps
/// are run all the same.
///
/// # Errors
///
/// When the simulator cannot be set up as the scenario says.
pub fn run(
    module: &ProxyModule,
    scenario: &Scenario,
    options: &Options,
) -> Result<Report, RunError> {
    let options = options.clone().with_scenario(scenario);
    let mut simulator = Simulator::new(module, options)?;
    let configuration = scenario.configuration.text()?;
    let mut steps = vec![StepReport {
        title: "configuration".to_owned(),
        differences: match simulator.configure(&configuration) {
            Ok(observed) => check_push(&scenario.expect_configuration, &observed),
            Err(error) => vec![broken(&error)],
        },
    }];
    for step in &scenario.steps {
        steps.push(take(&mut simulator, step)?);
    }
    Ok(Report {
        name: scenario.name.clone(),
        steps,
    })
}

fn take(simulator: &mut Simulator, step: &Step) -> Result<StepReport, RunError> {
    Ok(match step {
        Step::Request { request, expect } => StepReport {
            title: request.title(),
            differences: repeat(request.times, || match simulator.request(request) {
                Ok(mut observed) => {
                    let counted = |name: &String| {
                        let metric = simulator.metric(name)?;
                        Some((name.clone(), metric.value))
                    };
                    observed.metrics = expect.metrics.keys().filter_map(counted).collect();
                    check(expect, &observed)
                }
                Err(error) => vec![broken(&error)],
            }),
        },
        Step::Together(requests) => StepReport {
            title: "together".to_owned(),
            differences: together(simulator, requests).unwrap_or_else(|error| vec![broken(&error)]),
        },
        Step::Advance(span) => StepReport {
            title: format!("{span} pass"),
            differences: match simulator.advance(span.0) {
                Ok(()) => Vec::new(),
                Err(error) => vec![broken(&error)],
            },
        },
        Step::Cluster(cluster) => {
            simulator.set_cluster(&cluster.name, cluster.answers.clone());
            StepReport {
                title: format!("cluster {}", cluster.name),
                differences: Vec::new(),
            }
        }
        Step::Calls(expected) => StepReport {
            title: "calls".to_owned(),
            differences: check_calls(expected, |cluster| simulator.calls(cluster)),
        },
        Step::Push { push, expect } => StepReport {
            title: "push".to_owned(),
            differences: match simulator.configure(&push.configuration.text()?) {
                Ok(observed) => check_push(expect, &observed),
                Err(error) => vec![broken(&error)],
            },
        },
    })
}

/// The differences of the first time that has some.
fn repeat(times: u32, mut once: impl FnMut() -> Vec<Difference>) -> Vec<Difference> {
    (0..times)
        .map(|_| once())
        .find(|differences| !differences.is_empty())
        .unwrap_or_default()
}

/// Sends all requests, has the clients go away that are to, and looks at the others' answers.
fn together(
    simulator: &mut Simulator,
    requests: &[Concurrent],
) -> Result<Vec<Difference>, SimulationError> {
    let mut open = Vec::new();
    for concurrent in requests {
        for _ in 0..concurrent.request.times {
            open.push((simulator.open(&concurrent.request)?, concurrent));
        }
    }
    let begun = simulator.now();
    let mut leaving: Vec<_> = open
        .iter()
        .filter_map(|(stream, concurrent)| Some((concurrent.disconnects_after?.0, *stream)))
        .collect();
    leaving.sort_by_key(|(after, _)| *after);
    for (after, stream) in leaving {
        let passed = simulator.now().duration_since(begun).unwrap_or_default();
        simulator.advance(after.saturating_sub(passed))?;
        simulator.disconnect(stream)?;
    }
    let mut differences = Vec::new();
    for (stream, concurrent) in open {
        if concurrent.disconnects_after.is_none() {
            let observed = simulator.finish(stream)?;
            differences.extend(check(&concurrent.expect, &observed));
        }
    }
    Ok(differences)
}

fn broken(error: &SimulationError) -> Difference {
    Difference {
        field: "step".to_owned(),
        expected: "an outcome".to_owned(),
        got: error.to_string(),
    }
}
