//! Header maps with Envoy's habits.
//!
//! Names are lowercased, pseudo headers come first, `host` is another name of `:authority`. A
//! header that has a slot of its own in Envoy's map ("inline") exists once: a second value is
//! joined to the first by a comma. Any other header may repeat.

/// What sort of map it is; it decides which headers are inline.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// Request headers.
    Request,
    /// Response headers.
    Response,
    /// Trailers of either direction.
    Trailers,
}

/// An ordered map from lowercase names to bytes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct HeaderMap {
    kind: Kind,
    entries: Vec<(String, Vec<u8>)>,
}

impl HeaderMap {
    pub(crate) fn new(kind: Kind) -> Self {
        Self {
            kind,
            entries: Vec::new(),
        }
    }

    /// All entries in their order.
    pub(crate) fn entries(&self) -> &[(String, Vec<u8>)] {
        &self.entries
    }

    /// The number of entries.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The length of all names and values in bytes.
    pub(crate) fn byte_size(&self) -> usize {
        self.entries
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum()
    }

    /// The first value of a header.
    pub(crate) fn get(&self, name: &str) -> Option<&[u8]> {
        let name = self.canonical(name);
        self.entries
            .iter()
            .find(|(entry, _)| *entry == name)
            .map(|(_, value)| value.as_slice())
    }

    /// The first value of a header as text.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.get(name)
            .map(|value| String::from_utf8_lossy(value).into_owned())
    }

    /// All values of a header joined by commas.
    pub(crate) fn joined(&self, name: &str) -> Option<Vec<u8>> {
        let name = self.canonical(name);
        let values: Vec<&[u8]> = self
            .entries
            .iter()
            .filter(|(entry, _)| *entry == name)
            .map(|(_, value)| value.as_slice())
            .collect();
        (!values.is_empty()).then(|| values.join(&b','))
    }

    /// Adds a value, or joins it to that of an inline header, as Envoy does: empty ones leave no
    /// comma.
    pub(crate) fn add(&mut self, name: &str, value: &[u8]) {
        let name = self.canonical(name);
        if self.is_inline(&name)
            && let Some((_, present)) = self.entries.iter_mut().find(|(entry, _)| *entry == name)
        {
            if !present.is_empty() && !value.is_empty() {
                present.push(b',');
            }
            present.extend_from_slice(value);
            return;
        }
        let position = if name.starts_with(':') {
            self.entries
                .iter()
                .position(|(entry, _)| !entry.starts_with(':'))
                .unwrap_or(self.entries.len())
        } else {
            self.entries.len()
        };
        self.entries.insert(position, (name, value.to_vec()));
    }

    /// Makes `value` the only value of a header, at the place of a new one.
    pub(crate) fn set(&mut self, name: &str, value: &[u8]) {
        self.remove(name);
        self.add(name, value);
    }

    /// Removes all values of a header.
    pub(crate) fn remove(&mut self, name: &str) {
        let name = self.canonical(name);
        self.entries.retain(|(entry, _)| *entry != name);
    }

    /// Removes everything.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }

    /// The entries without pseudo headers.
    pub(crate) fn regular(&self) -> Vec<(String, Vec<u8>)> {
        self.entries
            .iter()
            .filter(|(name, _)| !name.starts_with(':'))
            .cloned()
            .collect()
    }

    fn canonical(&self, name: &str) -> String {
        let name = name.to_ascii_lowercase();
        if self.kind == Kind::Request && name == "host" {
            ":authority".to_owned()
        } else {
            name
        }
    }

    fn is_inline(&self, name: &str) -> bool {
        let names = match self.kind {
            Kind::Request => REQUEST,
            Kind::Response => RESPONSE,
            Kind::Trailers => return false,
        };
        name.starts_with(':') || names.contains(&name)
    }
}

