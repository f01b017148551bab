//! The compiled engine: made once from a model, a policy and settings, then
//! asked any number of times.

use crate::decide;
use crate::decision::{Decision, RuleId};
use crate::error::CompileError;
use crate::load::Loaded;
use crate::plan::MatcherPlan;
use crate::request::{Context, GraphId, Request};
use crate::settings::Settings;
use crate::table::Table;
use crate::types::{TypeError, ValueType};
use doorward_syntax::display::Written;
use doorward_syntax::expression::Expr;
use doorward_syntax::{Effect, Model, Policy, Rule};

/// A model and a policy, compiled. Immutable, and shared between threads.
#[derive(Debug)]
pub struct Engine {
    loaded: Loaded,
}

impl Engine {
    /// Compiles a model and a policy.
    ///
    /// # Errors
    ///
    /// Everything that can be refused before the first request: rows that do
    /// not fit their definition, malformed patterns, cycles among roles,
    /// violated constraints, settings that name what the model does not have,
    /// and whatever is over a limit.
    pub fn compile(
        model: &Model,
        policy: &Policy,
        settings: &Settings,
    ) -> Result<Self, CompileError> {
        Ok(Self {
            loaded: Loaded::new(model, policy, settings)?,
        })
    }

    /// Checks the default context's matcher against what is known of its
    /// requests, in the order of the request definition. Rules that `eval`
    /// reads from the policy are not looked at: as Casbin has it, a row with a
    /// wrong one loads, and errs where it is used.
    ///
    /// # Errors
    ///
    /// A part of the matcher gives an error, or the same answer, whatever the
    /// request: a number compared with text, a role asked of a truth value.
    pub fn check_types(&self, types: &[ValueType]) -> Result<(), TypeError> {
        self.loaded.check_types(types)
    }

    /// Whether the first matcher looks at a value of the request or, where
    /// `members` names one, at that member of it. What it looks at as a whole,
    /// or by `eval`, counts.
    #[must_use]
    pub fn reads(&self, field: usize, members: &[&str]) -> bool {
        let matcher = self.loaded.matchers.first();
        matcher.is_some_and(|matcher| reads(&matcher.expression, field, members))
    }

    /// Decides a request. Never fails: what cannot be evaluated is an
    /// [`Outcome::Error`](crate::Outcome::Error), which denies.
    #[must_use]
    pub fn decide(&self, request: &Request<'_>) -> Decision {
        decide::decide(&self.loaded, request)
    }

    /// What a denied request misses by roles alone: the row that says allow and
    /// would match if whoever the matcher asks about had the role that it
    /// names, if there is one such row and no more. The roles are those of
    /// [`Settings::near_misses`]. None as well where many rows would have to be
    /// evaluated to tell.
    #[must_use]
    pub fn near_miss(&self, request: &Request<'_>) -> Option<RuleId> {
        decide::near_miss(&self.loaded, request)
    }

