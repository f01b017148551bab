//! Vectors of our own: good signatures by every algorithm that a host checks,
//! and what can be done to them.

use super::{Expected, Vector};
use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use std::path::Path;

/// The order of the curve's base point (SEC 2), which a signature's numbers
/// are below.
const P256_ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
const P384_ORDER: &str = "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf\
                          581a0db248b0a77aecec196accc52973";

const KEYS: [(&str, Algorithm); 11] = [
    ("rsa-a", Algorithm::RS256),
    ("rsa-b", Algorithm::RS384),
    ("rsa-a", Algorithm::RS512),
    ("rsa-a", Algorithm::PS256),
    ("rsa-b", Algorithm::PS384),
    ("rsa-a", Algorithm::PS512),
    ("p256-a", Algorithm::ES256),
    ("p256-b", Algorithm::ES256),
    ("p384-a", Algorithm::ES384),
    ("ed25519-a", Algorithm::EdDSA),
    ("ed25519-b", Algorithm::EdDSA),
];

/// Signatures made of each good one; more are made where ECDSA's numbers may
/// be short.
const ROUNDS: usize = 40;

/// Makes them with the keys in `crates/token/tests/data`.
///
/// # Errors
///
/// When a key cannot be read or does not sign.
pub(super) fn vectors(root: &Path) -> Result<Vec<Vector>> {
    let folder = root.join("crates").join("token").join("tests").join("data");
    let set = std::fs::read(folder.join("jwks.json")).context("jwks.json cannot be read")?;
    let set: Value = serde_json::from_slice(&set)?;
    let public = |name: &str| {
        let keys = set.get("keys").and_then(Value::as_array);
        keys.into_iter()
            .flatten()
            .find(|key| key.get("kid").is_some_and(|kid| kid == name))
            .cloned()
            .with_context(|| format!("jwks.json has no key {name}"))
    };
    let mut vectors = Vec::new();
    for (name, algorithm) in KEYS {
        let key = std::fs::read(folder.join(name).with_extension("der"))?;
        let key = match name.split_once('-') {
            Some(("rsa", _)) => EncodingKey::from_rsa_der(&key),
            Some(("ed25519", _)) => EncodingKey::from_ed_der(&key),
            _ => EncodingKey::from_ec_der(&key),
        };
        let ecdsa = match algorithm {
            Algorithm::ES256 => Some(P256_ORDER),
            Algorithm::ES384 => Some(P384_ORDER),
            _ => None,
        };
        let rounds = if ecdsa.is_some() { ROUNDS } else { 2 };
        for round in 0..rounds {
            let title = format!("{algorithm:?} {name} {round}");
            let jwk = public(name)?;
            let signed = signing_input(algorithm, name, round);
            let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &key, algorithm)?;
            let signature = URL_SAFE_NO_PAD.decode(signature)?;
            let vector = |what: &str, jwk: &Value, signed: &str, signature: &[u8], expected| {
                let signature = URL_SAFE_NO_PAD.encode(signature);
                Vector {
                    name: format!("{title}: {what}"),
                    jwk: jwk.clone(),
                    token: format!("{signed}.{signature}"),
                    expected,
                    by_host: by_host(algorithm),
                }
            };
            vectors.push(vector("good", &jwk, &signed, &signature, Expected::Valid));
            if let Some(order) = ecdsa {
                // The other root of the same equation, which ECDSA accepts too.
                let other = negated(&signature, &hex(order)?);
                vectors.push(vector("-s", &jwk, &signed, &other, Expected::Valid));
            }
            if round >= 2 {
                continue;
            }
            for (what, forged) in forged(&signature, ecdsa)? {
                vectors.push(vector(&what, &jwk, &signed, &forged, Expected::Refused));
            }
            let other = signing_input(algorithm, name, round + ROUNDS);
            vectors.push(vector("text", &jwk, &other, &signature, Expected::Refused));
            if let Some(other) = another(name) {
                let mut other = public(other)?;
                if let Some(kid) = other.get_mut("kid") {
                    *kid = name.into();
                }
                vectors.push(vector(
                    "key",
                    &other,
                    &signed,
                    &signature,
                    Expected::Refused,
                ));
            }
        }
    }
    Ok(vectors)
}

