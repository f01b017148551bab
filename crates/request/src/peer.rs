//! `peer.*`: who is at the other end of the connection.

use crate::facts::Facts;
use crate::headers::HeaderSnapshot;
use crate::spiffe::SpiffeId;
use crate::xfcc::client_uris;

/// How the peer is known, and which peers are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerSettings {
    /// The trust domains whose peers are accepted.
    pub trust_domains: Vec<String>,
    /// Where its SPIFFE ID is read.
    pub source: PeerSource,
}

/// Where the peer's SPIFFE ID is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeerSource {
    /// The certificate with which the connection came, which the listener has
    /// verified: no attribute tells whether it has, so the bundle states it.
    Certificate,
    /// The filter state `io.istio.peer_principal`, in which a waypoint of
    /// Istio keeps the SPIFFE URI of the certificate that came with the
    /// tunnel. Istio writes the URI as it is, scheme and all.
    FilterState,
    /// The x-forwarded-client-cert header, where the connection's own
    /// certificate is that of a trusted proxy.
    ForwardedClientCert {
        /// The SPIFFE IDs of these proxies.
        trusted_proxies: Vec<String>,
    },
}

/// What is read of the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerPart {
    /// `peer.id`: the whole SPIFFE ID.
    Id,
    /// `peer.trust_domain`.
    TrustDomain,
    /// `peer.path`, with its leading slash.
    Path,
    /// `peer.namespace`, where the path is `/ns/NAMESPACE/sa/ACCOUNT`.
    Namespace,
    /// `peer.service_account`, likewise.
    ServiceAccount,
}

impl PeerPart {
    /// The part of an ID; `None` where the ID has none.
    pub(crate) fn of(self, id: &SpiffeId) -> Option<&str> {
        Some(match self {
            Self::Id => id.uri(),
            Self::TrustDomain => id.trust_domain(),
            Self::Path => id.path(),
            Self::Namespace => id.workload()?.0,
            Self::ServiceAccount => id.workload()?.1,
        })
    }
}

/// Why a derived fact has no value, though it is not absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The host could not give it.
    Unreadable,
    /// It is not of its form.
    Invalid,
}

impl PeerSettings {
    /// The peer of a request; `None` where it shows no SPIFFE ID. One of
    /// another trust domain is invalid, so that no default stands in for it.
    pub(crate) fn read(
        &self,
        headers: &HeaderSnapshot,
        facts: &dyn Facts,
    ) -> Result<Option<SpiffeId>, Failure> {
        let uri = match &self.source {
            PeerSource::Certificate => certificate(facts)?,
            PeerSource::FilterState => principal(facts)?,
            PeerSource::ForwardedClientCert { trusted_proxies } => {
                forwarded(trusted_proxies, headers, facts)?
            }
        };
        let Some(uri) = uri else {
            return Ok(None);
        };
        SpiffeId::parse(&uri)
            .filter(|id| {
                self.trust_domains
                    .iter()
                    .any(|one| one == id.trust_domain())
            })
            .map(Some)
            .ok_or(Failure::Invalid)
    }
}

/// The first URI of the certificate with which the connection came; `None`
/// where it came without one.
fn certificate(facts: &dyn Facts) -> Result<Option<String>, Failure> {
    let uri = text(facts, &["connection", "uri_san_peer_certificate"])?;
    let is_mutual = match facts.property(&["connection", "mtls"]) {
        Ok(bytes) => bytes.is_some_and(|bytes| bytes == [1]),
        Err(_) => return Err(Failure::Unreadable),
    };
    match (uri, is_mutual) {
        (Some(uri), true) => Ok(Some(uri)),
        (None, false) => Ok(None),
        // A certificate without a URI is somebody's, and a URI without a
        // certificate nobody's.
        (None, true) | (Some(_), false) => Err(Failure::Invalid),
    }
}

/// What Istio's waypoint knows. Nothing and `-` are what Envoy's formatter
/// writes for a connection without a certificate.
fn principal(facts: &dyn Facts) -> Result<Option<String>, Failure> {
    let principal = text(facts, &["filter_state", "io.istio.peer_principal"])?;
    Ok(principal.filter(|principal| !matches!(principal.as_str(), "" | "-")))
}

