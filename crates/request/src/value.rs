//! What a mapping entry comes to for one request.

use std::borrow::Cow;

use doorward_engine::Value;

use crate::object::ResolvedObject;

/// The value of one mapping entry for one request.
#[derive(Debug, Clone, PartialEq)]
pub enum Resolved<'a> {
    /// Text.
    Text(Cow<'a, str>),
    /// A number.
    Number(f64),
    /// A boolean.
    Bool(bool),
    /// A list or an object: of a token's claims, or what a text held.
    Json(Cow<'a, serde_json::Value>),
    /// An object that the mapping names the members of, or all claims.
    Object(ResolvedObject<'a>),
}

impl Resolved<'_> {
    /// The value as the engine takes it.
    #[must_use]
    pub fn value(&self) -> Value<'_> {
        match self {
            Self::Text(text) => Value::Text(text),
            Self::Number(number) => Value::Number(*number),
            Self::Bool(truth) => Value::Bool(*truth),
            Self::Json(json) => Value::from(&**json),
            Self::Object(object) => Value::Object(object),
        }
    }
}

/// Why a request has no value for a mapping entry. Each denies.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// No alternative is present.
    #[error("the request has no {0}")]
    Absent(String),
    /// The host has it but could not give it.
    #[error("{0} could not be read from the proxy")]
    Unreadable(String),
    /// It is there, but not of its type: text that is not UTF-8, for example.
    #[error("{0} is not a valid value of its type")]
    Invalid(String),
}

impl ResolveError {
    /// The reason code of the refusal.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Absent(_) => "attribute_absent",
            Self::Unreadable(_) => "attribute_unreadable",
            Self::Invalid(_) => "attribute_invalid",
        }
    }

    /// The attribute that it is about.
    #[must_use]
    pub fn attribute(&self) -> &str {
        match self {
            Self::Absent(name) | Self::Unreadable(name) | Self::Invalid(name) => name,
        }
    }
}
