//! Texts of a policy, each kept once and named by a number.

use hashbrown::HashTable;

use crate::bytes;
use crate::hash;
use crate::place::Place;

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
    numbers: HashTable<(Place, Symbol)>,
}

impl Symbols {
    /// The symbol of a text, made where it is new. None if all texts together
    /// are longer than 4 GiB.
    pub(crate) fn add(&mut self, text: &str) -> Option<Symbol> {
        let hash = hash::text(text);
        let same = |(place, _): &(Place, Symbol)| place.is(text, &self.texts);
        if let Some((_, known)) = self.numbers.find(hash, same) {
            return Some(*known);
        }
        let symbol = Symbol(u32::try_from(self.ends.len()).ok()?);
        let place = Place::add(text, &mut self.texts)?;
        self.ends.push(place.range().1);
        let texts = &self.texts;
        let hash_of = |(place, _): &(Place, Symbol)| hash::text(place.text(texts));
        self.numbers.insert_unique(hash, (place, symbol), hash_of);
        Some(symbol)
    }

    /// The symbol of a text, none if nothing names it.
    pub(crate) fn find(&self, text: &str) -> Option<Symbol> {
        let same = |(place, _): &(Place, Symbol)| place.is(text, &self.texts);
        let known = self.numbers.find(hash::text(text), same);
        known.map(|(_, symbol)| *symbol)
    }

    /// The text of a symbol.
    pub(crate) fn text(&self, symbol: Symbol) -> &str {
        let range = self.range(symbol);
        range.and_then(|range| self.texts.get(range)).unwrap_or("")
    }

    /// The bytes of a symbol's text, found without looking for the bounds of
    /// characters.
    pub(crate) fn bytes(&self, symbol: Symbol) -> &[u8] {
        self.known(symbol).unwrap_or_default()
    }

    /// Whether that is the text of a symbol.
    pub(crate) fn is(&self, symbol: Symbol, text: &str) -> bool {
        // No symbol is the symbol of no text.
        let known = self.known(symbol);
        known.is_some_and(|known| bytes::equal(known, text.as_bytes()))
    }

    fn known(&self, symbol: Symbol) -> Option<&[u8]> {
        self.texts.as_bytes().get(self.range(symbol)?)
    }

    fn range(&self, symbol: Symbol) -> Option<std::ops::Range<usize>> {
        let start = match symbol.index().checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        let end = *self.ends.get(symbol.index())?;
        Some(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
    }

    /// The number of texts.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Makes room for so many more texts.
    pub(crate) fn reserve(&mut self, more: usize) {
        let texts = &self.texts;
        self.ends.reserve(more);
        self.numbers
            .reserve(more, |(place, _)| hash::text(place.text(texts)));
    }

    /// Gives back the memory that no further text will need.
    pub(crate) fn shrink(&mut self) {
        let texts = &self.texts;
        self.numbers
            .shrink_to_fit(|(place, _)| hash::text(place.text(texts)));
        self.texts.shrink_to_fit();
        self.ends.shrink_to_fit();
    }
}
