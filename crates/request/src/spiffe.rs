//! SPIFFE IDs of workloads.

/// What every SPIFFE ID starts with.
const SCHEME: &str = "spiffe://";

/// The greatest size of a SPIFFE ID in bytes (SPIFFE-ID section 2.3).
const MAX_ID_BYTES: usize = 2048;

/// The greatest size of a trust domain's name in bytes (SPIFFE-ID section 2.3).
const MAX_TRUST_DOMAIN_BYTES: usize = 255;

/// The SPIFFE ID of a workload, such as
/// `spiffe://cluster.local/ns/shop/sa/orders`.
///
/// The rules are those of
/// [SPIFFE-ID section 2](https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE-ID.md):
/// the scheme and the trust domain in lower case, so that an ID has one
/// spelling; no user, port, query, fragment or encoding; segments of letters,
/// digits, `.`, `-` and `_`, none of them empty, `.` or `..`. A workload's has
/// a path
/// ([X509-SVID section 3.1](https://github.com/spiffe/spiffe/blob/main/standards/X509-SVID.md)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpiffeId(String);

impl SpiffeId {
    /// Reads the ID of a workload; `None` where the text is none.
    #[must_use]
    pub fn parse(uri: &str) -> Option<Self> {
        let (trust_domain, path) = split(uri)?;
        let path = path.strip_prefix('/')?;
        let fits = uri.len() <= MAX_ID_BYTES
            && is_trust_domain(trust_domain)
            && path.split('/').all(is_segment);
        fits.then(|| Self(uri.to_owned()))
    }

    /// The whole URI.
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.0
    }

    /// The name of the trust domain.
    #[must_use]
    pub fn trust_domain(&self) -> &str {
        split(&self.0).unwrap_or_default().0
    }

    /// The path with its leading slash.
    #[must_use]
    pub fn path(&self) -> &str {
        split(&self.0).unwrap_or_default().1
    }

    /// The Kubernetes namespace and service account, where the path is Istio's
    /// `/ns/NAMESPACE/sa/ACCOUNT` and nothing else.
    #[must_use]
    pub fn workload(&self) -> Option<(&str, &str)> {
        let mut segments = self.path().split('/');
        let mut next = || segments.next();
        match [next()?, next()?, next()?, next()?, next()?] {
            ["", "ns", namespace, "sa", account] if next().is_none() => Some((namespace, account)),
            _ => None,
        }
    }
}

/// Whether the text is the name of a trust domain (SPIFFE-ID section 2.1).
#[must_use]
pub fn is_trust_domain(name: &str) -> bool {
    let fits = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'_')
    };
    !name.is_empty() && name.len() <= MAX_TRUST_DOMAIN_BYTES && name.bytes().all(fits)
}

fn is_segment(segment: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    !matches!(segment, "" | "." | "..") && segment.bytes().all(fits)
}

/// Trust domain and path.
#[inline(never)]
fn split(uri: &str) -> Option<(&str, &str)> {
    let rest = uri.strip_prefix(SCHEME)?;
    rest.split_at_checked(rest.find('/').unwrap_or(rest.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ids_come_apart() {
        for (uri, trust_domain, path, workload) in [
            (
                "spiffe://cluster.local/ns/shop/sa/orders",
                "cluster.local",
                "/ns/shop/sa/orders",
                Some(("shop", "orders")),
            ),
            ("spiffe://a/b", "a", "/b", None),
            ("spiffe://a_b-1.c/B-.._9", "a_b-1.c", "/B-.._9", None),
            ("spiffe://a/ns/b/sa/c/d", "a", "/ns/b/sa/c/d", None),
            ("spiffe://a/ns/b/x/sa/c", "a", "/ns/b/x/sa/c", None),
            ("spiffe://a/x/ns/b/sa/c", "a", "/x/ns/b/sa/c", None),
            ("spiffe://a/NS/b/SA/c", "a", "/NS/b/SA/c", None),
            (
                "spiffe://a/ns/sa/sa/sa",
                "a",
                "/ns/sa/sa/sa",
                Some(("sa", "sa")),
            ),
            ("spiffe://a/ns/b/sa/sa/sa", "a", "/ns/b/sa/sa/sa", None),
            ("spiffe://a/ns/sa/c", "a", "/ns/sa/c", None),
        ] {
            let id = SpiffeId::parse(uri).unwrap();
            assert_eq!(id.uri(), uri);
            assert_eq!((id.trust_domain(), id.path()), (trust_domain, path));
            assert_eq!(id.workload(), workload, "{uri}");
        }
    }

    #[test]
    fn what_has_another_spelling_is_none() {
        for uri in [
            "",
            "spiffe:",
            "spiffe://",
            "spiffe:///a",
            "spiffe://a",
            "spiffe://a/",
            "SPIFFE://a/b",
            "spiffe:/a/b",
            "https://a/b",
            "cluster.local/ns/a/sa/b",
            "spiffe://A/b",
            "spiffe://a:8/b",
            "spiffe://u@a/b",
            "spiffe://a%62/b",
            "spiffe://a b/c",
            "spiffe://\u{e9}/c",
            "spiffe://[::1]/c",
            "spiffe://a/b/",
            "spiffe://a//b",
            "spiffe://a/./b",
            "spiffe://a/../b",
            "spiffe://a/b/..",
            "spiffe://a/b%2fc",
            "spiffe://a/b?c",
            "spiffe://a/b#c",
            "spiffe://a/b;c",
            "spiffe://a/b,spiffe://a/c",
            "spiffe://a/b\\c",
            "spiffe://a/b c",
            "spiffe://a/\u{e9}",
            " spiffe://a/b",
            "spiffe://a/b\0",
            "spiffe://a/b\n",
        ] {
            assert_eq!(SpiffeId::parse(uri), None, "{uri:?}");
        }
    }

    #[test]
    fn sizes_are_bounded() {
        let of_size = |size: usize| format!("spiffe://a/{}", "b".repeat(size - 11));
        assert!(SpiffeId::parse(&of_size(2048)).is_some());
        assert!(SpiffeId::parse(&of_size(2049)).is_none());
        let of_domain = |size: usize| format!("spiffe://{}/b", "a".repeat(size));
        assert!(SpiffeId::parse(&of_domain(255)).is_some());
        assert!(SpiffeId::parse(&of_domain(256)).is_none());
    }

    proptest! {
        #[test]
        fn parts_make_the_whole_again(uri in "spiffe://[a-z.:@]{0,3}(/[a-zA-Z0-9._%?-]{0,3}){0,6}") {
            if let Some(id) = SpiffeId::parse(&uri) {
                prop_assert_eq!(format!("spiffe://{}{}", id.trust_domain(), id.path()), uri);
                if let Some((namespace, account)) = id.workload() {
                    prop_assert_eq!(format!("/ns/{namespace}/sa/{account}"), id.path());
                }
            }
        }

        #[test]
        fn any_text_is_read_without_a_panic(uri in "(spiffe://)?\\PC{0,40}") {
            let _ = SpiffeId::parse(&uri);
        }
    }
}
