//! What Envoy's HTTP/1 codec and connection manager do around the filters.

use crate::context::{Half, LocalReply};
use crate::headers::{HeaderMap, Kind};
use crate::reply::{Response, reply, status_of};
use crate::scenario::Request;

/// The headers as they come to the first filter: pseudo headers in the codec's order, the
/// client's own, and those that the connection manager adds.
pub(crate) fn request_headers(request: &Request, request_id: &str) -> HeaderMap {
    let mut map = HeaderMap::new(Kind::Request);
    map.add(":authority", request.authority.as_bytes());
    map.add(":path", request.path.as_bytes());
    map.add(":method", request.method.as_bytes());
    map.add(":scheme", request.scheme.as_bytes());
    for (name, value) in &request.headers {
        map.add(name, value.as_slice().trim_ascii());
    }
    if let Some(body) = &request.body
        && map.get("content-length").is_none()
        && map.get("transfer-encoding").is_none()
    {
        if request.trailers.is_empty() {
            let length = body.as_slice().len().to_string();
            map.add("content-length", length.as_bytes());
        } else {
            // HTTP/1.1 has room for trailers behind chunks alone.
            map.add("transfer-encoding", b"chunked");
        }
    }
    map.set("x-forwarded-proto", request.scheme.as_bytes());
    if map.get("x-request-id").is_none() {
        map.add("x-request-id", request_id.as_bytes());
    }
    map
}

/// A request before any of it was shown.
pub(crate) fn half_of(request: &Request, headers: HeaderMap) -> Half {
    let mut half = Half::new(Kind::Request);
    half.headers = headers;
    half.body = request
        .body
        .as_ref()
        .map(|body| body.as_slice().to_vec())
        .unwrap_or_default();
    for (name, value) in &request.trailers {
        half.trailers.add(name, value.as_slice());
    }
    half
}

/// Why the proxy refuses a request before any filter sees it.
pub(crate) struct Refusal {
    pub(crate) reply: LocalReply,
    /// Whether the headers were read, so that they can be logged.
    pub(crate) has_headers: bool,
}

/// What Envoy's HTTP/1 codec and connection manager have against a request.
pub(crate) fn refusal(request: &Request) -> Option<Refusal> {
    let is_token = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
    };
    let ends_line = |bytes: &[u8]| bytes.iter().any(|byte| matches!(byte, b'\r' | b'\n'));
    let has_control = |bytes: &[u8]| {
        let control = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
        bytes.iter().any(control)
    };
    let fields = || request.headers.iter().chain(&request.trailers);
    let path = request.path.as_bytes();
    let details = if !is_token(&request.method)
        || path.is_empty()
        || path.contains(&b' ')
        || ends_line(path)
        || ends_line(request.authority.as_bytes())
        || fields().any(|(name, value)| !is_token(name) || ends_line(value.as_slice()))
    {
        "http1.codec_error"
    } else if has_control(path)
        || has_control(request.authority.as_bytes())
        || fields().any(|(_, value)| has_control(value.as_slice()))
    {
        "http1.invalid_characters"
    } else if path.contains(&b'#') {
        return Some(Refusal {
            reply: reply(400, "path_normalization_failed", ""),
            has_headers: true,
        });
    } else {
        return None;
    };
    Some(Refusal {
        reply: reply(400, details, "Bad Request"),
        has_headers: false,
    })
}

/// What the codec adds for the client: whose answer it is, and how long a body that is not
/// there is.
pub(crate) fn to_client(response: &Response, is_head: bool) -> Vec<(String, Vec<u8>)> {
    let mut headers = response.headers.clone();
    headers.set("server", b"envoy");
    let status = status_of(&headers);
    let may_have_body = !is_head && !matches!(status, 100..200 | 204 | 304);
    if may_have_body && response.body.is_empty() && headers.get("content-length").is_none() {
        headers.add("content-length", b"0");
    }
    headers.regular()
}
