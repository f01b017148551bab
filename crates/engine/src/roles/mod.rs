//! Role graphs: who has which role, in which domain, at what time.

pub(crate) mod closure;
pub(crate) mod large;
pub(crate) mod own;
pub(crate) mod period;

use std::collections::HashMap;

use doorward_syntax::pattern::Kind;
use foldhash::fast::FixedState;

use crate::index::PatternIndex;
use crate::patterns::Patterns;
use crate::sorting;
use crate::symbols::{Symbol, Symbols};

use large::{LINKS_FROM, Large};
use period::Period;

/// A role row as a link.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link {
    pub(crate) subject: Symbol,
    pub(crate) role: Symbol,
    /// That of the empty text in a graph without domains.
    pub(crate) domain: Symbol,
    pub(crate) period: Option<Period>,
    /// The row's line.
    pub(crate) line: u32,
}

/// One role graph.
#[derive(Debug)]
pub(crate) struct Graph {
    /// How names are matched with the names of links.
    pub(crate) role_matching: Option<Kind>,
    /// How domains are matched with the domains of links.
    pub(crate) domain_matching: Option<Kind>,
    /// The domains in order of appearance. A graph without domains has all
    /// its links under the empty one.
    domains: Vec<Domain>,
    domain_numbers: HashMap<Symbol, usize, FixedState>,
    /// The names of links, each once in each domain, in order of appearance.
    nodes: Vec<Node>,
    /// Numbers of nodes, by domain and name.
    numbers: HashMap<(Symbol, Symbol), u32, FixedState>,
    /// The links of all nodes, those of one node together.
    links: Vec<To>,
    /// When links hold that do not always.
    periods: Vec<Period>,
    /// The roles of names that have many.
    large: Large,
}

#[derive(Debug)]
struct Domain {
    name: Symbol,
    /// The domain's nodes, in order of appearance.
    nodes: Vec<u32>,
    /// The nodes' names as patterns, where names may be patterns and running
    /// one cannot fail.
    patterns: Option<PatternIndex>,
}

/// The roles of a node that is ready.
#[derive(Debug, Clone, Copy)]
enum Ready<'a> {
    Linked(&'a [To]),
    Gathered(&'a [Symbol]),
}

impl Ready<'_> {
    fn len(self) -> usize {
        match self {
            Self::Linked(links) => links.len(),
            Self::Gathered(roles) => roles.len(),
        }
    }

    fn each(self, give: &mut impl FnMut(Symbol)) {
        match self {
            Self::Linked(links) => links.iter().for_each(|to| give(to.role)),
            Self::Gathered(roles) => roles.iter().for_each(|role| give(*role)),
        }
    }
}

/// A name in a domain.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node {
    pub(crate) name: Symbol,
    /// Where its links are: the first, and the one after the last.
    links: (u32, u32),
    /// Whether its links, which are few, give all its roles at any time: no
    /// name is a pattern, and none of the roles has a role itself.
    flat: bool,
}

/// A link, seen from its subject.
#[derive(Debug, Clone, Copy)]
pub(crate) struct To {
    pub(crate) role: Symbol,
    /// The node of the role.
    pub(crate) node: u32,
    /// The number of the period when it holds.
    period: u32,
    /// Whether the role has no role itself.
    pub(crate) last: bool,
}

/// In place of a period's number: the link always holds.
const ALWAYS: u32 = u32::MAX;

impl Graph {
    /// The graph that links make. Of two links between the same names in one
    /// domain, the period of the later one counts.
    pub(crate) fn new(
        role_matching: Option<Kind>,
        domain_matching: Option<Kind>,
        links: &[Link],
    ) -> Self {
        let mut graph = Self {
            role_matching,
            domain_matching,
            domains: Vec::new(),
            domain_numbers: HashMap::default(),
            nodes: Vec::new(),
            numbers: HashMap::default(),
            links: Vec::new(),
            periods: Vec::new(),
            large: Large::default(),
        };
        let mut ends = Vec::new();
        for link in links {
            let subject = graph.node_number(link.domain, link.subject);
            let role = graph.node_number(link.domain, link.role);
            ends.push((subject, role, link));
        }
        // Those of a node keep the order of appearance.
        let ends = sorting::by_number(&ends, |(subject, ..)| i64::from(*subject));
        for group in ends.chunk_by(|left, right| left.0 == right.0) {
            graph.connect(group);
        }
        for index in 0..graph.links.len() {
            let node = graph.links.get(index).map(|to| to.node);
            let last = node.is_none_or(|node| graph.links_of(node).is_empty());
            if let Some(to) = graph.links.get_mut(index) {
                to.last = last;
            }
        }
        let flat = |node: &Node| {
            let links = graph.links.get(node.range()).unwrap_or_default();
            role_matching.is_none()
                && (1..LINKS_FROM).contains(&links.len())
                && links.iter().all(|to| to.last && to.period == ALWAYS)
        };
        let flat: Vec<bool> = graph.nodes.iter().map(flat).collect();
        for (node, flat) in graph.nodes.iter_mut().zip(flat) {
            node.flat = flat;
        }
        graph
    }