/// The client of the nearest element that is not about a trusted proxy.
///
/// The last element is what the connection's peer, or this proxy, has written.
/// Where it is about a trusted proxy, what stands before it came from that
/// proxy: Istio's sidecars append one about their own peer
/// (`forward_client_cert_details: APPEND_FORWARD`). Nothing before an element
/// that is not about a trusted proxy is looked at: its client may have written
/// that.
fn forwarded(
    trusted_proxies: &[String],
    headers: &HeaderSnapshot,
    facts: &dyn Facts,
) -> Result<Option<String>, Failure> {
    let is_trusted = |uri: &String| trusted_proxies.contains(uri);
    // A peer that is known and is no proxy is not nobody.
    match certificate(facts)? {
        None => return Ok(None),
        Some(uri) if is_trusted(&uri) => {}
        Some(_) => return Err(Failure::Invalid),
    }
    let header = headers.get("x-forwarded-client-cert").text();
    let Some(header) = header.map_err(|_| Failure::Invalid)? else {
        return Ok(None);
    };
    let elements = client_uris(&header).ok_or(Failure::Invalid)?;
    let mut others = elements
        .into_iter()
        .rev()
        .skip_while(|uri| uri.as_ref().is_some_and(is_trusted));
    Ok(others.next().flatten())
}

