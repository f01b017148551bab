//! Role graphs: who has which role, in which domain, at what time.

use std::collections::{HashMap, HashSet};

use crate::decision::EvaluationError;
use crate::request::{GraphId, RoleLink};
use crate::settings::Limits;
use crate::syntax::pattern::Kind;

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

/// One question to a role graph.
pub(crate) struct Question<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) id: GraphId,
    /// Links of the request itself.
    pub(crate) links: &'a [RoleLink<'a>],
    pub(crate) now: i64,
    pub(crate) max_level: u32,
    pub(crate) patterns: &'a Patterns,
    pub(crate) limits: &'a Limits,
}

impl Question<'_> {
    fn matches(&self, name: &str, pattern: &str) -> Result<bool, EvaluationError> {
        if name == pattern {
            return Ok(true);
        }
        match self.graph.role_matching {
            Some(kind) => self.patterns.matches(kind, name, pattern, self.limits),
            None => Ok(false),
        }
    }

    /// Whether `name` has the role `target` in the domain.
    pub(crate) fn has_role(
        &self,
        name: &str,
        target: &str,
        domain: &str,
    ) -> Result<bool, EvaluationError> {
        if self.matches(name, target)? {
            return Ok(true);
        }
        let domains = self.domains(domain)?;
        let mut visited: HashSet<String> = HashSet::from([name.to_owned()]);
        let mut level: Vec<String> = vec![name.to_owned()];
        let mut depth = 0_u32;
        loop {
            for role in &level {
                if self.matches(role, target)? {
                    return Ok(true);
                }
            }
            if depth == self.max_level || level.is_empty() {
                return Ok(false);
            }
            let mut next = Vec::new();
            for role in &level {
                for found in self.next_roles(role, target, &domains)? {
                    if visited.insert(found.clone()) {
                        next.push(found);
                    }
                }
                if visited.len() > self.limits.role_visits {
                    return Err(EvaluationError::Limit {
                        limit: "role_visits",
                    });
                }
            }
            level = next;
            depth = depth.saturating_add(1);
        }
    }

    /// The groups of links that hold in a domain.
    fn domains(&self, asked: &str) -> Result<Vec<&Domain>, EvaluationError> {
        let mut found = Vec::new();
        for domain in &self.graph.domains {
            let holds = match self.graph.domain_matching {
                _ if *domain.name == *asked => true,
                Some(kind) => self
                    .patterns
                    .matches(kind, asked, &domain.name, self.limits)?,
                None => false,
            };
            if holds {
                found.push(domain);
            }
        }
        Ok(found)
    }

    /// The roles one link away from a name.
    fn next_roles(
        &self,
        name: &str,
        target: &str,
        domains: &[&Domain],
    ) -> Result<Vec<String>, EvaluationError> {
        let mut found = Vec::new();
        for role in self.links_of(name, domains) {
            found.push(role.to_owned());
            // A role that is a pattern stands for all names that match it.
            if self.graph.role_matching.is_some() {
                let names = domains.iter().flat_map(|domain| &domain.names);
                for other in names.map(AsRef::as_ref).chain([target]) {
                    if other != role && self.matches(other, role)? {
                        found.push(other.to_owned());
                    }
                }
            }
        }
        // So does a subject that is one.
        if self.graph.role_matching.is_some() {
            for pattern in domains.iter().flat_map(|domain| &domain.names) {
                if **pattern != *name && self.matches(name, pattern)? {
                    let links = self.links_of(pattern, domains);
                    found.extend(links.into_iter().map(str::to_owned));
                }
            }
        }
        let own = self
            .links
            .iter()
            .filter(|link| link.graph == self.id && link.subject == name);
        found.extend(own.map(|link| link.role.to_owned()));
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
