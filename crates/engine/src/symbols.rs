//! Texts of a policy, each kept once and named by a number.

use hashbrown::HashTable;

use crate::hash;

/// A text of the policy, the model or a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Symbol(pub(crate) u32);

impl Symbol {
    /// The symbol's number as an index.
    pub(crate) fn index(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// The texts and their numbers.
#[derive(Debug, Default)]
pub(crate) struct Symbols {
    texts: String,
    /// Where in `texts` each text ends; it starts where the one before ends.
    ends: Vec<u32>,
    numbers: HashTable<u32>,
}

impl Symbols {
    /// The symbol of a text, made where it is new. None if all texts together
    /// are longer than 4 GiB.
    pub(crate) fn add(&mut self, text: &str) -> Option<Symbol> {
        if let Some(known) = self.find(text) {
            return Some(known);
        }
        let end = self.texts.len().checked_add(text.len())?;
        let end = u32::try_from(end).ok()?;
        let number = u32::try_from(self.ends.len()).ok()?;
        self.texts.push_str(text);
        self.ends.push(end);
        let (texts, ends) = (&self.texts, &self.ends);
        self.numbers
            .insert_unique(hash::text(text), number, |number| {
                hash::text(at(texts, ends, *number))
            });
        Some(Symbol(number))
    }

    /// The symbol of a text, none if nothing names it.
    pub(crate) fn find(&self, text: &str) -> Option<Symbol> {
        let known = self.numbers.find(hash::text(text), |number| {
            at(&self.texts, &self.ends, *number) == text
        });
        known.map(|number| Symbol(*number))
    }

    /// The text of a symbol.
    pub(crate) fn text(&self, symbol: Symbol) -> &str {
        at(&self.texts, &self.ends, symbol.0)
    }

    /// The number of texts.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Gives back the memory that no further text will need.
    pub(crate) fn shrink(&mut self) {
        self.texts.shrink_to_fit();
        self.ends.shrink_to_fit();
    }
}

fn at<'a>(texts: &'a str, ends: &[u32], number: u32) -> &'a str {
    let offset = |end: Option<&u32>| end.and_then(|end| usize::try_from(*end).ok());
    let index = usize::try_from(number).unwrap_or(usize::MAX);
    let start = match index.checked_sub(1) {
        Some(before) => offset(ends.get(before)),
        None => Some(0),
    };
    let range = start.zip(offset(ends.get(index)));
    range
        .and_then(|(start, end)| texts.get(start..end))
        .unwrap_or("")
}
