//! Header maps with Envoy's habits.
//!
//! Names are lowercased, pseudo headers come first, `host` is another name of `:authority`. A
//! header that has a slot of its own in Envoy's map ("inline") exists once: a second value is
//! joined to the first by a comma. Any other header may repeat. The inline names are those of
//! Envoy's `header_map.h` and of the extensions of its official build.

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

    /// Adds a value, or joins it to that of an inline header.
    pub(crate) fn add(&mut self, name: &str, value: &[u8]) {
        let name = self.canonical(name);
        if self.is_inline(&name)
            && let Some((_, present)) = self.entries.iter_mut().find(|(entry, _)| *entry == name)
        {
            present.push(b',');
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

    /// Makes `value` the only value of a header.
    pub(crate) fn set(&mut self, name: &str, value: &[u8]) {
        let name = self.canonical(name);
        let Some(first) = self.entries.iter().position(|(entry, _)| *entry == name) else {
            self.add(&name, value);
            return;
        };
        let mut position = 0;
        self.entries.retain(|(entry, _)| {
            let keep = position <= first || *entry != name;
            position += 1;
            keep
        });
        if let Some((_, present)) = self.entries.get_mut(first) {
            *present = value.to_vec();
        }
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
        match self.kind {
            Kind::Request => {
                name.starts_with(':') || BOTH.contains(&name) || REQUEST.contains(&name)
            }
            Kind::Response => {
                name.starts_with(':') || BOTH.contains(&name) || RESPONSE.contains(&name)
            }
            Kind::Trailers => false,
        }
    }
}

/// Inline in requests and in responses.
const BOTH: &[&str] = &[
    "cache-control",
    "connection",
    "content-length",
    "content-type",
    "keep-alive",
    "proxy-connection",
    "proxy-status",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-envoy-attempt-count",
    "x-envoy-decorator-operation",
    "x-request-id",
];

/// Inline in requests.
const REQUEST: &[&str] = &[
    "accept",
    "accept-encoding",
    "access-control-request-headers",
    "access-control-request-method",
    "authorization",
    "expect",
    "grpc-timeout",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-unmodified-since",
    "origin",
    "pragma",
    "referer",
    "te",
    "user-agent",
    "x-client-trace-id",
    "x-envoy-downstream-service-cluster",
    "x-envoy-downstream-service-node",
    "x-envoy-external-address",
    "x-envoy-force-trace",
    "x-envoy-hedge-on-per-try-timeout",
    "x-envoy-internal",
    "x-envoy-ip-tags",
    "x-envoy-max-retries",
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
    "x-forwarded-client-cert",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
];

/// Inline in responses.
const RESPONSE: &[&str] = &[
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "access-control-max-age",
    "age",
    "content-encoding",
    "date",
    "etag",
    "expires",
    "grpc-message",
    "grpc-status",
    "last-modified",
    "location",
    "server",
    "vary",
    "x-envoy-degraded",
    "x-envoy-immediate-health-check-fail",
    "x-envoy-ratelimited",
    "x-envoy-upstream-canary",
    "x-envoy-upstream-healthchecked-cluster",
    "x-envoy-upstream-service-time",
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
        assert_eq!(shown(&map), [":path=/x", ":authority=h", "b=2"]);
    }

    #[test]
    fn set_leaves_one_value() {
        let mut map = map(&[("x", "1"), ("y", "2"), ("x", "3"), ("x", "4")]);
        map.set("X", b"5");
        map.set("z", b"6");
        assert_eq!(shown(&map), ["x=5", "y=2", "z=6"]);
        assert_eq!(map.byte_size(), 6);
    }
}
