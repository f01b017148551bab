//! The registered claims (RFC 7519 section 4.1).

use serde_json::{Map, Value};

use crate::TokenError;

/// 9999-12-31T23:59:59Z. A later time is a mistake, most often milliseconds in
/// place of seconds, which would make a token last for ages.
const MAX_TIME: i64 = 253_402_300_799;

/// What the claims are held against.
pub(crate) struct Expectations<'a> {
    pub(crate) issuer: &'a str,
    /// Empty where the audience is not checked.
    pub(crate) audiences: &'a [String],
    pub(crate) require_expiration: bool,
    pub(crate) clock_skew_seconds: i64,
    pub(crate) now: i64,
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
) -> Result<Option<i64>, TokenError> {
    check_issuer(claims, expected.issuer)?;
    check_audience(claims, expected.audiences)?;
    for claim in ["sub", "jti"] {
        string(claims, claim)?;
    }
    let expires_at = time(claims, "exp", Rounding::Down)?;
    let not_before = time(claims, "nbf", Rounding::Up)?;
    let issued_at = time(claims, "iat", Rounding::Up)?;
    let skew = expected.clock_skew_seconds;
    match expires_at {
        None if expected.require_expiration => {
            return Err(TokenError::ClaimMissing { claim: "exp" });
        }
        Some(end) if expected.now >= end.saturating_add(skew) => return Err(TokenError::Expired),
        _ => {}
    }
    for (claim, start) in [("nbf", not_before), ("iat", issued_at)] {
        if start.is_some_and(|start| expected.now < start.saturating_sub(skew)) {
            return Err(TokenError::NotYetValid { claim });
        }
    }
    Ok(expires_at)
}

fn check_issuer(claims: &Map<String, Value>, expected: &str) -> Result<(), TokenError> {
    match string(claims, "iss")? {
        None => Err(TokenError::ClaimMissing { claim: "iss" }),
        Some(issuer) if issuer == expected => Ok(()),
        Some(_) => Err(TokenError::IssuerUnknown),
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
