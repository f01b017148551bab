//! Providers: whose tokens are accepted, and how strictly.

use thiserror::Error;

use crate::fingerprint::{self, Fingerprint};
use crate::validate::validate;
use crate::{
    Algorithm, Expectations, Jwks, JwsAlgorithm, SignatureVerifier, SubjectMatcher, TokenError,
    Verified, verify_jws,
};

/// The clock skew of a provider that names none: Envoy's jwt_authn has the
/// same.
pub const DEFAULT_CLOCK_SKEW_SECONDS: u32 = 60;

/// The greatest clock skew: RFC 7519 section 4.1.4 speaks of a few minutes.
pub const MAX_CLOCK_SKEW_SECONDS: u32 = 600;

/// The size bound of a provider that names none.
pub const DEFAULT_MAX_TOKEN_BYTES: usize = 16 * 1024;

/// The greatest size bound: no proxy passes larger headers by default.
pub const MAX_MAX_TOKEN_BYTES: usize = 64 * 1024;

/// What a provider is made of, before it is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderSettings {
    /// The exact value of `iss`.
    pub issuer: String,
    /// A token must name one of these in `aud`. Empty: `aud` is not checked.
    pub audiences: Vec<String>,
    /// What `sub` must be; `None` where any will do.
    pub subjects: Option<SubjectMatcher>,
    /// The issuer's keys.
    pub jwks: Jwks,
    /// The algorithms that are accepted.
    pub algorithms: Vec<JwsAlgorithm>,
    /// What the header's `typ` must be, such as `at+jwt` (RFC 9068); `None`
    /// where it is not looked at.
    pub token_type: Option<String>,
    /// By how many seconds the issuer's clock may differ from ours, up to
    /// [`MAX_CLOCK_SKEW_SECONDS`].
    pub clock_skew_seconds: u32,
    /// Whether a token without `exp` is refused. RFC 7519 leaves `exp`
    /// optional; a token that never ends is hardly ever meant.
    pub require_expiration: bool,
    /// How far `exp` may be away, as Envoy's `max_lifetime`: it must be there,
    /// and less than this many seconds from now.
    pub max_lifetime_seconds: Option<u32>,
    /// The greatest size of a token in bytes, up to [`MAX_MAX_TOKEN_BYTES`].
    pub max_token_bytes: usize,
}

impl ProviderSettings {
    /// Settings with the defaults: no audiences, the algorithms
    /// [`Algorithm::DEFAULT_ALLOWED`], [`DEFAULT_CLOCK_SKEW_SECONDS`], `exp`
    /// required, [`DEFAULT_MAX_TOKEN_BYTES`].
    #[must_use]
    pub fn new(issuer: impl Into<String>, jwks: Jwks) -> Self {
        Self {
            issuer: issuer.into(),
            audiences: Vec::new(),
            subjects: None,
            jwks,
            algorithms: Algorithm::DEFAULT_ALLOWED.map(Into::into).to_vec(),
            token_type: None,
            clock_skew_seconds: DEFAULT_CLOCK_SKEW_SECONDS,
            require_expiration: true,
            max_lifetime_seconds: None,
            max_token_bytes: DEFAULT_MAX_TOKEN_BYTES,
        }
    }
}

/// Why settings make no provider.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProviderError {
    /// `issuer` is empty.
    #[error("issuer is empty: give the exact value of the tokens' \"iss\"")]
    NoIssuer,
    /// An audience is empty.
    #[error("audiences[{index}] is empty")]
    EmptyAudience {
        /// Its place, counted from 0.
        index: usize,
    },
    /// An audience is there twice.
    #[error("audiences[{index}] is there twice")]
    DuplicateAudience {
        /// The place of the second one, counted from 0.
        index: usize,
    },
    /// `algorithms` is empty.
    #[error("algorithms is empty: name one or leave it out")]
    NoAlgorithms,
    /// An algorithm is there twice.
    #[error("algorithms[{index}] is there twice")]
    DuplicateAlgorithm {
        /// The place of the second one, counted from 0.
        index: usize,
    },
    /// No key fits any algorithm, so every token would be refused.
    #[error(
        "no key fits the algorithms that are allowed ({algorithms}): add a key or an algorithm"
    )]
    NoKeyFits {
        /// The algorithms, joined by commas.
        algorithms: String,
    },
    /// `clock_skew_seconds` is too large.
    #[error("the clock skew is {seconds} s, at most {MAX_CLOCK_SKEW_SECONDS} s are allowed")]
    ClockSkew {
        /// What was asked for, in seconds.
        seconds: u32,
    },
    /// `token_type` is empty.
    #[error("the token type is empty: write one such as at+jwt, or leave it out")]
    NoTokenType,
    /// `max_lifetime_seconds` is 0.
    #[error("the maximum lifetime is 0 s, which no token meets: give more, or leave it out")]
    NoLifetime,
    /// `max_token_bytes` is 0 or too large.
    #[error("the token size bound is {bytes} bytes: give 1 to {MAX_MAX_TOKEN_BYTES}")]
    MaxTokenBytes {
        /// What was asked for, in bytes.
        bytes: usize,
    },
}

/// An issuer whose tokens are accepted. Immutable; plain data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    settings: ProviderSettings,
    fingerprint: Fingerprint,
}

