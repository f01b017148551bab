//! Tokens, key sets and providers, as a caller sees them.

mod claims;
mod conformance;
mod form;
mod jwks;
mod keys;
mod mint;
mod properties;
mod providers;
mod remote;
mod remote_properties;
