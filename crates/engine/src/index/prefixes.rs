//! Texts that start with one of many prefixes: a trie of bytes.

use crate::budget::Budget;
use crate::bytes::shared;
use crate::decision::EvaluationError;
use crate::sorting;
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

#[derive(Debug, Clone, Copy)]
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

/// Bytes of a text that [`key`] makes a number of.
const KEY: usize = 7;

/// A number that orders texts by their bytes from `depth` on, as many as a key
/// has, and then by whether they end there.
fn key(text: &[u8], depth: usize) -> i64 {
    let rest = text.get(depth..).unwrap_or_default();
    let left = u32::try_from(rest.len()).unwrap_or(u32::MAX);
    let number = match (rest.first_chunk(), text.last_chunk()) {
        (Some(first), _) => u64::from_be_bytes(*first),
        // What comes before the rest goes out at the front.
        (None, Some(last)) => {
            let bits = 8_u32.saturating_sub(left).saturating_mul(8);
            u64::from_be_bytes(*last).checked_shl(bits).unwrap_or(0)
        }
        (None, None) => {
            let mut bytes = [0; 8];
            for (place, byte) in bytes.iter_mut().zip(rest) {
                *place = *byte;
            }
            u64::from_be_bytes(bytes)
        }
    };
    let number = (number & !0xff) | u64::from(left.min(8));
    // The order of signed numbers is that of unsigned ones from here on.
    const LOWEST: u64 = 1 << 63;
    (number ^ LOWEST).cast_signed()
}

/// How far entries are compared at once, in bytes.
const WINDOW: usize = 64;

/// Sorts entries by their prefixes. Whole texts are never compared: that goes
/// byte by byte in a module.
fn sort(entries: &mut [Entry<'_>]) {
    // Where entries start and end that share so many bytes.
    let mut pending = vec![(0, entries.len(), 0_usize)];
    while let Some((start, end, depth)) = pending.pop() {
        let Some(group) = entries.get_mut(start..end) else {
            continue;
        };
        let Some((first, ..)) = group.first().copied() else {
            continue;
        };
        // No further than a few keys, or prefixes of prefixes would be compared
        // from end to end again and again.
        let window = first.get(..depth.saturating_add(WINDOW)).unwrap_or(first);
        let depths = group.iter().map(|(text, ..)| shared(window, text, depth));
        let depth = depths.min().unwrap_or(depth);
        let keys: Vec<i64> = group.iter().map(|(text, ..)| key(text, depth)).collect();
        let order = sorting::order(&keys);
        let sorted = sorting::in_order(group, &order);
        for (place, entry) in group.iter_mut().zip(sorted) {
            *place = entry;
        }
        let keys = sorting::in_order(&keys, &order);
        let deeper = depth.saturating_add(KEY);
        let mut start = start;
        for alike in keys.chunk_by(|left, right| left == right) {
            let end = start.saturating_add(alike.len());
            let goes_on = entries
                .get(start)
                .is_some_and(|(text, ..)| text.len() > deeper);
            if alike.len() > 1 && goes_on {
                pending.push((start, end, deeper));
            }
            start = end;
        }
    }
}

impl PrefixTrie {
    /// The trie of these prefixes.
    pub(super) fn new(mut entries: Vec<Entry<'_>>) -> Self {
        let mut trie = Self::default();
        if entries.is_empty() {
            return trie;
        }
        sort(&mut entries);
        // Most prefixes end where no other one does.
        trie.nodes.reserve(entries.len());
        trie.first.reserve(entries.len());
        trie.ends.reserve(entries.len());
        trie.add(&[], &[]);
        // Nodes, each with its entries and how many bytes these share.
        let mut pending = vec![(0, entries.as_slice(), 0)];
        let mut next = 0_usize;
        while let Some((number, entries, depth)) = pending.get(next).copied() {
            let ending = entries.iter().take_while(|entry| entry.0.len() == depth);
            let (ending, rest) = entries.split_at_checked(ending.count()).unwrap_or_default();
            let first_child = trie.nodes.len();
            let same =
                |left: &Entry<'_>, right: &Entry<'_>| left.0.get(depth) == right.0.get(depth);
            for group in rest.chunk_by(same) {
                if let [(text, ..)] = group {
                    trie.add(text.get(depth..).unwrap_or_default(), group);
                    continue;
                }
                let ends = group.first().zip(group.last());
                let Some(((first, ..), (last, ..))) = ends else {
                    continue;
                };
                // All between them share what these two do.
                let length = shared(first, last, depth);
                pending.push((trie.nodes.len(), group, length));
                trie.add(first.get(depth..length).unwrap_or_default(), &[]);
            }
            let children = bounds(first_child, trie.nodes.len());
            let ends = trie.add_ends(ending);
            if let Some(node) = trie.nodes.get_mut(number) {
                node.children = children;
                node.ends = ends;
            }
            next = next.saturating_add(1);
        }
        trie.nodes.shrink_to_fit();
        trie.first.shrink_to_fit();
        trie.labels.shrink_to_fit();
        trie
    }

    /// Adds a node whose prefix is that of these entries, if there are any.
    fn add(&mut self, label: &[u8], ending: &[Entry<'_>]) {
        let start = self.labels.len();
        self.labels.extend_from_slice(label);
        let node = Node {
            label: bounds(start, self.labels.len()),
            children: (0, 0),
            ends: self.add_ends(ending),
        };
        self.nodes.push(node);
        self.first.push(label.first().copied().unwrap_or(0));
    }

    /// Adds what entries stand for; where it is.
    fn add_ends(&mut self, ending: &[Entry<'_>]) -> (u32, u32) {
        let start = self.ends.len();
        let ending = ending.iter();
        self.ends
            .extend(ending.map(|(_, pattern, sure)| (*pattern, *sure)));
        bounds(start, self.ends.len())
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
    use super::sort;
    use crate::symbols::Symbol;

    fn texts() -> Vec<Vec<u8>> {
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
        texts
    }

    #[test]
    fn texts_are_in_the_order_of_their_bytes() {
        let mut texts = texts();
        texts.extend((0..20).map(|length| vec![0; length]));
        // In no order, each twice.
        let twice = texts.len() * 2;
        let shuffled = (0..twice).map(|number| &texts[number * 7 % texts.len()]);
        let mut entries: Vec<_> = shuffled
            .zip(0..)
            .map(|(text, number)| (text.as_slice(), Symbol(number), true))
            .collect();
        let mut expected = entries.clone();
        expected.sort_by_key(|(text, ..)| *text);
        sort(&mut entries);
        assert_eq!(entries, expected);
    }
}
