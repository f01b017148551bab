//! What finds the rows that may matter, without reading the others.

mod blocks;
mod column;
mod patterns;
mod prefixes;
mod segments;
mod tuples;

pub(crate) use column::Column;
pub(crate) use patterns::{Few, PatternIndex, Sizes};
pub(crate) use tuples::Tuples;
