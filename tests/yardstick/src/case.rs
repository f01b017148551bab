//! A model, a policy, settings and requests as plain data: what is generated,
//! evaluated twice, shrunk, and printed where the two answers differ.

use doorward_engine::{MatchFunction, Settings};
use serde_json::{Value as Json, json};

/// A model and a policy, and what is asked of them.
#[derive(Debug, Clone)]
pub struct Case {
    /// The model file.
    pub model: String,
    /// The policy, in CSV.
    pub policy: String,
    /// What Casbin sets in code.
    pub settings: Settings,
    /// The requests.
    pub requests: Vec<Ask>,
}

/// One request.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The values, in the order of the request definition.
    pub values: Vec<Json>,
    /// Role links of this request.
    pub roles: Vec<Link>,
    /// Seconds since 1970.
    pub now: i64,
    /// The definitions to use.
    pub context: ContextNames,
}

/// A role link of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Such as `g2`.
    pub graph: String,
    /// Who gets the role.
    pub subject: String,
    /// The role.
    pub role: String,
}

/// The definitions that decide a request, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextNames {
    /// Such as `r2`.
    pub request: String,
    /// Such as `p2`.
    pub policy: String,
    /// Such as `e2`.
    pub effect: String,
    /// Such as `m2`.
    pub matcher: String,
}

impl Default for ContextNames {
    fn default() -> Self {
        Self {
            request: "r".to_owned(),
            policy: "p".to_owned(),
            effect: "e".to_owned(),
            matcher: "m".to_owned(),
        }
    }
}

impl Ask {
    /// The request as JSON.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let links = self.roles.iter();
        let links = links.map(|link| json!([link.graph, link.subject, link.role]));
        let context = &self.context;
        json!({
            "args": self.values,
            "roles": links.collect::<Vec<Json>>(),
            "now": self.now,
            "context": {
                "r": context.request,
                "p": context.policy,
                "e": context.effect,
                "m": context.matcher,
            },
        })
    }
}

/// The settings as JSON, in the form of the conformance data.
#[must_use]
pub fn settings_to_json(settings: &Settings) -> Json {
    let matching = settings.role_matching.iter().map(|entry| {
        json!({
            "graph": entry.graph,
            "role": entry.role.map(MatchFunction::name),
            "domain": entry.domain.map(MatchFunction::name),
        })
    });
    let conditions = settings.link_conditions.iter();
    let conditions = conditions.map(|entry| json!([entry.graph, entry.function.name()]));
    let fields = settings.field_index.iter();
    let fields = fields.map(|entry| json!([entry.policy, entry.field, entry.index]));
    let reserved = settings.reserved.iter();
    let reserved = reserved.map(|entry| json!([entry.graph, entry.prefix]));
    json!({
        "role_matching": matching.collect::<Vec<Json>>(),
        "link_condition": conditions.collect::<Vec<Json>>(),
        "field_index": fields.collect::<Vec<Json>>(),
        "reserved": reserved.collect::<Vec<Json>>(),
        "max_hierarchy_level": settings.max_hierarchy_level,
    })
}
