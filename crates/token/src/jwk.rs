//! One key of a set (RFC 7517 section 4, RFC 7518 section 6, RFC 8037
//! section 2).

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::fingerprint::{self, Fingerprint};
use crate::signature::{PointFault, is_good_point};
use crate::{
    Algorithm, EcCurve, IgnoredReason, JwsAlgorithm, KeyError, KeyPolicy, MacAlgorithm, PublicKey,
    Secret, base64url,
};

/// Members that hold private or secret material, in any registered key type.
const SECRET_MEMBERS: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

/// RFC 7518 section 3.3.
const MIN_MODULUS_BITS: usize = 2048;

/// What even a key that is allowed by name must have: smaller moduli have been
/// factored in public.
const MIN_WEAK_MODULUS_BITS: usize = 1024;

/// The software verifier's own bound. A larger modulus would also cost more
/// than its share of a worker's time.
const MAX_MODULUS_BITS: usize = 4096;

/// The largest public exponent that both verifiers take: 33 bits.
const MAX_EXPONENT: u64 = (1 << 33) - 1;

/// A public key that can verify signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jwk {
    key_id: Option<String>,
    algorithm: Option<Algorithm>,
    public_key: PublicKey,
    /// Its SubjectPublicKeyInfo, made once.
    key_info: Option<Box<[u8]>>,
    fingerprint: Fingerprint,
}

impl Jwk {
    /// Its `kid`, where it has one.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// The only algorithm that the key may be used with, where it has an
    /// `alg`.
    #[must_use]
    pub const fn algorithm(&self) -> Option<Algorithm> {
        self.algorithm
    }

    /// The key itself.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// The key as SubjectPublicKeyInfo in DER, where a host can be asked about
    /// it.
    #[must_use]
    pub fn subject_public_key_info(&self) -> Option<&[u8]> {
        self.key_info.as_deref()
    }

    /// Its fingerprint: of all that decides which signatures it may check.
    #[must_use]
    pub const fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// Whether the key may check signatures of this algorithm: its type and
    /// curve fit, and its `alg` is absent or the same.
    #[must_use]
    pub fn fits(&self, algorithm: Algorithm) -> bool {
        self.public_key.fits(algorithm)
            && self.algorithm.is_none_or(|declared| declared == algorithm)
    }
}

/// A secret that can verify MACs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretJwk {
    key_id: Option<String>,
    algorithm: Option<MacAlgorithm>,
    secret: Secret,
}

impl SecretJwk {
    /// A secret for one algorithm (RFC 8725 section 3.1), without `kid`.
    ///
    /// # Errors
    /// [`KeyError::ShortSecret`].
    pub fn new(secret: Secret, algorithm: MacAlgorithm) -> Result<Self, KeyError> {
        Self::checked(None, Some(algorithm), secret)
    }

    fn checked(
        key_id: Option<String>,
        algorithm: Option<MacAlgorithm>,
        secret: Secret,
    ) -> Result<Self, KeyError> {
        let least = algorithm.unwrap_or(MacAlgorithm::HS256);
        if !secret.fits(least) {
            return Err(KeyError::ShortSecret {
                algorithm: least,
                bytes: secret.len(),
            });
        }
        Ok(Self {
            key_id,
            algorithm,
            secret,
        })
    }

    /// Its `kid`, where it has one.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// The secret itself.
    #[must_use]
    pub const fn secret(&self) -> &Secret {
        &self.secret
    }

    /// Whether the secret may check MACs of this algorithm: it is long enough,
    /// and its `alg` is absent or the same.
    #[must_use]
    pub fn fits(&self, algorithm: MacAlgorithm) -> bool {
        self.secret.fits(algorithm) && self.algorithm.is_none_or(|declared| declared == algorithm)
    }
}

/// A key of either kind.
pub(crate) enum AnyKey {
    Public(Jwk),
    Secret(SecretJwk),
}

