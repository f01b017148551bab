//! Role graphs: who has which role, in which domain, at what time.

use std::collections::{HashMap, HashSet};

use crate::decision::EvaluationError;
use crate::request::{GraphId, RoleLink};
use doorward_syntax::Limits;
use doorward_syntax::pattern::Kind;

use super::budget::Budget;
use super::functions::Period;
use super::patterns::Patterns;

/// One role graph.
#[derive(Debug)]
pub(crate) struct Graph {
    /// How names are matched with the names of links.
    pub(crate) role_matching: Option<Kind>,
    /// How domains are matched with the domains of links.
    pub(crate) domain_matching: Option<Kind>,
    /// The links of each domain, in order of appearance. A graph without
    /// domains has all of them under the empty one.
    domains: Vec<Domain>,
    by_name: HashMap<Box<str>, usize>,
}

/// The links of one domain.
#[derive(Debug, Default)]
struct Domain {
    name: Box<str>,
    links: HashMap<Box<str>, Vec<Link>>,
    /// Every name of a link, once, in order of appearance.
    names: Vec<Box<str>>,
    known: HashSet<Box<str>>,
}

#[derive(Debug)]
struct Link {
    role: Box<str>,
    period: Option<Period>,
}

impl Graph {
    /// A graph without links.
    pub(crate) fn new(role_matching: Option<Kind>, domain_matching: Option<Kind>) -> Self {
        Self {
            role_matching,
            domain_matching,
            domains: Vec::new(),
            by_name: HashMap::new(),
        }
    }

    /// Adds a link. Of two links between the same names in one domain, the
    /// period of the later one counts.
    pub(crate) fn add(&mut self, subject: &str, role: &str, domain: &str, period: Option<Period>) {
        let domains = &mut self.domains;
        let index = *self.by_name.entry(domain.into()).or_insert_with(|| {
            domains.push(Domain {
                name: domain.into(),
                ..Domain::default()
            });
            domains.len().saturating_sub(1)
        });
        let Some(domain) = self.domains.get_mut(index) else {
            return;
        };
        for name in [subject, role] {
            if domain.known.insert(name.into()) {
                domain.names.push(name.into());
            }
        }
        let links = domain.links.entry(subject.into()).or_default();
        match links.iter_mut().find(|link| *link.role == *role) {
            Some(link) => link.period = period,
            None => links.push(Link {
                role: role.into(),
                period,
            }),
        }
    }
}

/// The links of one request, by graph and subject.
pub(crate) type OwnLinks<'a> = HashMap<(GraphId, &'a str), Vec<&'a str>>;

/// Groups the links of a request.
pub(crate) fn own_links<'a>(links: &[RoleLink<'a>]) -> OwnLinks<'a> {
    let mut grouped = OwnLinks::new();
    for link in links {
        let roles: &mut Vec<&str> = grouped.entry((link.graph, link.subject)).or_default();
        roles.push(link.role);
    }
    grouped
}

/// All that a name has for a role, in one domain at one time.
#[derive(Debug, Default)]
pub(crate) struct Closure {
    /// The name and its roles, nearest first.
    names: Vec<String>,
    known: HashSet<String>,
    /// Roles of the policy's links on the way that may be patterns: each
    /// stands for any name that matches it.
    open: Vec<String>,
}

/// A role graph, asked during one decision.
pub(crate) struct Asked<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) id: GraphId,
    pub(crate) own: &'a OwnLinks<'a>,
    pub(crate) now: i64,
    pub(crate) max_level: u32,
    pub(crate) patterns: &'a Patterns,
    pub(crate) limits: &'a Limits,
    pub(crate) budget: &'a Budget,
}

