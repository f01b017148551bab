//! Scenarios: what is asked of a proxy with a module in it, and what must be observed.
//!
//! A scenario is pure data, one YAML document, and knows nothing of the host it runs on. The
//! simulator runs it through [`crate::runner`]; another host (a real proxy) runs the same
//! [`Scenario`] values with its own code and judges them with the same [`check`].
//!
//! ```yaml
//! name: orders, happy path
//! environment: {LIMIT: "10"}
//! configuration: {file: orders.json}
//! steps:
//!   - request: {method: GET, path: /orders/1, authority: orders.example}
//!     expect: {decision: allow, status: 200}
//!   - push: {configuration: "{"}
//!     expect: {refused: ["line 1, column 1"]}
//! ```
//!
//! Other steps change what is around the proxy: `cluster` gives a cluster other answers, `advance`
//! lets time pass, `together` sends several requests at once, `calls` counts what clusters were
//! asked. See [`Step`].

mod check;
mod clock;
mod cluster;
mod expect;
mod load;
mod observed;
mod step;
mod substitute;
mod value;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

pub use check::{Difference, check, check_push};
pub use clock::Clock;
pub use cluster::{Calls, ChangedCluster, ClusterAnswer, Script, check_calls};
pub use expect::{Decision, Expect, ExpectPush, ExpectUpstream, ExpectUpstreamRequest};
pub use load::{ScenarioError, load, parse};
pub use observed::{DecisionRecord, HostCalls, Observed, ObservedPush, UpstreamRequest};
pub use step::{Concurrent, Push, Span, Step};
pub use substitute::Variables;
pub use value::{Bytes, Configuration, Matcher};

pub use crate::property::parse_path as property_path;

/// The filter state under which a module records its decision, as a JSON object
/// ([`DecisionRecord`]). Envoy shows it as `%FILTER_STATE(wasm.doorward.decision:PLAIN)%`. A
/// runner takes another key as an option.
pub const DECISION_PROPERTY: &str = "doorward.decision";

/// One YAML document: a module's configuration and the steps that are taken with it.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What the scenario shows; used in reports.
    pub name: String,
    /// Environment variables of the VM.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// The VM's configuration, given to `proxy_on_vm_start`.
    #[serde(default)]
    pub vm_configuration: String,
    /// The plugin's configuration, given to `proxy_on_configure`.
    pub configuration: Configuration,
    /// What becomes of [`Scenario::configuration`].
    #[serde(default)]
    pub expect_configuration: ExpectPush,
    /// The hosts on which the scenario runs; all when the field is absent.
    #[serde(default = "Host::all")]
    pub runs_on: Vec<Host>,
    /// Why the scenario does not run on every host. Required then, refused otherwise.
    pub why: Option<String>,
    /// Facts of the host by attribute name, such as `source.address`. The simulator serves them
    /// as they are; another host arranges for them or does not run the scenario. Envoy can have
    /// those of `xds`, `metadata.filter_metadata` and `filter_state`, and of `connection` a verified
    /// certificate's URI with its TLS version.
    #[serde(default)]
    pub properties: BTreeMap<String, Value>,
    /// Answers to HTTP calls by cluster name. A cluster's answers are given in turn and the last
    /// one is repeated; a cluster without an entry does not exist. Simulator only.
    #[serde(default)]
    pub clusters: BTreeMap<String, Vec<ClusterAnswer>>,
    /// Foreign functions that the proxy does not have, though Envoy does. Simulator only.
    #[serde(default)]
    pub without_foreign_functions: Vec<String>,
    /// The time at which the scenario begins; the real time when absent. On Envoy it goes on from
    /// there, on the other hosts it stands.
    pub clock: Option<Clock>,
    /// What is done, in this order.
    pub steps: Vec<Step>,
}

impl Scenario {
    /// Whether the scenario is meant for `host`.
    pub fn is_for(&self, host: Host) -> bool {
        self.runs_on.contains(&host)
    }
}

/// A host that runs scenarios.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Host {
    /// This simulator.
    HostSim,
    /// A real Envoy.
    Envoy,
    /// No proxy at all: what the module decides with runs in the process of the tests. A scenario
    /// that needs what only a proxy has (callouts, timers, metrics, logs) leaves it out.
    Native,
}

impl Host {
    /// All hosts.
    pub const ALL: [Self; 3] = [Self::HostSim, Self::Envoy, Self::Native];

    fn all() -> Vec<Self> {
        Self::ALL.to_vec()
    }
}

/// A request as its client sends it.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// What the request shows; used in reports.
    #[serde(default)]
    pub name: String,
    /// `:method`; GET when absent.
    #[serde(default = "default_method")]
    pub method: String,
    /// `:path`, with the query; `/` when absent.
    #[serde(default = "default_path")]
    pub path: String,
    /// `:authority` (the Host header of HTTP/1.1); `localhost` when absent.
    #[serde(default = "default_authority")]
    pub authority: String,
    /// `:scheme`; `http` when absent.
    #[serde(default = "default_scheme")]
    pub scheme: String,
    /// Header names and values in the order of the wire; a name may repeat.
    #[serde(default)]
    pub headers: Vec<(String, Bytes)>,
    /// The body; none when absent.
    pub body: Option<Bytes>,
    /// Trailers; none when empty.
    #[serde(default)]
    pub trailers: Vec<(String, Bytes)>,
    /// How often it is sent, one after the other; once when absent. What is expected is expected
    /// each time.
    #[serde(default = "once")]
    pub times: u32,
}

impl Request {
    /// The name, or the method and the path where there is none.
    pub fn title(&self) -> String {
        if self.name.is_empty() {
            format!("{} {}", self.method, self.path)
        } else {
            self.name.clone()
        }
    }
}

fn once() -> u32 {
    1
}

fn default_method() -> String {
    "GET".to_owned()
}

fn default_path() -> String {
    "/".to_owned()
}

fn default_authority() -> String {
    "localhost".to_owned()
}

fn default_scheme() -> String {
    "http".to_owned()
}