/// Reads a key; `Err` is one that is wrong, the inner `Err` one that is not
/// for us.
pub(crate) fn read(
    members: &Map<String, Value>,
    policy: &KeyPolicy,
) -> Result<Result<AnyKey, IgnoredReason>, KeyError> {
    let key_type = members.get("kty").and_then(Value::as_str);
    if key_type == Some("oct") {
        if !policy.secrets {
            return Err(KeyError::Symmetric);
        }
        return symmetric(members);
    }
    let secret = SECRET_MEMBERS
        .into_iter()
        .find(|name| members.contains_key(*name));
    if let (Some(secret), false) = (secret, policy.private_members) {
        return Err(KeyError::Secret(secret));
    }
    let key_type = required_string(members, "kty")?;
    let key_id = optional_string(members, "kid")?;
    let algorithm = match intended_algorithm(members)? {
        Ok(algorithm) => algorithm,
        Err(reason) => return Ok(Err(reason)),
    };
    let public_key = match key_type {
        "RSA" => rsa(members, policy.allows_weak_rsa(key_id))?,
        "EC" => elliptic(members)?,
        "OKP" => octet_key_pair(members)?,
        _ => Err(IgnoredReason::KeyType(key_type.to_owned())),
    };
    Ok(public_key.and_then(|public_key| {
        let algorithm = signature_algorithm(algorithm, &public_key)?;
        let name = algorithm.map(Algorithm::name);
        Ok(AnyKey::Public(Jwk {
            fingerprint: fingerprint::of_key(key_id, name, &public_key),
            key_id: key_id.map(ToOwned::to_owned),
            algorithm,
            key_info: public_key
                .subject_public_key_info()
                .map(Vec::into_boxed_slice),
            public_key,
        }))
    }))
}

/// The key's `alg`, which must be one that its type and curve fit.
fn signature_algorithm(
    declared: Option<JwsAlgorithm>,
    public_key: &PublicKey,
) -> Result<Option<Algorithm>, IgnoredReason> {
    match declared {
        None => Ok(None),
        Some(JwsAlgorithm::Signature(algorithm)) if public_key.fits(algorithm) => {
            Ok(Some(algorithm))
        }
        Some(algorithm) => Err(IgnoredReason::AlgorithmMismatch {
            algorithm,
            kind: public_key.kind(),
        }),
    }
}

/// RFC 7518 section 6.4.
fn symmetric(members: &Map<String, Value>) -> Result<Result<AnyKey, IgnoredReason>, KeyError> {
    let key_id = optional_string(members, "kid")?.map(ToOwned::to_owned);
    let algorithm = match intended_algorithm(members)? {
        Ok(None) => None,
        Ok(Some(JwsAlgorithm::Mac(algorithm))) => Some(algorithm),
        Ok(Some(algorithm)) => {
            let kind = "oct";
            return Ok(Err(IgnoredReason::AlgorithmMismatch { algorithm, kind }));
        }
        Err(reason) => return Ok(Err(reason)),
    };
    let secret = Secret::new(required_bytes(members, "k")?);
    SecretJwk::checked(key_id, algorithm, secret).map(|key| Ok(AnyKey::Secret(key)))
}

/// Checks `use` and `key_ops` and reads `alg`: what the key is meant for.
fn intended_algorithm(
    members: &Map<String, Value>,
) -> Result<Result<Option<JwsAlgorithm>, IgnoredReason>, KeyError> {
    let public_key_use = optional_string(members, "use")?;
    let operations = key_operations(members)?;
    let algorithm = optional_string(members, "alg")?;
    if let Some(other) = public_key_use.filter(|name| *name != "sig") {
        return Ok(Err(IgnoredReason::Use(other.to_owned())));
    }
    if operations.is_some_and(|names| !names.contains(&"verify")) {
        return Ok(Err(IgnoredReason::KeyOps));
    }
    Ok(match algorithm {
        None => Ok(None),
        Some(name) => JwsAlgorithm::from_name(name)
            .map(Some)
            .ok_or_else(|| IgnoredReason::Algorithm(name.to_owned())),
    })
}

fn key_operations(members: &Map<String, Value>) -> Result<Option<Vec<&str>>, KeyError> {
    let Some(value) = members.get("key_ops") else {
        return Ok(None);
    };
    let names = value
        .as_array()
        .and_then(|values| values.iter().map(Value::as_str).collect::<Option<Vec<_>>>())
        .ok_or(KeyError::KeyOps)?;
    let distinct: BTreeSet<&str> = names.iter().copied().collect();
    if distinct.len() < names.len() {
        return Err(KeyError::DuplicateKeyOp);
    }
    Ok(Some(names))
}

fn rsa(
    members: &Map<String, Value>,
    weak_allowed: bool,
) -> Result<Result<PublicKey, IgnoredReason>, KeyError> {
    let modulus = unsigned(members, "n")?;
    let exponent = unsigned(members, "e")?;
    let bits = bit_length(&modulus);
    if bits < MIN_WEAK_MODULUS_BITS {
        return Err(KeyError::BrokenModulus { bits });
    }
    if bits < MIN_MODULUS_BITS && !weak_allowed {
        return Err(KeyError::WeakModulus { bits });
    }
    if modulus.last().is_none_or(|byte| byte % 2 == 0) {
        return Err(KeyError::EvenModulus);
    }
    let value = exponent
        .iter()
        .try_fold(0_u64, |value, byte| {
            value.checked_mul(256)?.checked_add(u64::from(*byte))
        })
        .ok_or(KeyError::Exponent)?;
    if !(3..=MAX_EXPONENT).contains(&value) || value % 2 == 0 {
        return Err(KeyError::Exponent);
    }
    if is_roca(&modulus) {
        return Err(KeyError::Roca);
    }
    if bits > MAX_MODULUS_BITS {
        return Ok(Err(IgnoredReason::ModulusTooLarge { bits }));
    }
    Ok(Ok(PublicKey::Rsa { modulus, exponent }))
}

