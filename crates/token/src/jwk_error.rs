//! What is wrong with a key set, and where.

use std::fmt;

use thiserror::Error;

use crate::{JsonFault, JwsAlgorithm, MacAlgorithm};

/// Which key of a set is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyLabel {
    /// The place in `keys`, counted from 0.
    pub index: usize,
    /// Its `kid`, where it has one.
    pub key_id: Option<String>,
}

impl fmt::Display for KeyLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "keys[{}]", self.index)?;
        match &self.key_id {
            Some(key_id) => write!(f, " (kid {key_id:?})"),
            None => Ok(()),
        }
    }
}

/// Why a key set cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JwksError {
    /// Longer than [`crate::MAX_JWKS_BYTES`].
    #[error("the key set has {bytes} bytes, {limit} are allowed")]
    TooLarge {
        /// Its size in bytes.
        bytes: usize,
        /// The bound in bytes.
        limit: usize,
    },
    /// Not one JSON object.
    #[error("{}the key set {fault}", place(*line, *column))]
    Json {
        /// What is wrong.
        fault: JsonFault,
        /// Counted from 1; 0 where the fault concerns the whole text.
        line: usize,
        /// Counted from 1; 0 likewise, and at the end of a line.
        column: usize,
    },
    /// The member `keys` is missing or not an array (RFC 7517 section 5.1).
    #[error("the key set has no array \"keys\": write {{\"keys\":[...]}}")]
    NoKeysArray,
    /// More than [`crate::MAX_JWKS_KEYS`] keys.
    #[error("the key set has {keys} keys, {limit} are allowed")]
    TooManyKeys {
        /// How many there are.
        keys: usize,
        /// The bound.
        limit: usize,
    },
    /// A key is wrong.
    #[error("{label}: {error}")]
    Key {
        /// Which key.
        label: KeyLabel,
        /// What is wrong with it.
        error: KeyError,
    },
    /// Symmetric and public keys in one set: what is checked with a secret
    /// must not be found among what anybody may know.
    #[error("the key set has symmetric and public keys: give each kind a set of its own")]
    MixedKinds,
    /// Two symmetric keys have one `kid` (RFC 7517 section 4.5).
    #[error("{label}: another symmetric key has the same kid")]
    DuplicateSecret {
        /// The second one.
        label: KeyLabel,
    },
    /// No key of the set can verify a signature.
    #[error("the key set has no key that can verify a signature{}", reasons(.ignored))]
    NoUsableKey {
        /// Why each key was ignored; empty where there are no keys.
        ignored: Vec<IgnoredKey>,
    },
}

/// Why a single key cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JwkError {
    /// Wrong by itself.
    #[error("{0}")]
    Wrong(#[from] KeyError),
    /// Well-formed, but not for checking signatures here.
    #[error("the key cannot verify a signature: {0}")]
    Unusable(IgnoredReason),
}

