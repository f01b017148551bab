//! An entry of `request` as its author writes it.

use std::fmt;

use doorward_request::EntrySource;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

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
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EntryVisitor)
    }
}

struct EntryVisitor;

impl<'de> Visitor<'de> for EntryVisitor {
    type Value = MappingEntry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the text of an expression, or a map of such")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<MappingEntry, E> {
        Ok(text.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<MappingEntry, A::Error> {
        Entries::deserialize(MapAccessDeserializer::new(members)).map(MappingEntry::Object)
    }
}
