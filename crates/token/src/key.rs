//! Public keys, taken apart.

use std::fmt;

use crate::Algorithm;

/// An elliptic curve for ECDSA (RFC 7518 section 6.2.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EcCurve {
    /// P-256, also secp256r1.
    P256,
    /// P-384, also secp384r1.
    P384,
    /// P-521, also secp521r1.
    P521,
}

impl EcCurve {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::P256, Self::P384, Self::P521];

    /// Bytes of one coordinate, and of each half of a signature.
    #[must_use]
    pub const fn coordinate_bytes(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// The registered name, as in the JWK member `crv`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }
}

/// A public key that signatures are checked with. Integers are big-endian.
///
/// Keys out of a [`crate::Jwks`] are checked: an RSA modulus of 2048 to 4096
/// bits, odd and without leading zero (a smaller one only where it was allowed
/// by name); coordinates of exact size on the curve, and on Ed25519 no point
/// of small order. Only P-521 is left to the verifier where the feature
/// `es512` is off.
#[derive(Clone, PartialEq, Eq)]
pub enum PublicKey {
    /// RSA.
    Rsa {
        /// The modulus.
        modulus: Vec<u8>,
        /// The public exponent.
        exponent: Vec<u8>,
    },
    /// A point on an elliptic curve.
    Ec {
        /// The curve.
        curve: EcCurve,
        /// The first coordinate, of the curve's size.
        x: Vec<u8>,
        /// The second coordinate, of the curve's size.
        y: Vec<u8>,
    },
    /// Ed25519 (RFC 8037).
    Ed25519 {
        /// The encoded point.
        x: [u8; 32],
    },
}

impl PublicKey {
    /// Whether the key's type and curve are those of the algorithm.
    #[must_use]
    pub const fn fits(&self, algorithm: Algorithm) -> bool {
        match algorithm {
            Algorithm::RS256
            | Algorithm::RS384
            | Algorithm::RS512
            | Algorithm::PS256
            | Algorithm::PS384
            | Algorithm::PS512 => matches!(self, Self::Rsa { .. }),
            Algorithm::ES256 => matches!(
                self,
                Self::Ec {
                    curve: EcCurve::P256,
                    ..
                }
            ),
            Algorithm::ES384 => matches!(
                self,
                Self::Ec {
                    curve: EcCurve::P384,
                    ..
                }
            ),
            Algorithm::ES512 => matches!(
                self,
                Self::Ec {
                    curve: EcCurve::P521,
                    ..
                }
            ),
            Algorithm::EdDSA => matches!(self, Self::Ed25519 { .. }),
        }
    }

    /// Whether a signature with this key can look like that: of exact size
    /// (RFC 7518 section 3.4, RFC 8032 section 5.1.6) and, for RSA, a number
    /// below the modulus (RFC 8017 section 5.2.2, which the software verifier
    /// leaves out for PSS).
    #[must_use]
    pub fn admits_signature(&self, signature: &[u8]) -> bool {
        match self {
            Self::Rsa { modulus, .. } => {
                signature.len() == modulus.len() && signature < modulus.as_slice()
            }
            Self::Ec { curve, .. } => signature.len() == curve.coordinate_bytes().saturating_mul(2),
            Self::Ed25519 { .. } => signature.len() == 64,
        }
    }

    /// What kind of key it is, for messages.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Rsa { .. } => "RSA",
            Self::Ec { curve, .. } => curve.name(),
            Self::Ed25519 { .. } => "Ed25519",
        }
    }

    /// The point in SEC 1's uncompressed form; empty for other keys.
    pub(crate) fn uncompressed_point(&self) -> Vec<u8> {
        match self {
            Self::Ec { x, y, .. } => [&[4], x.as_slice(), y.as_slice()].concat(),
            Self::Rsa { .. } | Self::Ed25519 { .. } => Vec::new(),
        }
    }
}

impl fmt::Debug for PublicKey {
    /// The kind alone: key material stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.kind())
    }
}
