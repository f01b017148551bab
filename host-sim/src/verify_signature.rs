//! The foreign function `verify_signature`, as Envoy has it.
//!
//! Envoy verifies with BoringSSL; here it is AWS-LC, which descends from it and reads keys and
//! signatures with the same code. What Envoy does and the library does
//! not: SHA-224, which is answered as a hash that is not known; RSA keys under 1024 bits (with
//! SHA-384 under 2048) and SHA-1 with P-384, which are answered as keys that cannot be read.

use aws_lc_rs::signature::{self as lc, ParsedPublicKey, VerificationAlgorithm};

use crate::Status;

/// The function's name.
pub const VERIFY_SIGNATURE: &str = "verify_signature";

const SEQUENCE: u8 = 0x30;
const OBJECT_IDENTIFIER: u8 = 0x06;

/// The content of an object identifier, and which keys it stands for.
const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const P521: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x23];

/// VerifySignatureArguments of Envoy's ext/verify_signature.proto.
#[derive(Default)]
struct Arguments<'a> {
    hash_function: &'a [u8],
    public_key: &'a [u8],
    signature: &'a [u8],
    text: &'a [u8],
    public_key_pem: &'a [u8],
}

#[derive(Clone, Copy)]
enum Hash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

#[derive(Clone, Copy)]
enum Key {
    Rsa,
    P256,
    P384,
    P521,
}

/// Verifies; the answer is a VerifySignatureResult.
///
/// # Errors
///
/// [`Status::BadArgument`] where the arguments cannot be read, or do not hold exactly one key.
/// A PEM key is refused likewise: no module here uses one.
pub fn verify_signature(arguments: &[u8]) -> Result<Vec<u8>, Status> {
    let arguments = Arguments::read(arguments).ok_or(Status::BadArgument)?;
    if arguments.public_key.is_empty() || !arguments.public_key_pem.is_empty() {
        return Err(Status::BadArgument);
    }
    Ok(match arguments.verify() {
        Ok(()) => vec![0x08, 0x01],
        Err(error) => {
            let length = u8::try_from(error.len().min(0x7f)).unwrap_or(0x7f);
            let text = error.bytes().take(length.into());
            [0x12, length].into_iter().chain(text).collect()
        }
    })
}

impl<'a> Arguments<'a> {
    fn read(mut message: &'a [u8]) -> Option<Self> {
        let mut arguments = Self::default();
        while !message.is_empty() {
            let tag = varint(&mut message)?;
            let field = match (tag >> 3, tag & 7) {
                (_, 2) => {
                    let length = usize::try_from(varint(&mut message)?).ok()?;
                    let (bytes, rest) = message.split_at_checked(length)?;
                    message = rest;
                    bytes
                }
                (1..=5, _) => return None,
                (_, 0) => {
                    varint(&mut message)?;
                    continue;
                }
                _ => return None,
            };
            match tag >> 3 {
                1 => arguments.hash_function = field,
                2 => arguments.public_key = field,
                3 => arguments.signature = field,
                4 => arguments.text = field,
                5 => arguments.public_key_pem = field,
                _ => {}
            }
        }
        Some(arguments)
    }

    fn verify(&self) -> Result<(), String> {
        let name = String::from_utf8_lossy(self.hash_function);
        let hash = match name.to_ascii_lowercase().as_str() {
            "sha1" => Hash::Sha1,
            "sha256" => Hash::Sha256,
            "sha384" => Hash::Sha384,
            "sha512" => Hash::Sha512,
            _ => return Err(format!("{name} is not supported.")),
        };
        let unreadable = || "Failed to initialize digest verify.".to_owned();
        let key = kind(self.public_key).ok_or_else(unreadable)?;
        let algorithm = algorithm(key, hash).ok_or_else(unreadable)?;
        ParsedPublicKey::new(algorithm, self.public_key)
            .map_err(|_| unreadable())?
            .verify_sig(self.text, self.signature)
            .map_err(|_| "Failed to verify digest. Error code: 0".to_owned())
    }
}

fn varint(message: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = message.split_first()?;
        *message = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// What the AlgorithmIdentifier of a SubjectPublicKeyInfo says.
fn kind(key_info: &[u8]) -> Option<Key> {
    let (info, _) = element(key_info, SEQUENCE)?;
    let (identifier, _) = element(info, SEQUENCE)?;
    let (algorithm, parameters) = element(identifier, OBJECT_IDENTIFIER)?;
    if algorithm == RSA_ENCRYPTION {
        return Some(Key::Rsa);
    }
    let (curve, _) =
        element(parameters, OBJECT_IDENTIFIER).filter(|_| algorithm == EC_PUBLIC_KEY)?;
    [(P256, Key::P256), (P384, Key::P384), (P521, Key::P521)]
        .into_iter()
        .find_map(|(name, key)| (name == curve).then_some(key))
}

/// The content of the DER element with this tag at the beginning, and what is behind it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (head, rest) = bytes.split_at_checked(2)?;
    if head.first() != Some(&tag) {
        return None;
    }
    let first = *head.last()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        let value = length.iter().try_fold(0_usize, |value, byte| {
            value.checked_mul(256)?.checked_add((*byte).into())
        })?;
        (value, rest)
    };
    rest.split_at_checked(length)
}

