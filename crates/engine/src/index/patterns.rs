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
                Shape::Key(key) => {
                    if segments.add(&key, pattern).is_none() {
                        starts.push((String::new(), pattern));
                    }
                }
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

    /// Adds the patterns that a text matches to `sure`, and those that have to
    /// be run to `unsure`.
    ///
    /// # Errors
    ///
    /// What running any of the patterns on the text would say.
    pub(crate) fn find(
        &self,
        text: &str,
        matching: &Matching<'_>,
        sure: &mut Few,
        unsure: &mut Few,
    ) -> Result<(), EvaluationError> {
        if self.kind == Kind::Ip {
            let address = ip::address(text).ok_or(EvaluationError::NotAnIpAddress)?;
            self.blocks.find(address, |pattern| sure.push(pattern));
            return Ok(());
        }
        let text = compared(self.kind, text);
        matching.budget.spend(hash_steps(text))?;
        if !self.exact.is_empty()
            && let Some(symbol) = matching.symbols.find(text)
            && self.exact.contains(&symbol)
        {
            sure.push(symbol);
        }
        let mut take = |pattern, matches: bool| {
            let found = if matches { &mut *sure } else { &mut *unsure };
            found.push(pattern);
        };
        self.prefixes.find(text, matching.budget, &mut take)?;
        self.segments.find(text, matching.budget, &mut take)
    }

    /// Runs patterns, and adds those that match.
    pub(crate) fn run(
        kind: Kind,
        text: &str,
        unsure: &[Symbol],
        matching: &Matching<'_>,
        sure: &mut Few,
    ) -> Result<(), EvaluationError> {
        for pattern in unsure {
            if matching.matches_symbol(kind, text, *pattern)? {
                sure.push(*pattern);
            }
        }
        Ok(())
    }

    /// Adds the patterns that a text matches.
    ///
    /// # Errors
    ///
    /// As [`PatternIndex::find`].
    pub(crate) fn matching(
        &self,
        text: &str,
        matching: &Matching<'_>,
        found: &mut Few,
    ) -> Result<(), EvaluationError> {
        let mut unsure = SmallVec::new();
        self.find(text, matching, found, &mut unsure)?;
        Self::run(self.kind, text, &unsure, matching, found)
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
