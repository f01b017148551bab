//! What is asked and answered, one JSON object a line: the same for the Go
//! program (`go/main.go`) and for our engine.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::fmt;

/// One line for the Go program.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Question {
    /// The model file's text.
    pub model: String,
    /// The policy file's text.
    pub policy: String,
    /// Matching functions by role graph, such as `g`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub role_matching: BTreeMap<String, Matching>,
    /// What to decide.
    pub requests: Vec<Request>,
    /// The policy definition whose rows to return in the order in force;
    /// empty for none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub rows: String,
    /// Functions to call in place of all of the above.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<Call>,
}

/// The matching functions of one role graph; empty for none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Matching {
    /// For names.
    pub role: &'static str,
    /// For domains.
    pub domain: &'static str,
}

/// One request.
#[derive(Debug, Clone, Serialize)]
pub struct Request {
    /// The values, in the order of the request definition.
    pub args: Vec<Json>,
    /// Request, policy, effect and matcher definition; empty for the default.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub context: Vec<&'static str>,
}

/// A call of a built-in function.
#[derive(Debug, Clone, Serialize)]
pub struct Call {
    /// Its name in matchers.
    pub function: &'static str,
    /// Its arguments.
    pub args: Vec<String>,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:?}", self.function, self.args)
    }
}

/// One line of the Go program.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Reply {
    /// Why the model or the policy does not load; empty if they do.
    pub refused: String,
    /// One for each request or call.
    pub answers: Vec<Raw>,
    /// The rows that were asked for, in order.
    pub rows: Vec<Vec<String>>,
}

/// An answer as it is written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Raw {
    allow: Option<bool>,
    rule: Vec<String>,
    value: Option<Json>,
    error: String,
    panic: String,
}

/// The answer to one request or call.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// A decision, and the fields of the row that made it; empty if none did.
    Decided {
        /// Whether the request is allowed.
        allow: bool,
        /// The deciding row.
        rule: Vec<String>,
    },
    /// What a function gave.
    Value(Json),
    /// An error, or a panic, and its words.
    Failed(String),
}

impl Answer {
    /// Whether this is an error.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        matches!(self, Self::Failed(_))
    }
}

impl From<&Raw> for Answer {
    fn from(raw: &Raw) -> Self {
        if !raw.panic.is_empty() {
            Self::Failed(format!("panic: {}", raw.panic))
        } else if !raw.error.is_empty() {
            Self::Failed(raw.error.clone())
        } else if let Some(allow) = raw.allow {
            Self::Decided {
                allow,
                rule: raw.rule.clone(),
            }
        } else {
            Self::Value(raw.value.clone().unwrap_or(Json::Null))
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decided { allow, rule } => {
                let word = if *allow { "allow" } else { "deny" };
                if rule.is_empty() {
                    write!(f, "{word}")
                } else {
                    write!(f, "{word} by {rule:?}")
                }
            }
            Self::Value(value) => write!(f, "{value}"),
            Self::Failed(words) => write!(f, "error ({words})"),
        }
    }
}