/// A property that is text.
pub(crate) fn text(facts: &dyn Facts, path: &[&str]) -> Result<Option<String>, Failure> {
    match facts.property(path) {
        Ok(None) => Ok(None),
        Ok(Some(bytes)) => String::from_utf8(bytes)
            .map(Some)
            .map_err(|_| Failure::Invalid),
        Err(_) => Err(Failure::Unreadable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::ReadError;

    const INGRESS: &str = "spiffe://cluster.local/ns/istio-system/sa/ingress";
    const ORDERS: &str = "spiffe://cluster.local/ns/shop/sa/orders";

    /// The certificate's URI, whether the connection is mutual TLS, and the
    /// principal of the filter state.
    #[derive(Clone, Copy, Default)]
    struct Connection {
        uri: Option<&'static str>,
        mtls: Option<bool>,
        principal: Option<&'static str>,
        fails_at: &'static str,
    }

    impl Facts for Connection {
        fn property(&self, path: &[&str]) -> Result<Option<Vec<u8>>, ReadError> {
            let name = path.join("/");
            if name == self.fails_at {
                return Err(ReadError);
            }
            let text = |text: Option<&str>| text.map(|text| text.as_bytes().to_vec());
            Ok(match name.as_str() {
                "connection/uri_san_peer_certificate" => text(self.uri),
                "connection/mtls" => self.mtls.map(|mtls| vec![u8::from(mtls)]),
                "filter_state/io.istio.peer_principal" => text(self.principal),
                _ => panic!("{name} is none of the peer's"),
            })
        }
    }

    fn read(
        source: PeerSource,
        connection: Connection,
        forwarded: &[&str],
    ) -> Result<Option<String>, Failure> {
        let settings = PeerSettings {
            trust_domains: vec!["cluster.local".to_owned(), "td2".to_owned()],
            source,
        };
        let headers = forwarded
            .iter()
            .map(|value| ("x-forwarded-client-cert", value.as_bytes()));
        let peer = settings.read(&HeaderSnapshot::from_headers(headers), &connection)?;
        Ok(peer.map(|id| id.uri().to_owned()))
    }

    fn of(uri: &'static str) -> Connection {
        Connection {
            uri: Some(uri),
            mtls: Some(true),
            ..Connection::default()
        }
    }

    #[test]
    fn the_certificate_of_a_mutual_connection() {
        let read = |connection| read(PeerSource::Certificate, connection, &["URI=spiffe://td2/a"]);
        assert_eq!(read(of(ORDERS)), Ok(Some(ORDERS.to_owned())));
        assert_eq!(read(Connection::default()), Ok(None));
        for uri in [
            "",
            "-",
            "https://cluster.local/ns/a/sa/b",
            "spiffe://other/ns/shop/sa/orders",
            "spiffe://cluster.local.evil/ns/shop/sa/orders",
            "spiffe://Cluster.local/ns/shop/sa/orders",
            "spiffe://cluster.local",
        ] {
            assert_eq!(read(of(uri)), Err(Failure::Invalid), "{uri}");
        }
        for mtls in [None, Some(false)] {
            let connection = Connection { mtls, ..of(ORDERS) };
            assert_eq!(read(connection), Err(Failure::Invalid));
        }
        for fails_at in ["connection/uri_san_peer_certificate", "connection/mtls"] {
            let connection = Connection {
                fails_at,
                ..of(ORDERS)
            };
            assert_eq!(read(connection), Err(Failure::Unreadable));
        }
    }

    #[test]
    fn the_principal_of_a_waypoint() {
        for (principal, expected) in [
            (Some(ORDERS), Ok(Some(ORDERS.to_owned()))),
            (None, Ok(None)),
            (Some(""), Ok(None)),
            (Some("-"), Ok(None)),
            (
                Some("cluster.local/ns/shop/sa/orders"),
                Err(Failure::Invalid),
            ),
            (Some("spiffe://other/a"), Err(Failure::Invalid)),
            (Some("spiffe://td2/a,spiffe://td2/b"), Err(Failure::Invalid)),
        ] {
            // The waypoint's own connection says nothing of the client.
            let connection = Connection {
                principal,
                ..of(INGRESS)
            };
            let found = read(PeerSource::FilterState, connection, &[]);
            assert_eq!(found, expected, "{principal:?}");
        }
        let fails = Connection {
            fails_at: "filter_state/io.istio.peer_principal",
            ..Connection::default()
        };
        let found = read(PeerSource::FilterState, fails, &[]);
        assert_eq!(found, Err(Failure::Unreadable));
    }

    #[test]
    fn what_a_trusted_proxy_forwards() {
        let read = |connection, forwarded: &[&str]| {
            let trusted_proxies = vec![INGRESS.to_owned(), "spiffe://td2/edge".to_owned()];
            read(
                PeerSource::ForwardedClientCert { trusted_proxies },
                connection,
                forwarded,
            )
        };
        let orders = format!("By={INGRESS};Hash=1;Subject=\"\";URI={ORDERS}");
        let own = format!("By=spiffe://td2/me;Hash=2;URI={INGRESS}");
        let edge = format!("By={INGRESS};Hash=2;URI=spiffe://td2/edge");
        let forged = "By=x;URI=spiffe://cluster.local/ns/shop/sa/admin";
        let found = Ok(Some(ORDERS.to_owned()));
        for (forwarded, expected) in [
            (orders.clone(), found.clone()),
            (format!("{forged},{orders}"), found.clone()),
            // Elements about trusted proxies lead to what those were sent.
            (format!("{forged},{orders},{own}"), found.clone()),
            (format!("{forged},{orders},{edge},{own}"), found),
            (own.clone(), Ok(None)),
            // What stands before an element without a URI is its client's word.
            (format!("{forged},By={INGRESS};Hash=1"), Ok(None)),
            (format!("{forged},By={INGRESS};Hash=1;URI=,{own}"), Ok(None)),
            (
                format!("{orders},By={INGRESS};URI=spiffe://other/a"),
                Err(Failure::Invalid),
            ),
            (format!("{orders};URI={ORDERS}"), Err(Failure::Invalid)),
            (format!("\"{forged},{orders}"), Err(Failure::Invalid)),
            (String::new(), Err(Failure::Invalid)),
        ] {
            assert_eq!(read(of(INGRESS), &[&forwarded]), expected, "{forwarded}");
        }
        assert_eq!(read(of(INGRESS), &[]), Ok(None));
        let twice = read(of("spiffe://td2/edge"), &[forged, &orders]);
        assert_eq!(twice, Ok(Some(ORDERS.to_owned())));
        // Nobody else is believed, nor is it nobody.
        assert_eq!(read(of(ORDERS), &[&orders]), Err(Failure::Invalid));
        let other = of("spiffe://other/a");
        assert_eq!(read(other, &[&orders]), Err(Failure::Invalid));
        assert_eq!(read(Connection::default(), &[&orders]), Ok(None));
        let plain = Connection {
            mtls: Some(false),
            ..of(INGRESS)
        };
        assert_eq!(read(plain, &[&orders]), Err(Failure::Invalid));
    }
}
