//! Roles, by following the rows from name to name.

use std::collections::BTreeSet;

use doorward_engine::Settings;
use doorward_syntax::pattern::Kind;
use doorward_syntax::{MatchFunction, Model, time};

use crate::case::Ask;

use super::Failed;
use super::pattern;
use super::rows::Row;

/// One role definition with its rows.
#[derive(Debug)]
pub(crate) struct Graph {
    name: String,
    domain: bool,
    condition: bool,
    role_matching: Option<Kind>,
    domain_matching: Option<Kind>,
    max_level: u32,
    /// Rows of the policy, each once. Of two rows for one link only the later
    /// one counts, at the place of the first.
    rows: Vec<Vec<String>>,
}

/// The graphs of a model.
pub(crate) fn graphs(model: &Model, settings: &Settings, rows: &[Row]) -> Vec<Graph> {
    let definitions = model.names.graphs.iter();
    let graphs = definitions.map(|definition| {
        let set = settings
            .role_matching
            .iter()
            .find(|entry| *entry.graph == *definition.name);
        let mut domain_matching = set.and_then(|entry| entry.domain);
        if domain_matching.is_none() && definition.domain && model.implied_domain_matching {
            domain_matching = Some(MatchFunction::KeyMatch);
        }
        let mut graph = Graph {
            name: definition.name.to_string(),
            domain: definition.domain,
            condition: settings
                .link_conditions
                .iter()
                .any(|entry| *entry.graph == *definition.name),
            role_matching: set.and_then(|entry| entry.role).map(Kind::from),
            domain_matching: domain_matching.map(Kind::from),
            max_level: settings.max_hierarchy_level,
            rows: Vec::new(),
        };
        for row in rows.iter().filter(|row| *row.kind == *definition.name) {
            graph.add(row.fields.clone());
        }
        graph
    });
    graphs.collect()
}

impl Graph {
    fn add(&mut self, row: Vec<String>) {
        let names = if self.domain { 3 } else { 2 };
        match self
            .rows
            .iter_mut()
            .find(|earlier| earlier[..names] == row[..names])
        {
            Some(earlier) => *earlier = row,
            None => self.rows.push(row),
        }
    }

    /// Whether the name has the role in the domain.
    pub(crate) fn has(
        &self,
        ask: &Ask,
        name: &str,
        role: &str,
        domain: &str,
    ) -> Result<bool, Failed> {
        let rows = self.rows_of_domain(domain)?;
        // The name and its roles, nearest first, and those roles that rows of
        // the policy name, which may be patterns.
        let mut found = vec![name.to_owned()];
        let mut patterns = Vec::new();
        let mut last = found.clone();
        for _ in 0..self.max_level {
            let mut next: Vec<String> = Vec::new();
            for name in &last {
                for role in self.roles_of(ask, name, &rows, &mut patterns)? {
                    if !found.contains(&role) && !next.contains(&role) {
                        next.push(role);
                    }
                }
            }
            found.extend(next.clone());
            last = next;
        }
        if found.iter().any(|name| name == role) {
            return Ok(true);
        }
        let Some(kind) = self.role_matching else {
            return Ok(false);
        };
        for name in &found {
            if pattern::matches(kind, name, role)? {
                return Ok(true);
            }
        }
        for pattern in &patterns {
            if pattern == role || pattern::matches(kind, role, pattern)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The rows that count in a domain, domain after domain as they appear.
    fn rows_of_domain(&self, asked: &str) -> Result<Vec<&Vec<String>>, Failed> {
        if !self.domain {
            return Ok(self.rows.iter().collect());
        }
        let mut domains: Vec<&String> = Vec::new();
        for row in &self.rows {
            if !domains.contains(&&row[2]) {
                domains.push(&row[2]);
            }
        }
        let mut rows = Vec::new();
        for domain in domains {
            let same = domain == asked;
            let holds = match self.domain_matching {
                Some(kind) => same || pattern::matches(kind, asked, domain)?,
                None => same,
            };
            if holds {
                rows.extend(self.rows.iter().filter(|row| row[2] == *domain));
            }
        }
        Ok(rows)
    }

    /// The roles one link away from a name.
    fn roles_of(
        &self,
        ask: &Ask,
        name: &str,
        rows: &[&Vec<String>],
        patterns: &mut Vec<String>,
    ) -> Result<Vec<String>, Failed> {
        let mut roles = Vec::new();
        for row in rows
            .iter()
            .filter(|row| row[0] == name && self.holds(row, ask.now))
        {
            let role = &row[1];
            roles.push(role.clone());
            patterns.push(role.clone());
            // A role that is a pattern is every name that matches it.
            if let Some(kind) = self.role_matching {
                for other in names(rows) {
                    if other != *role && pattern::matches(kind, &other, role)? {
                        roles.push(other);
                    }
                }
            }
        }
        // A subject that is a pattern is every name that matches it.
        if let Some(kind) = self.role_matching {
            for subject in names(rows) {
                if subject == name || !pattern::matches(kind, name, &subject)? {
                    continue;
                }
                let links = rows
                    .iter()
                    .filter(|row| row[0] == subject && self.holds(row, ask.now));
                roles.extend(links.map(|row| row[1].clone()));
            }
        }
        // Links of the request are never patterns.
        for link in &ask.roles {
            if link.graph == self.name && link.subject == name {
                roles.push(link.role.clone());
            }
        }
        Ok(roles)
    }

    /// Whether the link of a row holds at that time: after its start, before
    /// its end.
    fn holds(&self, row: &[String], now: i64) -> bool {
        if !self.condition {
            return true;
        }
        let start = if self.domain { 3 } else { 2 };
        let after =
            row[start] == "_" || time::date_time(&row[start]).is_some_and(|start| now > start);
        let before =
            row[start + 1] == "_" || time::date_time(&row[start + 1]).is_some_and(|end| now < end);
        after && before
    }
}

/// All names of the links, each once, in order.
fn names(rows: &[&Vec<String>]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let names = rows.iter().flat_map(|row| [&row[0], &row[1]]);
    names
        .filter(|name| seen.insert((*name).clone()))
        .cloned()
        .collect()
}
