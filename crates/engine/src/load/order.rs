//! The order in which rows are read: as they stand, or by priority.

use std::collections::{HashMap, VecDeque};

use crate::effect::RowEffect;
use crate::error::CompileError;
use crate::roles::Link;
use crate::settings::Settings;
use crate::sorting;
use crate::symbols::{Symbol, Symbols};
use doorward_syntax::names::Definition;
use doorward_syntax::policy::{Policy, Row};
use doorward_syntax::{Effect, Model};

/// A row number and the row's effect.
type Entry = (u32, RowEffect);

/// How deep names lie below the roles without a role, by domain and name.
pub(crate) type Depths = HashMap<(Symbol, Symbol), u32>;

/// The depths that the effect subjectPriority sorts by; none for another.
pub(crate) fn depths_of(
    model: &Model,
    links: &[Vec<Link>],
) -> Result<Option<Depths>, CompileError> {
    if !matches!(model.effects.first(), Some((_, Effect::SubjectPriority))) {
        return Ok(None);
    }
    let graph = model
        .names
        .graph("g")
        .and_then(|(graph, _)| links.get(usize::from(graph)));
    match graph {
        Some(links) => Ok(Some(depths(links))),
        None => Err(CompileError::Policy {
            message: "subjectPriority orders rows by the roles of g, \
                      define g under [role_definition]"
                .to_owned(),
        }),
    }
}

/// Sorts the rows of a policy definition.
///
/// With the effect subjectPriority, the row of the name that is deeper in the
/// role hierarchy comes first. Where there is a priority field, the row of
/// the smaller number comes first. Rows that are equal keep their order.
pub(crate) fn order(
    definition: &Definition,
    policy: &Policy,
    settings: &Settings,
    mut rows: Vec<Entry>,
    depths: Option<&Depths>,
    symbols: &Symbols,
) -> Result<Vec<Entry>, CompileError> {
    let position = |field: &str| {
        let set = settings
            .field_index
            .iter()
            .find(|entry| *entry.policy == *definition.name && entry.field == field);
        set.map(|entry| entry.index)
            .or_else(|| definition.field(field))
    };
    if let Some(depths) = depths {
        let subject = settings
            .field_index
            .iter()
            .find(|entry| *entry.policy == *definition.name && entry.field == "sub")
            .map_or(0, |entry| entry.index);
        let domain = position("dom");
        rows = sorting::by_number(&rows, |(index, _)| {
            let field = |position: Option<usize>| {
                let row = row(policy, *index)?;
                row.field(position?)
            };
            let domain = symbols.find(field(domain).unwrap_or(""));
            let subject = symbols.find(field(Some(subject)).unwrap_or(""));
            let depth = domain.zip(subject).and_then(|key| depths.get(&key));
            0_i64.saturating_sub(i64::from(depth.copied().unwrap_or(0)))
        });
    }
    if let Some(field) = position("priority") {
        rows = by_priority(&rows, policy, definition, field)?;
    }
    Ok(rows)
}

fn row(policy: &Policy, index: u32) -> Option<Row<'_>> {
    policy.row(usize::try_from(index).ok()?)
}

fn by_priority(
    rows: &[Entry],
    policy: &Policy,
    definition: &Definition,
    field: usize,
) -> Result<Vec<Entry>, CompileError> {
    let mut priorities: HashMap<u32, i64> = HashMap::new();
    for (index, _) in rows {
        let Some(row) = row(policy, *index) else {
            continue;
        };
        let text = row.field(field).unwrap_or("");
        let Ok(priority) = text.parse() else {
            return Err(CompileError::Row {
                line: row.line(),
                message: format!(
                    "the priority \"{text}\" in field {} of {} is not a whole number",
                    definition.fields.get(field).map_or("", AsRef::as_ref),
                    definition.name
                ),
            });
        };
        priorities.insert(*index, priority);
    }
    Ok(sorting::by_number(rows, |(index, _)| {
        priorities.get(index).copied().unwrap_or(0)
    }))
}

/// How deep every name lies below the roles that have no role themselves, by
/// domain and name: the longest way counts. The links have no cycle.
fn depths(links: &[Link]) -> Depths {
    type Name = (Symbol, Symbol);
    let mut members: HashMap<Name, Vec<Name>> = HashMap::new();
    let mut roles_left: HashMap<Name, usize> = HashMap::new();
    let mut names = Vec::new();
    for link in links {
        let subject = (link.domain, link.subject);
        let role = (link.domain, link.role);
        names.extend([subject, role]);
        members.entry(role).or_default().push(subject);
        let left = roles_left.entry(subject).or_default();
        *left = left.saturating_add(1);
    }
    let mut depths = Depths::new();
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
