//! HMAC (RFC 7518 section 3.2): its algorithms and its secrets, kept apart
//! from signatures and public keys.

use std::fmt;

use jsonwebtoken::DecodingKey;
use jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER;

/// An HMAC algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MacAlgorithm {
    /// HMAC with SHA-256.
    HS256,
    /// HMAC with SHA-384.
    HS384,
    /// HMAC with SHA-512.
    HS512,
}

impl MacAlgorithm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::HS256, Self::HS384, Self::HS512];

    /// The registered name, as in the header parameter `alg`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::HS256 => "HS256",
            Self::HS384 => "HS384",
            Self::HS512 => "HS512",
        }
    }

    /// The algorithm of exactly that registered name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }

    /// The size of the MAC, which is also the least size of a secret.
    #[must_use]
    pub const fn output_bytes(self) -> usize {
        match self {
            Self::HS256 => 32,
            Self::HS384 => 48,
            Self::HS512 => 64,
        }
    }
}

impl fmt::Display for MacAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A secret that MACs are checked with.
///
/// A type of its own: no function takes both this and a public key, so a MAC
/// is never checked with a public key (RFC 8725 section 2.1).
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// A secret of these bytes; whether they are enough is the algorithm's to
    /// say.
    #[must_use]
    pub const fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Its size.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has no byte.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it is as long as the algorithm asks: at least the hash's output
    /// (RFC 7518 section 3.2).
    #[must_use]
    pub const fn fits(&self, algorithm: MacAlgorithm) -> bool {
        self.len() >= algorithm.output_bytes()
    }

    /// Whether `mac` is this secret's over `message`, compared in constant
    /// time. A secret that is too short has none.
    #[must_use]
    pub fn verify(&self, algorithm: MacAlgorithm, message: &[u8], mac: &[u8]) -> bool {
        if !self.fits(algorithm) || mac.len() != algorithm.output_bytes() {
            return false;
        }
        let algorithm = match algorithm {
            MacAlgorithm::HS256 => jsonwebtoken::Algorithm::HS256,
            MacAlgorithm::HS384 => jsonwebtoken::Algorithm::HS384,
            MacAlgorithm::HS512 => jsonwebtoken::Algorithm::HS512,
        };
        (DEFAULT_PROVIDER.verifier_factory)(&algorithm, &DecodingKey::from_secret(&self.0))
            .is_ok_and(|verifier| verifier.verify(message, &mac.to_vec()).is_ok())
    }
}

impl fmt::Debug for Secret {
    /// Nothing of it: key material stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}
