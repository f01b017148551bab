//! What is done in a scenario, step by step.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};

use super::Request;
use super::cluster::{Calls, ChangedCluster};
use super::expect::{Expect, ExpectPush};
use super::value::Configuration;

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
    /// Several requests are under way at once.
    Together(Vec<Concurrent>),
    /// Time passes.
    Advance(Span),
    /// A cluster answers otherwise from now on.
    Cluster(ChangedCluster),
    /// How often clusters were called since the scenario began.
    Calls(BTreeMap<String, Calls>),
}

/// A request that is under way together with others: they are sent in order, none waiting for
/// the answer to one before.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Concurrent {
    /// The request as the client sends it.
    pub request: Request,
    /// What must be observed of each answer; nothing of a client that goes away.
    #[serde(default)]
    pub expect: Expect,
    /// The client goes away so long after all requests have been sent.
    pub disconnects_after: Option<Span>,
}

/// A configuration update.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Push {
    /// The new plugin configuration.
    pub configuration: Configuration,
}

/// A span of time, such as `10m`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Span(pub Duration);

impl fmt::Display for Span {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_duration(self.0).fmt(formatter)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        humantime::parse_duration(&text)
            .map(Self)
            .map_err(|error| de::Error::custom(format!("`{text}` is no span of time: {error}")))
    }
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
                    Some(StepField::Together) => Step::Together(map.next_value()?),
                    Some(StepField::Advance) => Step::Advance(map.next_value()?),
                    Some(StepField::Cluster) => Step::Cluster(map.next_value()?),
                    Some(StepField::Calls) => Step::Calls(map.next_value()?),
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
    Together,
    Advance,
    Cluster,
    Calls,
    Expect,
}

/// The `expect` that follows a step's first key, or the default where there is none.
fn next_expect<'de, A: MapAccess<'de>, T: Deserialize<'de> + Default>(
    map: &mut A,
) -> Result<T, A::Error> {
    match map.next_key::<StepField>()? {
        None => Ok(T::default()),
        Some(StepField::Expect) => map.next_value(),
        Some(_) => Err(de::Error::custom(
            "a step has one `request` or one `push`, not both",
        )),
    }
}
