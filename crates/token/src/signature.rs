//! The seam between JOSE and the cryptography.

use ed25519_dalek::VerifyingKey;
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

/// Refuses what no cryptography needs to be asked about: a key of another
/// algorithm, a signature that the key cannot have made.
pub(crate) fn check_form(
    algorithm: Algorithm,
    key: &PublicKey,
    signature: &[u8],
) -> Result<(), SignatureError> {
    if !key.fits(algorithm) {
        return Err(SignatureError::Unsupported);
    }
    if !key.admits_signature(signature) {
        return Err(SignatureError::Invalid);
    }
    Ok(())
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
        check_form(algorithm, key, signature)?;
        let Some(algorithm) = library_algorithm(algorithm) else {
            return es512::verify(key, message, signature);
        };
        (DEFAULT_PROVIDER.verifier_factory)(&algorithm, &library_key(key))
            .map_err(|_| SignatureError::Unsupported)?
            .verify(message, &signature.to_vec())
            .map_err(|_| SignatureError::Invalid)
    }
}

/// Whether the coordinates are a point of the key's curve, and one that a
/// signature proves something with.
pub(crate) fn is_good_point(key: &PublicKey) -> Result<(), PointFault> {
    let algorithm = match key {
        PublicKey::Rsa { .. } => return Err(PointFault::NotOnCurve),
        PublicKey::Ec { curve, .. } => match curve {
            EcCurve::P256 => jsonwebtoken::Algorithm::ES256,
            EcCurve::P384 => jsonwebtoken::Algorithm::ES384,
            EcCurve::P521 if es512::is_on_curve(key) => return Ok(()),
            EcCurve::P521 => return Err(PointFault::NotOnCurve),
        },
        PublicKey::Ed25519 { x } => return check_ed25519(x),
    };
    let verifier: Result<_, LibraryError> =
        (DEFAULT_PROVIDER.verifier_factory)(&algorithm, &library_key(key));
    verifier.map(|_| ()).map_err(|_| PointFault::NotOnCurve)
}

/// What is wrong with the coordinates of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PointFault {
    /// No point, or not the one spelling of it.
    NotOnCurve,
    /// A point of small order, under which one signature fits many messages.
    SmallOrder,
}

/// RFC 8032 section 5.1.3 refuses a coordinate from 2^255 - 19, which the
/// library reads as another one.
fn check_ed25519(x: &[u8; 32]) -> Result<(), PointFault> {
    let [first, middle @ .., last] = x;
    let canonical = *first < 0xed || last & 0x7f != 0x7f || middle.iter().any(|byte| *byte != 0xff);
    let point = VerifyingKey::from_bytes(x).map_err(|_| PointFault::NotOnCurve)?;
    if point.is_weak() {
        return Err(PointFault::SmallOrder);
    }
    if canonical {
        Ok(())
    } else {
        Err(PointFault::NotOnCurve)
    }
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

/// `None` for the one that jsonwebtoken does not have.
fn library_algorithm(algorithm: Algorithm) -> Option<jsonwebtoken::Algorithm> {
    Some(match algorithm {
        Algorithm::RS256 => jsonwebtoken::Algorithm::RS256,
        Algorithm::RS384 => jsonwebtoken::Algorithm::RS384,
        Algorithm::RS512 => jsonwebtoken::Algorithm::RS512,
        Algorithm::PS256 => jsonwebtoken::Algorithm::PS256,
        Algorithm::PS384 => jsonwebtoken::Algorithm::PS384,
        Algorithm::PS512 => jsonwebtoken::Algorithm::PS512,
        Algorithm::ES256 => jsonwebtoken::Algorithm::ES256,
        Algorithm::ES384 => jsonwebtoken::Algorithm::ES384,
        Algorithm::ES512 => return None,
        Algorithm::EdDSA => jsonwebtoken::Algorithm::EdDSA,
    })
}

/// ECDSA on P-521, which jsonwebtoken's software form lacks.
#[cfg(feature = "es512")]
mod es512 {
    use p521::ecdsa::signature::Verifier as _;
    use p521::ecdsa::{Signature, VerifyingKey};

    use super::{PublicKey, SignatureError};

    pub(super) fn is_on_curve(key: &PublicKey) -> bool {
        VerifyingKey::from_sec1_bytes(&key.uncompressed_point()).is_ok()
    }

    pub(super) fn verify(
        key: &PublicKey,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        let key = VerifyingKey::from_sec1_bytes(&key.uncompressed_point())
            .map_err(|_| SignatureError::Unsupported)?;
        Signature::from_slice(signature)
            .and_then(|signature| key.verify(message, &signature))
            .map_err(|_| SignatureError::Invalid)
    }
}

/// Without the feature the proxy's own cryptography checks both the point and
/// the signature, or nobody does and the token is refused.
#[cfg(not(feature = "es512"))]
mod es512 {
    use super::{PublicKey, SignatureError};

    pub(super) fn is_on_curve(_: &PublicKey) -> bool {
        true
    }

    pub(super) fn verify(_: &PublicKey, _: &[u8], _: &[u8]) -> Result<(), SignatureError> {
        Err(SignatureError::Unsupported)
    }
}
