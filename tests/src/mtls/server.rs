//! The server's side: an Envoy with the module behind a listener with TLS.

use super::Setting;
use super::tls::{Chains, secure};
use crate::client::{Connection, Request};
use crate::echo::Echo;
use crate::envoy::config::{Plugin, bootstrap};
use crate::envoy::log::Access;
use crate::envoy::process::{Envoy, PATIENCE, Started};
use crate::envoy::runner::fresh;
use crate::wait::until;
use anyhow::{Context, Result};
use host_sim::scenario::DecisionRecord;
use serde_json::json;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// What the listener does with an x-forwarded-client-cert that a client sent
/// (Envoy's `forward_client_cert_details`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Forwarding {
    /// Takes it away; Envoy's default.
    Sanitize,
    /// Leaves it.
    AlwaysForwardOnly,
}

/// What became of a request.
#[derive(Debug)]
pub(super) struct Verdict {
    status: u16,
    decision: String,
    reason: String,
}

impl Verdict {
    /// What is expected; of the reason, the code.
    pub(super) fn new(status: u16, decision: &str, reason: &str) -> Self {
        Self {
            status,
            decision: decision.to_owned(),
            reason: reason.to_owned(),
        }
    }

    /// Whether `found` is as expected.
    pub(super) fn judge(&self, found: &Self) -> Result<(), String> {
        let code = found.reason.split(':').next();
        let is_met = self.status == found.status
            && self.decision == found.decision
            && Some(self.reason.as_str()) == code;
        if is_met {
            Ok(())
        } else {
            Err(format!("expected {self:?}, found {found:?}"))
        }
    }
}

/// A running server's side.
pub(super) struct Server {
    envoy: Envoy,
    echo: Echo,
    access_log: PathBuf,
    requests: usize,
}

impl Server {
    /// Starts it with this plugin configuration; the log where Envoy refused it.
    pub(super) fn start(
        setting: &Setting<'_>,
        folder: &Path,
        configuration: &str,
        chains: Chains,
        forwarding: Forwarding,
    ) -> Result<Result<Self, String>> {
        fresh(folder)?;
        let environment = BTreeMap::from([("DOORWARD_UNSIGNED".to_owned(), "allow".to_owned())]);
        let plugin = Plugin {
            module: setting.module,
            environment: &environment,
            vm_configuration: "",
        };
        let echo = Echo::forgetting()?;
        let access_log = folder.join("access.log");
        let mut bootstrap = bootstrap(&plugin.fixed(configuration), echo.address(), &access_log);
        let server = setting
            .authority
            .issue("spiffe://west.example/ns/shop/sa/orders")?;
        secure(&mut bootstrap, &server, setting.authority.root(), chains)?;
        if forwarding == Forwarding::AlwaysForwardOnly {
            let manager = bootstrap.pointer_mut(
                "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config",
            );
            manager.context("there is no connection manager")?["forward_client_cert_details"] =
                json!("ALWAYS_FORWARD_ONLY");
        }
        Ok(match Envoy::start(setting.envoy, &bootstrap, folder)? {
            Started::Refused(log) => Err(log),
            Started::Ready(envoy) => Ok(Self {
                envoy,
                echo,
                access_log,
                requests: 0,
            }),
        })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.envoy.ingress()
    }

    /// Sends a request to a client's listener, on a connection of its own, and
    /// says what the server's side decided.
    pub(super) fn ask(
        &mut self,
        client: SocketAddr,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<Verdict> {
        let headers: Vec<(String, Vec<u8>)> = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
            .collect();
        let arrived = self.echo.count();
        let response = crate::client::send(client, &request(path, &headers))?;
        self.envoy.must_run()?;
        let access = self.next_access()?;
        let record = access.decision.context("no decision was recorded")?;
        let record: DecisionRecord = serde_json::from_str(&record)?;
        let went_on = self.echo.count() > arrived;
        anyhow::ensure!(
            went_on == (record.decision == "allow"),
            "decided {}, and the upstream got {} requests",
            record.decision,
            self.echo.count() - arrived
        );
        Ok(Verdict {
            status: response.status,
            decision: record.decision,
            reason: record.reason,
        })
    }

    /// Whether a request at this address gets no answer and does not reach the
    /// upstream.
    pub(super) fn must_not_answer(&mut self, address: SocketAddr) -> Result<(), String> {
        let arrived = self.echo.count();
        let answer = Connection::open(address)
            .and_then(|mut connection| connection.send(&request("/orders/7", &[])));
        match answer {
            Ok(response) => Err(format!("answered with {}", response.status)),
            Err(_) if self.echo.count() > arrived => Err("the upstream got it".to_owned()),
            Err(_) => self.envoy.must_run().map_err(|error| format!("{error:#}")),
        }
    }

    fn next_access(&mut self) -> Result<Access> {
        let line = until(PATIENCE, || {
            let log = std::fs::read_to_string(&self.access_log).unwrap_or_default();
            let complete = log.rfind('\n').and_then(|end| log.get(..end));
            let mut lines = complete.unwrap_or_default().lines().skip(self.requests);
            Ok(lines.next().map(str::to_owned))
        })
        .context("the access log has no line of the request")?;
        self.requests += 1;
        Access::of_line(&line)
    }
}

fn request<'r>(path: &'r str, headers: &'r [(String, Vec<u8>)]) -> Request<'r> {
    Request {
        method: "GET",
        path,
        authority: "orders.shop.svc",
        headers,
        ..Request::default()
    }
}
