//! Runs scenarios on a real Envoy, judged as host-sim judges them.

use super::clock::Clock;
use super::config::{self, Plugin};
use super::facts;
use super::log::{Access, lines, trap};
use super::peer::Peer;
use super::process::{Envoy, PATIENCE, Started};
use super::push::{Counters, push, replace};
use super::together;
use crate::client::{self, Connection};
use crate::echo::Echo;
use crate::key_server::KeyServer;
use crate::mtls::tls::ClientSide;
use crate::report::Case;
use crate::wait::until;
use anyhow::{Context, Result, bail, ensure};
use host_sim::scenario::{
    Bytes, Concurrent, DECISION_PROPERTY, Difference, Expect, Observed, ObservedPush, Request,
    Scenario, Step, check, check_calls, check_push,
};
use std::collections::BTreeMap;
use std::net::SocketAddr;
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
        let mut bootstrap = config::bootstrap(&filter, echo.address(), &access_log);
        let (peer, facts) = Peer::of(&scenario.properties)?;
        facts::arrange(&mut bootstrap, &facts)?;
        if let Some(peer) = &peer {
            peer.secure(&mut bootstrap)?;
        }
        let clock = scenario
            .clock
            .map(|clock| Clock::new(clock.0, folder))
            .transpose()?;
        let mut servers = BTreeMap::new();
        for (name, answers) in &scenario.clusters {
            let server = KeyServer::start(name, answers)?;
            config::add_cluster(&mut bootstrap, server.cluster())?;
            servers.insert(name.as_str(), server);
        }
        let envoy = match Envoy::start_at(self.envoy, &bootstrap, folder, clock.as_ref())? {
            Started::Refused(log) => return Ok((observed_push(false, &log), None)),
            Started::Ready(envoy) => envoy,
        };
        let (client_side, door) = match &peer {
            None => (None, envoy.ingress()),
            Some(peer) => {
                let (side, door) = peer.start(self.envoy, folder, &envoy)?;
                (Some(side), door)
            }
        };
        let accepted = !pushes || Counters::read(&envoy)?.rejected == 0;
        let observed = observed_push(accepted, &envoy.log()?);
        let run = Run {
            envoy,
            door,
            _client_side: client_side,
            plugin,
            echo,
            servers,
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
        fuel: None,
    }
}

/// A scenario that is being run.
pub struct Run<'s> {
    /// The Envoy that runs it.
    pub envoy: Envoy,
    /// Where requests go: to it, or to what stands before it.
    door: SocketAddr,
    _client_side: Option<ClientSide>,
    plugin: Plugin<'s>,
    echo: Echo,
    servers: BTreeMap<&'s str, KeyServer>,
    access_log: PathBuf,
    watched: PathBuf,
    requests: usize,
}

impl Run<'_> {
    fn take(&mut self, step: &Step) -> Result<Case> {
        match step {
            Step::Request { request, expect } if request.times > 1 => {
                let differences = self.repeat(request, expect);
                Ok(Case::new(
                    &request.title(),
                    differences.with_context(|| request.title())?,
                ))
            }
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
            Step::Together(requests) => Ok(Case::new("together", self.together(requests)?)),
            Step::Advance(span) => {
                ensure!(
                    span.0 <= PATIENCE,
                    "{span} take too long on Envoy; leave it out in `runs_on`"
                );
                std::thread::sleep(span.0);
                Ok(Case::new(&format!("{span} pass"), Vec::new()))
            }
            Step::Cluster(cluster) => {
                let answers = cluster.answers.as_deref();
                let server = self.servers.get(cluster.name.as_str());
                let (Some(answers), Some(server)) = (answers, server) else {
                    bail!("clusters cannot come or go on Envoy; leave it out in `runs_on`");
                };
                server.answer(answers);
                Ok(Case::new(&format!("cluster {}", cluster.name), Vec::new()))
            }
            Step::Calls(expected) => {
                let calls = |name: &str| self.servers.get(name).map_or(0, KeyServer::calls);
                Ok(Case::new("calls", check_calls(expected, calls)))
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

    /// Sends a request many times on one connection; the differences of the
    /// first answer that has some.
    fn repeat(&mut self, request: &Request, expect: &Expect) -> Result<Vec<Difference>> {
        let headers = raw(&request.headers);
        let trailers = raw(&request.trailers);
        let wire = on_wire(request, &headers, &trailers);
        let mut connection = Connection::open(self.door)?;
        let mut responses = Vec::new();
        for _ in 0..request.times {
            let response = connection.send(&wire)?;
            if response.header("connection") == Some("close") {
                connection = Connection::open(self.door)?;
            }
            responses.push(response);
        }
        self.envoy.must_run()?;
        let access = self.access(responses.len())?;
        drop(self.echo.take());
        let observed = responses.into_iter().zip(access);
        let mut differences = observed.map(|(response, access)| {
            let observed = Observed {
                status: response.status,
                headers: response.headers,
                body: response.body,
                decision: access.decision,
                details: access.details,
                ..Observed::default()
            };
            check(expect, &observed)
        });
        let first = differences.find(|differences| !differences.is_empty());
        Ok(first.unwrap_or_default())
    }

    /// Sends requests at once; in what any answer differs.
    fn together(&mut self, requests: &[Concurrent]) -> Result<Vec<Difference>> {
        let responses = together::send(self.door, requests)?;
        self.envoy.must_run()?;
        let mut access = self.access(responses.len())?;
        let mut upstream = self.echo.take();
        let mut differences = Vec::new();
        for (concurrent, response) in responses {
            if let Some(response) = response {
                let observed =
                    together::observed(concurrent, response, &mut access, &mut upstream)?;
                differences.extend(check(&concurrent.expect, &observed));
            }
        }
        Ok(differences)
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
        let response = client::send(self.door, &wire);
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
            callbacks: None,
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
        let mut connection = Connection::open(self.door)?;
        connection.send(&wire)?;
        let mut took = Vec::with_capacity(times);
        for _ in 0..times {
            let started = Instant::now();
            let response = connection.send(&wire)?;
            took.push(started.elapsed());
            // Envoy closes after an answer that it gave before the body came.
            if response.header("connection") == Some("close") {
                connection = Connection::open(self.door)?;
            }
        }
        self.requests += times + 1;
        drop(self.echo.take());
        took.sort();
        took.get(times / 2).copied().context("no exchange was made")
    }

    /// The access log's line of the request that was just answered.
    fn next_access(&mut self) -> Result<Access> {
        let mut lines = self.access(1)?;
        lines.pop().context("the access log has no line")
    }

    /// The access log's next lines, so many.
    fn access(&mut self, count: usize) -> Result<Vec<Access>> {
        let lines = until(PATIENCE, || {
            let log = std::fs::read(&self.access_log).unwrap_or_default();
            let log = String::from_utf8_lossy(&log);
            let complete = log.rfind('\n').and_then(|end| log.get(..end));
            let lines = complete.unwrap_or_default().lines().skip(self.requests);
            let lines: Vec<String> = lines.take(count).map(str::to_owned).collect();
            Ok((lines.len() == count).then_some(lines))
        })
        .with_context(|| {
            format!("the access log has not {count} lines more ({DECISION_PROPERTY} is in them)")
        })?;
        self.requests += count;
        lines.iter().map(|line| Access::of_line(line)).collect()
    }
}

pub(super) fn on_wire<'r>(
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

pub(super) fn raw(headers: &[(String, Bytes)]) -> Vec<(String, Vec<u8>)> {
    headers
        .iter()
        .map(|(name, value)| (name.clone(), value.as_slice().to_vec()))
        .collect()
}
