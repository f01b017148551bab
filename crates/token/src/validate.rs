//! The registered claims (RFC 7519 section 4.1).

use serde_json::{Map, Value};

use crate::claims::Derived;
use crate::jws::{json_object, string_parameter};
use crate::{Claims, Part, TokenError, Verified, VerifiedJws};

/// 9999-12-31T23:59:59Z. A later time is a mistake, most often milliseconds in
/// place of seconds, which would make a token last for ages.
const MAX_TIME: i64 = 253_402_300_799;

/// What a verified JWS is held against when it is read as a JWT.
#[derive(Debug, Clone, Default)]
pub struct Expectations<'a> {
    /// The exact value of `iss`; `None` where it is not checked.
    pub issuer: Option<&'a str>,
    /// `aud` must name one of these. Empty: `aud` is not checked.
    pub audiences: &'a [String],
    /// What `sub` must be; `None` where it is not checked.
    pub subjects: Option<&'a SubjectMatcher>,
    /// The header's `typ`; `None` where it is not checked.
    pub token_type: Option<&'a str>,
    /// Whether a token without `exp` is refused.
    pub require_expiration: bool,
    /// `exp` must be less than this many seconds away, and be there.
    pub max_lifetime_seconds: Option<u32>,
    /// By how many seconds the issuer's clock may differ from ours.
    pub clock_skew_seconds: u32,
}

/// Which subjects an issuer may name: one of the forms of Envoy's
/// `StringMatcher`, which `subjects` of its `jwt_authn` is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubjectMatcher {
    /// This one.
    Exact(String),
    /// What starts so.
    Prefix(String),
    /// What ends so.
    Suffix(String),
    /// What has this in it.
    Contains(String),
}

impl SubjectMatcher {
    /// Whether the issuer may name this subject.
    #[must_use]
    pub fn matches(&self, subject: &str) -> bool {
        match self {
            Self::Exact(text) => subject == text,
            Self::Prefix(text) => subject.starts_with(text),
            Self::Suffix(text) => subject.ends_with(text),
            Self::Contains(text) => subject.contains(text),
        }
    }
}

impl VerifiedJws {
    /// Reads the payload as a JWT's claims and checks the registered ones, and
    /// the header's `typ`, at `now_unix_seconds` (whole seconds since 1970,
    /// rounded down).
    ///
    /// # Errors
    /// [`TokenError`], one variant for each kind of refusal.
    pub fn claims(
        self,
        expected: &Expectations<'_>,
        now_unix_seconds: i64,
    ) -> Result<Verified, TokenError> {
        // RFC 7797 section 7 keeps the option out of JWTs, so nothing is to
        // speak of it, not even to say that it is not used.
        if self.header.contains_key("b64") {
            return Err(TokenError::UnencodedPayload);
        }
        if let Some(token_type) = expected.token_type {
            check_type(&self.header, token_type)?;
        }
        let members = json_object(&self.payload, Part::Payload)?;
        let expires_at = validate(&members, expected, now_unix_seconds)?;
        Ok(Verified {
            claims: Claims::new(members),
            algorithm: self.algorithm,
            key_id: self.key_id,
            expires_at,
            derived: Derived::default(),
        })
    }
}

/// Media types are compared without regard to case, and `application/` may be
/// left out (RFC 7515 section 4.1.9).
fn check_type(header: &Map<String, Value>, expected: &str) -> Result<(), TokenError> {
    let short = |name: &str| {
        let (start, rest) = name.split_at_checked("application/".len())?;
        let is_short = start.eq_ignore_ascii_case("application/") && !rest.contains('/');
        is_short.then(|| rest.to_ascii_lowercase())
    };
    let canonical = |name: &str| short(name).unwrap_or_else(|| name.to_ascii_lowercase());
    match string_parameter(header, "typ")? {
        Some(found) if canonical(found) == canonical(expected) => Ok(()),
        _ => Err(TokenError::TypeMismatch),
    }
}

/// Times are whole seconds: an end is rounded down and a beginning up, so
/// that a clock that reads whole seconds never stretches a token's life.
#[derive(Clone, Copy)]
enum Rounding {
    Down,
    Up,
}

/// Checks the registered claims; answers with `exp`, rounded down.
pub(crate) fn validate(
    claims: &Map<String, Value>,
    expected: &Expectations<'_>,
    now: i64,
) -> Result<Option<i64>, TokenError> {
    check_issuer(claims, expected.issuer)?;
    check_audience(claims, expected.audiences)?;
    check_subject(claims, expected.subjects)?;
    string(claims, "jti")?;
    check_times(claims, expected, now)
}

