//! `client.address`: the IP address from which the client's request came.

use std::net::IpAddr;

use crate::derived::DerivedSettings;
use crate::facts::Facts;
use crate::headers::HeaderSnapshot;
use crate::peer::{Failure, text};

/// The client's address in its one spelling: IPv4 in IPv6 form as IPv4, IPv6
/// as RFC 5952 writes it, and no port.
///
/// Without trusted proxies it is the address of the connection's peer. With
/// `trusted_hops` of them in front it is the entry of x-forwarded-for that the
/// first of them wrote: each of them appended one, and the proxy in which this
/// runs appends its peer, unless its listener says `use_remote_address: false`
/// (<https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers#x-forwarded-for>).
///
/// Where there are fewer entries, Envoy takes the peer's address. Here the
/// client's is absent: such a request has gone around a trusted proxy, and the
/// address of a proxy inside would open what is open to clients inside.
pub(crate) fn client_address(
    settings: &DerivedSettings,
    headers: &HeaderSnapshot,
    facts: &dyn Facts,
) -> Result<Option<String>, Failure> {
    let address = if settings.trusted_hops == 0 {
        let Some(address) = text(facts, &["source", "address"])? else {
            return Ok(None);
        };
        peer(&address)
    } else {
        let list = headers.get("x-forwarded-for").text();
        let Some(list) = list.map_err(|_| Failure::Invalid)? else {
            return Ok(None);
        };
        let behind = settings
            .trusted_hops
            .saturating_sub(u32::from(settings.peer_not_appended));
        let behind = usize::try_from(behind).unwrap_or(usize::MAX);
        let Some(entry) = list.rsplit(',').nth(behind) else {
            return Ok(None);
        };
        // Envoy takes an address and nothing else: no port, no brackets.
        entry.trim_matches([' ', '\t']).parse().ok()
    };
    address
        .map(|address: IpAddr| Some(address.to_canonical().to_string()))
        .ok_or(Failure::Invalid)
}

