//! JWS in compact form (RFC 7515 sections 3.1 and 5.2).

use std::fmt;

use serde_json::{Map, Value};

use crate::json::parse_object;
use crate::{
    Algorithm, Jwk, Jwks, JwsAlgorithm, MAX_MAX_TOKEN_BYTES, MacAlgorithm, Malformed, Part,
    SecretJwk, SignatureError, SignatureVerifier, TokenError, base64url,
};

/// How many keys are tried for one token. More happen to fit only where keys
/// share a `kid`, or where the token has none; such a token is refused.
pub const MAX_CANDIDATE_KEYS: usize = 8;

/// A JWS whose signature or MAC has been checked; its payload may be anything.
#[derive(Clone, PartialEq)]
pub struct VerifiedJws {
    pub(crate) header: Map<String, Value>,
    pub(crate) payload: Vec<u8>,
    pub(crate) algorithm: JwsAlgorithm,
    pub(crate) key_id: Option<String>,
}

impl VerifiedJws {
    /// The payload, decoded.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The algorithm of the signature or MAC.
    #[must_use]
    pub const fn algorithm(&self) -> JwsAlgorithm {
        self.algorithm
    }

    /// The `kid` of the key that made the signature, where the key has one.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }
}

impl fmt::Debug for VerifiedJws {
    /// Without the payload, which may be personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifiedJws({})", self.algorithm)
    }
}

/// Checks the signature or MAC of a JWS in compact form, and nothing of its payload.
///
/// Keys come from `keys` alone: `jku`, `jwk`, `x5u` and `x5c` of the header
/// are never looked at. With a `kid` in the header, keys of another `kid` are
/// not considered; without, all keys are. A JWS by a key that is not there is
/// told from a forged one by its `kid` alone: where no key has it, the refusal
/// is [`TokenError::KeyUnknown`].
///
/// # Errors
/// [`TokenError::TooLarge`] above `max_bytes`, else the malformation, the
/// algorithm's or key's refusal, or [`TokenError::SignatureInvalid`].
pub fn verify_jws(
    token: &[u8],
    keys: &Jwks,
    algorithms: &[JwsAlgorithm],
    max_bytes: usize,
    verifier: &dyn SignatureVerifier,
) -> Result<VerifiedJws, TokenError> {
    let compact = Compact::split(token, max_bytes)?;
    let header = Header::decode(compact.header)?;
    let algorithm = header.algorithm(algorithms)?;
    let payload = decode_part(compact.payload, Part::Payload)?;
    let signature = decode_part(compact.signature, Part::Signature)?;
    let wanted = header.key_id()?;
    let input = compact.signing_input;
    let key_id = match algorithm {
        JwsAlgorithm::Signature(algorithm) => {
            let fits = |key: &&Jwk| key.fits(algorithm);
            let own = keys.named(wanted).filter(fits);
            candidates(own, keys.nameless(wanted).filter(fits))
                .and_then(|keys| find_signer(&keys, algorithm, input, &signature, verifier))
                .map(Jwk::key_id)
        }
        JwsAlgorithm::Mac(algorithm) => {
            let fits = |key: &&SecretJwk| key.fits(algorithm);
            let own = keys.named_secrets(wanted).filter(fits);
            candidates(own, keys.nameless_secrets(wanted).filter(fits))
                .and_then(|keys| find_secret(&keys, algorithm, input, &signature))
                .map(SecretJwk::key_id)
        }
    };
    let key_id = key_id.map_err(|error| match (error, algorithm) {
        (TokenError::KeyMismatch, _)
        // A secret is shared with the one issuer, whatever it calls it.
        | (TokenError::SignatureInvalid, JwsAlgorithm::Signature(_))
            if !keys.knows(wanted) =>
        {
            TokenError::KeyUnknown
        }
        (error, _) => error,
    })?;
    Ok(VerifiedJws {
        key_id: key_id.map(ToOwned::to_owned),
        header: header.parameters,
        payload,
        algorithm,
    })
}

/// Whether a token names its key: only one that does not may be by a key that
/// nothing tells from those at hand. `false` where its header cannot be read.
#[must_use]
pub fn names_key(token: &[u8]) -> bool {
    Compact::split(token, MAX_MAX_TOKEN_BYTES)
        .and_then(|compact| Header::decode(compact.header))
        .is_ok_and(|header| header.parameters.contains_key("kid"))
}

/// The `iss` of a token whose signature has not been checked, read with the
/// same strictness: good for choosing among providers and for nothing else,
/// since anyone can write it.
///
/// # Errors
/// [`TokenError::TooLarge`] above [`MAX_MAX_TOKEN_BYTES`], the malformation,
/// or the lack of a string `iss`.
pub fn peek_issuer(token: &[u8]) -> Result<String, TokenError> {
    let compact = Compact::split(token, MAX_MAX_TOKEN_BYTES)?;
    let mut claims = decode_object(compact.payload, Part::Payload)?;
    match claims.remove("iss") {
        Some(Value::String(issuer)) => Ok(issuer),
        Some(_) => Err(TokenError::ClaimInvalid {
            claim: "iss",
            expected: "a string",
        }),
        None => Err(TokenError::ClaimMissing { claim: "iss" }),
    }
}

/// The three parts, still encoded.
struct Compact<'a> {
    header: &'a [u8],
    payload: &'a [u8],
    signature: &'a [u8],
    signing_input: &'a [u8],
}

