//! Headers that say who a request is: what is written to them, and what never
//! comes in from outside.

use doorward_request::same_header;

use crate::provider::Provider;
use crate::source::TokenSource;

/// Headers in which Doorward itself speaks to the upstream.
const OWN_PREFIX: &str = "x-doorward-";

/// The names of a bundle's headers that a request may not bring. This is the
/// one place where they are gathered.
#[derive(Debug, Clone, Default)]
pub struct IdentityHeaders {
    /// What claims and payloads are written to.
    written: Vec<String>,
    /// What tokens are read from.
    sources: Vec<String>,
    /// Those of them that have another spelling.
    respelled: Vec<String>,
}

impl IdentityHeaders {
    pub(crate) fn new(providers: &[Provider]) -> Self {
        let mut headers = Self::default();
        for provider in providers {
            for name in provider.forwarding().headers() {
                add(&mut headers.written, name);
            }
            for source in provider.sources() {
                if let TokenSource::Header { name, .. } = source {
                    add(&mut headers.sources, name);
                    if name.contains(['-', '_']) {
                        add(&mut headers.respelled, name);
                    }
                }
            }
        }
        headers
    }

    /// Whether a request's header of this name is forged, in whatever case and
    /// with underscores for dashes: an upstream may take those for the same
    /// ([`same_header`]). A header that tokens are read from may be there in
    /// its own spelling alone, since no token is looked for in another.
    #[must_use]
    pub fn is_forged(&self, name: &[u8]) -> bool {
        self.is_written(name)
            || self.respelled.iter().any(|source| {
                !name.eq_ignore_ascii_case(source.as_bytes())
                    && same_header(name, source.as_bytes())
            })
    }

    /// Whether a trailer of this name is forged: as [`Self::is_forged`], and
    /// nothing that carries a token. Some upstreams merge trailers into
    /// headers, and in a trailer no token is looked for (RFC 9110 section
    /// 6.5.1 forbids credentials there).
    #[must_use]
    pub fn is_forged_trailer(&self, name: &[u8]) -> bool {
        let sources = self.sources.iter().map(String::as_str);
        self.is_written(name)
            || sources
                .chain(["authorization", "cookie"])
                .any(|source| same_header(name, source.as_bytes()))
    }

    fn is_written(&self, name: &[u8]) -> bool {
        has_prefix(name, OWN_PREFIX)
            || self
                .written
                .iter()
                .any(|written| same_header(name, written.as_bytes()))
    }
}

/// Adds a name that is not there yet.
fn add(names: &mut Vec<String>, name: &str) {
    if !names.iter().any(|known| known == name) {
        names.push(name.to_owned());
    }
}

/// Headers that hold credentials, or say how a message is sent and where to:
/// neither claims nor tokens belong there.
const RESERVED: &[&str] = &[
    "authorization",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-request-id",
];

/// Headers by which Envoy and other proxies speak to each other.
const RESERVED_PREFIXES: &[&str] = &["x-envoy-", "x-forwarded-"];

/// Whether a header of this name is not to be written, in whatever spelling.
pub(crate) fn is_reserved_header(name: &str) -> bool {
    let name = name.as_bytes();
    RESERVED
        .iter()
        .any(|reserved| same_header(name, reserved.as_bytes()))
        || RESERVED_PREFIXES
            .iter()
            .any(|prefix| has_prefix(name, prefix))
}

fn has_prefix(name: &[u8], prefix: &str) -> bool {
    name.get(..prefix.len())
        .is_some_and(|start| same_header(start, prefix.as_bytes()))
}
