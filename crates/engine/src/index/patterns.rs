//! Which of many patterns a text matches.

use std::collections::HashSet;

use doorward_syntax::pattern::{Kind, ip};
use foldhash::fast::FixedState;
use smallvec::SmallVec;

use crate::budget::hash_steps;
use crate::decision::EvaluationError;
use crate::patterns::{Matching, Patterns, Shape, compared};
use crate::symbols::{Symbol, Symbols};

use super::blocks::Blocks;
use super::prefixes::PrefixTrie;
use super::segments::SegmentTrie;

/// Patterns of one kind, found by the texts that match them.
#[derive(Debug)]
pub(crate) struct PatternIndex {
    kind: Kind,
    /// Those that match their own text and nothing else.
    exact: HashSet<Symbol, FixedState>,
    prefixes: PrefixTrie,
    segments: SegmentTrie,
    blocks: Blocks,
    /// How many of the prefixes still have to be run.
    run: usize,
}

/// Symbols, of which there are mostly few.
pub(crate) type Few = SmallVec<[Symbol; 12]>;

/// The patterns that a text matches, and those that may.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// These match.
    pub(crate) sure: Few,
    /// These have to be run.
    pub(crate) unsure: Few,
}

impl Found {
    /// Those that match: the unsure ones are run.
    pub(crate) fn run(
        &self,
        kind: Kind,
        text: &str,
        matching: &Matching<'_>,
    ) -> Result<Few, EvaluationError> {
        let mut matches = self.sure.clone();
        for pattern in &self.unsure {
            if matching.matches_symbol(kind, text, *pattern)? {
                matches.push(*pattern);
            }
        }
        Ok(matches)
    }
}

/// How the patterns of an index are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// Texts looked up as they are.
    pub(crate) exact: usize,
    /// Prefixes.
    pub(crate) prefixes: usize,
    /// Patterns of whole segments.
    pub(crate) segments: usize,
    /// Address blocks.
    pub(crate) blocks: usize,
    /// Expressions that are run when the text starts as they do.
    pub(crate) run: usize,
}

impl PatternIndex {
    /// An index of patterns that were added to `known`, each given once.
    pub(crate) fn new(
        kind: Kind,
        all: impl Iterator<Item = Symbol>,
        known: &Patterns,
        symbols: &Symbols,
    ) -> Self {
        let mut exact = HashSet::default();
        let mut prefixes = Vec::new();
        let mut segments = SegmentTrie::default();
        let mut blocks = Blocks::default();
        let mut starts = Vec::new();
        for pattern in all {
            match known.shape(kind, pattern, symbols) {
                Shape::Exact(text) if text == symbols.text(pattern) => {
                    exact.insert(pattern);
                }
                Shape::Exact(text) => starts.push((text.to_owned(), pattern)),
                Shape::Prefix(prefix) => prefixes.push((prefix.as_bytes(), pattern, true)),
                Shape::Key(key) => segments.add(&key, pattern),
                Shape::Block(block) => blocks.add(&block, pattern),
                Shape::Run(start) => starts.push((start.into_owned(), pattern)),
            }
        }
        let unsure = starts.iter();
        prefixes.extend(unsure.map(|(start, pattern)| (start.as_bytes(), *pattern, false)));
        Self {
            kind,
            exact,
            prefixes: PrefixTrie::new(prefixes),
            segments,
            blocks,
            run: starts.len(),
        }
    }

    /// The patterns that a text matches or may match.
    ///
    /// # Errors
    ///
    /// What running any of the patterns on the text would say.
    pub(crate) fn find(
        &self,
        text: &str,
        matching: &Matching<'_>,
    ) -> Result<Found, EvaluationError> {
        let mut found = Found::default();
        if self.kind == Kind::Ip {
            let address = ip::address(text).ok_or(EvaluationError::NotAnIpAddress)?;
            self.blocks
                .find(address, |pattern| found.sure.push(pattern));
            return Ok(found);
        }
        let text = compared(self.kind, text);
        matching.budget.spend(hash_steps(text))?;
        if !self.exact.is_empty()
            && let Some(symbol) = matching.symbols.find(text)
            && self.exact.contains(&symbol)
        {
            found.sure.push(symbol);
        }
        let mut take = |pattern, sure| {
            if sure {
                found.sure.push(pattern);
            } else {
                found.unsure.push(pattern);
            }
        };
        self.prefixes.find(text, matching.budget, &mut take)?;
        self.segments.find(text, matching.budget, &mut take)?;
        Ok(found)
    }

    /// The patterns that a text matches.
    ///
    /// # Errors
    ///
    /// As [`PatternIndex::find`].
    pub(crate) fn matching(
        &self,
        text: &str,
        matching: &Matching<'_>,
    ) -> Result<Few, EvaluationError> {
        let found = self.find(text, matching)?;
        found.run(self.kind, text, matching)
    }

    /// How the patterns are held.
    pub(crate) fn sizes(&self) -> Sizes {
        Sizes {
            exact: self.exact.len(),
            prefixes: self.prefixes.len().saturating_sub(self.run),
            segments: self.segments.len(),
            blocks: self.blocks.len(),
            run: self.run,
        }
    }
}
