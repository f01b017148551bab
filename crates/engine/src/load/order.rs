//! The order in which rows are read: as they stand, or by priority.

use std::collections::{HashMap, VecDeque};

use crate::error::CompileError;
use crate::settings::Settings;
use crate::walk::effect::RowEffect;
use doorward_syntax::names::Definition;
use doorward_syntax::policy::{Policy, Row};
use doorward_syntax::{Effect, Model};

use super::roles::LinkRow;

/// A row number and the row's effect.
type Entry = (u32, RowEffect);

/// Sorts the rows of every policy definition.
///
/// With the effect subjectPriority, the row of the name that is deeper in the
/// role hierarchy comes first. Where there is a priority field, the row of
/// the smaller number comes first. Rows that are equal keep their order.
pub(crate) fn order(
    model: &Model,
    policy: &Policy,
    settings: &Settings,
    rows: Vec<Vec<Entry>>,
    links: &[Vec<LinkRow>],
) -> Result<Vec<Vec<Entry>>, CompileError> {
    let by_subject = matches!(model.effects.first(), Some((_, Effect::SubjectPriority)));
    let depths = if by_subject {
        let graph = model
            .names
            .graph("g")
            .and_then(|(graph, _)| links.get(usize::from(graph)));
        let Some(links) = graph else {
            return Err(CompileError::Policy {
                message: "subjectPriority orders rows by the roles of g, \
                          define g under [role_definition]"
                    .to_owned(),
            });
        };
        Some(depths(links))
    } else {
        None
    };
    let mut ordered = Vec::new();
    for (mut rows, definition) in rows.into_iter().zip(&model.names.policies) {
        let position = |field: &str| {
            let set = settings
                .field_index
                .iter()
                .find(|entry| *entry.policy == *definition.name && entry.field == field);
            set.map(|entry| entry.index)
                .or_else(|| definition.field(field))
        };
        if let Some(depths) = &depths {
            let subject = settings
                .field_index
                .iter()
                .find(|entry| *entry.policy == *definition.name && entry.field == "sub")
                .map_or(0, |entry| entry.index);
            let domain = position("dom");
            rows.sort_by_cached_key(|(index, _)| {
                let field = |position: Option<usize>| {
                    let row = row(policy, *index)?;
                    row.fields.get(position?).map(AsRef::as_ref)
                };
                let key = (
                    field(domain).unwrap_or(""),
                    field(Some(subject)).unwrap_or(""),
                );
                std::cmp::Reverse(depths.get(&key).copied().unwrap_or(0))
            });
        }
        if let Some(field) = position("priority") {
            sort_by_priority(&mut rows, policy, definition, field)?;
        }
        ordered.push(rows);
    }
    Ok(ordered)
}

fn row(policy: &Policy, index: u32) -> Option<&Row> {
    policy.rows.get(usize::try_from(index).ok()?)
}

fn sort_by_priority(
    rows: &mut [Entry],
    policy: &Policy,
    definition: &Definition,
    field: usize,
) -> Result<(), CompileError> {
    let mut priorities: HashMap<u32, i64> = HashMap::new();
    for (index, _) in rows.iter() {
        let Some(row) = row(policy, *index) else {
            continue;
        };
        let text = row.fields.get(field).map_or("", AsRef::as_ref);
        let Ok(priority) = text.parse() else {
            return Err(CompileError::Row {
                line: row.line,
                message: format!(
                    "the priority \"{text}\" in field {} of {} is not a whole number",
                    definition.fields.get(field).map_or("", AsRef::as_ref),
                    definition.name
                ),
            });
        };
        priorities.insert(*index, priority);
    }
    rows.sort_by_key(|(index, _)| priorities.get(index).copied().unwrap_or(0));
    Ok(())
}

/// How deep every name lies below the roles that have no role themselves, by
/// domain and name: the longest way counts. The links have no cycle.
fn depths(links: &[LinkRow]) -> HashMap<(&str, &str), u32> {
    let mut members: HashMap<(&str, &str), Vec<(&str, &str)>> = HashMap::new();
    let mut roles_left: HashMap<(&str, &str), usize> = HashMap::new();
    let mut names = Vec::new();
    for link in links {
        let subject = (&*link.domain, &*link.subject);
        let role = (&*link.domain, &*link.role);
        names.extend([subject, role]);
        members.entry(role).or_default().push(subject);
        let left = roles_left.entry(subject).or_default();
        *left = left.saturating_add(1);
    }
    let mut depths: HashMap<(&str, &str), u32> = HashMap::new();
    let mut queue = VecDeque::new();
    for name in names {
        if !roles_left.contains_key(&name) && depths.insert(name, 0).is_none() {
            queue.push_back(name);
        }
    }
    while let Some(role) = queue.pop_front() {
        let below = depths.get(&role).copied().unwrap_or(0).saturating_add(1);
        for subject in members.get(&role).into_iter().flatten() {
            let depth = depths.entry(*subject).or_default();
            *depth = below.max(*depth);
            let left = roles_left.entry(*subject).or_default();
            *left = left.saturating_sub(1);
            if *left == 0 {
                queue.push_back(*subject);
            }
        }
    }
    depths
}
