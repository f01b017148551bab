//! Why a request is refused: one value for each kind, with its reason code.

use doorward_bundle::{ClaimHeaderError, PrincipalError, RoleClaimError};
use doorward_engine::EvaluationError;
use doorward_request::{PathError, ResolveError};
use doorward_token::TokenError;

use crate::json::JsonValueError;
use crate::record::Verdict;

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Denial {
    /// The path has no single canonical form.
    #[error("{0}")]
    Path(PathError),
    /// A token is required and there is none.
    #[error("a token is required")]
    TokenMissing,
    /// The request carries two different tokens (RFC 6750 section 2 allows one).
    #[error("the request carries more than one token")]
    TokenAmbiguous,
    /// The token was not accepted.
    #[error("{0}")]
    Token(TokenError),
    /// The issuer's keys are fetched, and there are none yet, or none that are
    /// not too old.
    #[error("the keys of the token's issuer are not there")]
    KeysMissing,
    /// The token's key is not known, and the issuer's keys cannot be refreshed.
    #[error("the keys of the token's issuer cannot be refreshed")]
    KeysUnavailable,
    /// More requests wait for keys than may.
    #[error("too many requests wait for the keys of a token's issuer")]
    KeysQueueFull,
    /// The token is valid, but no principal can be made of it.
    #[error("{0}")]
    Principal(PrincipalError),
    /// The token is valid, but its role claims cannot be read.
    #[error("{0}")]
    Roles(RoleClaimError),
    /// The token is valid, but a claim cannot be sent to the upstream.
    #[error("{0}")]
    ClaimHeader(ClaimHeaderError),
    /// The token's principal starts with what only roles of a token may.
    #[error("the token's subject has a form that is reserved for roles")]
    ReservedPrincipal,
    /// A value for the policy is missing or invalid.
    #[error("{0}")]
    Attribute(ResolveError),
    /// A value for the policy starts as JSON does, and cannot be read.
    #[error("request.{name} {error}")]
    Json {
        /// Its name in the model's request definition.
        name: String,
        /// What is wrong with it.
        error: JsonValueError,
    },
    /// The policy could not be evaluated.
    #[error("{0}")]
    Evaluation(EvaluationError),
    /// No rule allows the request.
    #[error("no rule allows it")]
    NoRule {
        /// The scope that the token lacks, where it lacks nothing else and the
        /// client may know.
        missing_scope: Option<String>,
    },
    /// A rule denies the request.
    #[error("a rule denies it")]
    DenyRule,
    /// The request brings a header that says who it is, which cannot be taken
    /// out: the policy reads facts of the route, and the proxy would choose
    /// another.
    #[error("the request has a header that only the proxy may write")]
    HeaderForged,
    /// The filter could not ask the pipeline, or not do what it said.
    #[error("no decision could be made")]
    Filter,
}

impl Denial {
    /// The HTTP status of the answer.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Path(_) | Self::TokenAmbiguous | Self::HeaderForged => 400,
            Self::Token(TokenError::VerificationFailed | TokenError::VerificationBudget) => 503,
            Self::TokenMissing
            | Self::Token(_)
            | Self::Principal(_)
            | Self::Roles(_)
            | Self::ClaimHeader(_)
            | Self::ReservedPrincipal => 401,
            Self::KeysMissing | Self::KeysUnavailable | Self::KeysQueueFull | Self::Filter => 503,
            Self::Attribute(_)
            | Self::Json { .. }
            | Self::Evaluation(_)
            | Self::NoRule { .. }
            | Self::DenyRule => 403,
        }
    }

    /// The stable reason code, for records and metrics.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Path(error) => error.code(),
            Self::TokenMissing => "token_missing",
            Self::TokenAmbiguous => "token_ambiguous",
            Self::Token(error) => error.code(),
            Self::KeysMissing => "keys_missing",
            Self::KeysUnavailable => "keys_unavailable",
            Self::KeysQueueFull => "keys_queue_full",
            Self::Principal(_) => "token_principal",
            Self::Roles(_) => "token_roles",
            Self::ClaimHeader(_) => "token_claim_header",
            Self::ReservedPrincipal | Self::Evaluation(EvaluationError::ReservedSubject) => {
                "subject_reserved"
            }
            Self::Attribute(error) => error.code(),
            Self::Json { .. } => "attribute_invalid",
            Self::Evaluation(_) => "evaluation_error",
            Self::NoRule { .. } => "no_rule",
            Self::DenyRule => "deny_rule",
            Self::HeaderForged => "header_forged",
            Self::Filter => "filter_error",
        }
    }

    /// The reason as the operator sees it: the code, and which attribute or
    /// which fault where the code alone does not say.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Attribute(error) => format!("{}: {}", self.code(), error.attribute()),
            Self::Json { .. } => format!("{}: {self}", self.code()),
            Self::Evaluation(error) if *error != EvaluationError::ReservedSubject => {
                format!("{}: {error}", self.code())
            }
            _ => self.code().to_owned(),
        }
    }

    /// Whether the policy said no, or no decision could be made.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Attribute(_)
            | Self::Json { .. }
            | Self::Evaluation(_)
            | Self::Token(TokenError::VerificationFailed | TokenError::VerificationBudget)
            | Self::KeysMissing
            | Self::KeysUnavailable
            | Self::KeysQueueFull
            | Self::Filter => Verdict::Error,
            _ => Verdict::Deny,
        }
    }

    /// What the client may know: the policy's inner faults stay inside.
    #[must_use]
    pub fn description(&self) -> String {
        match self {
            Self::Attribute(_) | Self::Json { .. } | Self::Evaluation(_) => {
                "the policy could not be evaluated".to_owned()
            }
            _ => self.to_string(),
        }
    }
}
