//! CORS preflight requests, which a bundle may let through undecided.

use doorward_request::{HeaderSnapshot, HeaderValue, is_token_byte};

/// What no browser sends in a preflight, and what could make more of it than a
/// question: credentials, content, or another method or path for servers that
/// look for one.
const FOREIGN: &[&str] = &[
    "authorization",
    "content-type",
    "cookie",
    "proxy-authorization",
    "upgrade",
    "x-forwarded-method",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-method",
    "x-original-url",
    "x-rewrite-url",
];

/// Whether a request is a CORS preflight as browsers send it (Fetch, "CORS
/// protocol": `OPTIONS` with `Origin` and `Access-Control-Request-Method`).
pub(crate) fn is_preflight(headers: &HeaderSnapshot) -> bool {
    let one = |name| match headers.get(name) {
        HeaderValue::One(value) => value,
        HeaderValue::Absent | HeaderValue::Joined(_) => b"",
    };
    let method = one("access-control-request-method");
    one(":method") == b"OPTIONS"
        && !one("origin").is_empty()
        && !method.is_empty()
        && method.iter().all(|byte| is_token_byte(*byte))
        && headers.is_end_of_stream()
        && !headers.iter().any(|(name, _)| {
            let mut foreign = FOREIGN.iter();
            foreign.any(|known| doorward_request::same_header(name, known.as_bytes()))
        })
}
