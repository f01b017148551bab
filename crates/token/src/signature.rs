//! The seam between JOSE and the cryptography.

use jsonwebtoken::DecodingKey;
use jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER;
use jsonwebtoken::errors::Error as LibraryError;
use thiserror::Error;

use crate::{Algorithm, EcCurve, Jwk, PublicKey};

/// Checks signatures.
///
/// The caller has chosen a key that fits the algorithm and checked that the
/// signature has that key's exact size; an implementation must still answer
/// any combination with an error rather than a panic.
pub trait SignatureVerifier {
    /// Checks that `signature` over `message` was made with the private part
    /// of `key` by `algorithm`. ECDSA signatures come as JWS has them: r and
    /// s, each of the curve's size, side by side (RFC 7518 section 3.4).
    ///
    /// # Errors
    /// [`SignatureError::Invalid`] where the signature is not the key's,
    /// [`SignatureError::Unsupported`] where this verifier cannot tell.
    fn verify(
        &self,
        algorithm: Algorithm,
        key: &PublicKey,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError>;

    /// As [`Self::verify`], with a key of a set, which has the forms ready
    /// that a verifier may want it in.
    ///
    /// # Errors
    /// As [`Self::verify`].
    fn verify_by(
        &self,
        algorithm: Algorithm,
        key: &Jwk,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        self.verify(algorithm, key.public_key(), message, signature)
    }
}

/// Why a signature was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SignatureError {
    /// The signature is not one of this key over this message.
    #[error("the signature is not valid")]
    Invalid,
    /// The verifier cannot check this algorithm with this key.
    #[error("the signature cannot be checked")]
    Unsupported,
    /// The verifier broke down; it says nothing of the signature.
    #[error("the check of the signature failed")]
    Failed,
    /// Slow checks have had their share of the time.
    #[error("too many slow checks of signatures")]
    OverBudget,
}

/// Pure-Rust verification: jsonwebtoken's own, so that the same code decides
/// in the module, on the command line and in tests.
///
/// It names that provider rather than asking for the process's default one,
/// which any other code in the process could have replaced.
#[derive(Debug, Clone, Copy, Default)]
pub struct SoftwareVerifier;

impl SignatureVerifier for SoftwareVerifier {
    fn verify(
        &self,
        algorithm: Algorithm,
        key: &PublicKey,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        if !key.fits(algorithm) {
            return Err(SignatureError::Unsupported);
        }
        if !key.admits_signature(signature) {
            return Err(SignatureError::Invalid);
        }
        (DEFAULT_PROVIDER.verifier_factory)(&library_algorithm(algorithm), &library_key(key))
            .map_err(|_| SignatureError::Unsupported)?
            .verify(message, &signature.to_vec())
            .map_err(|_| SignatureError::Invalid)
    }
}

/// Whether the coordinates are a point of the key's curve.
pub(crate) fn is_on_curve(key: &PublicKey) -> bool {
    let algorithm = match key {
        PublicKey::Rsa { .. } => return false,
        PublicKey::Ec { curve, .. } => match curve {
            EcCurve::P256 => Algorithm::ES256,
            EcCurve::P384 => Algorithm::ES384,
        },
        PublicKey::Ed25519 { .. } => Algorithm::EdDSA,
    };
    let verifier: Result<_, LibraryError> =
        (DEFAULT_PROVIDER.verifier_factory)(&library_algorithm(algorithm), &library_key(key));
    verifier.is_ok()
}

fn library_key(key: &PublicKey) -> DecodingKey {
    match key {
        PublicKey::Rsa { modulus, exponent } => {
            DecodingKey::from_rsa_raw_components(modulus, exponent)
        }
        PublicKey::Ec { .. } => DecodingKey::from_ec_der(&key.uncompressed_point()),
        PublicKey::Ed25519 { x } => DecodingKey::from_ed_der(x),
    }
}

fn library_algorithm(algorithm: Algorithm) -> jsonwebtoken::Algorithm {
    match algorithm {
        Algorithm::RS256 => jsonwebtoken::Algorithm::RS256,
        Algorithm::RS384 => jsonwebtoken::Algorithm::RS384,
        Algorithm::RS512 => jsonwebtoken::Algorithm::RS512,
        Algorithm::PS256 => jsonwebtoken::Algorithm::PS256,
        Algorithm::PS384 => jsonwebtoken::Algorithm::PS384,
        Algorithm::PS512 => jsonwebtoken::Algorithm::PS512,
        Algorithm::ES256 => jsonwebtoken::Algorithm::ES256,
        Algorithm::ES384 => jsonwebtoken::Algorithm::ES384,
        Algorithm::EdDSA => jsonwebtoken::Algorithm::EdDSA,
    }
}
