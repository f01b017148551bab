//! Why a fetch brought no keys.

use super::url::UrlError;
use crate::{JwksError, MAX_JWKS_BYTES};

/// Why a fetch brought no keys. The text is for the operator's log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The proxy could not send the request, or lost the connection.
    #[error("no answer came")]
    NoAnswer,
    /// The proxy never said what became of the request.
    #[error("the request was lost")]
    Lost,
    /// The proxy has no such cluster, or not yet.
    #[error("the proxy has no such cluster")]
    NoCluster,
    /// The proxy did not take the request.
    #[error("the proxy did not take the request")]
    NotSent,
    /// The answer is not a success.
    #[error("the answer's status is {0}")]
    Status(u16),
    /// The answer is too large.
    #[error("the answer has {0} bytes, at most {MAX_JWKS_BYTES} are read")]
    TooLarge(usize),
    /// The answer is no key set.
    #[error("{0}")]
    Jwks(JwksError),
    /// No key can check what the issuer's algorithms sign.
    #[error("no key fits the algorithms that are allowed")]
    NoKeyFits,
    /// The OpenID provider configuration is no JSON object.
    #[error("the provider configuration is not a JSON object")]
    Configuration,
    /// A member is missing in the configuration or is no text.
    #[error("the provider configuration has no {0}")]
    ConfigurationMember(&'static str),
    /// The configuration is another issuer's.
    #[error("the provider configuration is of another issuer")]
    OtherIssuer,
    /// `jwks_uri` is no URL.
    #[error("jwks_uri {0}")]
    KeyUrl(UrlError),
    /// `jwks_uri` points to another server than the one that is configured.
    #[error("jwks_uri is not of the issuer's own scheme, host and port, so it is not followed")]
    OtherOrigin,
}
