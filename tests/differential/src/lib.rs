//! The engine against other implementations of Casbin: the Go library, which
//! is the reference, and the casbin crate.
//!
//! Against Go (`cargo run -p doorward-differential -- go`): generated models,
//! policies, requests and function calls, decision by decision, with every
//! difference either on a list of documented deviations, and shown to be that
//! deviation, or a failure.
//!
//! Against the crate (`cargo test -p doorward-differential`): equal decisions
//! on what it does right, and a table of its faults.

pub mod calls;
pub mod check;
pub mod crate_faults;
pub mod dice;
pub mod documented;
pub mod error_rule;
pub mod expression;
pub mod generate;
pub mod go;
pub mod known;
pub mod ours;
pub mod report;
pub mod wire;