/// What is wrong with one key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyError {
    /// Not a JSON object.
    #[error("a key must be a JSON object")]
    NotAnObject,
    /// A member that the key type requires is not there.
    #[error("member \"{0}\" is missing")]
    Missing(&'static str),
    /// A member is not a string.
    #[error("member \"{0}\" must be a string")]
    NotAString(&'static str),
    /// A member is not base64url without padding.
    #[error("member \"{0}\" must be base64url without padding, white space or stray bits")]
    Base64(&'static str),
    /// Private or secret key material.
    #[error(
        "member \"{0}\" is secret: a policy may hold the public part of a key only; take it out \
         and replace the key, since it has been exposed"
    )]
    Secret(&'static str),
    /// An integer does not begin with its highest byte (RFC 7518 section 2).
    #[error("member \"{0}\" must not be empty or begin with a zero byte")]
    NotMinimal(&'static str),
    /// A coordinate is not of the curve's size (RFC 7518 section 6.2.1.2).
    #[error("member \"{member}\" must have {expected} bytes, it has {found}")]
    Length {
        /// The member.
        member: &'static str,
        /// The curve's size in bytes.
        expected: usize,
        /// The size in bytes that was found.
        found: usize,
    },
    /// A symmetric key: whoever can read it can sign with it.
    #[error(
        "a symmetric key has no place in a key set: give the secret in the environment and name \
         its variable in hmac_secret; replace this one, since it has been exposed"
    )]
    Symmetric,
    /// A secret that is shorter than the hash (RFC 7518 section 3.2).
    #[error("the secret has {bytes} bytes, {algorithm} needs at least {}", .algorithm.output_bytes())]
    ShortSecret {
        /// The algorithm.
        algorithm: MacAlgorithm,
        /// The secret's size in bytes.
        bytes: usize,
    },
    /// An RSA modulus below 2048 bits (RFC 7518 section 3.3) which is not
    /// allowed by name.
    #[error(
        "the RSA modulus has {bits} bits, at least 2048 are required: replace the key (from 1024 \
         bits on it can be allowed by its kid)"
    )]
    WeakModulus {
        /// Its size in bits.
        bits: usize,
    },
    /// An RSA modulus below 1024 bits, which nothing allows.
    #[error("the RSA modulus has {bits} bits, at least 2048 are required: replace the key")]
    BrokenModulus {
        /// Its size in bits.
        bits: usize,
    },
    /// An even RSA modulus, which is no product of two primes.
    #[error("member \"n\" is not an RSA modulus: it is even")]
    EvenModulus,
    /// The modulus has the mark of a generator whose keys can be factored.
    #[error("the RSA key can be factored (CVE-2017-15361): replace the key")]
    Roca,
    /// A public exponent that cannot be one.
    #[error("member \"e\" must be an odd number from 3 to 8589934591")]
    Exponent,
    /// The coordinates are not a point of the curve.
    #[error("the coordinates are not a point on {0}")]
    NotOnCurve(&'static str),
    /// The point is of small order: one signature would fit many messages.
    #[error("the coordinates are a point of small order on {0}: replace the key")]
    SmallOrder(&'static str),
    /// `key_ops` is not an array of strings.
    #[error("member \"key_ops\" must be an array of strings")]
    KeyOps,
    /// `key_ops` has a value twice (RFC 7517 section 4.3).
    #[error("member \"key_ops\" has a value twice")]
    DuplicateKeyOp,
}

/// A key that is well-formed as far as it was read, but not for us: RFC 7517
/// section 5 says to ignore it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoredKey {
    /// Which key.
    pub label: KeyLabel,
    /// Why it is ignored.
    pub reason: IgnoredReason,
}

impl fmt::Display for IgnoredKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.label, self.reason)
    }
}

/// Why a key is ignored.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum IgnoredReason {
    /// `kty` is not RSA, EC, OKP or oct.
    #[error("key type {0:?} is not supported")]
    KeyType(String),
    /// `crv` is not P-256, P-384, P-521 or Ed25519.
    #[error("curve {0:?} is not supported")]
    Curve(String),
    /// `use` is not `sig`.
    #[error("its use is {0:?}, not \"sig\"")]
    Use(String),
    /// `key_ops` does not hold `verify`.
    #[error("its key_ops do not hold \"verify\"")]
    KeyOps,
    /// `alg` is not a supported signature algorithm.
    #[error("algorithm {0:?} is not supported")]
    Algorithm(String),
    /// `alg` is for keys of another type or curve.
    #[error("algorithm {algorithm} does not fit a key of type {kind}")]
    AlgorithmMismatch {
        /// The key's `alg`.
        algorithm: JwsAlgorithm,
        /// What the key is.
        kind: &'static str,
    },
    /// An RSA modulus above 4096 bits, which the software verifier refuses.
    #[error("the RSA modulus has {bits} bits, at most 4096 are supported")]
    ModulusTooLarge {
        /// Its size in bits.
        bits: usize,
    },
    /// The key is wrong, in a set that is fetched.
    #[error("{0}")]
    Faulty(KeyError),
}

fn place(line: usize, column: usize) -> String {
    if line == 0 {
        String::new()
    } else {
        format!("line {line}, column {column}: ")
    }
}

fn reasons(ignored: &[IgnoredKey]) -> String {
    ignored.iter().enumerate().fold(
        if ignored.is_empty() {
            ": it is empty".to_owned()
        } else {
            String::new()
        },
        |mut text, (position, key)| {
            text.push_str(if position == 0 { ": " } else { "; " });
            text.push_str(&key.to_string());
            text
        },
    )
}
