//! Where an issuer's keys are fetched from, and how.

use super::url::{HttpUrl, UrlError};
use super::{Millis, SECOND};
use crate::JwsAlgorithm;

/// Time between two fetches of settings that name none.
pub const DEFAULT_REFRESH: Millis = 600 * SECOND;

/// Time that an answer may take, and a request may wait, of settings that name
/// none.
pub const DEFAULT_TIMEOUT: Millis = 5 * SECOND;

/// How long the last good keys stay when they cannot be refreshed, of settings
/// that name none.
pub const DEFAULT_STALE_IF_ERROR: Millis = 24 * 3_600 * SECOND;

/// A `max-age` below this counts as this: a server cannot make every proxy ask
/// it all the time.
pub const MIN_MAX_AGE: Millis = 60 * SECOND;

const REFRESH_BOUNDS: (Millis, Millis) = (SECOND, 24 * 3_600 * SECOND);
const TIMEOUT_BOUNDS: (Millis, Millis) = (100, 60 * SECOND);
const MAX_STALE_IF_ERROR: Millis = 7 * 24 * 3_600 * SECOND;

/// Where the key set is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyPlace {
    /// At this URL.
    Uri(HttpUrl),
    /// At the `jwks_uri` of the issuer's OpenID provider configuration (OpenID
    /// Connect Discovery 1.0 section 4).
    Discovery {
        /// The issuer, as its tokens and its configuration name it.
        issuer: String,
        /// The URL of the configuration, whose origin the key set must have.
        configuration: HttpUrl,
    },
}

impl KeyPlace {
    /// The place that the issuer's configuration names. The configuration is
    /// at `ISSUER/.well-known/openid-configuration`, where a slash at the
    /// issuer's end does not count.
    ///
    /// # Errors
    /// The issuer is no URL, or has a query.
    pub fn discovery(issuer: &str) -> Result<Self, UrlError> {
        if issuer.contains('?') {
            return Err(UrlError::Query);
        }
        let base = issuer.strip_suffix('/').unwrap_or(issuer);
        let configuration = HttpUrl::parse(&format!("{base}/.well-known/openid-configuration"))?;
        Ok(Self::Discovery {
            issuer: issuer.to_owned(),
            configuration,
        })
    }
}

/// All that says which keys are fetched and how. Two issuers' entries with equal
/// settings share the keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteKeySettings {
    /// The proxy's cluster that the requests go to. It says which addresses
    /// these are and how the server proves who it is.
    pub cluster: String,
    /// Where the key set is.
    pub place: KeyPlace,
    /// The greatest time between two fetches; a shorter `max-age` of the answer
    /// is respected down to [`MIN_MAX_AGE`].
    pub refresh: Millis,
    /// The longest that an answer may take, and that a request waits for keys.
    pub timeout: Millis,
    /// How long keys are used after they should have been refreshed.
    pub stale_if_error: Millis,
    /// The algorithms of which some key must be able to check one.
    pub algorithms: Vec<JwsAlgorithm>,
}

/// A setting that is out of its range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct RemoteSettingsError {
    /// Its name, as in a bundle's `jwks`.
    pub field: &'static str,
    /// What is wrong and what to do.
    pub problem: String,
}

impl RemoteKeySettings {
    /// Settings with the default times.
    #[must_use]
    pub fn new(cluster: impl Into<String>, place: KeyPlace, algorithms: Vec<JwsAlgorithm>) -> Self {
        Self {
            cluster: cluster.into(),
            place,
            refresh: DEFAULT_REFRESH,
            timeout: DEFAULT_TIMEOUT,
            stale_if_error: DEFAULT_STALE_IF_ERROR,
            algorithms,
        }
    }

    /// Checks every setting.
    ///
    /// # Errors
    /// The first one that is out of its range.
    pub fn check(&self) -> Result<(), RemoteSettingsError> {
        let refuse = |field, problem: &str| {
            Err(RemoteSettingsError {
                field,
                problem: problem.to_owned(),
            })
        };
        if self.cluster.is_empty() {
            return refuse("cluster", "is empty: name a cluster of the proxy");
        }
        let within = |value, (least, most)| (least..=most).contains(&value);
        if !within(self.refresh, REFRESH_BOUNDS) {
            return refuse("refresh", "is not between 1s and 24h");
        }
        if !within(self.timeout, TIMEOUT_BOUNDS) {
            return refuse("timeout", "is not between 100ms and 60s");
        }
        if self.stale_if_error > MAX_STALE_IF_ERROR {
            return refuse("stale_if_error", "is more than 7d");
        }
        Ok(())
    }
}
