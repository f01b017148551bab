//! Role rows: their links, cycles among them, and constraints on them.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::budget::{Budget, count};
use crate::decision::EvaluationError;
use crate::error::CompileError;
use crate::patterns::{Matching, Patterns};
use crate::roles::Link;
use crate::roles::period::Period;
use crate::symbols::{Symbol, Symbols};
use doorward_syntax::Limits;
use doorward_syntax::Model;
use doorward_syntax::constraint::ConstraintRule;
use doorward_syntax::pattern::Kind;
use doorward_syntax::policy::{Policy, Row};

use super::add_symbol;
use super::settings::GraphSettings;

fn row(policy: &Policy, index: u32) -> Option<Row<'_>> {
    policy.row(usize::try_from(index).ok()?)
}

/// The links of every graph.
pub(crate) fn links(
    model: &Model,
    policy: &Policy,
    matching: &[GraphSettings],
    rows: &[Vec<u32>],
    symbols: &mut Symbols,
) -> Result<Vec<Vec<Link>>, CompileError> {
    let mut all = Vec::new();
    for ((graph, matching), rows) in model.names.graphs.iter().zip(matching).zip(rows) {
        let mut links = Vec::new();
        for row in rows.iter().filter_map(|index| row(policy, *index)) {
            let field = |position: usize| row.field(position).unwrap_or("");
            let parameters = graph.arity();
            let period = match matching.condition {
                None => None,
                Some(condition) => {
                    let (start, end) = (field(parameters), field(parameters.saturating_add(1)));
                    let period = Period::parse(start, end).ok_or_else(|| CompileError::Row {
                        line: row.line(),
                        message: format!(
                            "\"{start}\" and \"{end}\" are no times for {}, \
                             use YYYY-MM-DD hh:mm:ss or _",
                            condition.name()
                        ),
                    })?;
                    Some(period)
                }
            };
            links.push(Link {
                subject: add_symbol(symbols, field(0))?,
                role: add_symbol(symbols, field(1))?,
                domain: add_symbol(symbols, if graph.domain { field(2) } else { "" })?,
                period,
                line: row.line(),
            });
        }
        all.push(links);
    }
    Ok(all)
}

/// Compiles the names and domains that may be patterns.
pub(crate) fn add_patterns(
    links: &[Vec<Link>],
    matching: &[GraphSettings],
    patterns: &mut Patterns,
    symbols: &Symbols,
    limits: &Limits,
) -> Result<(), CompileError> {
    for (links, matching) in links.iter().zip(matching) {
        for link in links {
            let mut add =
                |kind: Option<Kind>, name: Symbol| match kind {
                    None => Ok(()),
                    Some(kind) => patterns.add(kind, name, symbols, limits).map_err(|error| {
                        CompileError::Row {
                            line: link.line,
                            message: format!(
                                "\"{}\" is not a pattern for {}: {error}",
                                symbols.text(name),
                                kind.function()
                            ),
                        }
                    }),
                };
            add(matching.role, link.subject)?;
            add(matching.role, link.role)?;
            add(matching.domain, link.domain)?;
        }
    }
    Ok(())
}

/// What looking for circles may cost, in steps of [`Limits::expression_steps`].
const CYCLE_STEPS: u64 = 5_000_000;

fn too_many_domains() -> CompileError {
    CompileError::Policy {
        message: "the domains that are patterns match so many others that circles among roles \
                  cannot be looked for in each; all links together run in one, remove it"
            .to_owned(),
    }
}

/// Refuses a cycle among the links that hold together in any one domain.
pub(crate) fn check_cycles(
    links: &[Vec<Link>],
    matching: &[GraphSettings],
    patterns: &Patterns,
    symbols: &Symbols,
    limits: &Limits,
) -> Result<(), CompileError> {
    let budget = Budget::new(CYCLE_STEPS);
    let runner = Matching {
        symbols,
        patterns,
        limits,
        budget: &budget,
    };
    for (links, matching) in links.iter().zip(matching) {
        let mut domains: BTreeMap<Symbol, Vec<&Link>> = BTreeMap::new();
        for link in links {
            domains.entry(link.domain).or_default().push(link);
        }
        let open: Vec<Symbol> = match matching.domain {
            None => Vec::new(),
            Some(kind) => domains
                .keys()
                .copied()
                .filter(|domain| !patterns.is_literal(kind, *domain, symbols))
                .collect(),
        };
        // Where all links together run in no circle, those of a domain do not.
        let together: Vec<&Link> = links.iter().collect();
        if !open.is_empty() && cycle(&together).is_none() {
            continue;
        }
        for (domain, own) in &domains {
            let name = symbols.text(*domain);
            let mut together = own.clone();
            for pattern in open.iter().filter(|pattern| *pattern != domain) {
                let holds = matching
                    .domain
                    .map(|kind| runner.matches_symbol(kind, name, *pattern));
                if let Some(Err(EvaluationError::Limit { .. })) = holds {
                    return Err(too_many_domains());
                }
                if holds == Some(Ok(true)) {
                    let links = domains.get(pattern).map_or(&[][..], Vec::as_slice);
                    together.extend(links);
                }
            }
            budget
                .spend(count(together.len()))
                .map_err(|_| too_many_domains())?;
            if let Some((way, closing)) = cycle(&together) {
                return Err(cycle_error(&way, closing, name, symbols));
            }
        }
    }
    Ok(())
}

