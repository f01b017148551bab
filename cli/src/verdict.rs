//! The answer to a token or a JWS.

use doorward_token::{JwsAlgorithm, TokenError};
use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};

use crate::json;

/// Whether a token is valid: `{"valid":true,...}` or
/// `{"valid":false,"error":"...","code":"..."}`.
pub(crate) struct Verdict<T>(pub(crate) Result<Valid<T>, Invalid>);

/// What a valid token says; `T` has the rest.
#[derive(Serialize)]
pub(crate) struct Valid<T> {
    valid: bool,
    algorithm: &'static str,
    kid: Option<String>,
    #[serde(flatten)]
    content: T,
}

/// Why there is none.
#[derive(Serialize)]
pub(crate) struct Invalid {
    valid: bool,
    error: String,
    code: &'static str,
}

impl<T> Valid<T> {
    pub(crate) fn new(algorithm: JwsAlgorithm, kid: Option<&str>, content: T) -> Self {
        Self {
            valid: true,
            algorithm: algorithm.name(),
            kid: kid.map(ToOwned::to_owned),
            content,
        }
    }
}

impl Invalid {
    fn new(code: &'static str, error: String) -> Self {
        Self {
            valid: false,
            error,
            code,
        }
    }

    /// The keys cannot be read.
    pub(crate) fn keys_unreadable(error: String) -> Self {
        Self::new("keys_unreadable", error)
    }

    /// The keys cannot be used.
    pub(crate) fn keys(error: impl std::fmt::Display) -> Self {
        Self::new("keys_unusable", error.to_string())
    }

    /// A line of a file of requests is no request.
    pub(crate) fn request(error: impl std::fmt::Display) -> Self {
        Self::new("request_malformed", error.to_string())
    }
}

impl From<TokenError> for Invalid {
    fn from(error: TokenError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl<T> Verdict<T> {
    /// The verdict, and whether it is good.
    pub(crate) fn judged(self) -> (Self, bool) {
        let good = self.0.is_ok();
        (self, good)
    }
}

impl<T: Serialize> Serialize for Verdict<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Ok(valid) => valid.serialize(serializer),
            Err(invalid) => invalid.serialize(serializer),
        }
    }
}

/// Reads one line of a file of requests.
pub(crate) fn request<T: DeserializeOwned>(line: &[u8]) -> Result<T, Invalid> {
    let value =
        json::parse(line).map_err(|error| Invalid::request(format_args!("not JSON: {error}")))?;
    serde_json::from_value(value)
        .map_err(|error| Invalid::request(format_args!("not a request: {error}")))
}