impl Asked<'_> {
    fn matches(&self, name: &str, pattern: &str) -> Result<bool, EvaluationError> {
        self.budget.spend(1)?;
        if name == pattern {
            return Ok(true);
        }
        match self.graph.role_matching {
            Some(kind) => self
                .patterns
                .matches(kind, name, pattern, self.limits, self.budget),
            None => Ok(false),
        }
    }

    /// Whether the closure's name has the role `target`.
    pub(crate) fn has_role(
        &self,
        closure: &Closure,
        target: &str,
    ) -> Result<bool, EvaluationError> {
        if closure.known.contains(target) {
            return Ok(true);
        }
        if self.graph.role_matching.is_none() {
            return Ok(false);
        }
        for name in &closure.names {
            if self.matches(name, target)? {
                return Ok(true);
            }
        }
        for pattern in &closure.open {
            if self.matches(target, pattern)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Follows the links from a name, level by level, as far as the greatest
    /// number of links goes.
    pub(crate) fn closure(&self, name: &str, domain: &str) -> Result<Closure, EvaluationError> {
        let domains = self.domains(domain)?;
        let mut closure = Closure {
            names: vec![name.to_owned()],
            known: HashSet::from([name.to_owned()]),
            open: Vec::new(),
        };
        let mut level = vec![name.to_owned()];
        for _ in 0..self.max_level {
            let mut next = Vec::new();
            for role in &level {
                for found in self.next_roles(role, &domains, &mut closure.open)? {
                    if closure.known.insert(found.clone()) {
                        next.push(found);
                    }
                }
                if closure.known.len() > self.limits.role_visits {
                    return Err(EvaluationError::Limit {
                        limit: "role_visits",
                    });
                }
            }
            if next.is_empty() {
                break;
            }
            closure.names.extend(next.iter().cloned());
            level = next;
        }
        Ok(closure)
    }

    /// The groups of links that hold in a domain.
    fn domains(&self, asked: &str) -> Result<Vec<&Domain>, EvaluationError> {
        let Some(kind) = self.graph.domain_matching else {
            let index = self.graph.by_name.get(asked);
            let domain = index.and_then(|index| self.graph.domains.get(*index));
            return Ok(domain.into_iter().collect());
        };
        let mut found = Vec::new();
        for domain in &self.graph.domains {
            self.budget.spend(1)?;
            let (limits, budget) = (self.limits, self.budget);
            if *domain.name == *asked
                || self
                    .patterns
                    .matches(kind, asked, &domain.name, limits, budget)?
            {
                found.push(domain);
            }
        }
        Ok(found)
    }

    /// The roles one link away from a name. Those of the policy's links also
    /// go to `open` where roles may be patterns.
    fn next_roles(
        &self,
        name: &str,
        domains: &[&Domain],
        open: &mut Vec<String>,
    ) -> Result<Vec<String>, EvaluationError> {
        let matching = self.graph.role_matching.is_some();
        let mut found = Vec::new();
        for role in self.links_of(name, domains) {
            found.push(role.to_owned());
            if matching {
                open.push(role.to_owned());
                for other in domains.iter().flat_map(|domain| &domain.names) {
                    if **other != *role && self.matches(other, role)? {
                        found.push(other.to_string());
                    }
                }
            }
        }
        // A subject of a link may be a pattern too: its links are those of
        // every name that matches it.
        if matching {
            for pattern in domains.iter().flat_map(|domain| &domain.names) {
                if **pattern != *name && self.matches(name, pattern)? {
                    let links = self.links_of(pattern, domains);
                    found.extend(links.into_iter().map(str::to_owned));
                }
            }
        }
        let own = self.own.get(&(self.id, name)).into_iter().flatten();
        found.extend(own.map(|role| (*role).to_owned()));
        self.budget
            .spend(u64::try_from(found.len()).unwrap_or(u64::MAX))?;
        Ok(found)
    }

    /// The roles that links of exactly this name give now.
    fn links_of<'d>(&self, name: &str, domains: &[&'d Domain]) -> Vec<&'d str> {
        domains
            .iter()
            .filter_map(|domain| domain.links.get(name))
            .flatten()
            .filter(|link| link.period.is_none_or(|period| period.contains(self.now)))
            .map(|link| &*link.role)
            .collect()
    }
}