/// The library has no SHA-1 with P-384.
fn algorithm(key: Key, hash: Hash) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match (key, hash) {
        (Key::Rsa, Hash::Sha1) => &lc::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
        (Key::Rsa, Hash::Sha256) => &lc::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        (Key::Rsa, Hash::Sha384) => &lc::RSA_PKCS1_2048_8192_SHA384,
        (Key::Rsa, Hash::Sha512) => &lc::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
        (Key::P256, Hash::Sha1) => &lc::ECDSA_P256_SHA1_ASN1,
        (Key::P256, Hash::Sha256) => &lc::ECDSA_P256_SHA256_ASN1,
        (Key::P256, Hash::Sha384) => &lc::ECDSA_P256_SHA384_ASN1,
        (Key::P256, Hash::Sha512) => &lc::ECDSA_P256_SHA512_ASN1,
        (Key::P384, Hash::Sha1) => return None,
        (Key::P384, Hash::Sha256) => &lc::ECDSA_P384_SHA256_ASN1,
        (Key::P384, Hash::Sha384) => &lc::ECDSA_P384_SHA384_ASN1,
        (Key::P384, Hash::Sha512) => &lc::ECDSA_P384_SHA512_ASN1,
        (Key::P521, Hash::Sha1) => &lc::ECDSA_P521_SHA1_ASN1,
        (Key::P521, Hash::Sha256) => &lc::ECDSA_P521_SHA256_ASN1,
        (Key::P521, Hash::Sha384) => &lc::ECDSA_P521_SHA384_ASN1,
        (Key::P521, Hash::Sha512) => &lc::ECDSA_P521_SHA512_ASN1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{EcdsaKeyPair, KeyPair};

    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let length = u8::try_from(bytes.len()).expect("a short field");
        let head = match length {
            0..0x80 => vec![number << 3 | 2, length],
            _ => vec![number << 3 | 2, length, 1],
        };
        [&head, bytes].concat()
    }

    /// A P-521 key's SubjectPublicKeyInfo and its signature over `a.b`.
    fn signed() -> (Vec<u8>, Vec<u8>) {
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::generate(&lc::ECDSA_P521_SHA512_ASN1_SIGNING).expect("a pair");
        let point = pair.public_key().as_ref();
        let identifier = [
            &[0x30, 0x10, 0x06, 0x07][..],
            EC_PUBLIC_KEY,
            &[0x06, 0x05],
            P521,
        ]
        .concat();
        let key = [
            &[0x30, 0x81, 0x9b][..],
            &identifier,
            &[0x03, 0x81, 0x86, 0x00],
            point,
        ]
        .concat();
        let signature = pair.sign(&random, b"a.b").expect("a signature");
        (key, signature.as_ref().to_vec())
    }

    #[test]
    fn answers_are_envoy_s() {
        let (key, signature) = signed();
        let call = |hash: &[u8], key: &[u8], text: &[u8]| {
            let fields = [(1, hash), (2, key), (3, &signature), (4, text)];
            verify_signature(&fields.map(|(number, bytes)| field(number, bytes)).concat())
        };
        let error = |text: &str| Ok(field(2, text.as_bytes()));
        assert_eq!(call(b"sha512", &key, b"a.b"), Ok(vec![8, 1]));
        assert_eq!(call(b"SHA512", &key, b"a.b"), Ok(vec![8, 1]));
        let invalid = "Failed to verify digest. Error code: 0";
        assert_eq!(call(b"sha512", &key, b"a.c"), error(invalid));
        assert_eq!(call(b"sha256", &key, b"a.b"), error(invalid));
        assert_eq!(call(b"md5", &key, b"a.b"), error("md5 is not supported."));
        assert_eq!(call(b"", &key, b"a.b"), error(" is not supported."));
        let uninitialized = "Failed to initialize digest verify.";
        assert_eq!(call(b"sha512", b"key", b"a.b"), error(uninitialized));
        assert_eq!(call(b"sha512", &[], b"a.b"), Err(Status::BadArgument));
    }

    #[test]
    fn what_is_no_message_is_a_bad_argument() {
        let (key, _) = signed();
        let both = [field(2, &key), field(5, b"PEM")].concat();
        for message in [
            &b""[..],
            b"\x0a",
            b"\x0a\x05x",
            b"\x08\x01",
            b"\x12\xff",
            &both,
        ] {
            assert_eq!(
                verify_signature(message),
                Err(Status::BadArgument),
                "{message:?}"
            );
        }
    }
}
