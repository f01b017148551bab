//! Keys and tokens for the tests. Tokens are signed by jsonwebtoken, with any
//! bytes for a header and a payload.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_token::{
    Algorithm, Jwks, Malformed, Provider, ProviderSettings, SoftwareVerifier, TokenError,
};
use jsonwebtoken::EncodingKey;
use serde_json::{Value, json};

/// The time of every test: 2027-01-15T08:00:00Z.
pub(crate) const NOW: i64 = 1_800_000_000;
pub(crate) const ISSUER: &str = "https://issuer.example";
pub(crate) const AUDIENCE: &str = "orders";
pub(crate) const JWKS: &str = include_str!("../data/jwks.json");

/// A key of `tests/data`, by file name without extension, which is its `kid`.
pub(crate) fn encoding_key(name: &str) -> EncodingKey {
    match name {
        "rsa-a" => EncodingKey::from_rsa_der(include_bytes!("../data/rsa-a.der")),
        "rsa-b" => EncodingKey::from_rsa_der(include_bytes!("../data/rsa-b.der")),
        "p256-a" => EncodingKey::from_ec_der(include_bytes!("../data/p256-a.der")),
        "p256-b" => EncodingKey::from_ec_der(include_bytes!("../data/p256-b.der")),
        "p384-a" => EncodingKey::from_ec_der(include_bytes!("../data/p384-a.der")),
        "ed25519-a" => EncodingKey::from_ed_der(include_bytes!("../data/ed25519-a.der")),
        "ed25519-b" => EncodingKey::from_ed_der(include_bytes!("../data/ed25519-b.der")),
        _ => panic!("no test key {name}"),
    }
}

/// The public JWK of a key of `tests/data`.
pub(crate) fn jwk(name: &str) -> Value {
    let set: Value = serde_json::from_str(JWKS).unwrap();
    set["keys"]
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["kid"] == name)
        .unwrap_or_else(|| panic!("no test key {name}"))
        .clone()
}

/// A key set of these JWKs.
pub(crate) fn set(keys: &[Value]) -> Jwks {
    Jwks::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

pub(crate) fn all_keys() -> Jwks {
    Jwks::parse(JWKS.as_bytes()).unwrap()
}

/// A provider of all test keys and the default algorithms.
pub(crate) fn provider() -> Provider {
    provider_with(|_| {})
}

pub(crate) fn provider_with(change: impl FnOnce(&mut ProviderSettings)) -> Provider {
    let mut settings = ProviderSettings::new(ISSUER, all_keys());
    settings.algorithms = [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA]
        .map(Into::into)
        .to_vec();
    settings.audiences = vec![AUDIENCE.to_owned(), "billing".to_owned()];
    change(&mut settings);
    Provider::new(settings).unwrap()
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// The algorithm under the name that jsonwebtoken has for it.
pub(crate) fn library(algorithm: Algorithm) -> jsonwebtoken::Algorithm {
    algorithm.name().parse().unwrap()
}

/// Joins and signs two encoded parts.
pub(crate) fn sign_encoded(header: &str, payload: &str, key: &str, algorithm: Algorithm) -> String {
    let message = format!("{header}.{payload}");
    let signature =
        jsonwebtoken::crypto::sign(message.as_bytes(), &encoding_key(key), library(algorithm))
            .unwrap();
    format!("{message}.{signature}")
}

/// Encodes, joins and signs a header and a payload of any bytes.
pub(crate) fn sign(
    header: impl AsRef<[u8]>,
    payload: impl AsRef<[u8]>,
    key: &str,
    algorithm: Algorithm,
) -> String {
    sign_encoded(&encode(header), &encode(payload), key, algorithm)
}

/// Claims that [`provider`] accepts.
pub(crate) fn good_claims() -> Value {
    json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "exp": NOW + 300, "iat": NOW })
}

/// An RS256 token with these claims and a good header.
pub(crate) fn with_claims(payload: impl AsRef<[u8]>) -> String {
    sign(
        r#"{"alg":"RS256","kid":"rsa-a","typ":"JWT"}"#,
        payload,
        "rsa-a",
        Algorithm::RS256,
    )
}

/// A token with this header and good claims, signed as RS256 with `rsa-a`.
pub(crate) fn with_header(header: impl AsRef<[u8]>) -> String {
    sign(header, good_claims().to_string(), "rsa-a", Algorithm::RS256)
}

/// A token that [`provider`] accepts, once all algorithms are allowed.
pub(crate) fn good(key: &str, algorithm: Algorithm) -> String {
    let header = json!({ "alg": algorithm.name(), "kid": key, "typ": "JWT" });
    sign(
        header.to_string(),
        good_claims().to_string(),
        key,
        algorithm,
    )
}

/// The reason for which [`provider`] refuses the token.
pub(crate) fn refusal(token: impl AsRef<[u8]>) -> TokenError {
    match provider().verify(token.as_ref(), NOW, &SoftwareVerifier) {
        Ok(_) => panic!("accepted: {}", String::from_utf8_lossy(token.as_ref())),
        Err(error) => error,
    }
}

/// Checks the refusal of each token; the first field says what it is.
pub(crate) fn check(cases: &[(&str, String, TokenError)]) {
    for (name, token, expected) in cases {
        assert_eq!(refusal(token), *expected, "{name}");
    }
}

/// The refusal of a malformed token.
pub(crate) fn malformed(malformed: Malformed) -> TokenError {
    TokenError::Malformed(malformed)
}

/// The three parts of a token in compact form.
pub(crate) fn parts(token: &str) -> [String; 3] {
    let parts: Vec<_> = token.split('.').map(ToOwned::to_owned).collect();
    parts.try_into().unwrap()
}
