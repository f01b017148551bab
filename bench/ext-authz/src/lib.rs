//! A server of Envoy's ext_authz over gRPC, to measure beside Doorward: what a
//! policy agent in a sidecar costs at the very least, and what one costs that
//! verifies tokens and evaluates Rego.

pub mod message;
pub mod policy;
pub mod server;
pub mod token;
