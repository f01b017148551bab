//! The slow, obvious evaluator: every row, in order, with strings and lists.

mod arithmetic;
mod effect;
mod glob;
mod pattern;
mod roles;
mod rows;
mod scope;
mod strict;
mod truth;
mod value;

use std::cell::RefCell;
use std::collections::BTreeSet;

use doorward_engine::Settings;
use doorward_syntax::expression::Expr;
use doorward_syntax::policy::Policy;
use doorward_syntax::{Effect, Model};

use crate::case::Ask;

use effect::OnRow;
use roles::Graph;
use rows::Row;
use scope::Scope;
use value::Value;

/// Why an expression has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failed {
    /// An error, which false wins over among terms that must all hold.
    Plain,
}

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Allowed.
    Allow,
    /// Denied.
    Deny,
    /// Not to be evaluated.
    Error,
}

/// A row, by its kind and its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Such as `p2`.
    pub kind: String,
    /// From 1.
    pub line: u32,
}

/// What was decided, and the row that it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What was decided.
    pub outcome: Outcome,
    /// The deciding row, if there is one.
    pub row: Option<Place>,
}

/// A model, a policy and settings that an engine was compiled from.
#[derive(Debug)]
pub struct Yardstick<'a> {
    model: &'a Model,
    settings: &'a Settings,
    graphs: Vec<Graph>,
    /// For every policy definition, its rows in the order of evaluation.
    rows: Vec<Vec<Row>>,
}

impl<'a> Yardstick<'a> {
    /// Puts together what the engine has accepted.
    #[must_use]
    pub fn new(model: &'a Model, policy: &Policy, settings: &'a Settings) -> Self {
        let distinct = rows::distinct(policy);
        let definitions = model.names.policies.iter();
        let rows = definitions
            .map(|definition| rows::ordered(model, settings, &distinct, definition))
            .collect();
        Self {
            model,
            settings,
            graphs: roles::graphs(model, settings, &distinct),
            rows,
        }
    }

    /// Decides a request. Adds the operators, functions and effects that were
    /// evaluated to `touched`.
    #[must_use]
    pub fn decide(&self, ask: &Ask, touched: &mut BTreeSet<&'static str>) -> Answer {
        let noted = RefCell::new(std::mem::take(touched));
        let answer = self.answer(ask, &noted);
        *touched = noted.into_inner();
        answer.unwrap_or(Answer {
            outcome: Outcome::Error,
            row: None,
        })
    }

    /// The answer; none where the request as a whole is an error.
    fn answer(&self, ask: &Ask, touched: &RefCell<BTreeSet<&'static str>>) -> Option<Answer> {
        let names = &self.model.names;
        let context = &ask.context;
        let number = names
            .policies
            .iter()
            .position(|known| *known.name == *context.policy)?;
        let request = names
            .requests
            .iter()
            .find(|known| *known.name == *context.request)?;
        let matcher = self
            .model
            .matchers
            .iter()
            .find(|known| *known.name == *context.matcher)?;
        let (_, effect) = self
            .model
            .effects
            .iter()
            .find(|(name, _)| **name == *context.effect)?;
        if ask.values.len() != request.fields.len() {
            return None;
        }
        touched.borrow_mut().insert(effect::name(*effect));
        let values: Vec<Value> = ask.values.iter().map(Value::from).collect();
        let scope = |row| Scope {
            model: self.model,
            settings: self.settings,
            graphs: &self.graphs,
            ask,
            values: &values,
            row,
            touched,
        };
        let matcher = &matcher.expression;
        if scope(None).has_reserved_subject(matcher) {
            return None;
        }
        let rows = &self.rows[number];
        let reads_rows = matcher.any(
            &mut |expr| matches!(expr, Expr::Policy(slot) if usize::from(slot.definition) == number),
        );
        if rows.is_empty() || !reads_rows {
            return without_rows(&scope(None), matcher, *effect, rows.is_empty());
        }
        let on_rows: Vec<(&Row, OnRow)> = rows
            .iter()
            .map(|row| match scope(Some(row)).matches(matcher) {
                Ok(true) => (row, OnRow::Matches),
                Ok(false) => (row, OnRow::DoesNot),
                Err(_) => (row, OnRow::Fails),
            })
            .collect();
        Some(effect::decide(*effect, &names.policies[number], &on_rows))
    }
}

/// A matcher that does not read the policy, or has no row to read, counts
/// once, and only as a truth value. Without rows there is no rule for `eval`.
fn without_rows(
    scope: &Scope<'_>,
    matcher: &Expr,
    effect: Effect,
    no_rows: bool,
) -> Option<Answer> {
    if no_rows && matcher.any(&mut |expr| matches!(expr, Expr::Eval(_))) {
        return None;
    }
    let matched = scope.asked(matcher, false).and_then(Value::truth).ok()?;
    let allowed = matched || effect == Effect::DenyOverride;
    Some(Answer {
        outcome: if allowed {
            Outcome::Allow
        } else {
            Outcome::Deny
        },
        row: None,
    })
}
