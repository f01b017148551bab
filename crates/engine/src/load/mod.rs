//! A model and a policy, put together: what is refused, the order its rows are
//! read in, the patterns compiled, the plans made.

mod order;
mod roles;
mod rows;
mod settings;
mod types;

use std::collections::HashMap;

use doorward_syntax::expression::{Expr, Operator, Slot};
use doorward_syntax::lexer::Dialect;
use doorward_syntax::names::Names;
use doorward_syntax::parser;
use doorward_syntax::pattern::{Kind, PatternError};
use doorward_syntax::policy::Policy;
use doorward_syntax::{Effect, Model};

use crate::error::CompileError;
use crate::patterns::Patterns;
use crate::plan::{Indexes, Plan, Sources, reads};
use crate::roles::Graph;
use crate::settings::Settings;
use crate::symbols::{Symbol, Symbols};
use crate::table::Table;
use crate::types::{TypeError, ValueType};

/// A model and a policy that go together.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) names: Names,
    pub(crate) effects: Vec<(Box<str>, Effect)>,
    pub(crate) matchers: Vec<Prepared>,
    pub(crate) settings: Settings,
    pub(crate) symbols: Symbols,
    /// For every policy definition, its rows.
    pub(crate) tables: Vec<Table>,
    /// For every role definition, how many rows it has.
    pub(crate) role_rows: Vec<usize>,
    pub(crate) graphs: Vec<Graph>,
    pub(crate) patterns: Patterns,
    pub(crate) implied_domain_matching: bool,
    /// The rules in columns that eval reads, none where malformed.
    pub(crate) rules: HashMap<Symbol, Option<Expr>>,
}

/// A matcher, and how it is answered.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) name: Box<str>,
    pub(crate) expression: Expr,
    /// Values of the request that the matcher asks role graphs with reserved
    /// prefixes about.
    pub(crate) subjects: Vec<Subject>,
    /// Whether it calls eval.
    pub(crate) evaluates_rules: bool,
    /// For every policy definition how its rows are searched; none where the
    /// matcher does not read it, or it has no row.
    pub(crate) plans: Vec<Option<Plan>>,
    /// The same but for the roles that rows ask for; empty unless
    /// [`Settings::near_misses`] wants them.
    pub(crate) but_for_roles: Vec<Option<Plan>>,
}