    /// A row of the policy, none if it is of another engine.
    #[must_use]
    pub fn rule(&self, id: RuleId) -> Option<Rule<'_>> {
        let loaded = &self.loaded;
        let table = loaded.tables.get(usize::from(id.definition))?;
        let kind = loaded.names.policies.get(usize::from(id.definition))?;
        let row = table.row(id.position)?;
        let fields = row.iter().map(|field| loaded.symbols.text(*field));
        let line = table.line(id.position)?;
        Some(Rule::new(&kind.name, line, fields.collect()))
    }

    /// The definitions of these names as a context, for example
    /// `context("r2", "p2", "e2", "m2")`; none if the model lacks one.
    #[must_use]
    pub fn context(
        &self,
        request: &str,
        policy: &str,
        effect: &str,
        matcher: &str,
    ) -> Option<Context> {
        let loaded = &self.loaded;
        let mut requests = loaded.names.requests.iter().map(|known| &known.name);
        let mut policies = loaded.names.policies.iter().map(|known| &known.name);
        let mut effects = loaded.effects.iter().map(|(name, _)| name);
        let mut matchers = loaded.matchers.iter().map(|known| &known.name);
        let number = |position: Option<usize>| u16::try_from(position?).ok();
        Some(Context {
            request: number(requests.position(|name| **name == *request))?,
            policy: number(policies.position(|name| **name == *policy))?,
            effect: number(effects.position(|name| **name == *effect))?,
            matcher: number(matchers.position(|name| **name == *matcher))?,
        })
    }

    /// The role graph of that definition, such as `g2`.
    #[must_use]
    pub fn graph(&self, name: &str) -> Option<GraphId> {
        self.loaded
            .names
            .graph(name)
            .map(|(graph, _)| GraphId(graph))
    }

    /// The names of the context's request definition, in order: what the
    /// values of a request stand for. None if the context is of another
    /// engine.
    #[must_use]
    pub fn request_definition(&self, context: Context) -> Option<&[Box<str>]> {
        let requests = &self.loaded.names.requests;
        let definition = requests.get(usize::from(context.request))?;
        Some(&definition.fields)
    }

    /// Whether the default context needs rows of `p` to mean anything: its
    /// matcher reads them, or its effect is one that rows can turn into a
    /// denial. A policy without such a row is then surely a mistake.
    #[must_use]
    pub fn reads_policy(&self) -> bool {
        let loaded = &self.loaded;
        let effect = loaded.effects.first().map(|(_, effect)| *effect);
        let matcher = loaded.matchers.first();
        effect != Some(Effect::AllowOverride)
            || matcher.is_some_and(|matcher| {
                let mut reads =
                    |expr: &Expr| matches!(expr, Expr::Policy(slot) if slot.definition == 0);
                matcher.expression.any(&mut reads)
            })
    }

    /// How every matcher is answered: which terms are lookups, which are
    /// evaluated on the rows that are left. A matcher that reads several
    /// policy definitions has a plan for each.
    #[must_use]
    pub fn plans(&self) -> Vec<MatcherPlan> {
        let loaded = &self.loaded;
        let (names, graphs) = (&loaded.names, &loaded.graphs);
        let mut plans = Vec::new();
        for matcher in &loaded.matchers {
            let written = Written::new(&matcher.expression, names).to_string();
            let told = |policy: Option<(&str, usize)>, branches| MatcherPlan {
                name: matcher.name.to_string(),
                matcher: written.clone(),
                policy: policy.map(|(name, _)| name.to_owned()),
                rows: policy.map_or(0, |(_, rows)| rows),
                branches,
            };
            let before = plans.len();
            let tables = loaded.tables.iter().zip(&names.policies);
            for (((table, policy), plan), number) in tables.zip(&matcher.plans).zip(0..) {
                if let Some(plan) = plan {
                    let branches = plan.describe(names, number, graphs, table);
                    plans.push(told(Some((&policy.name, table.len())), branches));
                }
            }
            if plans.len() == before {
                plans.push(told(None, Vec::new()));
            }
        }
        plans
    }

    /// Whether the words of the matcher `m` make keyMatch the domain matching
    /// function of every graph with domains: it holds `keyMatch(r.X, p.X)`, in
    /// just this spacing, on the second names of `r` and `p`. Casbin's Go
    /// implementation does so without a word, and so does this engine.
    #[must_use]
    pub fn implies_domain_matching(&self) -> bool {
        self.loaded.implied_domain_matching
    }

    /// Rows in force, of all kinds, without duplicates.
    #[must_use]
    pub fn row_count(&self) -> usize {
        let policies = self.loaded.tables.iter().map(Table::len);
        let roles = self.loaded.role_rows.iter().copied();
        policies.chain(roles).sum()
    }

    /// Rows in force of one kind, such as `p` or `g2`, without duplicates.
    #[must_use]
    pub fn row_count_of(&self, kind: &str) -> usize {
        let names = &self.loaded.names;
        let policies = names.policies.iter().map(|known| &known.name);
        let policies = policies.zip(self.loaded.tables.iter().map(Table::len));
        let graphs = names.graphs.iter().map(|known| &known.name);
        let graphs = graphs.zip(self.loaded.role_rows.iter().copied());
        policies
            .chain(graphs)
            .find(|(name, _)| ***name == *kind)
            .map_or(0, |(_, count)| count)
    }
}

fn reads(expr: &Expr, field: usize, members: &[&str]) -> bool {
    let is_it = |expr: &Expr| {
        matches!(expr, Expr::Request(slot)
            if slot.definition == 0 && usize::from(slot.field) == field)
    };
    match expr {
        Expr::Eval(_) => true,
        Expr::Attribute(value, path) if is_it(value) => path
            .iter()
            .zip(members)
            .all(|(named, member)| **named == **member),
        expr => {
            let mut children = expr.children().into_iter();
            is_it(expr) || children.any(|child| reads(child, field, members))
        }
    }
}
