//! The settings file: what Casbin sets in code.

use std::collections::BTreeMap;
use std::fmt;

use doorward_engine::{
    FieldIndex, LinkCondition, LinkConditionFunction, MatchFunction, RoleMatching, Settings,
};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};

/// A settings file (YAML). Every field may be left out.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct SettingsFile {
    #[serde(default)]
    role_matching: BTreeMap<String, Matching>,
    #[serde(default)]
    link_condition: BTreeMap<String, Condition>,
    #[serde(default)]
    field_index: BTreeMap<String, BTreeMap<String, usize>>,
    max_hierarchy_level: Option<u32>,
    #[serde(default)]
    accept_json_request: bool,
}

impl SettingsFile {
    /// Parses a file's text.
    ///
    /// # Errors
    ///
    /// Text that is not YAML of this shape: unknown fields and functions too.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let options = serde_saphyr::options! { with_snippet: false };
        serde_saphyr::from_str_with_options(text, options).map_err(|error| error.to_string())
    }

    /// Whether a text argument that starts with `{` or `[` is parsed as JSON.
    pub(crate) fn accept_json_request(&self) -> bool {
        self.accept_json_request
    }

    /// The engine's settings.
    pub(crate) fn settings(&self) -> Settings {
        let defaults = Settings::default();
        let role_matching = self
            .role_matching
            .iter()
            .map(|(graph, entry)| RoleMatching {
                graph: graph.clone(),
                role: entry.role,
                domain: entry.domain,
            });
        let link_conditions = self
            .link_condition
            .iter()
            .map(|(graph, condition)| LinkCondition {
                graph: graph.clone(),
                function: condition.0,
            });
        let field_index = self.field_index.iter().flat_map(|(policy, fields)| {
            fields.iter().map(|(field, index)| FieldIndex {
                policy: policy.clone(),
                field: field.clone(),
                index: *index,
            })
        });
        Settings {
            role_matching: role_matching.collect(),
            link_conditions: link_conditions.collect(),
            field_index: field_index.collect(),
            max_hierarchy_level: self
                .max_hierarchy_level
                .unwrap_or(defaults.max_hierarchy_level),
            ..defaults
        }
    }
}

/// A function's name for role names, or `{role: ..., domain: ...}`.
struct Matching {
    role: Option<MatchFunction>,
    domain: Option<MatchFunction>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Both {
    role: Option<Function>,
    domain: Option<Function>,
}

impl<'de> Deserialize<'de> for Matching {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MatchingVisitor)
    }
}

struct MatchingVisitor;

impl<'de> Visitor<'de> for MatchingVisitor {
    type Value = Matching;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a function's name, or a mapping with role, domain or both")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Matching, E> {
        Ok(Matching {
            role: Some(match_function(name)?),
            domain: None,
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Matching, A::Error> {
        let both = Both::deserialize(MapAccessDeserializer::new(members))?;
        if both.role.is_none() && both.domain.is_none() {
            return Err(A::Error::custom("give role, domain or both"));
        }
        Ok(Matching {
            role: both.role.map(|function| function.0),
            domain: both.domain.map(|function| function.0),
        })
    }
}

struct Function(MatchFunction);

impl<'de> Deserialize<'de> for Function {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        match_function(&name).map(Self)
    }
}

fn match_function<E: Error>(name: &str) -> Result<MatchFunction, E> {
    MatchFunction::from_name(name).ok_or_else(|| {
        let known: Vec<&str> = MatchFunction::ALL
            .iter()
            .map(|known| known.name())
            .collect();
        let known = known.join(", ");
        E::custom(format!(
            "{name:?} matches no patterns, the functions that do are {known}"
        ))
    })
}

struct Condition(LinkConditionFunction);

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        LinkConditionFunction::from_name(&name)
            .map(Self)
            .ok_or_else(|| {
                D::Error::custom(format!(
                    "{name:?} is no condition of links, the one there is is {}",
                    LinkConditionFunction::TimeMatch.name()
                ))
            })
    }
}