fn check_times(
    claims: &Map<String, Value>,
    expected: &Expectations<'_>,
    now: i64,
) -> Result<Option<i64>, TokenError> {
    let expires_at = time(claims, "exp", Rounding::Down)?;
    let not_before = time(claims, "nbf", Rounding::Up)?;
    let issued_at = time(claims, "iat", Rounding::Up)?;
    let skew = i64::from(expected.clock_skew_seconds);
    let required = expected.require_expiration || expected.max_lifetime_seconds.is_some();
    match expires_at {
        None if required => {
            return Err(TokenError::ClaimMissing { claim: "exp" });
        }
        Some(end) if now >= end.saturating_add(skew) => return Err(TokenError::Expired),
        _ => {}
    }
    for (claim, start) in [("nbf", not_before), ("iat", issued_at)] {
        if start.is_some_and(|start| now < start.saturating_sub(skew)) {
            return Err(TokenError::NotYetValid { claim });
        }
    }
    check_lifetime(claims, expected.max_lifetime_seconds, now)?;
    Ok(expires_at)
}

/// As Envoy's `max_lifetime`: what is left from now on must be less, without
/// clock skew; when the token was issued does not matter.
fn check_lifetime(
    claims: &Map<String, Value>,
    max_seconds: Option<u32>,
    now: i64,
) -> Result<(), TokenError> {
    let Some(max_seconds) = max_seconds else {
        return Ok(());
    };
    let limit = now.saturating_add(i64::from(max_seconds));
    match time(claims, "exp", Rounding::Up)? {
        Some(end) if end < limit => Ok(()),
        _ => Err(TokenError::LifetimeExceeded),
    }
}

fn check_issuer(claims: &Map<String, Value>, expected: Option<&str>) -> Result<(), TokenError> {
    match (string(claims, "iss")?, expected) {
        (_, None) => Ok(()),
        (None, Some(_)) => Err(TokenError::ClaimMissing { claim: "iss" }),
        (Some(issuer), Some(expected)) if issuer == expected => Ok(()),
        (Some(_), Some(_)) => Err(TokenError::IssuerUnknown),
    }
}

fn check_subject(
    claims: &Map<String, Value>,
    expected: Option<&SubjectMatcher>,
) -> Result<(), TokenError> {
    match (string(claims, "sub")?, expected) {
        (_, None) => Ok(()),
        (None, Some(_)) => Err(TokenError::ClaimMissing { claim: "sub" }),
        (Some(subject), Some(expected)) if expected.matches(subject) => Ok(()),
        (Some(_), Some(_)) => Err(TokenError::SubjectNotAllowed),
    }
}

fn check_audience(claims: &Map<String, Value>, expected: &[String]) -> Result<(), TokenError> {
    let meant_for_us = match claims.get("aud") {
        None if expected.is_empty() => return Ok(()),
        None => return Err(TokenError::ClaimMissing { claim: "aud" }),
        Some(Value::String(audience)) => expected.contains(audience),
        Some(Value::Array(audiences)) => {
            let mut found = false;
            for audience in audiences {
                let audience = audience.as_str().ok_or(INVALID_AUDIENCE)?;
                found |= expected.iter().any(|ours| ours == audience);
            }
            found
        }
        Some(_) => return Err(INVALID_AUDIENCE),
    };
    if meant_for_us || expected.is_empty() {
        Ok(())
    } else {
        Err(TokenError::AudienceMismatch)
    }
}

const INVALID_AUDIENCE: TokenError = TokenError::ClaimInvalid {
    claim: "aud",
    expected: "a string or an array of strings",
};

fn string<'a>(
    claims: &'a Map<String, Value>,
    claim: &'static str,
) -> Result<Option<&'a str>, TokenError> {
    claims
        .get(claim)
        .map(|value| {
            value.as_str().ok_or(TokenError::ClaimInvalid {
                claim,
                expected: "a string",
            })
        })
        .transpose()
}

/// Reads a NumericDate (RFC 7519 section 2).
fn time(
    claims: &Map<String, Value>,
    claim: &'static str,
    rounding: Rounding,
) -> Result<Option<i64>, TokenError> {
    let Some(value) = claims.get(claim) else {
        return Ok(None);
    };
    let seconds = match (value.as_i64(), value.as_f64()) {
        (Some(whole), _) => Some(whole),
        (None, Some(number)) => whole_seconds(number, rounding),
        (None, None) => None,
    };
    seconds
        .filter(|seconds| (0..=MAX_TIME).contains(seconds))
        .map(Some)
        .ok_or(TokenError::ClaimInvalid {
            claim,
            expected: "a number of seconds between the years 1970 and 9999",
        })
}

/// `None` for what is out of range; the range is one that doubles hold
/// exactly.
fn whole_seconds(number: f64, rounding: Rounding) -> Option<i64> {
    let whole = match rounding {
        Rounding::Down => number.floor(),
        Rounding::Up => number.ceil(),
    };
    (0.0..=MAX_TIME as f64)
        .contains(&number)
        .then_some(whole as i64)
}
