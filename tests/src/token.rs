//! Tokens, minted when a test runs: none expires in the repository.

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// A token as a scenario file describes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// The token itself, whatever it is; excludes all other fields.
    text: Option<String>,
    /// What signs it.
    algorithm: Option<SigningAlgorithm>,
    /// `true`: `alg` is `none` and the signature is empty.
    #[serde(default)]
    unsigned: bool,
    /// The private key's PEM file, relative to the scenario file. For HS256
    /// the file's bytes are the secret, whatever they are: that is the attack
    /// in which a public key serves as one.
    key: Option<PathBuf>,
    /// The header's `kid`; none when absent.
    kid: Option<String>,
    /// Further header fields. They win over `alg`, `typ` and `kid`, so that a
    /// header can lie; null leaves a field out.
    #[serde(default)]
    header: Map<String, Value>,
    /// The claims. In `exp`, `nbf` and `iat` a text such as `"+3600"` or
    /// `"-60"` is seconds from now.
    #[serde(default)]
    claims: Map<String, Value>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
enum SigningAlgorithm {
    RS256,
    ES256,
    #[serde(rename = "EdDSA")]
    EdDsa,
    HS256,
}

impl SigningAlgorithm {
    fn name(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::ES256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::HS256 => "HS256",
        }
    }

    fn sign(self, message: &[u8], key: &[u8]) -> Result<String> {
        let (key, algorithm) = match self {
            Self::RS256 => (EncodingKey::from_rsa_pem(key)?, Algorithm::RS256),
            Self::ES256 => (EncodingKey::from_ec_pem(key)?, Algorithm::ES256),
            Self::EdDsa => (EncodingKey::from_ed_pem(key)?, Algorithm::EdDSA),
            Self::HS256 => (EncodingKey::from_secret(key), Algorithm::HS256),
        };
        Ok(jsonwebtoken::crypto::sign(message, &key, algorithm)?)
    }
}

impl Token {
    /// The compact token. Its key file is looked for from `folder`; `now` is
    /// what relative times are relative to.
    ///
    /// # Errors
    ///
    /// When the description contradicts itself, the key cannot be read or
    /// does not fit the algorithm, or a relative time is not a number.
    pub fn mint(&self, folder: &Path, now: SystemTime) -> Result<String> {
        if let Some(text) = &self.text {
            let alone = self.algorithm.is_none()
                && !self.unsigned
                && self.key.is_none()
                && self.kid.is_none()
                && self.header.is_empty()
                && self.claims.is_empty();
            if !alone {
                bail!("`text` is the whole token; no other field goes with it");
            }
            return Ok(text.clone());
        }
        let (name, signer) = match (self.algorithm, &self.key, self.unsigned) {
            (None, None, true) => ("none", None),
            (Some(algorithm), Some(key), false) => (algorithm.name(), Some((algorithm, key))),
            _ => bail!("give `algorithm` and `key`, or `unsigned: true`, or `text`"),
        };
        let signed = format!(
            "{}.{}",
            encoded(&self.header(name))?,
            encoded(&self.claims(now)?)?
        );
        let signature = match signer {
            None => String::new(),
            Some((algorithm, key)) => {
                let path = folder.join(key);
                let pem = std::fs::read(&path)
                    .with_context(|| format!("the key {} cannot be read", path.display()))?;
                algorithm.sign(signed.as_bytes(), &pem).with_context(|| {
                    format!("{} cannot sign with {}", path.display(), algorithm.name())
                })?
            }
        };
        Ok(format!("{signed}.{signature}"))
    }

    fn header(&self, algorithm: &str) -> Map<String, Value> {
        let mut header = Map::new();
        header.insert("alg".to_owned(), algorithm.into());
        header.insert("typ".to_owned(), "JWT".into());
        if let Some(kid) = &self.kid {
            header.insert("kid".to_owned(), kid.as_str().into());
        }
        header.extend(self.header.clone());
        header.retain(|_, value| !value.is_null());
        header
    }

