//! What is refused when a policy loads, and the order its rows are read in.

mod order;
mod roles;
mod rows;
mod settings;

use std::collections::HashMap;

use crate::error::CompileError;
use crate::settings::Settings;
use crate::walk::effect::RowEffect;
use crate::walk::patterns::Patterns;
use crate::walk::roles::Graph;
use doorward_syntax::Limits;
use doorward_syntax::expression::{Expr, Operator, Slot};
use doorward_syntax::lexer::Dialect;
use doorward_syntax::names::Names;
use doorward_syntax::parser;
use doorward_syntax::pattern::Kind;
use doorward_syntax::policy::{Policy, Row};
use doorward_syntax::{Effect, Matcher, Model};

/// A model and a policy that go together.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) names: Names,
    pub(crate) effects: Vec<(Box<str>, Effect)>,
    pub(crate) matchers: Vec<Matcher>,
    pub(crate) settings: Settings,
    /// Every row of the policy, duplicates too: what a rule id counts.
    pub(crate) rows: Vec<Row>,
    /// For every policy definition, its rows in the order of evaluation.
    pub(crate) order: Vec<Vec<(u32, RowEffect)>>,
    /// For every role definition, how many rows it has.
    pub(crate) role_rows: Vec<usize>,
    pub(crate) graphs: Vec<Graph>,
    pub(crate) patterns: Patterns,
    pub(crate) implied_domain_matching: bool,
    /// The rules in columns that eval reads, none where malformed.
    pub(crate) rules: HashMap<Box<str>, Option<Expr>>,
}

impl Loaded {
    /// Puts a model and a policy together.
    pub(crate) fn new(
        model: &Model,
        policy: &Policy,
        settings: &Settings,
    ) -> Result<Self, CompileError> {
        let matching = settings::check(model, settings)?;
        let sorted = rows::sort_out(model, policy, settings)?;
        let mut patterns = Patterns::default();
        let links = roles::links(model, policy, &matching, &sorted.of_graphs)?;
        roles::add_patterns(&links, &matching, &mut patterns, &settings.limits)?;
        roles::check_cycles(&links, &matching, &patterns, &settings.limits)?;
        roles::check_constraints(model, policy, &sorted.of_graphs)?;
        let order = order::order(model, policy, settings, sorted.of_policies, &links)?;
        let mut loaded = Self {
            names: model.names.clone(),
            effects: model.effects.clone(),
            matchers: model.matchers.clone(),
            settings: settings.clone(),
            rows: policy.rows.clone(),
            order,
            role_rows: sorted.of_graphs.iter().map(Vec::len).collect(),
            graphs: roles::graphs(&links, &matching),
            patterns,
            implied_domain_matching: model.implied_domain_matching,
            rules: HashMap::new(),
        };
        loaded.compile_columns()?;
        Ok(loaded)
    }

    /// A row by its number.
    pub(crate) fn row(&self, index: u32) -> Option<&Row> {
        self.rows.get(usize::try_from(index).ok()?)
    }

    /// Whether a name starts with a prefix that is reserved in the graph.
    pub(crate) fn is_reserved(&self, graph: u16, name: &str) -> bool {
        let Some(graph) = self.names.graphs.get(usize::from(graph)) else {
            return false;
        };
        self.settings
            .reserved
            .iter()
            .any(|reserved| *reserved.graph == *graph.name && name.starts_with(&reserved.prefix))
    }

    /// Compiles the patterns and rules that the matchers read from literals
    /// and from columns.
    fn compile_columns(&mut self) -> Result<(), CompileError> {
        let matchers = std::mem::take(&mut self.matchers);
        let result = matchers
            .iter()
            .try_for_each(|matcher| self.compile_in(&matcher.expression));
        self.matchers = matchers;
        result
    }

