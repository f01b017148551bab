//! The engine beside its peers: the casbin crate, cedar-policy and regorus,
//! with equivalent policies, interleaved in one run.
//!
//! The library makes the workloads and runs the engines. The program
//! `doorward-bench` takes the times, with the system's allocator;
//! `doorward-bench-memory` counts allocations and bytes, with one that counts,
//! so that counting costs no engine any time.

pub mod casbin_text;
pub mod engine;
pub mod family;
pub mod key_pattern;
pub mod report;
pub mod workload;
