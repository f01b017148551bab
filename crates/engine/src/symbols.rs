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
    numbers: HashTable<Place>,
}

/// A text's number and where it stands in the texts: beside the hash, since a
/// lookup that has to go to yet another table waits for it.
#[derive(Debug, Clone, Copy)]
struct Place {
    number: u32,
    start: u32,
    end: u32,
}

impl Symbols {
    /// The symbol of a text, made where it is new. None if all texts together
    /// are longer than 4 GiB.
    pub(crate) fn add(&mut self, text: &str) -> Option<Symbol> {
        if let Some(known) = self.find(text) {
            return Some(known);
        }
        let bound = |length: usize| u32::try_from(length).ok();
        let start = bound(self.texts.len())?;
        let end = bound(self.texts.len().checked_add(text.len())?)?;
        let number = bound(self.ends.len())?;
        self.texts.push_str(text);
        self.ends.push(end);
        let place = Place { number, start, end };
        let texts = &self.texts;
        let hash_of = |place: &Place| hash::text(at(texts, *place));
        self.numbers.insert_unique(hash::text(text), place, hash_of);
        Some(Symbol(number))
    }

    /// The symbol of a text, none if nothing names it.
    pub(crate) fn find(&self, text: &str) -> Option<Symbol> {
        let same = |place: &Place| bytes(&self.texts, *place) == Some(text.as_bytes());
        let known = self.numbers.find(hash::text(text), same);
        known.map(|place| Symbol(place.number))
    }

    /// The text of a symbol.
    pub(crate) fn text(&self, symbol: Symbol) -> &str {
        let place = self.place(symbol);
        place.map_or("", |place| at(&self.texts, place))
    }

    /// Whether that is the text of a symbol.
    pub(crate) fn is(&self, symbol: Symbol, text: &str) -> bool {
        let place = self.place(symbol);
        place.and_then(|place| bytes(&self.texts, place)) == Some(text.as_bytes())
    }

    fn place(&self, symbol: Symbol) -> Option<Place> {
        let start = match symbol.index().checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        let end = *self.ends.get(symbol.index())?;
        let number = symbol.0;
        Some(Place { number, start, end })
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

fn range(place: Place) -> std::ops::Range<usize> {
    let index = |bound| usize::try_from(bound).unwrap_or(usize::MAX);
    index(place.start)..index(place.end)
}

fn at(texts: &str, place: Place) -> &str {
    texts.get(range(place)).unwrap_or("")
}

/// As [`at`], without looking for the bounds of characters.
fn bytes(texts: &str, place: Place) -> Option<&[u8]> {
    texts.as_bytes().get(range(place))
}
