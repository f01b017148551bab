//! The roles of names that have many, gathered when the policy loads.
//!
//! A name with thousands of roles would cost each request the walk over all
//! of them, though the row that decides asks about one.

use std::collections::{HashMap, HashSet};

use foldhash::fast::FixedState;

use crate::symbols::Symbol;

use super::Graph;

/// Links from one name that make it worth gathering its roles.
pub(super) const LINKS_FROM: usize = 32;

/// Links that may be followed for every link of the graph: what keeps memory
/// and time in proportion to the policy.
const FOLLOWED_PER_LINK: usize = 2;

/// The gathered roles.
#[derive(Debug, Default)]
pub(super) struct Large {
    sets: HashMap<u32, Roles, FixedState>,
    known: HashSet<(u32, Symbol), FixedState>,
}

/// All roles of one node, without itself.
#[derive(Debug)]
struct Roles {
    symbols: Box<[Symbol]>,
    /// Links to the farthest of them.
    depth: u32,
}

impl Large {
    /// Gathers the roles of all nodes with many links.
    pub(super) fn new(graph: &Graph, max_level: u32) -> Self {
        let mut large = Self::default();
        if !graph.periods.is_empty() {
            return large;
        }
        let mut left = graph.links.len().saturating_mul(FOLLOWED_PER_LINK);
        for number in (0_u32..).take(graph.nodes.len()) {
            if graph.links_of(number).len() < LINKS_FROM {
                continue;
            }
            let Some(roles) = gather(graph, number, max_level, &mut left) else {
                continue;
            };
            let symbols = roles.symbols.iter();
            large.known.extend(symbols.map(|symbol| (number, *symbol)));
            large.sets.insert(number, roles);
        }
        large
    }

    /// Whether the roles of a node that is so many links away are ready, and
    /// all of them within the greatest number of links.
    pub(super) fn fits(&self, node: u32, level: u32, max_level: u32) -> bool {
        !self.sets.is_empty()
            && self.sets.get(&node).is_some_and(|roles| {
                let farthest = level.checked_add(roles.depth);
                farthest.is_some_and(|farthest| farthest <= max_level)
            })
    }

    /// The roles of a node.
    pub(super) fn roles(&self, node: u32) -> &[Symbol] {
        self.sets.get(&node).map_or(&[], |roles| &roles.symbols)
    }

    /// Whether a node has that role.
    pub(super) fn contains(&self, node: u32, symbol: Symbol) -> bool {
        self.known.contains(&(node, symbol))
    }
}

/// All roles of a node; none once links were followed as often as `left` says,
/// which counts down.
fn gather(graph: &Graph, start: u32, max_level: u32, left: &mut usize) -> Option<Roles> {
    let mut seen: HashSet<u32, FixedState> = HashSet::default();
    seen.insert(start);
    let mut symbols = Vec::new();
    let mut level = vec![start];
    let mut depth = 0;
    while depth < max_level && !level.is_empty() {
        let mut next = Vec::new();
        for to in level.iter().flat_map(|node| graph.links_of(*node)) {
            *left = left.checked_sub(1)?;
            if seen.insert(to.node) {
                symbols.push(to.role);
                next.push(to.node);
            }
        }
        if !next.is_empty() {
            depth = depth.saturating_add(1);
        }
        level = next;
    }
    Some(Roles {
        symbols: symbols.into(),
        depth,
    })
}
