//! Texts that start with one of many prefixes: a trie of bytes.

use std::cmp::Ordering;

use crate::budget::Budget;
use crate::decision::EvaluationError;
use crate::symbols::Symbol;

/// Prefixes, each with a pattern and whether the prefix is all it asks for.
#[derive(Debug, Default)]
pub(super) struct PrefixTrie {
    nodes: Vec<Node>,
    /// The first byte of every node's label: that of a node's children in
    /// ascending order.
    first: Vec<u8>,
    /// The labels' bytes.
    labels: Vec<u8>,
    ends: Vec<(Symbol, bool)>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Node {
    /// What follows the parent's prefix.
    label: (u32, u32),
    /// The children, which stand together.
    children: (u32, u32),
    /// The patterns whose prefix ends here.
    ends: (u32, u32),
}

fn range(bounds: (u32, u32)) -> std::ops::Range<usize> {
    let index = |bound| usize::try_from(bound).unwrap_or(usize::MAX);
    index(bounds.0)..index(bounds.1)
}

fn bounds(start: usize, end: usize) -> (u32, u32) {
    let bound = |index| u32::try_from(index).unwrap_or(u32::MAX);
    (bound(start), bound(end))
}

/// A prefix to be stored.
pub(super) type Entry<'p> = (&'p [u8], Symbol, bool);

/// How many bytes the first and the last of sorted entries share; so do all
/// between them.
fn shared(entries: &[Entry<'_>]) -> usize {
    let (Some((first, ..)), Some((last, ..))) = (entries.first(), entries.last()) else {
        return 0;
    };
    let pairs = first.iter().zip(last.iter());
    pairs.take_while(|(left, right)| left == right).count()
}

/// The order of two texts. In a module, comparing slices goes byte by byte, and
/// paths of a policy begin alike; this passes over eight that are the same at
/// a time.
fn compare(left: &[u8], right: &[u8]) -> Ordering {
    let words = left.as_chunks::<8>().0.iter().zip(right.as_chunks::<8>().0);
    let same = words
        .take_while(|(left, right)| u64::from_ne_bytes(**left) == u64::from_ne_bytes(**right))
        .count();
    let from = same.saturating_mul(8);
    left.get(from..).cmp(&right.get(from..))
}

impl PrefixTrie {
    /// The trie of these prefixes.
    pub(super) fn new(mut entries: Vec<Entry<'_>>) -> Self {
        let mut trie = Self::default();
        if entries.is_empty() {
            return trie;
        }
        entries.sort_unstable_by(|(left, ..), (right, ..)| compare(left, right));
        trie.nodes.push(Node::default());
        trie.first.push(0);
        // For every node its entries, and the length of the prefix so far.
        let mut pending = vec![(entries.as_slice(), 0)];
        let mut next = 0;
        while let Some((entries, depth)) = pending.get(next).copied() {
            let first_child = trie.nodes.len();
            let ending = entries.iter().take_while(|entry| entry.0.len() == depth);
            let start = trie.ends.len();
            trie.ends
                .extend(ending.map(|(_, pattern, sure)| (*pattern, *sure)));
            let taken = trie.ends.len().saturating_sub(start);
            let rest = entries.get(taken..).unwrap_or_default();
            let same =
                |left: &Entry<'_>, right: &Entry<'_>| left.0.get(depth) == right.0.get(depth);
            for group in rest.chunk_by(same) {
                let length = shared(group);
                let label = group.first().and_then(|entry| entry.0.get(depth..length));
                trie.add(label.unwrap_or_default());
                pending.push((group, length));
            }
            if let Some(node) = trie.nodes.get_mut(next) {
                node.children = bounds(first_child, trie.first.len());
                node.ends = bounds(start, trie.ends.len());
            }
            next = next.saturating_add(1);
        }
        trie
    }

    fn add(&mut self, label: &[u8]) {
        let start = self.labels.len();
        self.labels.extend_from_slice(label);
        self.nodes.push(Node {
            label: bounds(start, self.labels.len()),
            ..Node::default()
        });
        self.first.push(label.first().copied().unwrap_or(0));
    }

    /// Gives every pattern whose prefix the text starts with.
    pub(super) fn find(
        &self,
        text: &str,
        budget: &Budget,
        mut found: impl FnMut(Symbol, bool),
    ) -> Result<(), EvaluationError> {
        let mut rest = text.as_bytes();
        let mut node = self.nodes.first();
        while let Some(here) = node {
            let ends = self.ends.get(range(here.ends)).unwrap_or_default();
            budget.spend(u64::try_from(ends.len()).unwrap_or(u64::MAX))?;
            for (pattern, sure) in ends {
                found(*pattern, *sure);
            }
            node = self.child(here, rest).and_then(|child| {
                let label = self.labels.get(range(child.label))?;
                // The child was found by the first byte.
                rest = match label {
                    [_] => rest.get(1..)?,
                    label => rest.strip_prefix(label)?,
                };
                Some(child)
            });
        }
        Ok(())
    }

    fn child(&self, node: &Node, rest: &[u8]) -> Option<&Node> {
        let byte = rest.first()?;
        let children = range(node.children);
        let first = self.first.get(children.clone())?;
        let offset = first.binary_search(byte).ok()?;
        self.nodes.get(children.start.checked_add(offset)?)
    }

    /// The number of patterns.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }
}

#[cfg(test)]
mod tests {
    use super::compare;

    #[test]
    fn texts_are_in_the_order_of_their_bytes() {
        let mut texts: Vec<Vec<u8>> = Vec::new();
        for length in 0..20 {
            texts.push(vec![b'a'; length]);
            for place in 0..length {
                for byte in [0, b'Z', b'b', 0x80, 0xff] {
                    let mut text = vec![b'a'; length];
                    text[place] = byte;
                    texts.push(text);
                }
            }
        }
        for left in &texts {
            for right in &texts {
                assert_eq!(compare(left, right), left.cmp(right), "{left:?} {right:?}");
            }
        }
    }
}
