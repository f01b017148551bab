//! Runs scenarios on a real Envoy, judged as host-sim judges them.

use super::config::{self, Plugin};
use super::log::{Access, lines, trap};
use super::process::{Envoy, PATIENCE, Started};
use super::push::{Counters, push, replace};
use crate::client::{self, Connection};
use crate::echo::Echo;
use crate::report::Case;
use crate::wait::until;
use anyhow::{Context, Result, bail, ensure};
use host_sim::scenario::{
    Bytes, DECISION_PROPERTY, Observed, ObservedPush, Request, Scenario, Step, check, check_push,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What runs scenarios: an Envoy, a module, and a folder for what they write.
pub struct Runner<'a> {
    /// Envoy's program.
    pub envoy: &'a Path,
    /// The module.
    pub module: &'a Path,
    /// Each scenario's files go to a folder of its own in this one.
    pub folder: &'a Path,
}

impl Runner<'_> {
    /// Starts an Envoy for the scenario, takes its steps, and says for its
    /// configuration and each step how it differs from what is expected.
    ///
    /// # Errors
    ///
    /// When the scenario cannot be run; that is a failure too, never a skip.
    pub fn run(&self, scenario: &Scenario, number: usize) -> Result<Vec<Case>> {
        ensure!(
            scenario.properties.is_empty() && scenario.clusters.is_empty(),
            "`properties` and `clusters` cannot be arranged on Envoy; leave it out in `runs_on`"
        );
        ensure!(
            scenario.clock.is_none(),
            "Envoy's clock cannot be set; leave it out in `runs_on`"
        );
        ensure!(
            scenario.without_foreign_functions.is_empty(),
            "Envoy's foreign functions cannot be taken away; leave it out in `runs_on`"
        );
        let folder = self.folder.join(number.to_string());
        let mut cases = Vec::new();
        let (observed, run) = self.start(scenario, &folder)?;
        let differences = check_push(&scenario.expect_configuration, &observed);
        cases.push(Case::new("configuration", differences));
        let Some(mut run) = run else {
            ensure!(
                scenario.steps.is_empty(),
                "Envoy refused the configuration, so no step can be taken: {}",
                observed.log.join(" | ")
            );
            return Ok(cases);
        };
        for step in &scenario.steps {
            cases.push(run.take(step)?);
        }
        Ok(cases)
    }

    /// Starts an Envoy with the scenario's configuration; nothing runs when
    /// Envoy refused it.
    ///
    /// # Errors
    ///
    /// When Envoy can neither be started nor refuses the configuration.
    pub fn start<'s>(
        &'s self,
        scenario: &'s Scenario,
        folder: &Path,
    ) -> Result<(ObservedPush, Option<Run<'s>>)> {
        fresh(folder)?;
        let plugin = Plugin {
            module: self.module,
            environment: &scenario.environment,
            vm_configuration: &scenario.vm_configuration,
        };
        let configuration = scenario.configuration.text()?;
        let pushes = scenario
            .steps
            .iter()
            .any(|step| matches!(step, Step::Push { .. }));
        let watched = folder.join("ecds").join("doorward.json");
        let filter = if pushes {
            std::fs::create_dir_all(folder.join("ecds"))?;
            replace(&watched, &plugin.resource(&configuration))?;
            config::discovered(&watched)
        } else {
            plugin.fixed(&configuration)
        };
        let echo = Echo::keeping()?;
        let access_log = folder.join("access.log");
        let bootstrap = config::bootstrap(&filter, echo.address(), &access_log);
        let envoy = match Envoy::start(self.envoy, &bootstrap, folder)? {
            Started::Refused(log) => return Ok((observed_push(false, &log), None)),
            Started::Ready(envoy) => envoy,
        };
        let accepted = !pushes || Counters::read(&envoy)?.rejected == 0;
        let observed = observed_push(accepted, &envoy.log()?);
        let run = Run {
            envoy,
            plugin,
            echo,
            access_log,
            watched,
            requests: 0,
        };
        Ok((observed, Some(run)))
    }
}

/// Makes the folder, empty: what an earlier run left must not be taken for
/// this one's.
///
/// # Errors
///
/// When it cannot be removed or made.
pub fn fresh(folder: &Path) -> Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder)
            .with_context(|| format!("{} cannot be emptied", folder.display()))?;
    }
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))
}

fn observed_push(accepted: bool, log: &str) -> ObservedPush {
    ObservedPush {
        accepted,
        log: lines(log),
        trapped: trap(log),
    }
}

/// A scenario that is being run.
pub struct Run<'s> {
    /// The Envoy that runs it.
    pub envoy: Envoy,
    plugin: Plugin<'s>,
    echo: Echo,
    access_log: PathBuf,
    watched: PathBuf,
    requests: usize,
}