impl Provider {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`ProviderError`] names the first setting that is wrong.
    #[inline(never)]
    pub fn new(settings: ProviderSettings) -> Result<Self, ProviderError> {
        if settings.issuer.is_empty() {
            return Err(ProviderError::NoIssuer);
        }
        if let Some(index) = settings.audiences.iter().position(String::is_empty) {
            return Err(ProviderError::EmptyAudience { index });
        }
        if let Some(index) = first_repetition(&settings.audiences) {
            return Err(ProviderError::DuplicateAudience { index });
        }
        if settings.clock_skew_seconds > MAX_CLOCK_SKEW_SECONDS {
            return Err(ProviderError::ClockSkew {
                seconds: settings.clock_skew_seconds,
            });
        }
        if !(1..=MAX_MAX_TOKEN_BYTES).contains(&settings.max_token_bytes) {
            return Err(ProviderError::MaxTokenBytes {
                bytes: settings.max_token_bytes,
            });
        }
        if settings.token_type.as_deref() == Some("") {
            return Err(ProviderError::NoTokenType);
        }
        if settings.max_lifetime_seconds == Some(0) {
            return Err(ProviderError::NoLifetime);
        }
        check_algorithms(&settings.algorithms, &settings.jwks)?;
        Ok(Self {
            fingerprint: fingerprint::of_settings(&settings),
            settings,
        })
    }

    /// The same provider with these keys.
    ///
    /// # Errors
    /// No key fits the algorithms.
    pub fn with_keys(&self, jwks: Jwks) -> Result<Self, ProviderError> {
        let settings = self.settings.clone();
        Self::new(ProviderSettings { jwks, ..settings })
    }

    /// The settings.
    #[must_use]
    pub const fn settings(&self) -> &ProviderSettings {
        &self.settings
    }

    /// The fingerprint of the settings, all but the keys: those have their own,
    /// [`Jwks::fingerprint`].
    #[must_use]
    pub const fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// The exact value of `iss` that this provider accepts.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.settings.issuer
    }

    /// Verifies a JWT: its form, its signature, then its claims, at
    /// `now_unix_seconds` (whole seconds since 1970, rounded down).
    ///
    /// A token is valid while `now < exp + skew`, `now >= nbf - skew` and
    /// `now >= iat - skew`. Nothing of the payload is reported before the
    /// signature has been found valid.
    ///
    /// # Errors
    /// [`TokenError`], one variant for each kind of refusal.
    pub fn verify(
        &self,
        token: &[u8],
        now_unix_seconds: i64,
        verifier: &dyn SignatureVerifier,
    ) -> Result<Verified, TokenError> {
        let settings = &self.settings;
        let jws = verify_jws(
            token,
            &settings.jwks,
            &settings.algorithms,
            settings.max_token_bytes,
            verifier,
        )?;
        jws.claims(&self.expectations(), now_unix_seconds)
    }

    /// Holds the claims of a token that was verified by these settings against
    /// them again, at another time.
    pub(crate) fn revalidate(
        &self,
        verified: &Verified,
        now_unix_seconds: i64,
    ) -> Result<(), TokenError> {
        let members = verified.claims().members();
        validate(members, &self.expectations(), now_unix_seconds).map(|_| ())
    }

    /// Whether the claims of a token, acceptable by these settings in the
    /// second `since`, are so now, as far as that needs no look at them.
    ///
    /// Of all that is checked only `exp` ends with time; `nbf`, `iat` and the
    /// greatest lifetime are met from some second on.
    pub(crate) fn still_accepts(&self, verified: &Verified, since: i64, now: i64) -> bool {
        let skew = i64::from(self.settings.clock_skew_seconds);
        let is_over = |end: i64| now >= end.saturating_add(skew);
        now >= since && !verified.expires_at().is_some_and(is_over)
    }

    fn expectations(&self) -> Expectations<'_> {
        let settings = &self.settings;
        Expectations {
            issuer: Some(&settings.issuer),
            audiences: &settings.audiences,
            subjects: settings.subjects.as_ref(),
            token_type: settings.token_type.as_deref(),
            require_expiration: settings.require_expiration,
            max_lifetime_seconds: settings.max_lifetime_seconds,
            clock_skew_seconds: settings.clock_skew_seconds,
        }
    }
}

fn check_algorithms(algorithms: &[JwsAlgorithm], jwks: &Jwks) -> Result<(), ProviderError> {
    if algorithms.is_empty() {
        return Err(ProviderError::NoAlgorithms);
    }
    if let Some(index) = first_repetition(algorithms) {
        return Err(ProviderError::DuplicateAlgorithm { index });
    }
    let awaited = jwks.keys().is_empty() && jwks.secrets().is_empty();
    if !awaited && !algorithms.iter().any(|algorithm| jwks.any_fits(*algorithm)) {
        let names: Vec<_> = algorithms
            .iter()
            .map(|algorithm| algorithm.name())
            .collect();
        return Err(ProviderError::NoKeyFits {
            algorithms: names.join(", "),
        });
    }
    Ok(())
}

/// The place of the first element that occurs before it already.
fn first_repetition<T: Ord>(elements: &[T]) -> Option<usize> {
    let mut seen = std::collections::BTreeSet::new();
    elements.iter().position(|element| !seen.insert(element))
}