    fn compile_in(&mut self, expr: &Expr) -> Result<(), CompileError> {
        match expr {
            Expr::Call(function, arguments) => {
                if let (Some(kind), Some(pattern)) = (Kind::of(*function), arguments.get(1)) {
                    self.compile_pattern(kind, pattern)?;
                }
            }
            Expr::Role(graph, arguments) => {
                let graph = self.graphs.get(usize::from(*graph));
                let kind = graph.and_then(|graph| graph.role_matching);
                if let (Some(kind), Some(pattern)) = (kind, arguments.get(1)) {
                    self.compile_pattern(kind, pattern)?;
                }
            }
            Expr::Binary(Operator::Matches | Operator::NotMatches, _, pattern) => {
                self.compile_pattern(Kind::Regex, pattern)?;
            }
            Expr::Eval(rule) => {
                if let Expr::Policy(slot) = **rule {
                    self.compile_rules(slot)?;
                }
            }
            _ => {}
        }
        expr.children()
            .into_iter()
            .try_for_each(|child| self.compile_in(child))
    }

    fn compile_pattern(&mut self, kind: Kind, pattern: &Expr) -> Result<(), CompileError> {
        let limits = &self.settings.limits;
        match pattern {
            Expr::Text { text, .. } => {
                self.patterns
                    .add(kind, text, limits)
                    .map_err(|error| CompileError::Policy {
                        message: format!("the matcher's pattern '{text}' is refused: {error}"),
                    })
            }
            Expr::Policy(slot) => {
                let rows = self.order.get(usize::from(slot.definition));
                let rows = rows.into_iter().flatten();
                for (index, _) in rows {
                    let row = usize::try_from(*index)
                        .ok()
                        .and_then(|index| self.rows.get(index));
                    let Some(row) = row else { continue };
                    let Some(text) = row.fields.get(usize::from(slot.field)) else {
                        continue;
                    };
                    self.patterns
                        .add(kind, text, limits)
                        .map_err(|error| CompileError::Row {
                            line: row.line,
                            message: format!(
                                "field {} of {} is not a pattern for {}: {error}",
                                self.names.field_name(*slot),
                                row.kind,
                                kind.function(),
                            ),
                        })?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn compile_rules(&mut self, slot: Slot) -> Result<(), CompileError> {
        let limits = &self.settings.limits;
        let rows = self.order.get(usize::from(slot.definition));
        for (index, _) in rows.into_iter().flatten() {
            let row = usize::try_from(*index)
                .ok()
                .and_then(|index| self.rows.get(index));
            let Some(row) = row else { continue };
            let Some(text) = row.fields.get(usize::from(slot.field)) else {
                continue;
            };
            if text.len() > limits.pattern_bytes {
                return Err(CompileError::Row {
                    line: row.line,
                    message: format!(
                        "the rule in field {} has {} bytes, the limit is {}",
                        self.names.field_name(slot),
                        text.len(),
                        limits.pattern_bytes
                    ),
                });
            }
            let names = &self.names;
            let parsed = self
                .rules
                .entry(text.clone())
                .or_insert_with(|| parser::parse(text, Dialect::Rule, names, limits).ok());
            if let Some(rule) = parsed {
                add_patterns(rule, row, &self.graphs, &mut self.patterns, limits);
            }
        }
        Ok(())
    }
}

/// Compiles the patterns that a rule reads from literals and from its own
/// row. One that is refused stays out, and makes an error of the decision
/// that uses it.
fn add_patterns(
    rule: &Expr,
    row: &Row,
    graphs: &[Graph],
    patterns: &mut Patterns,
    limits: &Limits,
) {
    let found = match rule {
        Expr::Call(function, arguments) => Kind::of(*function).zip(arguments.get(1)),
        Expr::Role(graph, arguments) => graphs
            .get(usize::from(*graph))
            .and_then(|graph| graph.role_matching)
            .zip(arguments.get(1)),
        Expr::Binary(Operator::Matches | Operator::NotMatches, _, pattern) => {
            Some((Kind::Regex, &**pattern))
        }
        _ => None,
    };
    let text = match found {
        Some((kind, Expr::Text { text, .. })) => Some((kind, text)),
        Some((kind, Expr::Policy(slot))) => {
            let field = row.fields.get(usize::from(slot.field));
            field.map(|field| (kind, field))
        }
        _ => None,
    };
    if let Some((kind, text)) = text {
        let _refused_when_used = patterns.add(kind, text, limits);
    }
    for child in rule.children() {
        add_patterns(child, row, graphs, patterns, limits);
    }
}
