//! Why a token was refused.

use thiserror::Error;

use crate::JsonFault;

/// A part of the compact form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The first, the JOSE header.
    Header,
    /// The second, the payload or claims set.
    Payload,
    /// The third, the signature.
    Signature,
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Header => "header",
            Self::Payload => "payload",
            Self::Signature => "signature",
        })
    }
}

/// In which way the bytes are not a JWT in compact form (RFC 7515 section 5.2,
/// RFC 7519 section 7.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Malformed {
    /// Not three parts joined by dots.
    #[error("it does not have three parts joined by dots")]
    PartCount,
    /// A part is not base64url: a character outside the alphabet, padding,
    /// white space, or trailing bits that are not zero.
    #[error("the {0} is not exact base64url")]
    Base64(Part),
    /// The header or the payload is not an acceptable JSON object.
    #[error("the {0} {1}")]
    Json(Part, JsonFault),
    /// A header parameter is not of its type, or `alg` is missing.
    #[error("the header parameter {0} is not a string")]
    HeaderParameter(&'static str),
}

impl Malformed {
    const fn code(self) -> &'static str {
        match self {
            Self::PartCount => "token_malformed",
            Self::Base64(_) => "token_base64",
            Self::Json(_, JsonFault::DuplicateMember) => "token_duplicate_member",
            Self::Json(..) => "token_json",
            Self::HeaderParameter(_) => "token_header_parameter",
        }
    }
}

/// Why a token was refused: one variant for each kind of refusal.
///
/// The text is safe to show to whoever sent the token: it holds nothing of the
/// token, of a key or of the expected values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TokenError {
    /// Longer than the provider's bound.
    #[error("the token is larger than {limit} bytes")]
    TooLarge {
        /// The bound in bytes.
        limit: usize,
    },
    /// Not a JWT in compact form.
    #[error("the token is malformed: {0}")]
    Malformed(Malformed),
    /// `alg` is `none`, in any spelling (RFC 8725 section 3.2).
    #[error("the token is not signed")]
    AlgorithmNone,
    /// `alg` is not among the provider's algorithms.
    #[error("the token's algorithm is not allowed")]
    AlgorithmNotAllowed,
    /// The verifier in use cannot check the algorithm.
    #[error("the token's algorithm cannot be checked here")]
    AlgorithmUnsupported,
    /// `crit` names extensions; none is understood (RFC 7515 section 4.1.11).
    #[error("the token's header has a critical parameter that is not understood")]
    CriticalHeader,
    /// `b64` is there (RFC 7797 section 7 forbids it in a JWT).
    #[error("the token's header has the parameter b64")]
    UnencodedPayload,
    /// No key has the token's `kid`.
    #[error("the token's key is not known")]
    KeyUnknown,
    /// The keys to be considered do not fit the token's algorithm.
    #[error("the token's algorithm does not fit the key")]
    KeyMismatch,
    /// More keys fit than are tried for one token.
    #[error("more than {limit} keys fit the token: it must name its key")]
    KeyAmbiguous {
        /// The greatest number of keys that are tried.
        limit: usize,
    },
    /// No key that fits has made the signature.
    #[error("the token's signature is not valid")]
    SignatureInvalid,
    /// The header's `typ` is not the one that is asked for (RFC 8725 section
    /// 3.11).
    #[error("the token is not of the type that is expected")]
    TypeMismatch,
    /// The verifier broke down, so nothing is known of the signature.
    #[error("the token could not be verified")]
    VerificationFailed,
    /// Slow checks of signatures have had their share of the worker's time.
    #[error("too many tokens are slow to verify: try again later")]
    VerificationBudget,
    /// `exp` is past, clock skew included.
    #[error("the token has expired")]
    Expired,
    /// `nbf` or `iat` is still to come, clock skew included.
    #[error("the token is not valid yet: {claim} is in the future")]
    NotYetValid {
        /// `nbf` or `iat`.
        claim: &'static str,
    },
    /// `exp` is further away than the provider's `max_lifetime`.
    #[error("the token is valid for too long")]
    LifetimeExceeded,
    /// `iss` is not the provider's issuer.
    #[error("the token's issuer is not known")]
    IssuerUnknown,
    /// `aud` names none of the provider's audiences.
    #[error("the token is meant for another audience")]
    AudienceMismatch,
    /// `sub` is none of the provider's subjects.
    #[error("the token's subject is not one that its issuer may name")]
    SubjectNotAllowed,
    /// A claim that is required is not there.
    #[error("the token has no claim {claim}")]
    ClaimMissing {
        /// The claim's name.
        claim: &'static str,
    },
    /// A registered claim is not what RFC 7519 section 4.1 says.
    #[error("the token's claim {claim} is not {expected}")]
    ClaimInvalid {
        /// The claim's name.
        claim: &'static str,
        /// What it has to be.
        expected: &'static str,
    },
}

impl TokenError {
    /// The stable name of the refusal, for records, metrics and policies.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "token_too_large",
            Self::Malformed(malformed) => malformed.code(),
            Self::AlgorithmNone => "token_algorithm_none",
            Self::AlgorithmNotAllowed => "token_algorithm_not_allowed",
            Self::AlgorithmUnsupported => "token_algorithm_unsupported",
            Self::CriticalHeader => "token_critical_header",
            Self::UnencodedPayload => "token_unencoded_payload",
            Self::KeyUnknown => "token_key_unknown",
            Self::KeyMismatch => "token_key_mismatch",
            Self::KeyAmbiguous { .. } => "token_key_ambiguous",
            Self::SignatureInvalid => "token_signature_invalid",
            Self::TypeMismatch => "token_type_mismatch",
            Self::VerificationFailed => "verification_failed",
            Self::VerificationBudget => "verification_budget",
            Self::Expired => "token_expired",
            Self::NotYetValid { claim: "iat" } => "token_issued_in_future",
            Self::NotYetValid { .. } => "token_not_yet_valid",
            Self::LifetimeExceeded => "token_lifetime_exceeded",
            Self::IssuerUnknown => "token_issuer_unknown",
            Self::AudienceMismatch => "token_audience_mismatch",
            Self::SubjectNotAllowed => "token_subject_not_allowed",
            Self::ClaimMissing { .. } => "token_claim_missing",
            Self::ClaimInvalid { .. } => "token_claim_invalid",
        }
    }
}

impl From<Malformed> for TokenError {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}
