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

mod check;
mod clock;
mod expect;
mod load;
mod observed;
mod substitute;
mod value;

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde_json::Value;

pub use check::{Difference, check, check_push};
pub use clock::Clock;
pub use expect::{Decision, Expect, ExpectPush, ExpectUpstream, ExpectUpstreamRequest};
pub use load::{ScenarioError, load, parse};
pub use observed::{DecisionRecord, HostCalls, Observed, ObservedPush, UpstreamRequest};
pub use substitute::Variables;
pub use value::{Bytes, Configuration, Matcher};

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
    /// as they are; another host arranges for them or does not run the scenario.
    #[serde(default)]
    pub properties: BTreeMap<String, Value>,
    /// Answers to HTTP calls by cluster name. A cluster's answers are given in turn and the last
    /// one is repeated; a cluster without an entry does not exist. Simulator only.
    #[serde(default)]
    pub clusters: BTreeMap<String, Vec<ClusterAnswer>>,
    /// Foreign functions that the proxy does not have, though Envoy does. Simulator only.
    #[serde(default)]
    pub without_foreign_functions: Vec<String>,
    /// The time at which the scenario begins; the real time when absent. Simulator only.
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
}

impl Host {
    fn all() -> Vec<Self> {
        vec![Self::HostSim, Self::Envoy]
    }
}

/// The scripted answer of a cluster to one HTTP call.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct ClusterAnswer {
    /// HTTP status of the answer.
    #[serde(default = "ok_status")]
    pub status: u16,
    /// Header names and values in the order of the wire.
    #[serde(default)]
    pub headers: Vec<(String, Bytes)>,
    /// The answer's body.
    #[serde(default)]
    pub body: Bytes,
}

fn ok_status() -> u16 {
    200
}

/// One step of a scenario with what is expected of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A request goes through the proxy.
    Request {
        /// The request as the client sends it.
        request: Box<Request>,
        /// What must be observed.
        expect: Box<Expect>,
    },
    /// The plugin gets another configuration.
    Push {
        /// The new configuration.
        push: Push,
        /// What must become of it.
        expect: ExpectPush,
    },
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StepVisitor;

        impl<'de> Visitor<'de> for StepVisitor {
            type Value = Step;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a step: a mapping with `request` or `push`, then `expect`")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Step, A::Error> {
                // What `expect` may hold depends on the kind of step, so the kind comes first.
                let step = match map.next_key::<StepField>()? {
                    Some(StepField::Request) => Step::Request {
                        request: map.next_value()?,
                        expect: next_expect(&mut map)?,
                    },
                    Some(StepField::Push) => Step::Push {
                        push: map.next_value()?,
                        expect: next_expect(&mut map)?,
                    },
                    Some(StepField::Expect) | None => {
                        return Err(de::Error::custom("a step begins with `request` or `push`"));
                    }
                };
                match map.next_key::<StepField>()? {
                    None => Ok(step),
                    Some(_) => Err(de::Error::custom(
                        "a step has one `request` or one `push`, and one `expect`",
                    )),
                }
            }
        }

        deserializer.deserialize_map(StepVisitor)
    }
}

/// The keys of a step.
#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum StepField {
    Request,
    Push,
    Expect,
}

/// The `expect` that follows a step's first key, or the default where there is none.
fn next_expect<'de, A: MapAccess<'de>, T: Deserialize<'de> + Default>(
    map: &mut A,
) -> Result<T, A::Error> {
    match map.next_key::<StepField>()? {
        None => Ok(T::default()),
        Some(StepField::Expect) => map.next_value(),
        Some(StepField::Request | StepField::Push) => Err(de::Error::custom(
            "a step has one `request` or one `push`, not both",
        )),
    }
}

/// A configuration update.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Push {
    /// The new plugin configuration.
    pub configuration: Configuration,
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