/// A value of the request that a role graph is asked about.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) value: Expr,
    /// The prefixes that are reserved in the graph.
    pub(crate) reserved: Vec<String>,
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
        let mut symbols = Symbols::default();
        let mut patterns = Patterns::default();
        let limits = &settings.limits;
        let links = roles::links(model, policy, &matching, &sorted.of_graphs, &mut symbols)?;
        roles::add_patterns(&links, &matching, &mut patterns, &symbols, limits)?;
        roles::check_cycles(&links, &matching, &patterns, &symbols, limits)?;
        roles::check_constraints(model, policy, &sorted.of_graphs)?;
        let depths = order::depths_of(model, &links)?;
        let mut tables = Vec::new();
        for (rows, definition) in sorted.of_policies.into_iter().zip(&model.names.policies) {
            let rows = order::order(
                definition,
                policy,
                settings,
                rows,
                depths.as_ref(),
                &symbols,
            )?;
            tables.push(rows::table(policy, &rows, definition, &mut symbols)?);
        }
        let graphs = links.iter().zip(&matching);
        let mut loaded = Self {
            names: model.names.clone(),
            effects: model.effects.clone(),
            matchers: Vec::new(),
            settings: settings.clone(),
            symbols,
            tables,
            role_rows: sorted.of_graphs.iter().map(Vec::len).collect(),
            graphs: graphs
                .map(|(links, matching)| Graph::new(matching.role, matching.domain, links))
                .collect(),
            patterns,
            implied_domain_matching: model.implied_domain_matching,
            rules: HashMap::new(),
        };
        for matcher in &model.matchers {
            loaded.compile_in(&matcher.expression)?;
        }
        loaded.symbols.shrink();
        let most = settings.max_hierarchy_level;
        for graph in &mut loaded.graphs {
            graph.prepare(&loaded.patterns, &loaded.symbols, most);
        }
        let mut indexes: Vec<Indexes> = Vec::new();
        indexes.resize_with(loaded.tables.len(), Indexes::default);
        loaded.matchers = model
            .matchers
            .iter()
            .map(|matcher| loaded.prepare(&matcher.name, &matcher.expression, &mut indexes))
            .collect();
        Ok(loaded)
    }

    /// Checks the matcher `m` against the types of the values of `r`.
    pub(crate) fn check_types(&self, types: &[ValueType]) -> Result<(), TypeError> {
        let Some(matcher) = self.matchers.first() else {
            return Ok(());
        };
        let check = types::Check {
            names: &self.names,
            matcher: &matcher.name,
            types,
        };
        check.whole(&matcher.expression)
    }

    fn prepare(&self, name: &str, expression: &Expr, indexes: &mut [Indexes]) -> Prepared {
        let mut asked = Vec::new();
        add_subjects(expression, &mut asked);
        let mut subjects = Vec::new();
        for (graph, value) in asked {
            let reserved: Vec<String> = self.reserved(graph).map(str::to_owned).collect();
            if !reserved.is_empty() {
                subjects.push(Subject { value, reserved });
            }
        }
        let plans = self.plan(expression, indexes, &[]);
        let given = self.settings.near_misses.iter();
        let given: Vec<u16> = given
            .filter_map(|name| Some(self.names.graph(name)?.0))
            .collect();
        let but_for_roles = if given.is_empty() {
            Vec::new()
        } else {
            self.plan(expression, indexes, &given)
        };
        Prepared {
            name: name.into(),
            expression: expression.clone(),
            subjects,
            evaluates_rules: expression.any(&mut |expr| matches!(expr, Expr::Eval(_))),
            plans,
            but_for_roles,
        }
    }

    fn plan(&self, expression: &Expr, indexes: &mut [Indexes], given: &[u16]) -> Vec<Option<Plan>> {
        let tables = self.tables.iter().zip(indexes).zip(0..);
        let plans = tables.map(|((table, indexes), definition)| {
            let read = table.len() > 0 && reads(expression, definition);
            let sources = Sources {
                table,
                graphs: &self.graphs,
                patterns: &self.patterns,
                symbols: &self.symbols,
            };
            read.then(|| Plan::new(expression, definition, sources, indexes, given))
        });
        plans.collect()
    }

    /// Whether a name starts with a prefix that is reserved in the graph.
    pub(crate) fn is_reserved(&self, graph: u16, name: &str) -> bool {
        let mut reserved = self.reserved(graph);
        reserved.any(|prefix| name.starts_with(prefix))
    }

    /// The prefixes that are reserved in the graph.
    fn reserved(&self, graph: u16) -> impl Iterator<Item = &str> {
        let graph = self.names.graphs.get(usize::from(graph));
        let reserved = self.settings.reserved.iter();
        reserved
            .filter(move |reserved| graph.is_some_and(|graph| *reserved.graph == *graph.name))
            .map(|reserved| reserved.prefix.as_str())
    }

    /// Compiles the patterns and rules that a matcher reads from literals
    /// and from columns.
    fn compile_in(&mut self, expr: &Expr) -> Result<(), CompileError> {
        match (expr, self.pattern_in(expr)) {
            (_, Some((kind, pattern))) => self.compile_pattern(kind, pattern)?,
            (Expr::Eval(rule), None) => {
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

    /// What an expression takes for a pattern, and of which kind.
    fn pattern_in<'e>(&self, expr: &'e Expr) -> Option<(Kind, &'e Expr)> {
        match expr {
            Expr::Call(function, arguments) => Kind::of(*function).zip(arguments.get(1)),
            Expr::Role(graph, arguments) => {
                let graph = self.graphs.get(usize::from(*graph));
                let kind = graph.and_then(|graph| graph.role_matching);
                kind.zip(arguments.get(1))
            }
            Expr::Binary(Operator::Matches | Operator::NotMatches, _, pattern) => {
                Some((Kind::Regex, pattern))
            }
            _ => None,
        }
    }

    fn compile_pattern(&mut self, kind: Kind, pattern: &Expr) -> Result<(), CompileError> {
        match pattern {
            Expr::Text { text, .. } => {
                self.add_pattern(kind, text)?
                    .map_err(|error| CompileError::Policy {
                        message: format!("the matcher's pattern '{text}' is refused: {error}"),
                    })
            }
            Expr::Policy(slot) => {
                let Some(table) = self.tables.get(usize::from(slot.definition)) else {
                    return Ok(());
                };
                for (position, value) in table.positions().zip(table.column(slot.field)) {
                    self.patterns
                        .add(kind, value, &self.symbols, &self.settings.limits)
                        .map_err(|error| CompileError::Row {
                            line: table.line(position).unwrap_or(0),
                            message: format!(
                                "field {} of {} is not a pattern for {}: {error}",
                                self.names.field_name(*slot),
                                self.kind(slot.definition),
                                kind.function(),
                            ),
                        })?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The name of a policy definition.
    fn kind(&self, definition: u16) -> &str {
        let definition = self.names.policies.get(usize::from(definition));
        definition.map_or("", |definition| &definition.name)
    }

    /// Compiles a pattern that is written in a matcher or a rule.
    fn add_pattern(
        &mut self,
        kind: Kind,
        text: &str,
    ) -> Result<Result<(), PatternError>, CompileError> {
        let symbol = add_symbol(&mut self.symbols, text)?;
        let limits = &self.settings.limits;
        Ok(self.patterns.add(kind, symbol, &self.symbols, limits))
    }

    fn compile_rules(&mut self, slot: Slot) -> Result<(), CompileError> {
        let Some(table) = self.tables.get_mut(usize::from(slot.definition)) else {
            return Ok(());
        };
        let table = std::mem::take(table);
        let result = table
            .positions()
            .try_for_each(|position| self.compile_rule(slot, &table, position));
        if let Some(place) = self.tables.get_mut(usize::from(slot.definition)) {
            *place = table;
        }
        result
    }

    fn compile_rule(
        &mut self,
        slot: Slot,
        table: &Table,
        position: u32,
    ) -> Result<(), CompileError> {
        let Some((row, rule)) = table.row(position).zip(table.cell(position, slot.field)) else {
            return Ok(());
        };
        let limits = &self.settings.limits;
        let text = self.symbols.text(rule);
        if text.len() > limits.pattern_bytes {
            return Err(CompileError::Row {
                line: table.line(position).unwrap_or(0),
                message: format!(
                    "the rule in field {} has {} bytes, the limit is {}",
                    self.names.field_name(slot),
                    text.len(),
                    limits.pattern_bytes
                ),
            });
        }
        let names = &self.names;
        let known = self.rules.remove(&rule);
        let parsed =
            known.unwrap_or_else(|| parser::parse(text, Dialect::Rule, names, limits).ok());
        if let Some(expression) = &parsed {
            self.add_patterns(expression, row, slot.definition)?;
        }
        self.rules.insert(rule, parsed);
        Ok(())
    }

    /// Compiles the patterns that a rule reads from literals and from its own
    /// row. One that is refused stays out, and makes an error of the decision
    /// that uses it.
    fn add_patterns(
        &mut self,
        rule: &Expr,
        row: &[Symbol],
        definition: u16,
    ) -> Result<(), CompileError> {
        match self.pattern_in(rule) {
            Some((kind, Expr::Text { text, .. })) => {
                let _refused_when_used = self.add_pattern(kind, text)?;
            }
            Some((kind, Expr::Policy(slot))) if slot.definition == definition => {
                if let Some(value) = row.get(usize::from(slot.field)) {
                    let limits = &self.settings.limits;
                    let _refused_when_used = self.patterns.add(kind, *value, &self.symbols, limits);
                }
            }
            _ => {}
        }
        rule.children()
            .into_iter()
            .try_for_each(|child| self.add_patterns(child, row, definition))
    }
}

/// The symbol of a text of the policy.
fn add_symbol(symbols: &mut Symbols, text: &str) -> Result<Symbol, CompileError> {
    symbols.add(text).ok_or_else(|| CompileError::Policy {
        message: "the texts of the policy are longer than 4 GiB together".to_owned(),
    })
}

/// The values of the request that a matcher asks role graphs about.
fn add_subjects(expr: &Expr, subjects: &mut Vec<(u16, Expr)>) {
    if let Expr::Role(graph, arguments) = expr
        && let Some(subject) = arguments.first()
    {
        let direct = match subject {
            Expr::Attribute(value, _) => matches!(**value, Expr::Request(_)),
            subject => matches!(subject, Expr::Request(_)),
        };
        let found = (*graph, subject.clone());
        if direct && !subjects.contains(&found) {
            subjects.push(found);
        }
    }
    for child in expr.children() {
        add_subjects(child, subjects);
    }
}
