//! All that a name has for a role.

use std::collections::HashSet;

use doorward_syntax::pattern::Kind;
use foldhash::fast::FixedState;
use smallvec::SmallVec;

use crate::budget::count;
use crate::decision::EvaluationError;
use crate::index::Few;
use crate::patterns::Matching;
use crate::request::GraphId;
use crate::symbols::Symbol;

use super::own::OwnLinks;
use super::{Domain, Graph};

/// From so many names on they are looked up in a table.
const SET_FROM: usize = 24;

/// A name of a closure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Known(Symbol),
    /// The name that is asked about, where the policy does not have it.
    Start,
    /// The role of a link of the request, by the number of the first link with
    /// it, where the policy does not have it.
    Own(u32),
}

/// A name, and where its links are.
#[derive(Debug, Clone, Copy)]
struct Place {
    name: Name,
    /// Its node in the one domain that is asked about, if it has links there.
    node: Option<u32>,
}

/// Tables of the names of a closure, where they are many.
#[derive(Debug, Default)]
struct Many {
    known: HashSet<Symbol, FixedState>,
    /// Numbers of the names that only the request has.
    own: HashSet<u32, FixedState>,
}

/// All that a name has for a role, in one domain at one time.
#[derive(Debug, Default)]
pub(crate) struct Closure {
    /// The name and its roles, nearest first.
    places: SmallVec<[Place; 12]>,
    /// None where they are few.
    many: Option<Box<Many>>,
    /// The numbers of the names that only the request has, as bits where they
    /// are small.
    own: u16,
    /// Nodes whose roles the graph holds ready: these are in the closure too.
    ready: SmallVec<[u32; 2]>,
    /// Roles of the policy's links on the way that may be patterns: each
    /// stands for any name that matches it.
    open: Vec<Symbol>,
}

/// A role graph, asked during one decision.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) graph: &'a Graph,
    pub(crate) id: GraphId,
    pub(crate) own: &'a OwnLinks<'a>,
    /// The name that is asked about.
    pub(crate) name: &'a str,
    pub(crate) now: i64,
    pub(crate) max_level: u32,
    pub(crate) matching: Matching<'a>,
    /// Whether names that the policy does not have may be left out where
    /// nothing follows from them.
    pub(crate) only_known: bool,
}

impl Closure {
    fn has(&self, symbol: Symbol) -> bool {
        match &self.many {
            None => self.symbols().any(|known| known == symbol),
            Some(many) => many.known.contains(&symbol),
        }
    }

    fn add(&mut self, symbol: Symbol, node: Option<u32>) {
        if self.has(symbol) {
            return;
        }
        self.places.push(Place {
            name: Name::Known(symbol),
            node,
        });
        if let Some(many) = &mut self.many {
            many.known.insert(symbol);
        } else if self.places.len() >= SET_FROM {
            self.many().known.insert(symbol);
        }
    }

    /// The tables of all names so far.
    fn many(&mut self) -> &mut Many {
        let known = match self.many {
            Some(_) => HashSet::default(),
            None => self.symbols().collect(),
        };
        self.many.get_or_insert_with(|| {
            Box::new(Many {
                known,
                own: HashSet::default(),
            })
        })
    }

    /// Adds a role that only the request has.
    fn add_own(&mut self, number: u32) {
        let new = match 1_u16.checked_shl(number) {
            Some(bit) => {
                let new = self.own & bit == 0;
                self.own |= bit;
                new
            }
            None => self.many().own.insert(number),
        };
        if new {
            self.places.push(Place {
                name: Name::Own(number),
                node: None,
            });
        }
    }

    /// The names that were followed one by one and that the policy knows.
    pub(crate) fn symbols(&self) -> impl Iterator<Item = Symbol> {
        self.places.iter().filter_map(|place| match place.name {
            Name::Known(symbol) => Some(symbol),
            Name::Start | Name::Own(_) => None,
        })
    }

    /// Whether the name itself, a role of it, or a pattern among its roles is
    /// that very symbol.
    pub(crate) fn contains(&self, graph: &Graph, symbol: Symbol) -> bool {
        self.has(symbol)
            || self
                .ready
                .iter()
                .any(|node| graph.is_ready_role(*node, symbol))
    }

    /// How many places [`Closure::contains`] may have to look at.
    pub(crate) fn places_to_look(&self) -> usize {
        self.ready.len().max(1)
    }

    /// The number of names, some of which may count twice.
    pub(crate) fn len(&self, graph: &Graph) -> usize {
        let ready = self.ready.iter().map(|node| graph.ready_roles(*node).len());
        ready.fold(self.places.len(), usize::saturating_add)
    }

    /// Gives every known name, some perhaps twice.
    pub(crate) fn each(&self, graph: &Graph, mut give: impl FnMut(Symbol)) {
        self.symbols().for_each(&mut give);
        for node in &self.ready {
            graph.ready_roles(*node).each(&mut give);
        }
    }

