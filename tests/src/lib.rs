//! Scenarios on host-sim, on Envoy and without a proxy, the demo, and pushes
//! under load.
//!
//! Scenario files are host-sim's format with tokens and bundles before it
//! ([`given`]). All hosts run the same files, and one judge
//! ([`host_sim::scenario::check`]) compares what was observed with what was
//! expected.

pub mod bench_envoy;
pub mod bundle;
pub mod client;
pub mod demo;
pub mod echo;
pub mod envoy;
pub mod generate;
pub mod given;
pub mod key_server;
pub mod mtls;
pub mod native;
pub mod paths;
pub mod push_under_load;
pub mod ready;
pub mod report;
pub mod request_cost;
pub mod rotation_under_load;
pub mod scenarios;
pub mod token;
pub mod vectors;
pub mod wait;
mod wrk;
