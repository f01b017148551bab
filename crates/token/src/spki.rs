//! Public keys as SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7), the form in
//! which proxies take them.

use crate::der::{NULL, OBJECT_IDENTIFIER, bit_string, element, sequence, unsigned_integer};
use crate::{EcCurve, PublicKey};

/// rsaEncryption, 1.2.840.113549.1.1.1 (RFC 3279 section 2.3.1).
const RSA_ENCRYPTION: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];

/// id-ecPublicKey, 1.2.840.10045.2.1 (RFC 5480 section 2.1.1).
const EC_PUBLIC_KEY: [u8; 7] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];

impl PublicKey {
    /// The key's SubjectPublicKeyInfo in DER; none for keys that no host is
    /// asked about.
    #[must_use]
    pub fn subject_public_key_info(&self) -> Option<Vec<u8>> {
        match self {
            // RFC 8017 appendix A.1.1.
            Self::Rsa { modulus, exponent } => Some(info(
                &[
                    &element(OBJECT_IDENTIFIER, &RSA_ENCRYPTION),
                    &element(NULL, &[]),
                ],
                &sequence(&[&unsigned_integer(modulus), &unsigned_integer(exponent)]),
            )),
            Self::Ec { curve, .. } => Some(info(
                &[
                    &element(OBJECT_IDENTIFIER, &EC_PUBLIC_KEY),
                    &element(OBJECT_IDENTIFIER, named_curve(*curve)),
                ],
                &self.uncompressed_point(),
            )),
            Self::Ed25519 { .. } => None,
        }
    }
}

fn info(algorithm: &[&[u8]], key: &[u8]) -> Vec<u8> {
    sequence(&[&sequence(algorithm), &bit_string(key)])
}

/// RFC 5480 section 2.1.1.1.
const fn named_curve(curve: EcCurve) -> &'static [u8] {
    match curve {
        // secp256r1, 1.2.840.10045.3.1.7.
        EcCurve::P256 => &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
        // secp384r1, 1.3.132.0.34.
        EcCurve::P384 => &[0x2b, 0x81, 0x04, 0x00, 0x22],
        // secp521r1, 1.3.132.0.35.
        EcCurve::P521 => &[0x2b, 0x81, 0x04, 0x00, 0x23],
    }
}
