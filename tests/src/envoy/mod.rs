//! A real Envoy under test: its configuration, its process, its logs, and
//! scenarios on it.

pub mod clock;
pub mod config;
mod facts;
pub mod log;
mod peer;
pub mod process;
pub mod push;
pub mod runner;
mod together;