fn by_host(algorithm: Algorithm) -> bool {
    matches!(
        algorithm,
        Algorithm::RS256
            | Algorithm::RS384
            | Algorithm::RS512
            | Algorithm::ES256
            | Algorithm::ES384
    )
}

/// A key of the same kind.
fn another(name: &str) -> Option<&'static str> {
    match name {
        "rsa-a" => Some("rsa-b"),
        "rsa-b" => Some("rsa-a"),
        "p256-a" => Some("p256-b"),
        "p256-b" => Some("p256-a"),
        "ed25519-a" => Some("ed25519-b"),
        "ed25519-b" => Some("ed25519-a"),
        _ => None,
    }
}

/// Header and a payload that is no claims set.
fn signing_input(algorithm: Algorithm, kid: &str, round: usize) -> String {
    let header = json!({"alg": format!("{algorithm:?}"), "kid": kid}).to_string();
    let payload = format!("text {round}");
    format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(payload)
    )
}

/// What is no signature, made of one that is.
fn forged(signature: &[u8], order: Option<&str>) -> Result<Vec<(String, Vec<u8>)>> {
    let size = signature.len();
    let half = size / 2;
    let mut forged = Vec::new();
    for bit in [0, 1, 7, half * 8 - 1, half * 8, size * 8 - 8, size * 8 - 1] {
        let mut bytes = signature.to_vec();
        if let Some(byte) = bytes.get_mut(bit / 8) {
            *byte ^= 0x80 >> (bit % 8);
        }
        forged.push((format!("bit {bit}"), bytes));
    }
    let (r, s) = signature.split_at(half);
    let zero = vec![0; half];
    forged.extend([
        ("empty".to_owned(), Vec::new()),
        ("zero".to_owned(), vec![0; size]),
        ("ones".to_owned(), vec![0xff; size]),
        ("halves swapped".to_owned(), [s, r].concat()),
        ("first half zero".to_owned(), [&zero, s].concat()),
        ("second half zero".to_owned(), [r, &zero].concat()),
        ("a zero before".to_owned(), [&[0], signature].concat()),
        ("a zero behind".to_owned(), [signature, &[0]].concat()),
        ("cut".to_owned(), signature.split_at(size - 1).0.to_vec()),
    ]);
    if let Some(order) = order {
        let order = hex(order)?;
        forged.extend([
            ("r is the order".to_owned(), [&order, s].concat()),
            ("s is the order".to_owned(), [r, &order].concat()),
            ("r and s are 1".to_owned(), [one(half), one(half)].concat()),
        ]);
    }
    Ok(forged)
}

fn one(size: usize) -> Vec<u8> {
    let mut number = vec![0; size];
    if let Some(last) = number.last_mut() {
        *last = 1;
    }
    number
}

/// r and the order less s.
fn negated(signature: &[u8], order: &[u8]) -> Vec<u8> {
    let (r, s) = signature.split_at(signature.len() / 2);
    let mut borrow = 0;
    let mut difference: Vec<u8> = order
        .iter()
        .zip(s)
        .rev()
        .map(|(minuend, subtrahend)| {
            let (first, under) = minuend.overflowing_sub(*subtrahend);
            let (second, again) = first.overflowing_sub(borrow);
            borrow = u8::from(under || again);
            second
        })
        .collect();
    difference.reverse();
    [r, &difference].concat()
}

fn hex(text: &str) -> Result<Vec<u8>> {
    text.as_bytes()
        .chunks(2)
        .map(|pair| {
            let pair = std::str::from_utf8(pair)?;
            Ok(u8::from_str_radix(pair, 16)?)
        })
        .collect()
}
