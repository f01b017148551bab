//! Texts that fit one of many patterns of whole segments: a trie of segments.

use hashbrown::HashTable;
use smallvec::SmallVec;

use crate::budget::{Budget, count, scan_steps};
use crate::decision::EvaluationError;
use crate::hash;
use crate::patterns::key::{KeyPattern, Segment};
use crate::place::Place;
use crate::symbols::Symbol;

/// Key patterns, by their segments.
#[derive(Debug)]
pub(super) struct SegmentTrie {
    nodes: Vec<Node>,
    /// The children that a plain segment leads to, by parent and segment.
    children: HashTable<Child>,
    /// The segments' texts.
    segments: String,
    ends: Vec<End>,
}

/// No node, or no end.
const NONE: u32 = u32::MAX;

/// A plain segment that leads from one node to another.
#[derive(Debug, Clone, Copy)]
struct Child {
    parent: u32,
    node: u32,
    segment: Place,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    /// The child that a variable leads to.
    variable: u32,
    /// The first pattern that ends here.
    end: u32,
    /// The first pattern that goes on from here with any rest.
    rest: u32,
}

/// A pattern that ends at a node, and the next one that does.
#[derive(Debug, Clone, Copy)]
struct End {
    pattern: Symbol,
    /// Whether its segments are all it asks for.
    sure: bool,
    next: u32,
}

impl Default for SegmentTrie {
    fn default() -> Self {
        Self {
            nodes: vec![Node::EMPTY],
            children: HashTable::new(),
            segments: String::new(),
            ends: Vec::new(),
        }
    }
}

impl Node {
    const EMPTY: Self = Self {
        variable: NONE,
        end: NONE,
        rest: NONE,
    };
}

fn at<T>(all: &[T], number: u32) -> Option<&T> {
    all.get(usize::try_from(number).ok()?)
}

impl SegmentTrie {
    /// Adds a pattern. None if the texts of all segments would be longer than
    /// 4 GiB together.
    pub(super) fn add(&mut self, key: &KeyPattern<'_>, pattern: Symbol) -> Option<()> {
        let mut node = 0;
        for segment in key.segments() {
            node = match segment {
                Segment::Plain(text) => self.plain_child(node, text)?,
                Segment::Variable(_) => self.variable_child(node),
            };
        }
        let number = u32::try_from(self.ends.len()).unwrap_or(NONE);
        let node = self.nodes.get_mut(usize::try_from(node).ok()?)?;
        let first = if key.rest {
            &mut node.rest
        } else {
            &mut node.end
        };
        self.ends.push(End {
            pattern,
            sure: !key.repeats,
            next: *first,
        });
        *first = number;
        Some(())
    }

    fn new_node(&mut self) -> u32 {
        let number = u32::try_from(self.nodes.len()).unwrap_or(NONE);
        self.nodes.push(Node::EMPTY);
        number
    }

    fn find_child(&self, parent: u32, text: &str) -> Option<u32> {
        let same = |child: &Child| child.parent == parent && child.segment.is(text, &self.segments);
        let child = self.children.find(hash::numbered(parent, text), same);
        child.map(|child| child.node)
    }

    fn plain_child(&mut self, parent: u32, text: &str) -> Option<u32> {
        if let Some(known) = self.find_child(parent, text) {
            return Some(known);
        }
        let segment = Place::add(text, &mut self.segments)?;
        let node = self.new_node();
        let segments = &self.segments;
        let hash_of = |child: &Child| hash::numbered(child.parent, child.segment.text(segments));
        let child = Child {
            parent,
            node,
            segment,
        };
        self.children
            .insert_unique(hash::numbered(parent, text), child, hash_of);
        Some(node)
    }

    fn variable_child(&mut self, parent: u32) -> u32 {
        if let Some(node) = at(&self.nodes, parent)
            && node.variable != NONE
        {
            return node.variable;
        }
        let number = self.new_node();
        let index = usize::try_from(parent).unwrap_or(usize::MAX);
        if let Some(node) = self.nodes.get_mut(index) {
            node.variable = number;
        }
        number
    }

    /// Gives every pattern whose segments the text has.
    pub(super) fn find(
        &self,
        text: &str,
        budget: &Budget,
        mut found: impl FnMut(Symbol, bool),
    ) -> Result<(), EvaluationError> {
        if self.ends.is_empty() {
            return Ok(());
        }
        budget.spend(scan_steps(text))?;
        // A rest stands for text on one line only: from where the last one
        // starts.
        let mut last_line = None;
        // Nodes to go on from, each with the offset where the next segment
        // starts, none where the text has ended.
        let mut pending: SmallVec<[(u32, Option<usize>); 16]> = SmallVec::new();
        pending.push((0, Some(0)));
        while let Some((number, start)) = pending.pop() {
            let Some(node) = at(&self.nodes, number) else {
                continue;
            };
            budget.spend(1)?;
            let Some(start) = start else {
                self.give(node.end, budget, &mut found)?;
                continue;
            };
            if node.rest != NONE {
                let line = || text.rfind('\n').map_or(0, |line| line.saturating_add(1));
                if start >= *last_line.get_or_insert_with(line) {
                    self.give(node.rest, budget, &mut found)?;
                }
            }
            let left = text.get(start..).unwrap_or("");
            // Most segments are too short for a search by blocks to pay.
            let slash = left.bytes().position(|byte| byte == b'/');
            let segment = slash.and_then(|slash| left.get(..slash)).unwrap_or(left);
            let next = slash.map(|slash| start.saturating_add(slash).saturating_add(1));
            budget.spend(count(segment.len()) >> 4)?;
            if let Some(child) = self.find_child(number, segment) {
                pending.push((child, next));
            }
            if node.variable != NONE && !segment.is_empty() {
                pending.push((node.variable, next));
            }
        }
        Ok(())
    }

    fn give(
        &self,
        first: u32,
        budget: &Budget,
        found: &mut impl FnMut(Symbol, bool),
    ) -> Result<(), EvaluationError> {
        let mut next = first;
        while let Some(end) = at(&self.ends, next) {
            budget.spend(1)?;
            found(end.pattern, end.sure);
            next = end.next;
        }
        Ok(())
    }

    /// The number of patterns.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }
}
