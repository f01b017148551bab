//! The keys that a token is verified with: of a file, or of a request.

use std::path::Path;

use doorward_token::{Jwks, KeyPolicy};
use serde_json::Value;

use crate::json;
use crate::verdict::Invalid;

/// What every command accepts: symmetric keys too, and private keys, of which
/// the public part counts.
pub(crate) fn policy(allow_weak_rsa_keys: &[String]) -> KeyPolicy {
    KeyPolicy {
        secrets: true,
        private_members: true,
        allow_weak_rsa_keys: allow_weak_rsa_keys.to_vec(),
    }
}

/// The set in a file. A key of it that cannot be used is ignored (RFC 7517
/// section 5), as in a set that is fetched.
pub(crate) fn set_of_file(path: &Path, policy: &KeyPolicy) -> Result<Jwks, Invalid> {
    Jwks::parse_published_with(&read(path)?, policy).map_err(|error| at(path, &error))
}

/// The one key in a file.
pub(crate) fn key_of_file(path: &Path, policy: &KeyPolicy) -> Result<Jwks, Invalid> {
    let key = json::parse(&read(path)?)
        .map_err(|error| at(path, &format!("the key is not JSON: {error}")))?;
    let members = key
        .as_object()
        .ok_or_else(|| at(path, &"the key is not a JSON object"))?;
    Jwks::of_key(members, policy).map_err(|error| at(path, &error))
}

/// The keys of a request: its `jwk` or its `jwks`; `None` where it has neither.
pub(crate) fn of_request(
    jwk: Option<&Value>,
    jwks: Option<&Value>,
    policy: &KeyPolicy,
) -> Result<Option<Jwks>, Invalid> {
    match (jwk, jwks) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(Invalid::request("has both jwk and jwks: leave one out")),
        (Some(key), None) => {
            let members = key
                .as_object()
                .ok_or_else(|| Invalid::request("jwk is not a JSON object"))?;
            Jwks::of_key(members, policy)
                .map(Some)
                .map_err(Invalid::keys)
        }
        (None, Some(set)) => Jwks::parse_published_with(set.to_string().as_bytes(), policy)
            .map(Some)
            .map_err(Invalid::keys),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Invalid> {
    std::fs::read(path)
        .map_err(|error| Invalid::keys_unreadable(format!("{}: {error}", path.display())))
}

fn at(path: &Path, error: &dyn std::fmt::Display) -> Invalid {
    Invalid::keys(format_args!("{}: {error}", path.display()))
}
