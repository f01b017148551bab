//! Keys that are fetched: a state machine for one issuer, without I/O.
//!
//! [`RemoteKeys`] says when an HTTP request is to be made and takes its answer;
//! time and randomness are arguments. What it promises:
//!
//! - Many requests that wait for keys share one fetch.
//! - A fetch that fails, or answers with anything but a key set that the
//!   issuer's algorithms can use, changes nothing: the last good keys stay for
//!   [`RemoteKeySettings::stale_if_error`], and the next attempt waits longer
//!   ([`MIN_BACKOFF`] to [`MAX_BACKOFF`], with jitter).
//! - A fetch that succeeds replaces the keys: one that is no longer published
//!   is no longer accepted.
//! - A token whose `kid` the keys do not have, or that has none and that they do
//!   not verify, brings a fetch before its time, at most [`EARLY_BURST`] in a
//!   row and then one in [`EARLY_INTERVAL`]. One that found a new key does not
//!   count, so rotations are never held up by this bound.
//!
//! [`KeyStore`] keeps the state machines of a VM, so that a pushed
//! configuration goes on with the keys of the one before it.

mod discovery;
mod early;
mod failure;
mod freshness;
mod keys;
mod settings;
mod store;
mod url;

pub use early::{EARLY_BURST, EARLY_INTERVAL};
pub use failure::FetchError;
pub use keys::{
    Asked, Fetch, MAX_BACKOFF, MIN_BACKOFF, Newer, Outcome, RemoteKeys, Response, UNASKED_REFRESHED,
};
pub use settings::{
    DEFAULT_REFRESH, DEFAULT_STALE_IF_ERROR, DEFAULT_TIMEOUT, KeyPlace, MIN_MAX_AGE,
    RemoteKeySettings, RemoteSettingsError,
};
pub use store::{KeyStore, MAX_UNUSED_SOURCES, SharedKeys, UNUSED_KEPT};
pub use url::{HttpUrl, UrlError};

/// A span or a point of time in milliseconds; a point since 1970-01-01 UTC.
pub type Millis = u64;

/// One second.
pub(crate) const SECOND: Millis = 1_000;