/// A name on the way from a root, and how many of its roles were followed.
type Step = (Symbol, usize);

/// The first way found that comes back to a name on it, and the link that
/// closes it.
fn cycle<'l>(links: &[&'l Link]) -> Option<(Vec<Step>, &'l Link)> {
    let mut roles: HashMap<Symbol, Vec<&Link>> = HashMap::new();
    for link in links {
        roles.entry(link.subject).or_default().push(link);
    }
    let mut done: HashSet<Symbol> = HashSet::new();
    for start in links {
        let mut way: Vec<Step> = vec![(start.subject, 0)];
        let mut on_way: HashSet<Symbol> = HashSet::from([start.subject]);
        while let Some((name, next)) = way.pop() {
            if done.contains(&name) {
                on_way.remove(&name);
                continue;
            }
            let Some(link) = roles.get(&name).and_then(|roles| roles.get(next)) else {
                done.insert(name);
                on_way.remove(&name);
                continue;
            };
            way.push((name, next.saturating_add(1)));
            if on_way.contains(&link.role) {
                return Some((way, link));
            }
            if !done.contains(&link.role) {
                on_way.insert(link.role);
                way.push((link.role, 0));
            }
        }
    }
    None
}

fn cycle_error(way: &[Step], closing: &Link, domain: &str, symbols: &Symbols) -> CompileError {
    let mut names: Vec<&str> = way
        .iter()
        .map(|(name, _)| *name)
        .skip_while(|name| *name != closing.role)
        .chain([closing.role])
        .map(|name| symbols.text(name))
        .collect();
    if names.len() > 10 {
        let tail = names.split_off(names.len().saturating_sub(2));
        names.truncate(5);
        names.push("...");
        names.extend(tail);
    }
    let place = if domain.is_empty() {
        String::new()
    } else {
        format!(" in domain {domain}")
    };
    CompileError::Row {
        line: closing.line,
        message: format!("the roles run in a circle{place}: {}", names.join(" -> ")),
    }
}

/// Refuses rows of `g` that break a constraint.
pub(crate) fn check_constraints(
    model: &Model,
    policy: &Policy,
    rows: &[Vec<u32>],
) -> Result<(), CompileError> {
    if model.constraints.is_empty() {
        return Ok(());
    }
    let graph = model.names.graph("g").map_or(0, |(graph, _)| graph);
    let rows: Vec<Row<'_>> = rows
        .get(usize::from(graph))
        .into_iter()
        .flatten()
        .filter_map(|index| row(policy, *index))
        .collect();
    // For each name its roles, each with the line of the last row that gives it.
    let mut roles: BTreeMap<&str, BTreeMap<&str, u32>> = BTreeMap::new();
    for row in &rows {
        if let Some((subject, role)) = row.field(0).zip(row.field(1)) {
            roles.entry(subject).or_default().insert(role, row.line());
        }
    }
    for constraint in &model.constraints {
        let broken = match &constraint.rule {
            ConstraintRule::AtMostOf { roles: of, most } => at_most_of(&roles, of, *most),
            ConstraintRule::RoleMax { role, most } => role_max(&rows, role, *most),
            ConstraintRule::RolePre { role, needed } => roles.iter().find_map(|(name, has)| {
                let line = has.get(role.as_str())?;
                (!has.contains_key(needed.as_str()))
                    .then(|| (*line, format!("{name} has {role} but not {needed}")))
            }),
        };
        if let Some((line, what)) = broken {
            return Err(CompileError::Row {
                line,
                message: format!("constraint {} is broken: {what}", constraint.name),
            });
        }
    }
    Ok(())
}

fn at_most_of(
    roles: &BTreeMap<&str, BTreeMap<&str, u32>>,
    of: &[String],
    most: usize,
) -> Option<(u32, String)> {
    roles.iter().find_map(|(name, has)| {
        let held: Vec<(&str, u32)> = of
            .iter()
            .filter_map(|role| has.get(role.as_str()).map(|line| (role.as_str(), *line)))
            .collect();
        let line = held.iter().map(|(_, line)| *line).max()?;
        let names: Vec<&str> = held.iter().map(|(role, _)| *role).collect();
        (held.len() > most).then(|| {
            let what = format!(
                "{name} has {}, of {} at most {most}",
                names.join(" and "),
                of.join(", ")
            );
            (line, what)
        })
    })
}

fn role_max(rows: &[Row<'_>], role: &str, most: usize) -> Option<(u32, String)> {
    let given: Vec<u32> = rows
        .iter()
        .filter(|row| row.field(1) == Some(role))
        .map(Row::line)
        .collect();
    let line = given.get(most)?;
    let what = format!("{role} is given {} times, at most {most}", given.len());
    Some((*line, what))
}
