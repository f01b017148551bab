//! Addresses that lie in one of many blocks: a table for each length.

use std::collections::HashMap;
use std::net::IpAddr;

use doorward_syntax::pattern::IpPattern;
use foldhash::fast::FixedState;
use smallvec::SmallVec;

use crate::symbols::Symbol;

/// Blocks of addresses, each with the patterns that write it.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    /// The lengths that occur.
    bits: Vec<u8>,
    /// By first address and length.
    blocks: HashMap<(IpAddr, u8), SmallVec<[Symbol; 2]>, FixedState>,
}

impl Blocks {
    /// Adds a pattern.
    pub(super) fn add(&mut self, block: &IpPattern, pattern: Symbol) {
        if !self.bits.contains(&block.bits) {
            self.bits.push(block.bits);
        }
        let patterns = self.blocks.entry((block.address, block.bits));
        patterns.or_default().push(pattern);
    }

    /// Gives every pattern whose block the address lies in.
    pub(super) fn find(&self, address: IpAddr, mut found: impl FnMut(Symbol)) {
        for bits in &self.bits {
            let Some(block) = IpPattern::around(address, *bits) else {
                continue;
            };
            let patterns = self.blocks.get(&(block.address, block.bits));
            patterns.into_iter().flatten().copied().for_each(&mut found);
        }
    }

    /// The number of blocks.
    pub(super) fn len(&self) -> usize {
        self.blocks.len()
    }
}
