//! A policy bundle: what a platform team writes, and what it becomes.
//!
//! - [`Manifest`]: `doorward.yaml`, or the same fields as JSON inside the
//!   plugin configuration, as plain data.
//! - [`CasbinSettings`]: what Casbin sets in code; fields of the manifest, and
//!   a file of their own for tools.
//! - [`Bundle`]: a manifest that was found to be whole and consistent: a
//!   compiled engine, the token providers, and the request mapping.
//! - [`folder`]: from a folder under `policies/` to a manifest (tools only).

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

mod answers;
mod bundle;
#[cfg(feature = "casbin-engine")]
mod casbin_engine;
mod claim_path;
mod client_address;
mod configuration;
mod duration;
mod entry;
mod error;
#[cfg(feature = "folder")]
pub mod folder;
mod forwarding;
mod identity_headers;
mod manifest;
mod peer;
mod principal;
mod provider;
mod remote;
mod roles;
mod route;
mod secrets;
mod settings;
mod source;
mod strictness;
mod time_zone;
#[cfg(feature = "folder")]
mod time_zone_database;

pub use answers::Answers;
pub use bundle::Bundle;
pub use configuration::{Configuration, ConfigurationError, UNSIGNED_VARIABLE};
pub use entry::MappingEntry;
pub use error::{BundleError, Part};
pub use forwarding::{ClaimHeaderError, Forwarding};
pub use identity_headers::IdentityHeaders;
pub use manifest::{ClaimRole, Entries, Jwks, Manifest, Peer, Presence, TokenProvider};
pub use principal::{PrincipalError, PrincipalForm};
pub use provider::Provider;
pub use roles::{RoleClaim, RoleClaimError};
pub use secrets::Secrets;
pub use settings::{CasbinSettings, Matching, SettingsError};
pub use source::TokenSource;