/// Whether the modulus has the mark of the generator of CVE-2017-15361, whose
/// keys can be factored: its primes are powers of 65537 by every small prime,
/// so the modulus is one as well (Nemec and others, "The Return of
/// Coppersmith's Attack", 2017, section 2.3). Of other moduli, one in 2^27 is.
fn is_roca(modulus: &[u8]) -> bool {
    const PRIMES: [u32; 38] = [
        3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89,
        97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
    ];
    // No product passes 65537 * 167, nor does a sum 167 * 256.
    PRIMES.into_iter().all(|prime| {
        let reduce = |number: u32| number.checked_rem(prime).unwrap_or(0);
        let rest = modulus.iter().fold(0, |rest: u32, byte| {
            reduce(rest.wrapping_mul(256).wrapping_add(u32::from(*byte)))
        });
        let mut power = 1_u32;
        (0..prime).any(|_| {
            power = reduce(power.wrapping_mul(65_537));
            power == rest
        })
    })
}

fn elliptic(members: &Map<String, Value>) -> Result<Result<PublicKey, IgnoredReason>, KeyError> {
    let name = required_string(members, "crv")?;
    let Some(curve) = EcCurve::ALL.into_iter().find(|curve| curve.name() == name) else {
        return Ok(Err(IgnoredReason::Curve(name.to_owned())));
    };
    let key = PublicKey::Ec {
        curve,
        x: coordinate(members, "x", curve.coordinate_bytes())?,
        y: coordinate(members, "y", curve.coordinate_bytes())?,
    };
    on_curve(key)
}

fn octet_key_pair(
    members: &Map<String, Value>,
) -> Result<Result<PublicKey, IgnoredReason>, KeyError> {
    let name = required_string(members, "crv")?;
    if name != "Ed25519" {
        return Ok(Err(IgnoredReason::Curve(name.to_owned())));
    }
    let bytes = coordinate(members, "x", 32)?;
    let x = <[u8; 32]>::try_from(bytes).map_err(|bytes| KeyError::Length {
        member: "x",
        expected: 32,
        found: bytes.len(),
    })?;
    on_curve(PublicKey::Ed25519 { x })
}

fn on_curve(key: PublicKey) -> Result<Result<PublicKey, IgnoredReason>, KeyError> {
    match is_good_point(&key) {
        Ok(()) => Ok(Ok(key)),
        Err(PointFault::NotOnCurve) => Err(KeyError::NotOnCurve(key.kind())),
        Err(PointFault::SmallOrder) => Err(KeyError::SmallOrder(key.kind())),
    }
}

fn coordinate(
    members: &Map<String, Value>,
    member: &'static str,
    expected: usize,
) -> Result<Vec<u8>, KeyError> {
    let bytes = required_bytes(members, member)?;
    let found = bytes.len();
    if found == expected {
        Ok(bytes)
    } else {
        Err(KeyError::Length {
            member,
            expected,
            found,
        })
    }
}

/// A Base64urlUInt (RFC 7518 section 2), which has no leading zero bytes.
fn unsigned(members: &Map<String, Value>, member: &'static str) -> Result<Vec<u8>, KeyError> {
    let bytes = required_bytes(members, member)?;
    match bytes.first() {
        None | Some(0) => Err(KeyError::NotMinimal(member)),
        Some(_) => Ok(bytes),
    }
}

fn bit_length(unsigned: &[u8]) -> usize {
    let unused = unsigned
        .first()
        .map_or(0, |byte| byte.leading_zeros() as usize);
    unsigned.len().saturating_mul(8).saturating_sub(unused)
}

fn required_bytes(members: &Map<String, Value>, member: &'static str) -> Result<Vec<u8>, KeyError> {
    base64url::decode(required_string(members, member)?.as_bytes()).ok_or(KeyError::Base64(member))
}

fn required_string<'a>(
    members: &'a Map<String, Value>,
    member: &'static str,
) -> Result<&'a str, KeyError> {
    optional_string(members, member)?.ok_or(KeyError::Missing(member))
}

fn optional_string<'a>(
    members: &'a Map<String, Value>,
    member: &'static str,
) -> Result<Option<&'a str>, KeyError> {
    members
        .get(member)
        .map(|value| value.as_str().ok_or(KeyError::NotAString(member)))
        .transpose()
}
