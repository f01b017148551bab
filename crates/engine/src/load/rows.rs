//! Rows against their definitions.

use hashbrown::HashTable;

use crate::effect::RowEffect;
use crate::error::CompileError;
use crate::hash;
use crate::settings::Settings;
use crate::symbols::{Symbol, Symbols};
use crate::table::Table;

use super::add_symbol;
use doorward_syntax::Model;
use doorward_syntax::names::{Definition, GraphDefinition};
use doorward_syntax::policy::{Policy, Row};

/// The rows of each definition, in order.
pub(crate) struct SortedOut {
    /// With duplicates, which [`table`] leaves out.
    pub(crate) of_policies: Vec<Vec<(u32, RowEffect)>>,
    /// Without duplicates.
    pub(crate) of_graphs: Vec<Vec<u32>>,
}

/// What a row belongs to.
enum Of {
    Policy(usize),
    Graph(usize),
}

/// Checks every row and groups the rows by definition.
pub(crate) fn sort_out(
    model: &Model,
    policy: &Policy,
    settings: &Settings,
) -> Result<SortedOut, CompileError> {
    if policy.len() > settings.limits.rows || u32::try_from(policy.len()).is_err() {
        return Err(CompileError::Policy {
            message: format!(
                "the policy has {} rows, the limit is {}",
                policy.len(),
                settings.limits.rows
            ),
        });
    }
    let mut sorted = SortedOut {
        of_policies: vec![Vec::new(); model.names.policies.len()],
        of_graphs: vec![Vec::new(); model.names.graphs.len()],
    };
    let effects = model.names.policies.iter();
    let effects: Vec<Option<usize>> = effects.map(|definition| definition.field("eft")).collect();
    let mut seen = HashTable::new();
    for (row, index) in policy.rows().zip(0_u32..) {
        let definition = definition(model, row)?;
        check_size(model, row, &definition)?;
        match definition {
            Of::Policy(number) => {
                let effect = effect(row, effects.get(number).copied().flatten())?;
                if let Some(rows) = sorted.of_policies.get_mut(number) {
                    rows.push((index, effect));
                }
            }
            Of::Graph(number) => {
                if seen.is_empty() {
                    let before = usize::try_from(index).unwrap_or(usize::MAX);
                    seen.reserve(policy.len().saturating_sub(before), hash_of);
                }
                if let Some(rows) = sorted.of_graphs.get_mut(number)
                    && is_new(row, &mut seen)
                {
                    rows.push(index);
                }
            }
        }
    }
    Ok(sorted)
}

/// Adds a row to those that were seen, if none of them has the same kind and
/// fields.
fn is_new<'p>(row: Row<'p>, seen: &mut HashTable<Row<'p>>) -> bool {
    let same = |other: &Row<'_>| row.kind() == other.kind() && row.fields().eq(other.fields());
    let hash = hash_of(&row);
    let new = seen.find(hash, same).is_none();
    if new {
        seen.insert_unique(hash, row, hash_of);
    }
    new
}

/// Who writes the policy has nothing to gain from texts that collide.
fn hash_of(row: &Row<'_>) -> u64 {
    let hashes = row.fields().map(hash::text);
    hashes.fold(hash::text(row.kind()), |all, hash| {
        all.rotate_left(5) ^ hash
    })
}

fn refuse<T>(row: Row<'_>, message: String) -> Result<T, CompileError> {
    Err(CompileError::Row {
        line: row.line(),
        message,
    })
}

fn definition(model: &Model, row: Row<'_>) -> Result<Of, CompileError> {
    let names = &model.names;
    let kind = row.kind();
    let policy = names.policies.iter().position(|known| *known.name == *kind);
    if let Some(number) = policy {
        return Ok(Of::Policy(number));
    }
    let graph = names.graphs.iter().position(|known| *known.name == *kind);
    if let Some(number) = graph {
        return Ok(Of::Graph(number));
    }
    let known: Vec<&str> = names
        .policies
        .iter()
        .map(|known| &*known.name)
        .chain(names.graphs.iter().map(|known| &*known.name))
        .collect();
    refuse(
        row,
        format!(
            "the model does not define \"{kind}\", rows are {}",
            known.join(", ")
        ),
    )
}

/// A policy row has exactly the fields of its definition. A role row may
/// have more, which say nothing.
fn check_size(model: &Model, row: Row<'_>, definition: &Of) -> Result<(), CompileError> {
    let got = row.width();
    let fits = match definition {
        Of::Policy(number) => {
            let needed = model
                .names
                .policies
                .get(*number)
                .map(|known| known.fields.len());
            needed.map(|needed| (needed, got == needed))
        }
        Of::Graph(number) => {
            let needed = model.names.graphs.get(*number).map(GraphDefinition::fields);
            needed.map(|needed| (needed, got >= needed))
        }
    };
    match fits {
        Some((needed, false)) => refuse(
            row,
            format!(
                "a row of {} needs {needed} fields, this one has {got}",
                row.kind()
            ),
        ),
        _ => Ok(()),
    }
}

/// What a row says when it matches, by the field that says so.
fn effect(row: Row<'_>, field: Option<usize>) -> Result<RowEffect, CompileError> {
    let Some(text) = field.and_then(|field| row.field(field)) else {
        return Ok(RowEffect::Allow);
    };
    match RowEffect::from_name(text) {
        Some(effect) => Ok(effect),
        None => refuse(
            row,
            format!("the effect \"{text}\" is not allow, deny or indeterminate"),
        ),
    }
}

/// The table of some rows of one definition: of equal ones the first.
pub(crate) fn table(
    policy: &Policy,
    rows: &[(u32, RowEffect)],
    definition: &Definition,
    symbols: &mut Symbols,
) -> Result<Table, CompileError> {
    let mut table = Table::new(definition.fields.len(), rows.len());
    symbols.reserve(rows.len());
    let mut added = Added::default();
    // Of this row, and of the row before: neighbours have much in common.
    let mut fields: Vec<Symbol> = Vec::with_capacity(definition.fields.len());
    let mut before: Vec<Symbol> = Vec::new();
    for (index, effect) in rows {
        let row = usize::try_from(*index).ok();
        let Some(row) = row.and_then(|index| policy.row(index)) else {
            continue;
        };
        let known = symbols.len();
        std::mem::swap(&mut fields, &mut before);
        fields.clear();
        for (text, place) in row.fields().zip(0..) {
            let same = before
                .get(place)
                .filter(|symbol| symbols.is(**symbol, text));
            fields.push(match same {
                Some(symbol) => *symbol,
                None => add_symbol(symbols, text)?,
            });
        }
        // A row with a new text is the first of its kind.
        if symbols.len() > known || !added.has(&table, &fields) {
            table.push(&fields, row.line(), *effect);
        }
    }
    table.shrink();
    Ok(table)
}

/// The rows of a table by their fields.
#[derive(Debug, Default)]
struct Added {
    rows: HashTable<u32>,
    /// The rows of the table that are in it.
    count: u32,
}

impl Added {
    /// Whether the table has such a row.
    fn has(&mut self, table: &Table, fields: &[Symbol]) -> bool {
        let fields_of = |position: u32| table.row(position).unwrap_or_default();
        let hash_of = |fields: &[Symbol]| hash::symbols(fields.iter().copied());
        for position in self.count..table.positions().end {
            let hash = hash_of(fields_of(position));
            let again = |position: &u32| hash_of(fields_of(*position));
            self.rows.insert_unique(hash, position, again);
        }
        self.count = table.positions().end;
        let same = |position: &u32| fields_of(*position) == fields;
        self.rows.find(hash_of(fields), same).is_some()
    }
}