impl<'a> Compact<'a> {
    fn split(token: &'a [u8], max_bytes: usize) -> Result<Self, TokenError> {
        if token.len() > max_bytes {
            return Err(TokenError::TooLarge { limit: max_bytes });
        }
        Self::parts(token).ok_or(Malformed::PartCount.into())
    }

    /// None unless there are exactly three.
    fn parts(token: &'a [u8]) -> Option<Self> {
        let (signing_input, signature) = behind(token, memchr::memrchr(b'.', token)?)?;
        let (header, payload) = behind(signing_input, memchr::memchr(b'.', signing_input)?)?;
        memchr::memchr(b'.', payload).is_none().then_some(Self {
            header,
            payload,
            signature,
            signing_input,
        })
    }
}

/// What stands before and behind a byte.
fn behind(bytes: &[u8], byte: usize) -> Option<(&[u8], &[u8])> {
    let (before, rest) = bytes.split_at_checked(byte)?;
    Some((before, rest.get(1..)?))
}

struct Header {
    parameters: Map<String, Value>,
}

impl Header {
    /// Decodes the header and refuses what no configuration can allow.
    fn decode(encoded: &[u8]) -> Result<Self, TokenError> {
        let parameters = decode_object(encoded, Part::Header)?;
        if parameters.contains_key("crit") {
            return Err(TokenError::CriticalHeader);
        }
        // What the parameter is without it (RFC 7797 section 3) changes nothing.
        if !matches!(parameters.get("b64"), None | Some(Value::Bool(true))) {
            return Err(TokenError::UnencodedPayload);
        }
        Ok(Self { parameters })
    }

    fn algorithm(&self, allowed: &[JwsAlgorithm]) -> Result<JwsAlgorithm, TokenError> {
        let name = self
            .string("alg")?
            .ok_or(Malformed::HeaderParameter("alg"))?;
        if name.eq_ignore_ascii_case("none") {
            return Err(TokenError::AlgorithmNone);
        }
        JwsAlgorithm::from_name(name)
            .filter(|algorithm| allowed.contains(algorithm))
            .ok_or(TokenError::AlgorithmNotAllowed)
    }

    fn key_id(&self) -> Result<Option<&str>, TokenError> {
        self.string("kid")
    }

    fn string(&self, name: &'static str) -> Result<Option<&str>, TokenError> {
        string_parameter(&self.parameters, name)
    }
}

/// A header parameter that has to be a string, where it is there.
pub(crate) fn string_parameter<'a>(
    header: &'a Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'a str>, TokenError> {
    header
        .get(name)
        .map(|value| {
            value
                .as_str()
                .ok_or(Malformed::HeaderParameter(name).into())
        })
        .transpose()
}

fn decode_part(encoded: &[u8], part: Part) -> Result<Vec<u8>, TokenError> {
    base64url::decode(encoded).ok_or(Malformed::Base64(part).into())
}

/// Decodes a part that has to be a JSON object.
fn decode_object(encoded: &[u8], part: Part) -> Result<Map<String, Value>, TokenError> {
    json_object(&decode_part(encoded, part)?, part)
}

/// Reads a decoded part that has to be a JSON object.
pub(crate) fn json_object(bytes: &[u8], part: Part) -> Result<Map<String, Value>, TokenError> {
    parse_object(bytes).map_err(|error| Malformed::Json(part, error.fault).into())
}

/// The keys that may have made the signature: `own` ones, then those without
/// `kid`. A `kid` is no promise of uniqueness: keys of several types may share
/// one. Where there are too many in all, the own ones count alone.
fn candidates<'a, K>(
    own: impl Iterator<Item = &'a K>,
    nameless: impl Iterator<Item = &'a K>,
) -> Result<Vec<&'a K>, TokenError> {
    let mut fitting: Vec<_> = own.collect();
    let owned = fitting.len();
    fitting.extend(nameless);
    if fitting.len() > MAX_CANDIDATE_KEYS && owned > 0 {
        fitting.truncate(owned);
    }
    match fitting.len() {
        0 => Err(TokenError::KeyMismatch),
        1..=MAX_CANDIDATE_KEYS => Ok(fitting),
        _ => Err(TokenError::KeyAmbiguous {
            limit: MAX_CANDIDATE_KEYS,
        }),
    }
}

fn find_secret<'a>(
    candidates: &[&'a SecretJwk],
    algorithm: MacAlgorithm,
    signing_input: &[u8],
    mac: &[u8],
) -> Result<&'a SecretJwk, TokenError> {
    candidates
        .iter()
        .find(|key| key.secret().verify(algorithm, signing_input, mac))
        .copied()
        .ok_or(TokenError::SignatureInvalid)
}

fn find_signer<'a>(
    candidates: &[&'a Jwk],
    algorithm: Algorithm,
    signing_input: &[u8],
    signature: &[u8],
    verifier: &dyn SignatureVerifier,
) -> Result<&'a Jwk, TokenError> {
    let mut refusal = TokenError::SignatureInvalid;
    for key in candidates {
        if !key.public_key().admits_signature(signature) {
            continue;
        }
        match verifier.verify_by(algorithm, key, signing_input, signature) {
            Ok(()) => return Ok(key),
            Err(SignatureError::Invalid) => {}
            Err(SignatureError::Unsupported) => refusal = TokenError::AlgorithmUnsupported,
            Err(SignatureError::Failed) => return Err(TokenError::VerificationFailed),
            Err(SignatureError::OverBudget) => return Err(TokenError::VerificationBudget),
        }
    }
    Err(refusal)
}
