//! Rows against their definitions.

use std::collections::HashSet;

use foldhash::fast::FixedState;

use crate::effect::RowEffect;
use crate::error::CompileError;
use crate::settings::Settings;
use crate::symbols::Symbols;
use crate::table::Table;

use super::add_symbol;
use doorward_syntax::Model;
use doorward_syntax::names::{Definition, GraphDefinition};
use doorward_syntax::policy::{Policy, Row};

/// The rows of each definition, in order, without duplicates.
pub(crate) struct SortedOut {
    pub(crate) of_policies: Vec<Vec<(u32, RowEffect)>>,
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
    if policy.rows.len() > settings.limits.rows || u32::try_from(policy.rows.len()).is_err() {
        return Err(CompileError::Policy {
            message: format!(
                "the policy has {} rows, the limit is {}",
                policy.rows.len(),
                settings.limits.rows
            ),
        });
    }
    let mut sorted = SortedOut {
        of_policies: vec![Vec::new(); model.names.policies.len()],
        of_graphs: vec![Vec::new(); model.names.graphs.len()],
    };
    // Who writes the policy has nothing to gain from texts that collide.
    let mut seen = HashSet::with_capacity_and_hasher(policy.rows.len(), FixedState::default());
    for (row, index) in policy.rows.iter().zip(0_u32..) {
        let definition = definition(model, row)?;
        check_size(model, row, &definition)?;
        if !seen.insert((&row.kind, &row.fields)) {
            continue;
        }
        match definition {
            Of::Policy(number) => {
                let effect = effect(model, row, number)?;
                if let Some(rows) = sorted.of_policies.get_mut(number) {
                    rows.push((index, effect));
                }
            }
            Of::Graph(number) => {
                if let Some(rows) = sorted.of_graphs.get_mut(number) {
                    rows.push(index);
                }
            }
        }
    }
    Ok(sorted)
}

fn refuse<T>(row: &Row, message: String) -> Result<T, CompileError> {
    Err(CompileError::Row {
        line: row.line,
        message,
    })
}

fn definition(model: &Model, row: &Row) -> Result<Of, CompileError> {
    let names = &model.names;
    let policy = names
        .policies
        .iter()
        .position(|known| known.name == row.kind);
    if let Some(number) = policy {
        return Ok(Of::Policy(number));
    }
    let graph = names.graphs.iter().position(|known| known.name == row.kind);
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
            "the model does not define \"{}\", rows are {}",
            row.kind,
            known.join(", ")
        ),
    )
}

/// A policy row has exactly the fields of its definition. A role row may
/// have more, which say nothing.
fn check_size(model: &Model, row: &Row, definition: &Of) -> Result<(), CompileError> {
    let got = row.fields.len();
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
                row.kind
            ),
        ),
        _ => Ok(()),
    }
}

fn effect(model: &Model, row: &Row, number: usize) -> Result<RowEffect, CompileError> {
    let definition = model.names.policies.get(number);
    let field = definition.and_then(|definition| definition.field("eft"));
    let Some(text) = field.and_then(|field| row.fields.get(field)) else {
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

/// The table of some rows of one definition.
pub(crate) fn table(
    policy: &Policy,
    rows: &[(u32, RowEffect)],
    definition: &Definition,
    symbols: &mut Symbols,
) -> Result<Table, CompileError> {
    let mut table = Table::new(definition.fields.len());
    let mut fields = Vec::new();
    for (index, effect) in rows {
        let row = usize::try_from(*index).ok();
        let Some(row) = row.and_then(|index| policy.rows.get(index)) else {
            continue;
        };
        fields.clear();
        for field in &row.fields {
            fields.push(add_symbol(symbols, field)?);
        }
        table.push(&fields, row.line, *effect);
    }
    Ok(table)
}