    fn node_number(&mut self, domain: Symbol, name: Symbol) -> u32 {
        if let Some(number) = self.find(domain, name) {
            return number;
        }
        let number = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        self.nodes.push(Node {
            name,
            links: (0, 0),
            flat: false,
        });
        self.numbers.insert((domain, name), number);
        let domains = &mut self.domains;
        let index = *self.domain_numbers.entry(domain).or_insert_with(|| {
            domains.push(Domain {
                name: domain,
                nodes: Vec::new(),
                patterns: None,
            });
            domains.len().saturating_sub(1)
        });
        if let Some(domain) = domains.get_mut(index) {
            domain.nodes.push(number);
        }
        number
    }

    /// Stores the links of one node, each role once, in order of first
    /// appearance.
    fn connect(&mut self, group: &[(u32, u32, &Link)]) {
        let start = self.links.len();
        let mut places: HashMap<u32, usize, FixedState> = HashMap::default();
        for (_, role, link) in group {
            let period = match link.period {
                Some(period) => {
                    self.periods.push(period);
                    bound(self.periods.len().saturating_sub(1))
                }
                None => ALWAYS,
            };
            let place = *places.entry(*role).or_insert(self.links.len());
            match self.links.get_mut(place) {
                Some(known) => known.period = period,
                None => self.links.push(To {
                    role: link.role,
                    node: *role,
                    period,
                    last: false,
                }),
            }
        }
        let range = (bound(start), bound(self.links.len()));
        let subject = group
            .first()
            .and_then(|(subject, ..)| usize::try_from(*subject).ok());
        if let Some(node) = subject.and_then(|index| self.nodes.get_mut(index)) {
            node.links = range;
        }
    }

    /// Makes ready what needs the patterns compiled, or the whole graph.
    pub(crate) fn prepare(&mut self, patterns: &Patterns, symbols: &Symbols, max_level: u32) {
        // An address pattern makes an error of every name that is no address,
        // so each has to be run.
        if let Some(kind) = self.role_matching.filter(|kind| *kind != Kind::Ip) {
            let mut domains = std::mem::take(&mut self.domains);
            for domain in &mut domains {
                let names = self.names(domain);
                domain.patterns = Some(PatternIndex::new(kind, names, patterns, symbols));
            }
            self.domains = domains;
        }
        if self.role_matching.is_none() && self.domain_matching.is_none() {
            self.large = Large::new(self, max_level);
        }
    }

    /// Whether a link holds at a time.
    fn holds(&self, to: &To, now: i64) -> bool {
        let period = usize::try_from(to.period).ok();
        let period = period.and_then(|number| self.periods.get(number));
        period.is_none_or(|period| period.contains(now))
    }

    /// The domain of that name.
    fn domain(&self, name: Symbol) -> Option<&Domain> {
        self.domains.get(*self.domain_numbers.get(&name)?)
    }

    /// The node of a name in a domain.
    fn find(&self, domain: Symbol, name: Symbol) -> Option<u32> {
        self.numbers.get(&(domain, name)).copied()
    }

    /// The links of a node.
    fn links_of(&self, number: u32) -> &[To] {
        node(&self.nodes, number)
            .and_then(|node| self.links.get(node.range()))
            .unwrap_or_default()
    }

    /// Whether all roles of a node that is so many links away, fewer than the
    /// greatest number, are at hand and within that number.
    fn is_ready(&self, number: u32, level: u32, max_level: u32) -> bool {
        let flat = node(&self.nodes, number).is_some_and(|node| node.flat);
        flat || self.large.fits(number, level, max_level)
    }

    /// The roles of a node that is ready, without itself.
    fn ready_roles(&self, number: u32) -> Ready<'_> {
        match node(&self.nodes, number) {
            Some(node) if node.flat => Ready::Linked(self.links_of(number)),
            _ => Ready::Gathered(self.large.roles(number)),
        }
    }

    /// Whether a node that is ready has that role.
    fn is_ready_role(&self, number: u32, role: Symbol) -> bool {
        match node(&self.nodes, number) {
            Some(node) if node.flat => self.links_of(number).iter().any(|to| to.role == role),
            _ => self.large.contains(number, role),
        }
    }

    /// The names of a domain, in order of appearance.
    fn names(&self, domain: &Domain) -> impl Iterator<Item = Symbol> {
        let numbers = domain.nodes.iter();
        numbers.filter_map(|number| node(&self.nodes, *number).map(|node| node.name))
    }

    /// The number of names and of links.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.nodes.len(), self.links.len())
    }

    /// Whether it has no link.
    pub(crate) fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// Whether all names and domains stand for themselves alone.
    pub(crate) fn is_literal(&self) -> bool {
        self.role_matching.is_none() && self.domain_matching.is_none()
    }

    /// The domain with that very name, if there may be one.
    fn domain_named(&self, symbols: &Symbols, name: &str) -> Option<Symbol> {
        match self.domains.as_slice() {
            [] => None,
            [domain] => symbols.is(domain.name, name).then_some(domain.name),
            _ => symbols.find(name),
        }
    }
}

impl Node {
    /// Where its links are.
    fn range(&self) -> std::ops::Range<usize> {
        let index = |bound| usize::try_from(bound).unwrap_or(usize::MAX);
        index(self.links.0)..index(self.links.1)
    }
}

fn node(nodes: &[Node], number: u32) -> Option<&Node> {
    nodes.get(usize::try_from(number).ok()?)
}

/// A number of nodes or links, of which there are fewer than 2^32.
fn bound(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
