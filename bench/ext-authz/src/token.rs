//! Verifies tokens, as `io.jwt.decode_verify` does in a policy agent, and
//! keeps what was verified.

use anyhow::{Context, Result};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, Validation, decode, decode_header};
use regorus::Value;
use serde::Deserialize;
use signature::Verifier;
use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

const ISSUER: &str = "https://issuer.example";

const AUDIENCE: &str = "orders";

/// Tokens that are kept. When there are more, all are forgotten.
const MAX_TOKENS: usize = 10_000;

/// The keys of the issuer, and the tokens that were verified by them.
pub struct Tokens {
    keys: HashMap<String, (DecodingKey, Validation)>,
    verified: HashMap<String, Verified>,
}

struct Verified {
    scopes: Value,
    expires: u64,
}

#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    scope: String,
    exp: u64,
}

impl Tokens {
    /// Takes the keys of a key set for RS256 and ES256; others are left out.
    ///
    /// # Errors
    ///
    /// When it is no key set.
    pub fn load(jwks: &str) -> Result<Self> {
        let set: JwkSet = serde_json::from_str(jwks).context("the keys are no key set")?;
        let mut keys = HashMap::new();
        for jwk in &set.keys {
            let name = jwk.common.key_algorithm.map(|name| name.to_string());
            let algorithm = match name.as_deref() {
                Some("RS256") => Algorithm::RS256,
                Some("ES256") => Algorithm::ES256,
                _ => continue,
            };
            let Some(id) = &jwk.common.key_id else {
                continue;
            };
            let key = DecodingKey::from_jwk(jwk).with_context(|| format!("key {id} is no key"))?;
            let mut validation = Validation::new(algorithm);
            validation.set_issuer(&[ISSUER]);
            validation.set_audience(&[AUDIENCE]);
            validation.set_required_spec_claims(&["exp", "iss", "aud"]);
            validation.validate_nbf = true;
            keys.insert(id.clone(), (key, validation));
        }
        Ok(Self {
            keys,
            verified: HashMap::new(),
        })
    }

    /// The scopes of the token in an authorization header, as a list; none if
    /// there is no token, or none that is valid.
    pub fn scopes(&mut self, authorization: Option<&str>) -> Option<Value> {
        let token = authorization?.strip_prefix("Bearer ")?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
        if let Some(known) = self.verified.get(token) {
            return (now < known.expires).then(|| known.scopes.clone());
        }
        let id = decode_header(token).ok()?.kid?;
        let (key, validation) = self.keys.get(&id)?;
        let claims = decode::<Claims>(token, key, validation).ok()?.claims;
        let scopes: Vec<Value> = claims.scope.split_whitespace().map(Value::from).collect();
        let scopes = Value::from(scopes);
        if self.verified.len() >= MAX_TOKENS {
            self.verified.clear();
        }
        let verified = Verified {
            scopes: scopes.clone(),
            expires: claims.exp,
        };
        self.verified.insert(token.to_owned(), verified);
        Some(scopes)
    }
}

/// Has this process check signatures with AWS-LC, as fast as Envoy does:
/// jsonwebtoken's own code for it is several times slower.
pub fn use_fast_signatures() {
    static PROVIDER: CryptoProvider = CryptoProvider {
        signer_factory: |_, _| Err(ErrorKind::InvalidAlgorithm.into()),
        verifier_factory: |algorithm, key| match algorithm {
            Algorithm::RS256 | Algorithm::ES256 => Ok(Box::new(AwsLc {
                algorithm: *algorithm,
                key: key.clone(),
            })),
            _ => Err(ErrorKind::InvalidAlgorithm.into()),
        },
        key_utils: KeyUtils::new_unimplemented(),
    };
    // It fails where it was done before.
    let _ = PROVIDER.install_default();
}

struct AwsLc {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl Verifier<Vec<u8>> for AwsLc {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        let verified =
            match self.key.kind() {
                DecodingKeyKind::RsaModulusExponent { n, e } => RsaPublicKeyComponents { n, e }
                    .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature),
                DecodingKeyKind::SecretOrDer(point) => {
                    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
                        .verify(message, signature)
                }
            };
        verified.map_err(signature::Error::from_source)
    }
}

impl JwtVerifier for AwsLc {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}
