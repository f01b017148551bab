//! What Casbin sets in code rather than in the model: fields of a bundle's
//! manifest, and the settings file of tools, in one form.

use std::fmt;

use doorward_engine::{
    FieldIndex, LinkCondition, LinkConditionFunction, MatchFunction, RoleMatching, Settings,
};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::error::BundleError;
use crate::manifest::{Entries, whole_number};

/// What Casbin sets in code, as its author writes it. Every field may be left
/// out.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CasbinSettings {
    /// Matching functions by role definition: `g2: keyMatch2` for names, or
    /// `g: {role: ..., domain: ...}`.
    #[serde(default)]
    pub role_matching: Entries<Matching>,
    /// Conditions of links by role definition: `g: timeMatch`.
    #[serde(default)]
    pub link_condition: Entries<String>,
    /// Positions of fields by policy definition: `p: {priority: 0}`.
    #[serde(default)]
    pub field_index: Entries<Entries<f64>>,
    /// The greatest number of links between a name and a role it has.
    pub max_hierarchy_level: Option<f64>,
    /// Whether a text value that starts with `{` or `[` is read as JSON.
    #[serde(default)]
    pub accept_json_request: bool,
}

/// The functions by which one role definition matches, by their names.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Matching {
    /// For names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// For domains.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
}

/// A setting that is wrong by itself, whatever the model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct SettingsError {
    /// Its path, such as `role_matching.g2`.
    pub field: String,
    /// What is wrong and what to do.
    pub problem: String,
}

impl From<SettingsError> for BundleError {
    fn from(error: SettingsError) -> Self {
        Self::field(error.field, error.problem)
    }
}

impl CasbinSettings {
    /// The engine's settings.
    ///
    /// # Errors
    /// A function that is not known, or a number that is not whole.
    pub fn settings(&self) -> Result<Settings, SettingsError> {
        let mut settings = Settings::default();
        for (graph, matching) in self.role_matching.iter() {
            settings.role_matching.push(role_matching(graph, matching)?);
        }
        for (graph, name) in self.link_condition.iter() {
            let function = LinkConditionFunction::from_name(name).ok_or_else(|| {
                let known = LinkConditionFunction::TimeMatch.name();
                let problem = format!("{name:?} is no condition of links, write {known}");
                at(format!("link_condition.{graph}"), problem)
            })?;
            settings.link_conditions.push(LinkCondition {
                graph: graph.to_owned(),
                function,
            });
        }
        for (policy, fields) in self.field_index.iter() {
            for (field, index) in fields.iter() {
                let index = whole(*index, || format!("field_index.{policy}.{field}"))?;
                settings.field_index.push(FieldIndex {
                    policy: policy.to_owned(),
                    field: field.to_owned(),
                    index: usize::try_from(index).unwrap_or(usize::MAX),
                });
            }
        }
        if let Some(level) = self.max_hierarchy_level {
            settings.max_hierarchy_level = whole(level, || "max_hierarchy_level".to_owned())?;
        }
        Ok(settings)
    }
}

fn at(field: String, problem: String) -> SettingsError {
    SettingsError { field, problem }
}

fn whole(number: f64, field: impl FnOnce() -> String) -> Result<u32, SettingsError> {
    whole_number(number)
        .ok_or_else(|| at(field(), format!("{number} is not a whole number from 0")))
}

fn role_matching(graph: &str, matching: &Matching) -> Result<RoleMatching, SettingsError> {
    let function = |name: &Option<String>| {
        let Some(name) = name else {
            return Ok(None);
        };
        let function = MatchFunction::from_name(name).ok_or_else(|| {
            let known: Vec<&str> = MatchFunction::ALL
                .iter()
                .map(|known| known.name())
                .collect();
            let known = known.join(", ");
            let problem = format!("{name:?} matches no patterns, write one of {known}");
            at(format!("role_matching.{graph}"), problem)
        })?;
        Ok(Some(function))
    };
    if *matching == Matching::default() {
        let problem = "is empty: give role, domain or both".to_owned();
        return Err(at(format!("role_matching.{graph}"), problem));
    }
    Ok(RoleMatching {
        graph: graph.to_owned(),
        role: function(&matching.role)?,
        domain: function(&matching.domain)?,
    })
}

impl<'de> Deserialize<'de> for Matching {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MatchingVisitor)
    }
}

/// A function's name is short for that of `role`.
struct MatchingVisitor;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Both {
    role: Option<String>,
    domain: Option<String>,
}

impl<'de> Visitor<'de> for MatchingVisitor {
    type Value = Matching;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a function's name, or a map with role, domain or both")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Matching, E> {
        Ok(Matching {
            role: Some(name.to_owned()),
            domain: None,
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Matching, A::Error> {
        let both = Both::deserialize(MapAccessDeserializer::new(members))?;
        Ok(Matching {
            role: both.role,
            domain: both.domain,
        })
    }
}
