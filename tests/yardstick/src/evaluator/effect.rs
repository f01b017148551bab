//! How the answers of all rows make a decision.

use doorward_syntax::Effect;
use doorward_syntax::names::Definition;

use super::rows::Row;
use super::{Answer, Outcome, Place};

/// What the matcher said of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnRow {
    Matches,
    DoesNot,
    Fails,
}

/// What a row says when it matches: its field `eft`, else `allow`.
fn says<'a>(definition: &Definition, row: &'a Row) -> &'a str {
    match definition.field("eft") {
        Some(field) => &row.fields[field],
        None => "allow",
    }
}

/// The decision: rows in order, each with what the matcher said of it.
pub(crate) fn decide(effect: Effect, definition: &Definition, rows: &[(&Row, OnRow)]) -> Answer {
    let by = |outcome, row: &Row| Answer {
        outcome,
        row: Some(Place {
            kind: row.kind.to_string(),
            line: row.line,
        }),
    };
    let by_none = |outcome| Answer { outcome, row: None };
    let mut first_allow = None;
    for (row, on_row) in rows {
        match on_row {
            OnRow::DoesNot => continue,
            OnRow::Fails => return by(Outcome::Error, row),
            OnRow::Matches => {}
        }
        match (effect, says(definition, row)) {
            (Effect::AllowOverride | Effect::Priority | Effect::SubjectPriority, "allow") => {
                return by(Outcome::Allow, row);
            }
            (
                Effect::DenyOverride
                | Effect::AllowAndDeny
                | Effect::Priority
                | Effect::SubjectPriority,
                "deny",
            ) => return by(Outcome::Deny, row),
            (Effect::AllowAndDeny, "allow") if first_allow.is_none() => first_allow = Some(*row),
            _ => {}
        }
    }
    match (effect, first_allow) {
        (Effect::AllowAndDeny, Some(row)) => by(Outcome::Allow, row),
        (Effect::DenyOverride, _) => by_none(Outcome::Allow),
        _ => by_none(Outcome::Deny),
    }
}

/// The name of an effect, for counting.
pub(crate) fn name(effect: Effect) -> &'static str {
    match effect {
        Effect::AllowOverride => "allow-override",
        Effect::DenyOverride => "deny-override",
        Effect::AllowAndDeny => "allow-and-deny",
        Effect::Priority => "priority",
        Effect::SubjectPriority => "subject-priority",
    }
}
