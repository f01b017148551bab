//! What a scenario expects of a step.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer};

use super::value::{Matcher, TextOrMap, text_or_map};

/// What must be observed of a request; an absent field is not looked at.
///
/// That the module trapped is always a difference unless [`Expect::trapped`] expects it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The recorded decision.
    pub decision: Option<Decision>,
    /// The recorded reason.
    pub reason: Option<Matcher>,
    /// The recorded rule; the empty text, or null in YAML, expects that no rule is named.
    #[serde(default, deserialize_with = "rule")]
    pub rule: Option<String>,
    /// The recorded revision.
    pub revision: Option<String>,
    /// Status of the response; a request that goes upstream is answered with 200.
    pub status: Option<u16>,
    /// Response headers that must be there, by name. Of a repeated header one value must match.
    #[serde(default)]
    pub headers: BTreeMap<String, Matcher>,
    /// Response headers that must not be there.
    #[serde(default)]
    pub absent_headers: Vec<String>,
    /// Body of the response.
    pub body: Option<Matcher>,
    /// The request that the upstream gets.
    pub upstream: Option<ExpectUpstream>,
    /// The response code details.
    pub details: Option<Matcher>,
    /// Parts of log lines; each must be in some line that the step logged.
    #[serde(default)]
    pub log: Vec<String>,
    /// Values of the module's metrics after the step, by the names that it gave. One that was
    /// never defined counts as 0.
    #[serde(default)]
    pub metrics: BTreeMap<String, u64>,
    /// How many host calls hand data back through the module's allocator, the dear sort; a host
    /// that does not count them is not asked.
    pub data_calls: Option<u64>,
    /// Whether the module traps.
    #[serde(default)]
    pub trapped: bool,
}

/// The rule's text, where null stands for none.
fn rule<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(Some(text.unwrap_or_default()))
}

/// What a module decided on a request.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// The request may go on.
    Allow,
    /// The policy refuses the request.
    Deny,
    /// No decision could be made; the request is refused.
    Error,
    /// No decision is recorded.
    None,
}

impl Decision {
    /// The decision's word in scenarios and in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Error => "error",
            Self::None => "none",
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// What must become of a request behind the proxy: `none`, or the request that arrives there.
#[derive(Clone, Debug, PartialEq)]
pub enum ExpectUpstream {
    /// The request must not reach the upstream.
    None,
    /// The request must reach the upstream in this form.
    Request(Box<ExpectUpstreamRequest>),
}

/// What must be seen of a request at the upstream; an absent field is not looked at.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct ExpectUpstreamRequest {
    /// `:path`.
    pub path: Option<Matcher>,
    /// `:authority`, the Host header of HTTP/1.1.
    pub authority: Option<Matcher>,
    /// `:method`.
    pub method: Option<Matcher>,
    /// Headers that must be there, by name. Of a repeated header one value must match.
    #[serde(default)]
    pub headers: BTreeMap<String, Matcher>,
    /// Headers that must not be there.
    #[serde(default)]
    pub absent_headers: Vec<String>,
    /// The body.
    pub body: Option<Matcher>,
    /// Trailers that must be there, by name.
    #[serde(default)]
    pub trailers: BTreeMap<String, Matcher>,
    /// Trailers that must not be there.
    #[serde(default)]
    pub absent_trailers: Vec<String>,
}

impl<'de> Deserialize<'de> for ExpectUpstream {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match text_or_map(deserializer)? {
            WordOr::Word(word) if word == "none" => Ok(Self::None),
            WordOr::Word(word) => Err(unknown_word(&word, "`none` or a mapping")),
            WordOr::Map(request) => Ok(Self::Request(Box::new(request))),
        }
    }
}

/// What must become of a configuration: `accepted`, or `{refused: [parts of log lines]}`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum ExpectPush {
    /// The configuration is taken and serves from now on.
    #[default]
    Accepted,
    /// The configuration is refused; each part must be in some line that it logged.
    Refused(Vec<String>),
}

/// The mapping form of [`ExpectPush`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refused {
    refused: Vec<String>,
}

impl<'de> Deserialize<'de> for ExpectPush {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match text_or_map(deserializer)? {
            WordOr::Word(word) if word == "accepted" => Ok(Self::Accepted),
            WordOr::Word(word) => Err(unknown_word(&word, "`accepted` or {refused: [..]}")),
            WordOr::Map(Refused { refused }) => Ok(Self::Refused(refused)),
        }
    }
}

/// A word, or a mapping.
enum WordOr<T> {
    Word(String),
    Map(T),
}

impl<T: for<'de> Deserialize<'de>> TextOrMap for WordOr<T> {
    type Map = T;

    const EXPECTING: &'static str = "a word or a mapping";

    fn from_text(text: String) -> Self {
        Self::Word(text)
    }

    fn from_map(map: T) -> Result<Self, String> {
        Ok(Self::Map(map))
    }
}

fn unknown_word<E: de::Error>(word: &str, expected: &str) -> E {
    E::custom(format!("unknown word `{word}`, expected {expected}"))
}
