//! Settings against the model.

use crate::error::CompileError;
use crate::settings::{LinkConditionFunction, Settings};
use doorward_syntax::MatchFunction;
use doorward_syntax::Model;
use doorward_syntax::names::GraphDefinition;
use doorward_syntax::pattern::Kind;

/// How one role graph matches names and domains, and its condition.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GraphSettings {
    pub(crate) role: Option<Kind>,
    pub(crate) domain: Option<Kind>,
    pub(crate) condition: Option<LinkConditionFunction>,
}

fn refuse<T>(field: &'static str, message: String) -> Result<T, CompileError> {
    Err(CompileError::Settings { field, message })
}

/// Fields that settings may give a position.
const FIELDS: [&str; 5] = ["priority", "dom", "sub", "obj", "act"];

/// Checks settings; gives what they say for each role definition.
pub(crate) fn check(
    model: &Model,
    settings: &Settings,
) -> Result<Vec<GraphSettings>, CompileError> {
    let named = |field, names: Vec<&str>| {
        for (index, name) in names.iter().enumerate() {
            if model.names.graph(name).is_none() {
                return refuse(field, format!("the model has no role definition {name}"));
            }
            if names.iter().take(index).any(|earlier| earlier == name) {
                return refuse(field, format!("{name} has two entries"));
            }
        }
        Ok(())
    };
    let matching = &settings.role_matching;
    named(
        "role_matching",
        matching.iter().map(|entry| &*entry.graph).collect(),
    )?;
    let conditions = &settings.link_conditions;
    named(
        "link_condition",
        conditions.iter().map(|entry| &*entry.graph).collect(),
    )?;
    for reserved in &settings.reserved {
        if model.names.graph(&reserved.graph).is_none() {
            let message = format!("the model has no role definition {}", reserved.graph);
            return refuse("reserved", message);
        }
        if reserved.prefix.is_empty() {
            let message = format!(
                "the prefix for {} is empty, it would be every subject",
                reserved.graph
            );
            return refuse("reserved", message);
        }
    }
    check_fields(model, settings)?;
    model
        .names
        .graphs
        .iter()
        .map(|graph| of_graph(model, settings, graph))
        .collect()
}

fn check_fields(model: &Model, settings: &Settings) -> Result<(), CompileError> {
    let refuse = |message| refuse("field_index", message);
    for (index, entry) in settings.field_index.iter().enumerate() {
        let definitions = &model.names.policies;
        let definition = definitions
            .iter()
            .find(|definition| *definition.name == *entry.policy);
        let Some(definition) = definition else {
            return refuse(format!(
                "the model has no policy definition {}",
                entry.policy
            ));
        };
        if !FIELDS.contains(&&*entry.field) {
            return refuse(format!(
                "{} has no meaning, the fields are {}",
                entry.field,
                FIELDS.join(", ")
            ));
        }
        if entry.index >= definition.fields.len() {
            return refuse(format!(
                "{} of {} is at {}, its fields are 0 to {}",
                entry.field,
                entry.policy,
                entry.index,
                definition.fields.len().saturating_sub(1)
            ));
        }
        let same = |earlier: &&crate::settings::FieldIndex| {
            earlier.policy == entry.policy && earlier.field == entry.field
        };
        if settings
            .field_index
            .iter()
            .take(index)
            .any(|earlier| same(&earlier))
        {
            return refuse(format!(
                "{} of {} has two entries",
                entry.field, entry.policy
            ));
        }
    }
    Ok(())
}

fn of_graph(
    model: &Model,
    settings: &Settings,
    graph: &GraphDefinition,
) -> Result<GraphSettings, CompileError> {
    let name = &*graph.name;
    let entry = settings
        .role_matching
        .iter()
        .find(|entry| entry.graph == name);
    let role = entry.and_then(|entry| entry.role).map(Kind::from);
    let mut domain = entry.and_then(|entry| entry.domain).map(Kind::from);
    if domain.is_some() && !graph.domain {
        return refuse("role_matching", format!("{name} has no domain to match"));
    }
    if graph.domain && domain.is_none() && model.implied_domain_matching {
        domain = Some(Kind::from(MatchFunction::KeyMatch));
    }
    let entry = settings
        .link_conditions
        .iter()
        .find(|entry| entry.graph == name);
    let condition = entry.map(|entry| entry.function);
    match (condition, graph.parameters) {
        (None, 0) | (Some(LinkConditionFunction::TimeMatch), 2) => {}
        (Some(_), 0) => {
            return refuse(
                "link_condition",
                format!("{name} has no parameters for a condition, add \"(_, _)\" to it"),
            );
        }
        (None, _) => {
            return refuse(
                "link_condition",
                format!("{name} has parameters but no condition, its links would hold for ever"),
            );
        }
        (Some(function), parameters) => {
            return refuse(
                "link_condition",
                format!(
                    "{name} has {parameters} parameters, {} takes 2",
                    function.name()
                ),
            );
        }
    }
    Ok(GraphSettings {
        role,
        domain,
        condition,
    })
}
