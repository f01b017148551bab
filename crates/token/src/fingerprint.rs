//! Fingerprints: short names of settings and keys, equal only where these are.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::{Jwk, ProviderSettings, PublicKey, SubjectMatcher};

/// The SHA-256 of an encoding that tells any two values apart. Two that differ
/// have different fingerprints: nobody can find a pair that has not.
///
/// In words, since each request compares some: a module compares bytes one by
/// one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u64; 4]);

impl Fingerprint {
    /// A part of it, which may be the same for two.
    pub(crate) const fn first_word(&self) -> u64 {
        let [first, ..] = self.0;
        first
    }
}

impl fmt::Debug for Fingerprint {
    /// Nothing of it: a fingerprint of a short secret gives the secret away.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint")
    }
}

/// Writes values one after the other, each with its length or its count, so
/// that no two lists of values have the same bytes.
struct Encoder(Sha256);

impl Encoder {
    /// What is encoded; different kinds never share a fingerprint.
    fn new(kind: &str) -> Self {
        let mut encoder = Self(Sha256::new());
        encoder.bytes(kind.as_bytes());
        encoder
    }

    fn number(&mut self, number: u64) {
        self.0.update(number.to_le_bytes());
    }

    fn count(&mut self, count: usize) {
        self.number(u64::try_from(count).unwrap_or(u64::MAX));
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.update(bytes);
    }

    fn optional(&mut self, text: Option<&str>) {
        self.count(text.iter().len());
        self.bytes(text.unwrap_or_default().as_bytes());
    }

    fn finish(self) -> Fingerprint {
        let bytes: [u8; 32] = self.0.finalize().into();
        let mut words = [0; 4];
        for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        Fingerprint(words)
    }
}

/// Of all that decides which signatures a key may check.
pub(crate) fn of_key(
    key_id: Option<&str>,
    algorithm: Option<&str>,
    public_key: &PublicKey,
) -> Fingerprint {
    let mut encoder = Encoder::new("key");
    encoder.optional(key_id);
    encoder.optional(algorithm);
    encoder.bytes(public_key.kind().as_bytes());
    match public_key {
        PublicKey::Rsa { modulus, exponent } => {
            encoder.bytes(modulus);
            encoder.bytes(exponent);
        }
        PublicKey::Ec { curve: _, x, y } => {
            encoder.bytes(x);
            encoder.bytes(y);
        }
        PublicKey::Ed25519 { x } => encoder.bytes(x),
    }
    encoder.finish()
}

/// Of a set of public keys, in their order: verdicts by secrets are not
/// remembered.
pub(crate) fn of_keys(keys: &[Jwk]) -> Fingerprint {
    let mut encoder = Encoder::new("keys");
    encoder.count(keys.len());
    for key in keys {
        for word in key.fingerprint().0 {
            encoder.number(word);
        }
    }
    encoder.finish()
}

/// Of all that a provider's verdicts depend on but its keys, which come and go.
///
/// INVARIANT: the pattern names every field, so that a new one cannot be
/// forgotten: two providers that judge differently must not share verdicts.
pub(crate) fn of_settings(settings: &ProviderSettings) -> Fingerprint {
    let ProviderSettings {
        issuer,
        audiences,
        subjects,
        jwks: _,
        algorithms,
        token_type,
        clock_skew_seconds,
        require_expiration,
        max_lifetime_seconds,
        max_token_bytes,
    } = settings;
    let mut encoder = Encoder::new("provider");
    encoder.bytes(issuer.as_bytes());
    encoder.count(audiences.len());
    for audience in audiences {
        encoder.bytes(audience.as_bytes());
    }
    let (form, subject) = match subjects {
        None => (0, ""),
        Some(SubjectMatcher::Exact(text)) => (1, text.as_str()),
        Some(SubjectMatcher::Prefix(text)) => (2, text.as_str()),
        Some(SubjectMatcher::Suffix(text)) => (3, text.as_str()),
        Some(SubjectMatcher::Contains(text)) => (4, text.as_str()),
    };
    encoder.number(form);
    encoder.bytes(subject.as_bytes());
    encoder.count(algorithms.len());
    for algorithm in algorithms {
        encoder.bytes(algorithm.name().as_bytes());
    }
    encoder.optional(token_type.as_deref());
    encoder.number(u64::from(*clock_skew_seconds));
    encoder.number(u64::from(*require_expiration));
    encoder.count(max_lifetime_seconds.iter().len());
    encoder.number(u64::from(max_lifetime_seconds.unwrap_or(0)));
    encoder.count(*max_token_bytes);
    encoder.finish()
}
