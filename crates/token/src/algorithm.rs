//! The signature algorithms of RFC 7518 section 3.1 and RFC 8037 section 3.1
//! that this crate verifies.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::MacAlgorithm;

/// A signature algorithm with a public key.
///
/// `none` is left out on purpose: with a type that cannot name it, no
/// configuration can allow it. The HMAC algorithms are another type,
/// [`crate::MacAlgorithm`], so that none is ever checked with a public key.
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
    /// ECDSA on P-521 with SHA-512. [`crate::SoftwareVerifier`] has it with
    /// the feature `es512` only.
    ES512,
    /// EdDSA; here on Ed25519 only.
    EdDSA,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        Self::ES512,
        Self::EdDSA,
    ];

    /// What a provider allows that names no algorithms of its own: the two that
    /// RFC 7518 section 3.1 recommends and that a proxy's own cryptography
    /// checks. One that only the module's can check is to be asked for by name.
    pub const DEFAULT_ALLOWED: [Self; 2] = [Self::RS256, Self::ES256];

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
            Self::ES512 => "ES512",
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

/// An algorithm of a JWS: a signature's, or a MAC's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JwsAlgorithm {
    /// Checked with a public key.
    Signature(Algorithm),
    /// Checked with a secret.
    Mac(MacAlgorithm),
}

/// A name that no [`JwsAlgorithm`] has.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "algorithm {name:?} is not supported: use one of RS256, RS384, RS512, PS256, PS384, PS512, \
     ES256, ES384, ES512, EdDSA, HS256, HS384, HS512"
)]
pub struct UnknownAlgorithm {
    /// The name as it was given.
    pub name: String,
}

impl JwsAlgorithm {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        let signatures = Algorithm::ALL.into_iter().map(Self::Signature);
        signatures.chain(MacAlgorithm::ALL.into_iter().map(Self::Mac))
    }

    /// The registered name, as in the header parameter `alg`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Signature(algorithm) => algorithm.name(),
            Self::Mac(algorithm) => algorithm.name(),
        }
    }

    /// The algorithm of that registered name. Names are case-sensitive
    /// (RFC 7515 section 4.1.1).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Algorithm::from_name(name)
            .map(Self::Signature)
            .or_else(|| MacAlgorithm::from_name(name).map(Self::Mac))
    }
}

impl From<Algorithm> for JwsAlgorithm {
    fn from(algorithm: Algorithm) -> Self {
        Self::Signature(algorithm)
    }
}

impl From<MacAlgorithm> for JwsAlgorithm {
    fn from(algorithm: MacAlgorithm) -> Self {
        Self::Mac(algorithm)
    }
}

impl fmt::Display for JwsAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for JwsAlgorithm {
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
        for algorithm in JwsAlgorithm::all() {
            assert_eq!(algorithm.name().parse(), Ok(algorithm));
            assert_eq!(algorithm.to_string(), algorithm.name());
        }
        assert_eq!(JwsAlgorithm::all().count(), 13);
        for name in [
            "", "none", "rs256", "RS256 ", "EDDSA", "hs256", "HS1", "ES256K", "Ed25519",
        ] {
            assert_eq!(JwsAlgorithm::from_name(name), None, "{name:?}");
        }
    }

    #[test]
    fn an_unknown_name_is_told_with_what_to_use() {
        let error = "none".parse::<JwsAlgorithm>().unwrap_err().to_string();
        let known: Vec<_> = JwsAlgorithm::all().map(JwsAlgorithm::name).collect();
        assert_eq!(
            error,
            format!(
                "algorithm \"none\" is not supported: use one of {}",
                known.join(", ")
            )
        );
    }
}
