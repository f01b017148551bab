//! The rows of a policy that count, and their order.

use std::cmp::Reverse;

use doorward_engine::Settings;
use doorward_syntax::names::Definition;
use doorward_syntax::policy::Policy;
use doorward_syntax::{Effect, Model};

/// A row: its kind, its fields, its line.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// Such as `p` or `g2`.
    pub(crate) kind: String,
    /// What follows the kind.
    pub(crate) fields: Vec<String>,
    /// The line in the policy's text, from 1.
    pub(crate) line: u32,
}

/// The rows of a policy, each once: the first of those with equal fields.
pub(crate) fn distinct(policy: &Policy) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for row in policy.rows() {
        let row = Row {
            kind: row.kind().to_owned(),
            fields: row.fields().map(str::to_owned).collect(),
            line: row.line(),
        };
        let mut earlier = rows.iter();
        if !earlier.any(|earlier| earlier.kind == row.kind && earlier.fields == row.fields) {
            rows.push(row);
        }
    }
    rows
}

/// The rows of a policy definition in the order in which they are read.
pub(crate) fn ordered(
    model: &Model,
    settings: &Settings,
    rows: &[Row],
    definition: &Definition,
) -> Vec<Row> {
    let own = rows.iter().filter(|row| *row.kind == *definition.name);
    let mut own: Vec<Row> = own.cloned().collect();
    // Where a field stands: as the settings say, else by its name.
    let set = |field: &str| {
        let mut entries = settings.field_index.iter();
        let entry = entries.find(|entry| *entry.policy == *definition.name && entry.field == field);
        entry.map(|entry| entry.index)
    };
    let position = |field: &str| set(field).or_else(|| definition.field(field));
    if matches!(model.effects.first(), Some((_, Effect::SubjectPriority))) {
        let links = links(model, rows);
        let subject = set("sub").unwrap_or(0);
        let domain = position("dom");
        own.sort_by_key(|row| {
            let field = |at: usize| row.fields.get(at).map_or("", String::as_str);
            let domain = domain.map_or("", field);
            Reverse(depth(&links, field(subject), domain))
        });
    }
    if let Some(priority) = position("priority") {
        own.sort_by_key(|row| row.fields[priority].parse::<i64>().unwrap_or(0));
    }
    own
}

/// Subject, role and domain of every row of `g`.
type Links<'a> = Vec<(&'a str, &'a str, &'a str)>;

fn links<'a>(model: &Model, rows: &'a [Row]) -> Links<'a> {
    let graphs = &model.names.graphs;
    let domain = graphs.first().is_some_and(|graph| graph.domain);
    let rows = rows.iter().filter(|row| *row.kind == *"g");
    rows.map(|row| {
        let domain = if domain { &*row.fields[2] } else { "" };
        (&*row.fields[0], &*row.fields[1], domain)
    })
    .collect()
}

/// How many links the longest way from the name up to a role without roles
/// has. There are no circles.
fn depth(links: &Links<'_>, name: &str, domain: &str) -> usize {
    let own = links
        .iter()
        .filter(|link| link.0 == name && link.2 == domain);
    own.map(|(_, role, _)| 1 + depth(links, role, domain))
        .max()
        .unwrap_or(0)
}
