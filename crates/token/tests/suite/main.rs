//! Tokens, key sets and providers, as a caller sees them.

mod cache;
mod claims;
mod conformance;
mod form;
mod host;
mod jwks;
mod keys;
mod mint;
mod properties;
mod providers;
