//! The host of a request in its one spelling.

use std::borrow::Cow;
use std::net::Ipv6Addr;

use crate::headers::{HeaderSnapshot, HeaderValue};

/// The value of `:authority` as policies compare it: in lower case, as Envoy
/// compares domains of virtual hosts, and without a port that is empty or the
/// scheme's own (RFC 3986 section 6.2.3, RFC 9110 section 4.2.3). Another port
/// stays, as in Envoy's `request.host`.
///
/// `None` where it has no one reading: a user in it, a dot at its end (the
/// same name in the DNS, another one for virtual hosts), an empty label, two
/// hosts, an encoding, anything that no host name has.
pub(crate) fn canonical_host(authority: &[u8], secure: bool) -> Option<Cow<'_, str>> {
    let text = std::str::from_utf8(authority).ok()?;
    let (name, port) = if let Some(rest) = text.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        let address: Ipv6Addr = address.parse().ok()?;
        let port = match port {
            "" => None,
            port => Some(port.strip_prefix(':')?),
        };
        (Cow::Owned(format!("[{address}]")), port)
    } else {
        let (name, port) = match text.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (text, None),
        };
        (registered_name(name)?, port)
    };
    match other_port(port, secure)? {
        None => Some(name),
        Some(port) => Some(Cow::Owned(format!("{name}:{port}"))),
    }
}

/// What `:authority` has to become so that proxy and upstream see the host that
/// policies see: a virtual host for `a.example` is not one for `a.example:80`.
/// `None` where it is that host already, in whatever letter case, and where it
/// has no one reading.
#[must_use]
pub fn host_to_write(headers: &HeaderSnapshot) -> Option<String> {
    let HeaderValue::One(authority) = headers.get(":authority") else {
        return None;
    };
    let host = canonical_host(authority, is_secure(headers))?;
    let differs = !host.as_bytes().eq_ignore_ascii_case(authority);
    differs.then(|| host.into_owned())
}

pub(crate) fn is_secure(headers: &HeaderSnapshot) -> bool {
    headers.get(":scheme") == HeaderValue::One(b"https")
}

fn registered_name(name: &str) -> Option<Cow<'_, str>> {
    let fits = |label: &str| {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_~".contains(&byte);
        !label.is_empty() && label.bytes().all(known)
    };
    if !name.split('.').all(fits) {
        return None;
    }
    Some(if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    })
}

/// The port, where it says something.
#[expect(clippy::option_option, reason = "refused, and nothing to say")]
fn other_port(port: Option<&str>, secure: bool) -> Option<Option<u16>> {
    let Some(digits) = port.filter(|digits| !digits.is_empty()) else {
        return Some(None);
    };
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let port: u16 = digits.parse().ok()?;
    let own = if secure { 443 } else { 80 };
    Some((port != own).then_some(port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_hosts_are_spelled_alike_and_odd_ones_have_no_value() {
        for (authority, http, https) in [
            ("orders.example", "orders.example", "orders.example"),
            ("ORDERS.Example", "orders.example", "orders.example"),
            ("orders.example:", "orders.example", "orders.example"),
            ("orders.example:80", "orders.example", "orders.example:80"),
            ("Orders.example:443", "orders.example:443", "orders.example"),
            ("orders.example:0080", "orders.example", "orders.example:80"),
            ("a_b.~c:8080", "a_b.~c:8080", "a_b.~c:8080"),
            ("10.0.0.1:8080", "10.0.0.1:8080", "10.0.0.1:8080"),
            ("[2001:DB8:0::1]:80", "[2001:db8::1]", "[2001:db8::1]:80"),
            ("[::1]", "[::1]", "[::1]"),
        ] {
            for (secure, expected) in [(false, http), (true, https)] {
                let host = canonical_host(authority.as_bytes(), secure);
                assert_eq!(host.as_deref(), Some(expected), "{authority}");
                let again = canonical_host(expected.as_bytes(), secure);
                assert_eq!(again.as_deref(), Some(expected));
            }
        }
        for authority in [
            &b""[..],
            b".",
            b"a.",
            b"a.:80",
            b".a",
            b"a..b",
            b"user@a",
            b"a:80:80",
            b"a:8o",
            b"a:+80",
            b"a:65536",
            b"a,b",
            b"a b",
            b"a/b",
            b"a\\b",
            b"a%2eb",
            b"a\0",
            b"\xc3\xa9",
            b"\xff",
            b"::1",
            b"[::1",
            b"[::1]80",
            b"[fe80::1%25eth0]",
            b"[v1.a]",
        ] {
            assert_eq!(canonical_host(authority, false), None, "{authority:?}");
        }
    }
}