/// The IP of `source.address`. Where Envoy took the address from a header, it
/// has the port 0, which no connection has: then it is not the peer's, but what
/// any client may write where `use_remote_address` is off, as it is by default.
fn peer(address: &str) -> Option<IpAddr> {
    let (ip, port) = match address.strip_prefix('[') {
        Some(rest) => rest.split_once("]:")?,
        None => match address.rsplit_once(':') {
            Some((ip, port)) if !ip.contains(':') => (ip, port),
            // Without a port, as no Envoy writes it.
            _ => return address.parse().ok(),
        },
    };
    let port: u16 = port.parse().ok()?;
    let ip: IpAddr = ip.parse().ok()?;
    (port != 0 && ip.is_ipv6() == address.starts_with('[')).then_some(ip)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::ReadError;

    fn hops(trusted_hops: u32, peer_not_appended: bool) -> DerivedSettings {
        DerivedSettings {
            trusted_hops,
            peer_not_appended,
            ..DerivedSettings::default()
        }
    }

    struct Source(Result<Option<&'static str>, ReadError>);

    impl Facts for Source {
        fn property(&self, path: &[&str]) -> Result<Option<Vec<u8>>, ReadError> {
            assert_eq!(path, ["source", "address"]);
            self.0.map(|text| text.map(|text| text.as_bytes().to_vec()))
        }
    }

    #[test]
    fn without_trusted_proxies_it_is_the_peer() {
        let forged = HeaderSnapshot::from_headers([("x-forwarded-for", b"10.0.0.9".as_slice())]);
        for (source, expected) in [
            ("10.0.0.1:9", Ok(Some("10.0.0.1"))),
            ("[2001:DB8:0::1]:9", Ok(Some("2001:db8::1"))),
            ("[::ffff:10.0.0.1]:9", Ok(Some("10.0.0.1"))),
            ("10.0.0.1", Ok(Some("10.0.0.1"))),
            ("::1", Ok(Some("::1"))),
            // From a header.
            ("10.0.0.1:0", Err(Failure::Invalid)),
            ("[::1]:0", Err(Failure::Invalid)),
            ("", Err(Failure::Invalid)),
            ("/run/envoy.sock", Err(Failure::Invalid)),
            ("@abstract", Err(Failure::Invalid)),
            ("envoy://internal/1", Err(Failure::Invalid)),
            ("010.0.0.1:9", Err(Failure::Invalid)),
            ("10.0.0.1:", Err(Failure::Invalid)),
            ("10.0.0.1:99999", Err(Failure::Invalid)),
            ("localhost:9", Err(Failure::Invalid)),
        ] {
            let found = client_address(&hops(0, false), &forged, &Source(Ok(Some(source))));
            let expected = expected.map(|address: Option<&str>| address.map(str::to_owned));
            assert_eq!(found, expected, "{source}");
        }
        let absent = client_address(&hops(0, false), &forged, &Source(Ok(None)));
        assert_eq!(absent, Ok(None));
        let unreadable = client_address(&hops(0, false), &forged, &Source(Err(ReadError)));
        assert_eq!(unreadable, Err(Failure::Unreadable));
    }

    #[test]
    fn trusted_proxies_are_counted_from_the_right() {
        const FOUND: Result<Option<&str>, Failure> = Ok(Some("192.0.2.1"));
        let absent = Ok(None);
        let invalid = Err(Failure::Invalid);
        for (number, lists, expected) in [
            (1, &["192.0.2.1, 10.0.0.1"][..], FOUND),
            (1, &["6.6.6.6,192.0.2.1,10.0.0.1"], FOUND),
            (2, &["6.6.6.6, 192.0.2.1 ,\t10.0.0.1, 10.0.0.2"], FOUND),
            (2, &["6.6.6.6, 192.0.2.1", "10.0.0.1, 10.0.0.2"], FOUND),
            (1, &["192.0.2.1", "10.0.0.1"], FOUND),
            (1, &["::ffff:192.0.2.1, 10.0.0.1"], FOUND),
            (1, &["2001:DB8::0:1, 10.0.0.1"], Ok(Some("2001:db8::1"))),
            (1, &["junk, 192.0.2.1, junk"], FOUND),
            (1, &["192.0.2.1"], absent),
            (1, &[""], absent),
            (2, &["192.0.2.1, 10.0.0.1"], absent),
            (u32::MAX, &["192.0.2.1, 10.0.0.1"], absent),
            (1, &[], absent),
            (1, &["192.0.2.1:80, 10.0.0.1"], invalid),
            (1, &["[2001:db8::1], 10.0.0.1"], invalid),
            (1, &["[2001:db8::1]:80, 10.0.0.1"], invalid),
            (1, &["\"192.0.2.1\", 10.0.0.1"], invalid),
            (1, &["unknown, 10.0.0.1"], invalid),
            (1, &["_hidden, 10.0.0.1"], invalid),
            (1, &["fe80::1%eth0, 10.0.0.1"], invalid),
            (1, &["192.0.2.01, 10.0.0.1"], invalid),
            (1, &["3221225985, 10.0.0.1"], invalid),
            (1, &["192.0.2.1 6.6.6.6, 10.0.0.1"], invalid),
            (1, &[", 10.0.0.1"], invalid),
            (1, &["10.0.0.1,,"], invalid),
            (1, &["192.0.2.1\u{a0}, 10.0.0.1"], invalid),
        ] {
            let headers = lists
                .iter()
                .map(|list| ("X-Forwarded-For", list.as_bytes()));
            let headers = HeaderSnapshot::from_headers(headers);
            let source = Source(Ok(Some("10.9.9.9:9")));
            let found = client_address(&hops(number, false), &headers, &source);
            let expected = expected.map(|address| address.map(str::to_owned));
            assert_eq!(found, expected, "{number} of {lists:?}");
            // Without the peer, one more proxy has written as many entries.
            let more = hops(number.saturating_add(1), true);
            if number < u32::MAX {
                assert_eq!(client_address(&more, &headers, &source), expected);
            }
        }
        let bytes = HeaderSnapshot::from_headers([("x-forwarded-for", b"\xff, a".as_slice())]);
        let found = client_address(&hops(1, false), &bytes, &Source(Ok(None)));
        assert_eq!(found, Err(Failure::Invalid));
    }
    #[test]
    fn behind_one_proxy_that_appends_alone_it_is_the_last_entry() {
        let headers = HeaderSnapshot::from_headers([(
            "x-forwarded-for",
            b"10.20.3.4, 203.0.113.9".as_slice(),
        )]);
        let source = Source(Ok(Some("10.9.9.9:9")));
        let found = client_address(&hops(1, true), &headers, &source);
        assert_eq!(found, Ok(Some("203.0.113.9".to_owned())));
    }
}
