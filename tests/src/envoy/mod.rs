//! A real Envoy under test: its configuration, its process, its logs, and
//! scenarios on it.

pub mod config;
mod facts;
pub mod log;
pub mod process;
pub mod push;
pub mod runner;
mod together;