    /// Whether the policy has none of the names.
    pub(crate) fn is_unknown(&self) -> bool {
        self.symbols().next().is_none() && self.ready.is_empty()
    }

    /// The roles that may be patterns.
    pub(crate) fn open(&self) -> &[Symbol] {
        &self.open
    }
}

impl<'a> Asked<'a> {
    fn text(&self, name: Name) -> &'a str {
        match name {
            Name::Known(symbol) => self.matching.symbols.text(symbol),
            Name::Start => self.name,
            Name::Own(number) => self.own.role(number),
        }
    }

    /// The names of a closure as texts, nearest first; those that the graph
    /// holds ready are not among them.
    pub(crate) fn texts(&self, closure: &Closure) -> impl Iterator<Item = &'a str> {
        closure.places.iter().map(|place| self.text(place.name))
    }

    /// Whether a name that the policy does not have is in the closure.
    fn has_unknown(&self, closure: &Closure, text: &str) -> bool {
        let mut unknown = closure
            .places
            .iter()
            .filter(|place| !matches!(place.name, Name::Known(_)));
        unknown.any(|place| self.text(place.name) == text)
    }

    /// Whether the name is the pattern or matches it.
    fn matches(&self, kind: Kind, name: &str, pattern: Symbol) -> Result<bool, EvaluationError> {
        self.matching.budget.spend(1)?;
        if name == self.matching.symbols.text(pattern) {
            return Ok(true);
        }
        self.matching.matches_symbol(kind, name, pattern)
    }

    /// Whether the closure's name has the role `target`.
    pub(crate) fn has_role(
        &self,
        closure: &Closure,
        target: &str,
    ) -> Result<bool, EvaluationError> {
        let symbol = self.matching.symbols.find(target);
        let known = match symbol {
            Some(symbol) => closure.contains(self.graph, symbol),
            None => {
                self.matching.budget.spend(count(closure.places.len()))?;
                self.has_unknown(closure, target)
            }
        };
        if known {
            return Ok(true);
        }
        let Some(kind) = self.graph.role_matching else {
            return Ok(false);
        };
        for name in self.texts(closure) {
            self.matching.budget.spend(1)?;
            if name == target || self.matching.matches(kind, name, target)? {
                return Ok(true);
            }
        }
        for pattern in &closure.open {
            if self.matches(kind, target, *pattern)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// All that the name has for a role in a domain.
    pub(crate) fn closure(&self, domain: &str) -> Result<Closure, EvaluationError> {
        let mut closure = Closure::default();
        self.gather(domain, &mut closure)?;
        Ok(closure)
    }

    /// Follows the links from the name, level by level, as far as the greatest
    /// number of links goes, and adds what it finds to an empty closure.
    pub(crate) fn gather(
        &self,
        domain: &str,
        closure: &mut Closure,
    ) -> Result<(), EvaluationError> {
        let domains = self.domains(domain)?;
        // Links of the request that start elsewhere could lead on from any
        // name, also from one that the graph holds ready.
        self.matching.budget.spend(count(self.own.len()))?;
        let ready = self.own.only_from(self.id, self.name);
        let start = self.matching.symbols.find(self.name);
        match start {
            Some(symbol) => closure.add(symbol, self.node(&domains, symbol)),
            None => closure.places.push(Place {
                name: Name::Start,
                node: None,
            }),
        }
        let mut level_start = 0_usize;
        for level in 0..self.max_level {
            let level_end = closure.places.len();
            for index in level_start..level_end {
                let Some(place) = closure.places.get(index).copied() else {
                    continue;
                };
                let known = place
                    .node
                    .filter(|node| ready && self.graph.is_ready(*node, level, self.max_level));
                match known {
                    Some(node) => closure.ready.push(node),
                    None => self.follow(place, &domains, closure)?,
                }
                if !ready {
                    self.follow_own(place, &domains, closure)?;
                } else if index == 0 {
                    self.follow_all_own(&domains, closure)?;
                }
                if closure.places.len() > self.matching.limits.role_visits {
                    return Err(EvaluationError::Limit {
                        limit: "role_visits",
                    });
                }
            }
            level_start = level_end;
            if level_start == closure.places.len() {
                break;
            }
        }
        Ok(())
    }

    /// The domains whose links hold in a domain.
    fn domains(&self, asked: &str) -> Result<SmallVec<[Symbol; 4]>, EvaluationError> {
        let Some(kind) = self.graph.domain_matching else {
            let known = self.graph.domain_named(self.matching.symbols, asked);
            return Ok(known.into_iter().collect());
        };
        let mut found = SmallVec::new();
        for domain in &self.graph.domains {
            if self.matches(kind, asked, domain.name)? {
                found.push(domain.name);
            }
        }
        Ok(found)
    }

    /// The node of a name, where one domain alone is asked about.
    fn node(&self, domains: &[Symbol], name: Symbol) -> Option<u32> {
        match domains {
            [domain] => self.graph.find(*domain, name),
            _ => None,
        }
    }

    /// Adds the roles that the policy's links give to a name.
    fn follow(
        &self,
        place: Place,
        domains: &[Symbol],
        closure: &mut Closure,
    ) -> Result<(), EvaluationError> {
        if let Some(kind) = self.graph.role_matching {
            return self.follow_patterns(kind, place, domains, closure);
        }
        if let Some(node) = place.node {
            let links = self.graph.links_of(node);
            self.matching.budget.spend(count(links.len()))?;
            for to in links.iter().filter(|to| self.graph.holds(to, self.now)) {
                closure.add(to.role, (!to.last).then_some(to.node));
            }
            return Ok(());
        }
        let Name::Known(name) = place.name else {
            return Ok(());
        };
        if let [_] = domains {
            return Ok(());
        }
        for role in self.roles(name, domains) {
            self.matching.budget.spend(1)?;
            closure.add(role, None);
        }
        Ok(())
    }

    /// Adds the roles that the request's links give to a name.
    fn follow_own(
        &self,
        place: Place,
        domains: &[Symbol],
        closure: &mut Closure,
    ) -> Result<(), EvaluationError> {
        for (number, role) in self.own.roles(self.id, self.text(place.name)) {
            self.matching.budget.spend(1)?;
            match self.matching.symbols.find(role) {
                Some(symbol) => closure.add(symbol, self.node(domains, symbol)),
                // The name itself, which the policy does not have either.
                None if role == self.name => {}
                None => closure.add_own(number),
            }
        }
        Ok(())
    }

    /// Adds the roles that the request's links give to the name that is asked
    /// about, where they all start from it.
    fn follow_all_own(
        &self,
        domains: &[Symbol],
        closure: &mut Closure,
    ) -> Result<(), EvaluationError> {
        for (number, role) in self.own.of_graph(self.id) {
            self.matching.budget.spend(1)?;
            match self.matching.symbols.find(role) {
                Some(symbol) => closure.add(symbol, self.node(domains, symbol)),
                None if self.only_known || role == self.name => {}
                None => closure.add_own(self.own.number(number, role)),
            }
        }
        Ok(())
    }

    /// The roles that links of exactly this name give now.
    fn roles(&self, name: Symbol, domains: &[Symbol]) -> impl Iterator<Item = Symbol> {
        let graph = self.graph;
        let now = self.now;
        let nodes = domains
            .iter()
            .filter_map(move |domain| graph.find(*domain, name));
        let links = nodes.flat_map(move |node| graph.links_of(node));
        links
            .filter(move |to| graph.holds(to, now))
            .map(|to| to.role)
    }

    /// Adds the roles of a name where names may be patterns: of the roles
    /// that its links give, each stands for every name that matches it; and
    /// the links of a pattern that the name matches are the name's too.
    fn follow_patterns(
        &self,
        kind: Kind,
        place: Place,
        domains: &[Symbol],
        closure: &mut Closure,
    ) -> Result<(), EvaluationError> {
        let graph = self.graph;
        let groups: SmallVec<[&Domain; 4]> = domains
            .iter()
            .filter_map(|name| graph.domain(*name))
            .collect();
        let text = self.text(place.name);
        if let Name::Known(name) = place.name {
            for role in self.roles(name, domains) {
                closure.add(role, self.node(domains, role));
                closure.open.push(role);
                self.matching.budget.spend(1)?;
                let literal = self
                    .matching
                    .patterns
                    .is_literal(kind, role, self.matching.symbols);
                if literal {
                    continue;
                }
                for other in groups.iter().flat_map(|domain| graph.names(domain)) {
                    if other != role
                        && self.matches(kind, self.matching.symbols.text(other), role)?
                    {
                        closure.add(other, self.node(domains, other));
                    }
                }
            }
        }
        let mut patterns = Few::new();
        for domain in groups {
            self.patterns(kind, text, domain, &mut patterns)?;
        }
        for pattern in patterns {
            if place.name == Name::Known(pattern) {
                continue;
            }
            for role in self.roles(pattern, domains) {
                self.matching.budget.spend(1)?;
                closure.add(role, self.node(domains, role));
            }
        }
        Ok(())
    }

    /// Adds the names of a domain that are patterns which a text matches.
    fn patterns(
        &self,
        kind: Kind,
        text: &str,
        domain: &Domain,
        patterns: &mut Few,
    ) -> Result<(), EvaluationError> {
        let Some(index) = &domain.patterns else {
            for pattern in self.graph.names(domain) {
                if self.matches(kind, text, pattern)? {
                    patterns.push(pattern);
                }
            }
            return Ok(());
        };
        index.matching(text, &self.matching, patterns)
    }
}
