//! An entry of `request` as its author writes it.

use doorward_request::EntrySource;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::manifest::Entries;

/// What fills one name of the model's request definition, or one member of an
/// object there.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum MappingEntry {
    /// An expression, such as `jwt.principal ?? 'anonymous'`.
    Expression(String),
    /// An object, by the names of its members.
    Object(Entries<MappingEntry>),
}

impl MappingEntry {
    /// The entry as the mapping takes it.
    pub(crate) fn source(&self) -> EntrySource<'_> {
        match self {
            Self::Expression(text) => EntrySource::Text(text),
            Self::Object(members) => {
                let members = members.iter();
                EntrySource::Object(
                    members
                        .map(|(name, entry)| (name, entry.source()))
                        .collect(),
                )
            }
        }
    }
}

impl From<&str> for MappingEntry {
    fn from(text: &str) -> Self {
        Self::Expression(text.to_owned())
    }
}

impl<'de> Deserialize<'de> for MappingEntry {
    // By way of a JSON value: a visitor of its own would be compiled once more
    // for every level and format, and the module's size is limited.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        entry(Value::deserialize(deserializer)?).ok_or_else(|| {
            let problem = "expected the text of an expression, or a map of such";
            serde::de::Error::custom(problem)
        })
    }
}

/// The entry that a value is, if it is text, or an object of such.
fn entry(value: Value) -> Option<MappingEntry> {
    match value {
        Value::String(text) => Some(MappingEntry::Expression(text)),
        Value::Object(members) => {
            let members = members.into_iter();
            let members = members.map(|(name, value)| Some((name, entry(value)?)));
            let members = members.collect::<Option<_>>()?;
            Some(MappingEntry::Object(Entries(members)))
        }
        _ => None,
    }
}
