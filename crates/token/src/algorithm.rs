//! The signature algorithms of RFC 7518 section 3.1 and RFC 8037 section 3.1
//! that this crate verifies.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A signature algorithm with a public key.
///
/// `none` and the HMAC algorithms are left out on purpose: with a type that
/// cannot name them, no configuration can allow them. ES512 is left out since
/// no verifier has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RS256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RS384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RS512,
    /// RSASSA-PSS with SHA-256 and a salt of 32 bytes.
    PS256,
    /// RSASSA-PSS with SHA-384 and a salt of 48 bytes.
    PS384,
    /// RSASSA-PSS with SHA-512 and a salt of 64 bytes.
    PS512,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// ECDSA on P-384 with SHA-384.
    ES384,
    /// EdDSA; here on Ed25519 only.
    EdDSA,
}

/// A name that is none of [`Algorithm::ALL`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "algorithm {name:?} is not supported: use one of RS256, RS384, RS512, PS256, PS384, PS512, \
     ES256, ES384, EdDSA"
)]
pub struct UnknownAlgorithm {
    /// The name as it was given.
    pub name: String,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        Self::EdDSA,
    ];

    /// What a provider allows that names no algorithms of its own.
    pub const DEFAULT_ALLOWED: [Self; 3] = [Self::RS256, Self::ES256, Self::EdDSA];

    /// The registered name, as in the header parameter `alg`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::EdDSA => "EdDSA",
        }
    }

    /// The algorithm of that registered name. Names are case-sensitive
    /// (RFC 7515 section 4.1.1).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        Self::from_name(name).ok_or_else(|| UnknownAlgorithm {
            name: name.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_exact_and_cover_every_algorithm() {
        for algorithm in Algorithm::ALL {
            assert_eq!(algorithm.name().parse(), Ok(algorithm));
            assert_eq!(algorithm.to_string(), algorithm.name());
        }
        for name in [
            "", "none", "rs256", "RS256 ", "EDDSA", "HS256", "ES512", "ES256K",
        ] {
            assert_eq!(Algorithm::from_name(name), None, "{name:?}");
        }
    }

    #[test]
    fn an_unknown_name_is_told_with_what_to_use() {
        assert_eq!(
            "HS256".parse::<Algorithm>().unwrap_err().to_string(),
            "algorithm \"HS256\" is not supported: use one of RS256, RS384, RS512, PS256, PS384, \
             PS512, ES256, ES384, EdDSA"
        );
    }
}
