//! The answer to a refused client.

use std::borrow::Cow;

use doorward_bundle::Bundle;
use doorward_request::{HeaderSnapshot, HeaderValue};

use crate::denial::Denial;

/// A response that the proxy gives in the upstream's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The status of gRPC, for a proxy that answers a gRPC request.
    pub grpc_status: u8,
    /// Header names, in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// The body; to a gRPC request the message.
    pub body: String,
}

impl Answer {
    /// The answer for `denial` to a request with these headers. 401, 403 and a
    /// doubled token carry the challenge of RFC 6750 section 3; its realm is
    /// the bundle's name.
    pub(crate) fn new(
        denial: &Denial,
        bundle: &Bundle,
        request: &HeaderSnapshot,
        has_token: bool,
    ) -> Self {
        let (answers, status, code) = (bundle.answers(), denial.status(), denial.code());
        let own = answers.text(status, code);
        let description = own.map_or_else(|| denial.description(), ToOwned::to_owned);
        let mut headers = Vec::new();
        let mut add = |name: &str, value: String| headers.push((name.to_owned(), value));
        let (content_type, body) = if answers.problem_json() && !is_grpc(request) {
            let body = problem(status, code, &description, request);
            ("application/problem+json", body)
        } else {
            let mut body = match own {
                Some(text) => text.to_owned(),
                None => format!("access denied: {description} ({code})"),
            };
            // A message of gRPC is a header, where a line break only shows.
            if !is_grpc(request) && !body.is_empty() && !body.ends_with('\n') {
                body.push('\n');
            }
            let content_type = if body.is_ascii() {
                "text/plain"
            } else {
                "text/plain; charset=utf-8"
            };
            (content_type, body)
        };
        add("content-type", content_type.to_owned());
        let looks_for_tokens = !bundle.providers().is_empty();
        if looks_for_tokens
            && let Some(challenge) = challenge(denial, bundle.name(), has_token, &description)
        {
            add("www-authenticate", challenge);
        }
        if let Some(name) = answers.reason_header() {
            add(name, code.to_owned());
        }
        Self {
            status,
            grpc_status: grpc_status(status),
            headers,
            body,
        }
    }
}

/// Problem details (RFC 9457 section 3.1). Without a type of its own a problem
/// has the title of its status (section 4.2.1); `reason` is an extension.
fn problem(status: u16, code: &str, detail: &str, request: &HeaderSnapshot) -> String {
    let title = title(status);
    let mut body = format!("{{\"type\":\"about:blank\",\"title\":\"{title}\",\"status\":{status}");
    let mut add = |name: &str, value: &str| {
        body.push_str(",\"");
        body.push_str(name);
        body.push_str("\":");
        // A text: serialization has nothing that could fail.
        body.push_str(&serde_json::to_string(value).unwrap_or_default());
    };
    if !detail.is_empty() {
        add("detail", detail);
    }
    if let Some(id) = instance(request) {
        add("instance", &id);
    }
    add("reason", code);
    body.push('}');
    body
}

/// Whether a proxy answers the request as gRPC: the content types that Envoy
/// takes for it. `application/grpc-web` is none of them.
fn is_grpc(request: &HeaderSnapshot) -> bool {
    let HeaderValue::One(value) = request.get("content-type") else {
        return false;
    };
    let rest = value.strip_prefix(b"application/grpc");
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+')))
}

/// What gRPC's `http-grpc-status-mapping.md` says, but for 400: what is wrong
/// is the request, not the server.
fn grpc_status(status: u16) -> u8 {
    const INVALID_ARGUMENT: u8 = 3;
    const PERMISSION_DENIED: u8 = 7;
    const UNAVAILABLE: u8 = 14;
    const UNAUTHENTICATED: u8 = 16;
    match status {
        400 => INVALID_ARGUMENT,
        401 => UNAUTHENTICATED,
        403 => PERMISSION_DENIED,
        _ => UNAVAILABLE,
    }
}

fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        _ => "Service Unavailable",
    }
}

/// The request's id as a URN (RFC 9562 section 4), by which its sender can ask
/// about it.
fn instance(request: &HeaderSnapshot) -> Option<String> {
    let HeaderValue::One(id) = request.get("x-request-id") else {
        return None;
    };
    let is_uuid = id.len() == 36
        && id.iter().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    let id = std::str::from_utf8(id).ok().filter(|_| is_uuid)?;
    Some(format!("urn:uuid:{id}"))
}

/// RFC 6750 section 3.1: without credentials no error code; with an
/// unacceptable token `invalid_token`; with a good token that does not
/// suffice `insufficient_scope`. A policy that could not be evaluated is no
/// fault of the token, so it has no error code either.
fn challenge(denial: &Denial, realm: &str, has_token: bool, description: &str) -> Option<String> {
    let mut challenge = format!("Bearer realm=\"{realm}\"");
    let error = match denial.status() {
        401 if !has_token => return Some(challenge),
        401 => "invalid_token",
        403 if has_token && matches!(denial, Denial::NoRule { .. } | Denial::DenyRule) => {
            "insufficient_scope"
        }
        403 => return Some(challenge),
        _ if matches!(denial, Denial::TokenAmbiguous) => "invalid_request",
        _ => return None,
    };
    let mut add = |name: &str, value: &str| {
        challenge.push_str(", ");
        challenge.push_str(name);
        challenge.push_str("=\"");
        challenge.push_str(value);
        challenge.push('"');
    };
    add("error", error);
    if !description.is_empty() {
        add("error_description", &quotable(description));
    }
    if let Denial::NoRule {
        missing_scope: Some(scope),
    } = denial
    {
        add("scope", scope);
    }
    Some(challenge)
}

/// Section 3: printable ASCII without quotes and backslashes.
fn quotable(text: &str) -> Cow<'_, str> {
    let fits = |one: char| matches!(one, ' '..='~') && !matches!(one, '"' | '\\');
    let fitting = |one| if fits(one) { one } else { '\'' };
    if text.chars().all(fits) {
        return text.into();
    }
    text.trim_end().chars().map(fitting).collect()
}
