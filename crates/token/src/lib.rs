//! JWT verification, strict and without I/O: JOSE, JWKS, claims.
//!
//! The crate takes data and the time as arguments. It reads no clock, makes no
//! host call, fetches nothing, and answers any bytes with a value, never with
//! a panic. [`Jwks`] holds the keys, [`Provider`] says whose tokens are
//! accepted and how, [`SignatureVerifier`] is the seam to the cryptography,
//! and only [`Provider::verify`] makes a [`Verified`].
//!
//! Sources of the rules: RFC 7515 (JWS), 7517 (JWK), 7518 (JWA), 7519 (JWT),
//! 7797 (unencoded payload), 8037 (Ed25519), 8725 (JWT best practices).

#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "this code runs in the proxy, where a panic is a trap"
)]

mod algorithm;
mod base64url;
mod cache;
mod claims;
mod der;
mod ecdsa;
mod error;
mod fingerprint;
mod host;
mod json;
mod jwk;
mod jwk_error;
mod jwks;
mod jws;
mod key;
mod mac;
mod provider;
pub mod remote;
mod service;
mod signature;
mod spki;
mod validate;

pub use algorithm::{Algorithm, JwsAlgorithm, UnknownAlgorithm};
pub use base64url::{decode as decode_base64url, encode_base64};
pub use cache::{CacheCounts, CacheLimits, TableLimits, TokenCache};
pub use claims::{Claims, MAX_DERIVED_BYTES, Verified};
pub use error::{Malformed, Part, TokenError};
pub use fingerprint::Fingerprint;
pub use host::{
    DEFAULT_VERIFICATION_BUDGET_PERCENT, HostCallError, HostVerifier, SignatureCounts,
    SignatureHost, SignaturePath, SignatureState, VerificationBudget,
};
pub use json::{JsonFault, MAX_JSON_DEPTH, parse_json};
pub use jwk::{Jwk, SecretJwk};
pub use jwk_error::{IgnoredKey, IgnoredReason, JwkError, JwksError, KeyError, KeyLabel};
pub use jwks::{Jwks, KeyPolicy, MAX_JWKS_BYTES, MAX_JWKS_KEYS};
pub use jws::{MAX_CANDIDATE_KEYS, VerifiedJws, names_key, peek_issuer, verify_jws};
pub use key::{EcCurve, PublicKey};
pub use mac::{MacAlgorithm, Secret};
pub use provider::{
    DEFAULT_CLOCK_SKEW_SECONDS, DEFAULT_MAX_TOKEN_BYTES, MAX_CLOCK_SKEW_SECONDS,
    MAX_MAX_TOKEN_BYTES, Provider, ProviderError, ProviderSettings,
};
pub use service::{CachedVerifier, TokenVerifier};
pub use signature::{SignatureError, SignatureVerifier, SoftwareVerifier};
pub use validate::{Expectations, SubjectMatcher};