/// Inline in requests, as Envoy 1.40 lists them when it starts ("HTTP header map info").
const REQUEST: &[&str] = &[
    "accept",
    "accept-encoding",
    "access-control-request-headers",
    "access-control-request-method",
    "access-control-request-private-network",
    "authentication",
    "authorization",
    "cache-control",
    "cdn-loop",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "grpc-accept-encoding",
    "grpc-timeout",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "keep-alive",
    "origin",
    "pragma",
    "proxy-connection",
    "proxy-status",
    "referer",
    "te",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-client-trace-id",
    "x-envoy-attempt-count",
    "x-envoy-decorator-operation",
    "x-envoy-downstream-service-cluster",
    "x-envoy-downstream-service-node",
    "x-envoy-expected-rq-timeout-ms",
    "x-envoy-external-address",
    "x-envoy-force-trace",
    "x-envoy-hedge-on-per-try-timeout",
    "x-envoy-internal",
    "x-envoy-ip-tags",
    "x-envoy-is-timeout-retry",
    "x-envoy-max-retries",
    "x-envoy-original-host",
    "x-envoy-original-path",
    "x-envoy-original-url",
    "x-envoy-retriable-header-names",
    "x-envoy-retriable-status-codes",
    "x-envoy-retry-grpc-on",
    "x-envoy-retry-on",
    "x-envoy-upstream-alt-stat-name",
    "x-envoy-upstream-rq-per-try-timeout-ms",
    "x-envoy-upstream-rq-timeout-alt-response",
    "x-envoy-upstream-rq-timeout-ms",
    "x-envoy-upstream-stream-duration-ms",
    "x-forwarded-client-cert",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-request-id",
];

/// Inline in responses, from the same list.
const RESPONSE: &[&str] = &[
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "access-control-allow-private-network",
    "access-control-expose-headers",
    "access-control-max-age",
    "age",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "etag",
    "expires",
    "grpc-message",
    "grpc-status",
    "keep-alive",
    "last-modified",
    "location",
    "proxy-connection",
    "proxy-status",
    "server",
    "transfer-encoding",
    "upgrade",
    "vary",
    "via",
    "x-envoy-attempt-count",
    "x-envoy-decorator-operation",
    "x-envoy-degraded",
    "x-envoy-immediate-health-check-fail",
    "x-envoy-ratelimited",
    "x-envoy-upstream-canary",
    "x-envoy-upstream-healthchecked-cluster",
    "x-envoy-upstream-service-time",
    "x-request-id",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn map(entries: &[(&str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new(Kind::Request);
        for (name, value) in entries {
            map.add(name, value.as_bytes());
        }
        map
    }

    fn shown(map: &HeaderMap) -> Vec<String> {
        map.entries()
            .iter()
            .map(|(name, value)| format!("{name}={}", String::from_utf8_lossy(value)))
            .collect()
    }

    #[test]
    fn an_inline_header_is_joined_and_another_repeats() {
        let map = map(&[
            ("X-Team", "a"),
            ("Authorization", "Bearer 1"),
            ("x-team", "b"),
            ("authorization", "Bearer 2"),
        ]);
        assert_eq!(
            shown(&map),
            ["x-team=a", "authorization=Bearer 1,Bearer 2", "x-team=b"]
        );
        assert_eq!(map.get("X-TEAM"), Some(&b"a"[..]));
        assert_eq!(map.joined("x-team"), Some(b"a,b".to_vec()));
    }

    #[test]
    fn pseudo_headers_come_first_and_host_is_authority() {
        let mut map = map(&[("a", "1"), (":path", "/"), ("host", "h"), ("b", "2")]);
        assert_eq!(shown(&map), [":path=/", ":authority=h", "a=1", "b=2"]);
        assert_eq!(map.get("Host"), Some(&b"h"[..]));
        map.set(":path", b"/x");
        map.remove("a");
        assert_eq!(shown(&map), [":authority=h", ":path=/x", "b=2"]);
    }

    #[test]
    fn set_leaves_one_value() {
        let mut map = map(&[("x", "1"), ("y", "2"), ("x", "3"), ("x", "4")]);
        map.set("X", b"5");
        map.set("z", b"6");
        assert_eq!(shown(&map), ["y=2", "x=5", "z=6"]);
        assert_eq!(map.byte_size(), 6);
    }
}
