//! Runs scenarios on the simulator.

use serde::Serialize;

use crate::module::ProxyModule;
use crate::options::{Options, PropertyError};
use crate::scenario::{Difference, Scenario, Step, check, check_push};
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
            differences: match simulator.request(request) {
                Ok(mut observed) => {
                    let counted = |name: &String| {
                        let metric = simulator.metric(name)?;
                        Some((name.clone(), metric.value))
                    };
                    observed.metrics = expect.metrics.keys().filter_map(counted).collect();
                    check(expect, &observed)
                }
                Err(error) => vec![broken(&error)],
            },
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

fn broken(error: &SimulationError) -> Difference {
    Difference {
        field: "step".to_owned(),
        expected: "an outcome".to_owned(),
        got: error.to_string(),
    }
}