    fn claims(&self, now: SystemTime) -> Result<Map<String, Value>> {
        let now = i64::try_from(now.duration_since(UNIX_EPOCH)?.as_secs())?;
        let mut claims = self.claims.clone();
        for name in ["exp", "nbf", "iat"] {
            if let Some(Value::String(text)) = claims.get(name)
                && text.starts_with(['+', '-'])
            {
                let offset: i64 = text.parse().with_context(|| {
                    format!("`{name}: {text:?}` is neither seconds from now nor a number")
                })?;
                claims.insert(name.to_owned(), (now + offset).into());
            }
        }
        Ok(claims)
    }
}

fn encoded(part: &Map<String, Value>) -> Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(serde_json::to_vec(part)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::jwk::JwkSet;
    use jsonwebtoken::{DecodingKey, Validation};
    use std::time::Duration;

    fn keys() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("keys")
    }

    fn token(json: Value) -> Token {
        serde_json::from_value(json).expect("a token")
    }

    fn part(token: &str, index: usize) -> Value {
        let part = token.split('.').nth(index).expect("the part");
        let bytes = URL_SAFE_NO_PAD.decode(part).expect("base64url");
        serde_json::from_slice(&bytes).expect("JSON")
    }

    #[test]
    fn each_key_signs_what_the_key_set_verifies() {
        let set = std::fs::read(keys().join("jwks.json")).expect("jwks.json");
        let set: JwkSet = serde_json::from_slice(&set).expect("a key set");
        for (name, algorithm, kid, file) in [
            (
                "RS256",
                Algorithm::RS256,
                "orders-rs256",
                "orders-rs256.pem",
            ),
            (
                "ES256",
                Algorithm::ES256,
                "orders-es256",
                "orders-es256.pem",
            ),
            (
                "EdDSA",
                Algorithm::EdDSA,
                "orders-eddsa",
                "orders-eddsa.pem",
            ),
        ] {
            let minted = token(serde_json::json!({
                "algorithm": name, "key": file, "kid": kid,
                "claims": {"sub": "alice", "exp": "+60"}
            }))
            .mint(&keys(), SystemTime::now())
            .expect("minted");
            let key = DecodingKey::from_jwk(set.find(kid).expect("the key")).expect("a key");
            let read = jsonwebtoken::decode::<Value>(&minted, &key, &Validation::new(algorithm))
                .expect("verified");
            assert_eq!(read.claims["sub"], "alice", "{name}");
            assert_eq!(read.header.kid.as_deref(), Some(kid), "{name}");
        }
    }

    #[test]
    fn times_are_relative_to_now_and_headers_can_lie() {
        let now = UNIX_EPOCH + Duration::from_secs(1_000_000);
        let minted = token(serde_json::json!({
            "unsigned": true,
            "header": {"alg": "RS256", "typ": null, "crit": ["b64"]},
            "claims": {"exp": "+3600", "nbf": "-60", "iat": 5, "sub": "+1"}
        }))
        .mint(&keys(), now)
        .expect("minted");
        assert_eq!(
            part(&minted, 0),
            serde_json::json!({"alg": "RS256", "crit": ["b64"]})
        );
        assert_eq!(
            part(&minted, 1),
            serde_json::json!({"exp": 1_003_600, "nbf": 999_940, "iat": 5, "sub": "+1"})
        );
        assert!(minted.ends_with('.'));
    }

    #[test]
    fn contradictions_are_refused() {
        for (json, expected) in [
            (
                serde_json::json!({"text": "x", "kid": "y"}),
                "`text` is the whole token; no other field goes with it",
            ),
            (
                serde_json::json!({"algorithm": "RS256"}),
                "give `algorithm` and `key`, or `unsigned: true`, or `text`",
            ),
            (
                serde_json::json!({"unsigned": true, "claims": {"exp": "+soon"}}),
                "`exp: \"+soon\"` is neither seconds from now nor a number",
            ),
        ] {
            let error = token(json).mint(&keys(), SystemTime::now()).err();
            assert_eq!(
                error.map(|error| error.to_string()).as_deref(),
                Some(expected)
            );
        }
    }
}
