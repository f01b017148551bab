//! Tokens, key sets and providers, as a caller sees them.

mod cache;
mod claims;
mod conformance;
mod form;
mod host;
mod jwks;
mod keys;
mod macs;
mod mint;
mod minted;
mod properties;
mod providers;
mod remote;
mod remote_properties;
