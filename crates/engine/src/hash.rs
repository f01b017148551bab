//! Hashes of what the index looks up.
//!
//! Only the policy fills the tables; a request can but look into them. So the
//! hash need not be keyed against those who send requests.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;

use crate::symbols::Symbol;

/// The hash of a text.
pub(crate) fn text(text: &str) -> u64 {
    FixedState::default().hash_one(text)
}

/// The hash of a number and a text.
pub(crate) fn numbered(number: u32, text: &str) -> u64 {
    FixedState::with_seed(u64::from(number)).hash_one(text)
}

/// The hash of some symbols, in order.
pub(crate) fn symbols(symbols: impl Iterator<Item = Symbol>) -> u64 {
    symbols.fold(0, |hash, symbol| {
        let mixed = hash.rotate_left(32) ^ u64::from(symbol.0);
        FixedState::default().hash_one(mixed)
    })
}
