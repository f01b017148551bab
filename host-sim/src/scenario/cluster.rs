//! The servers behind the proxy's clusters.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

use super::check::Difference;
use super::step::Span;
use super::value::Bytes;

/// The scripted answer of a cluster to one HTTP call.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct ClusterAnswer {
    /// The path, with the query, that is answered so; every path when absent.
    pub path: Option<String>,
    /// HTTP status of the answer.
    #[serde(default = "ok_status")]
    pub status: u16,
    /// Header names and values in the order of the wire.
    #[serde(default)]
    pub headers: Vec<(String, Bytes)>,
    /// The answer's body.
    #[serde(default)]
    pub body: Bytes,
    /// How long the answer takes; a call whose timeout is shorter gets 504, as from Envoy.
    #[serde(default)]
    pub delay: Span,
    /// The connection breaks after `delay`, in place of an answer.
    #[serde(default)]
    pub reset: bool,
}

impl Default for ClusterAnswer {
    fn default() -> Self {
        Self {
            path: None,
            status: ok_status(),
            headers: Vec::new(),
            body: Bytes::default(),
            delay: Span::default(),
            reset: false,
        }
    }
}

fn ok_status() -> u16 {
    200
}

/// The answers of one cluster, in turn.
#[derive(Clone, Debug, Default)]
pub struct Script {
    answers: Vec<ClusterAnswer>,
    given: BTreeMap<String, usize>,
}

impl Script {
    /// A script that has given no answer yet.
    pub fn new(answers: Vec<ClusterAnswer>) -> Self {
        Self {
            answers,
            given: BTreeMap::new(),
        }
    }

    /// The next answer to a request of this path: those for the path are given in turn, and the
    /// last one is repeated. `None` where there is no answer at all: the connection breaks. Where
    /// there are answers for other paths only, it is 404.
    pub fn answer(&mut self, path: &str) -> Option<ClusterAnswer> {
        if self.answers.is_empty() {
            return None;
        }
        let mut fitting = self.answers.iter().filter(|answer| {
            let wanted = answer.path.as_deref();
            wanted.is_none_or(|wanted| wanted == path)
        });
        let given = self.given.entry(path.to_owned()).or_default();
        let position = *given;
        *given += 1;
        let last = fitting.clone().next_back();
        let not_found = ClusterAnswer {
            status: 404,
            ..ClusterAnswer::default()
        };
        Some(fitting.nth(position).or(last).cloned().unwrap_or(not_found))
    }
}

/// A cluster that answers otherwise from now on.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct ChangedCluster {
    /// Its name.
    pub name: String,
    /// Its answers, as in [`super::Scenario::clusters`]; without any, connections to it break.
    /// Absent: the proxy has no such cluster any more. Simulator only, then.
    pub answers: Option<Vec<ClusterAnswer>>,
}

/// How often a cluster was called since the scenario began: `3`, or `{at_least: 1, at_most: 5}`.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(from = "CallsForm")]
pub struct Calls {
    least: u64,
    most: u64,
}

impl Calls {
    /// Whether so many calls are as expected.
    pub fn matches(self, calls: u64) -> bool {
        (self.least..=self.most).contains(&calls)
    }
}

impl fmt::Display for Calls {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.least == self.most {
            write!(formatter, "{} calls", self.least)
        } else {
            write!(formatter, "{} to {} calls", self.least, self.most)
        }
    }
}

/// The two forms of [`Calls`].
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "a number of calls, or {at_least: 1, at_most: 5}"
)]
enum CallsForm {
    Exact(u64),
    Bounds(CallBounds),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CallBounds {
    #[serde(default)]
    at_least: u64,
    at_most: u64,
}

impl From<CallsForm> for Calls {
    fn from(form: CallsForm) -> Self {
        let (least, most) = match form {
            CallsForm::Exact(number) => (number, number),
            CallsForm::Bounds(CallBounds { at_least, at_most }) => (at_least, at_most),
        };
        Self { least, most }
    }
}

/// In what the calls of clusters differ from what was expected.
pub fn check_calls(
    expected: &BTreeMap<String, Calls>,
    calls: impl Fn(&str) -> u64,
) -> Vec<Difference> {
    expected
        .iter()
        .map(|(name, expected)| (name, expected, calls(name)))
        .filter(|(_, expected, got)| !expected.matches(*got))
        .map(|(name, expected, got)| Difference {
            field: format!("calls.{name}"),
            expected: expected.to_string(),
            got: got.to_string(),
        })
        .collect()
}
