//! The answer to a refused client.

use crate::denial::Denial;

/// A response that the proxy gives in the upstream's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Header names, in lower case, and values.
    pub headers: Vec<(&'static str, String)>,
    /// The body: one line of text.
    pub body: String,
}

impl Answer {
    /// The answer for `denial`. 401, 403 and a doubled token carry the
    /// challenge of RFC 6750 section 3; its realm is the bundle's name.
    pub(crate) fn new(
        denial: &Denial,
        realm: &str,
        has_token: bool,
        looks_for_tokens: bool,
    ) -> Self {
        let mut headers = vec![("content-type", "text/plain".to_owned())];
        if looks_for_tokens && let Some(challenge) = challenge(denial, realm, has_token) {
            headers.push(("www-authenticate", challenge));
        }
        let body = format!(
            "access denied: {} ({})\n",
            denial.description(),
            denial.code()
        );
        Self {
            status: denial.status(),
            headers,
            body,
        }
    }
}

/// RFC 6750 section 3.1: without credentials no error code; with an
/// unacceptable token `invalid_token`; with a good token that does not
/// suffice `insufficient_scope`. A policy that could not be evaluated is no
/// fault of the token, so it has no error code either.
fn challenge(denial: &Denial, realm: &str, has_token: bool) -> Option<String> {
    let bare = format!("Bearer realm=\"{realm}\"");
    let error = match denial.status() {
        401 if !has_token => return Some(bare),
        401 => "invalid_token",
        403 if has_token && matches!(denial, Denial::NoRule | Denial::DenyRule) => {
            "insufficient_scope"
        }
        403 => return Some(bare),
        _ if matches!(denial, Denial::TokenAmbiguous) => "invalid_request",
        _ => return None,
    };
    // Section 3: printable ASCII without quotes and backslashes.
    let description: String = denial
        .description()
        .chars()
        .map(|c| {
            if matches!(c, ' '..='~') && !matches!(c, '"' | '\\') {
                c
            } else {
                '\''
            }
        })
        .collect();
    Some(format!(
        "{bare}, error=\"{error}\", error_description=\"{description}\""
    ))
}