impl Run<'_> {
    fn take(&mut self, step: &Step) -> Result<Case> {
        match step {
            Step::Request { request, expect } => {
                let mut observed = self.request(request).with_context(|| request.title())?;
                if !expect.metrics.is_empty() {
                    observed.metrics = self.metrics()?;
                }
                Ok(Case::new(&request.title(), check(expect, &observed)))
            }
            Step::Push { push: what, expect } => {
                let logged = self.envoy.log()?.len();
                let resource = self.plugin.resource(&what.configuration.text()?);
                let accepted = push(&self.envoy, &self.watched, &resource)?;
                let observed = observed_push(accepted, &self.logged_since(logged)?);
                Ok(Case::new("push", check_push(expect, &observed)))
            }
        }
    }

    /// The metrics of modules, by the names that they gave.
    fn metrics(&self) -> Result<BTreeMap<String, u64>> {
        const NAMESPACE: &str = "wasmcustom.";
        let stats = self.envoy.stats(NAMESPACE)?;
        let named = |(name, value): (String, u64)| {
            let name = name.strip_prefix(NAMESPACE)?;
            Some((name.to_owned(), value))
        };
        Ok(stats.into_iter().filter_map(named).collect())
    }

    fn logged_since(&self, length: usize) -> Result<String> {
        let log = self.envoy.log()?;
        Ok(log.get(length..).unwrap_or_default().to_owned())
    }

    /// Sends the request on a connection of its own and gathers what became of
    /// it.
    ///
    /// # Errors
    ///
    /// When no answer comes, Envoy ends, or its access log has no line of it.
    pub fn request(&mut self, request: &Request) -> Result<Observed> {
        if request.scheme != "http" {
            bail!("the listener of the tests has no TLS; leave Envoy out in `runs_on`");
        }
        let logged = self.envoy.log()?.len();
        let headers = raw(&request.headers);
        let trailers = raw(&request.trailers);
        let wire = on_wire(request, &headers, &trailers);
        let response = client::send(self.envoy.ingress(), &wire);
        self.envoy.must_run()?;
        let response = response?;
        let access = self.next_access()?;
        let log = self.logged_since(logged)?;
        let mut upstream = self.echo.take();
        ensure!(
            upstream.len() < 2,
            "one request reached the upstream {} times",
            upstream.len()
        );
        Ok(Observed {
            status: response.status,
            headers: response.headers,
            body: response.body,
            upstream: upstream.pop(),
            decision: access.decision,
            metrics: BTreeMap::new(),
            trapped: trap(&log).or_else(|| trap(&access.details)),
            details: access.details,
            log: lines(&log),
            host_calls: None,
            fuel: None,
        })
    }

    /// The median time of `times` exchanges of this request, one after the
    /// other on one connection that has been used before.
    ///
    /// # Errors
    ///
    /// When an exchange fails.
    pub fn median(&mut self, request: &Request, times: usize) -> Result<Duration> {
        let headers = raw(&request.headers);
        let trailers = raw(&request.trailers);
        let wire = on_wire(request, &headers, &trailers);
        let mut connection = Connection::open(self.envoy.ingress())?;
        connection.send(&wire)?;
        let mut took = Vec::with_capacity(times);
        for _ in 0..times {
            let started = Instant::now();
            let response = connection.send(&wire)?;
            took.push(started.elapsed());
            // Envoy closes after an answer that it gave before the body came.
            if response.header("connection") == Some("close") {
                connection = Connection::open(self.envoy.ingress())?;
            }
        }
        self.requests += times + 1;
        drop(self.echo.take());
        took.sort();
        took.get(times / 2).copied().context("no exchange was made")
    }

    /// The access log's line of the request that was just answered.
    fn next_access(&mut self) -> Result<Access> {
        let line = until(PATIENCE, || {
            let log = std::fs::read(&self.access_log).unwrap_or_default();
            let log = String::from_utf8_lossy(&log);
            let complete = log.rfind('\n').and_then(|end| log.get(..end));
            let line = complete.and_then(|log| log.lines().nth(self.requests));
            Ok(line.map(str::to_owned))
        })
        .with_context(|| format!("the access log has no line ({DECISION_PROPERTY} is in it)"))?;
        self.requests += 1;
        Access::of_line(&line)
    }
}

fn on_wire<'r>(
    request: &'r Request,
    headers: &'r [(String, Vec<u8>)],
    trailers: &'r [(String, Vec<u8>)],
) -> client::Request<'r> {
    client::Request {
        method: &request.method,
        path: &request.path,
        authority: &request.authority,
        headers,
        body: request.body.as_ref().map(Bytes::as_slice),
        trailers,
    }
}

fn raw(headers: &[(String, Bytes)]) -> Vec<(String, Vec<u8>)> {
    headers
        .iter()
        .map(|(name, value)| (name.clone(), value.as_slice().to_vec()))
        .collect()
}
