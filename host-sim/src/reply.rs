//! The answers that the proxy gives by itself, formed as Envoy forms its local replies.

use crate::context::LocalReply;
use crate::headers::{HeaderMap, Kind};

/// A response on its way to the client.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// Whether the request speaks gRPC.
pub(crate) fn is_grpc(request: &HeaderMap) -> bool {
    request
        .text("content-type")
        .is_some_and(|value| value == "application/grpc" || value.starts_with("application/grpc+"))
}

/// The local reply to `request`: as gRPC to a gRPC request, without a body to HEAD.
pub(crate) fn local_reply(reply: &LocalReply, request: &HeaderMap) -> Response {
    let is_head = request.get(":method") == Some(b"HEAD");
    let mut headers = HeaderMap::new(Kind::Response);
    headers.add(":status", reply.status.to_string().as_bytes());
    for (name, value) in &reply.headers {
        headers.add(&String::from_utf8_lossy(name), value);
    }
    if is_grpc(request) {
        headers.set(":status", b"200");
        headers.set("content-type", b"application/grpc");
        if headers.get("grpc-status").is_none() {
            let status = reply
                .grpc_status
                .unwrap_or_else(|| grpc_status_of(reply.status));
            headers.set("grpc-status", status.to_string().as_bytes());
        }
        if !reply.body.is_empty() && !is_head {
            headers.set("grpc-message", percent_encode(&reply.body).as_bytes());
        }
        headers.remove("content-length");
        return Response {
            headers,
            body: Vec::new(),
        };
    }
    if reply.body.is_empty() {
        headers.remove("content-length");
        headers.remove("content-type");
    } else {
        headers.set("content-length", reply.body.len().to_string().as_bytes());
        if headers.get("content-type").is_none() {
            headers.set("content-type", b"text/plain");
        }
    }
    Response {
        headers,
        body: if is_head {
            Vec::new()
        } else {
            reply.body.clone()
        },
    }
}

/// A local reply without headers of its own.
pub(crate) fn reply(status: u32, details: &str, body: &str) -> LocalReply {
    LocalReply {
        status,
        details: details.to_owned(),
        body: body.as_bytes().to_vec(),
        ..LocalReply::default()
    }
}

/// The status of a response; 0 when it has none that is a number.
pub(crate) fn status_of(headers: &HeaderMap) -> u16 {
    headers
        .text(":status")
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}

/// The gRPC status that stands for an HTTP status (gRPC's `http-grpc-status-mapping.md`).
fn grpc_status_of(status: u32) -> u32 {
    match status {
        400 => 13,
        401 => 16,
        403 => 7,
        404 => 12,
        429 | 502 | 503 | 504 => 14,
        _ => 2,
    }
}

/// The encoding of `grpc-message` (gRPC over HTTP/2): bytes that do not print, and `%`. Envoy
/// encodes `~` as well.
fn percent_encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            b' '..b'~' if *byte != b'%' => text.push(char::from(*byte)),
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(entries: &[(&str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new(Kind::Request);
        for (name, value) in entries {
            map.add(name, value.as_bytes());
        }
        map
    }

    fn refused(status: u32, body: &str) -> LocalReply {
        LocalReply {
            status,
            body: body.as_bytes().to_vec(),
            headers: vec![(b"X-Why".to_vec(), b"because".to_vec())],
            ..LocalReply::default()
        }
    }

    fn shown(response: &Response) -> String {
        let headers: Vec<String> = response
            .headers
            .entries()
            .iter()
            .map(|(name, value)| format!("{name}={}", String::from_utf8_lossy(value)))
            .collect();
        format!(
            "{} [{}]",
            headers.join(" "),
            String::from_utf8_lossy(&response.body)
        )
    }

    #[test]
    fn local_replies_have_envoys_form() {
        let get = request(&[(":method", "GET")]);
        let head = request(&[(":method", "HEAD")]);
        let grpc = request(&[
            (":method", "POST"),
            ("content-type", "application/grpc+proto"),
        ]);
        let cases = [
            (
                local_reply(&refused(403, "no"), &get),
                ":status=403 x-why=because content-length=2 content-type=text/plain [no]",
            ),
            (
                local_reply(&refused(403, ""), &get),
                ":status=403 x-why=because []",
            ),
            (
                local_reply(&refused(403, "no"), &head),
                ":status=403 x-why=because content-length=2 content-type=text/plain []",
            ),
            (
                local_reply(&refused(403, "100% no~\n"), &grpc),
                ":status=200 x-why=because content-type=application/grpc grpc-status=7 \
                 grpc-message=100%25 no%7E%0A []",
            ),
        ];
        for (response, expected) in cases {
            assert_eq!(shown(&response), expected);
        }
    }

    #[test]
    fn http_statuses_have_grpc_statuses() {
        let cases = [
            (400, 13),
            (401, 16),
            (403, 7),
            (404, 12),
            (429, 14),
            (503, 14),
            (500, 2),
            (418, 2),
        ];
        for (http, grpc) in cases {
            assert_eq!(grpc_status_of(http), grpc, "{http}");
        }
    }
}
