//! The x-forwarded-client-cert header, as
//! [Envoy writes it](https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers#x-forwarded-client-cert).

/// The URI of each element's client, in the order of the header: `None` where
/// an element names none. The whole is `None` where the header has another
/// form, or an element with several URIs: which of them was checked is not
/// known.
///
/// Elements stand between commas, their pairs of key and value between
/// semicolons. A value with one of `,`, `;` and `=` in it is in quotes, in which
/// a backslash takes what follows it as it is. Keys have no case. Nothing may
/// stand behind a closing quote: so a quote that a client leaves open cannot
/// swallow what a proxy writes behind it.
pub(crate) fn client_uris(header: &str) -> Option<Vec<Option<String>>> {
    let mut parser = Parser(header.as_bytes());
    let mut elements = Vec::new();
    loop {
        let (uri, is_last) = parser.element()?;
        elements.push(uri);
        if is_last {
            return Some(elements);
        }
    }
}

/// What of the header is still to be read.
struct Parser<'a>(&'a [u8]);

impl Parser<'_> {
    fn next(&mut self) -> Option<u8> {
        let (next, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*next)
    }

    fn skip_space(&mut self) {
        while let [b' ' | b'\t', rest @ ..] = self.0 {
            self.0 = rest;
        }
    }

    /// One element, and whether it is the last.
    fn element(&mut self) -> Option<(Option<String>, bool)> {
        let mut uri = None;
        self.skip_space();
        loop {
            let is_uri = self.key()?.eq_ignore_ascii_case(b"URI");
            let value = self.value()?;
            if is_uri && uri.replace(value).is_some() {
                return None;
            }
            self.skip_space();
            let is_last = match self.next() {
                Some(b';') => continue,
                Some(b',') => false,
                None => true,
                Some(_) => return None,
            };
            // Envoy writes `URI=` for a certificate without one.
            let uri = uri.filter(|uri| !uri.is_empty());
            return Some((uri.map(String::from_utf8).transpose().ok()?, is_last));
        }
    }

    /// The key, and its `=`.
    fn key(&mut self) -> Option<Vec<u8>> {
        let mut key = Vec::new();
        loop {
            match self.next()? {
                b'=' if !key.is_empty() => return Some(key),
                letter if letter.is_ascii_alphanumeric() => key.push(letter),
                _ => return None,
            }
        }
    }

    fn value(&mut self) -> Option<Vec<u8>> {
        let mut value = Vec::new();
        let quoted = self.0.first() == Some(&b'"');
        if quoted {
            self.next();
        }
        loop {
            let byte = match self.0.first() {
                None if quoted => return None,
                None => return Some(value),
                Some(byte) => *byte,
            };
            match byte {
                b',' | b';' | b' ' | b'\t' if !quoted => return Some(value),
                b'"' | b'=' | b'\\' if !quoted => return None,
                _ => self.next(),
            };
            match byte {
                b'"' => return Some(value),
                b'\\' => value.push(self.next()?),
                other => value.push(other),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn elements_and_their_uris() {
        for (header, expected) in [
            ("URI=spiffe://a/b", &[Some("spiffe://a/b")][..]),
            (
                "By=spiffe://a/p;Hash=0a;Subject=\"CN=x,O=\\\"y\\\";z\";URI=spiffe://a/b;DNS=c;DNS=d",
                &[Some("spiffe://a/b")],
            ),
            (
                "By=p;URI=spiffe://a/b,By=q;Hash=1",
                &[Some("spiffe://a/b"), None],
            ),
            ("By=p;URI=x , uri=y\t", &[Some("x"), Some("y")]),
            ("By=p;URI=", &[None]),
            ("Uri=\"a,b;c=d\\\\\\\"\"", &[Some("a,b;c=d\\\"")]),
            ("By=", &[None]),
            ("By=p;By=q;Hash=1;URI=x", &[Some("x")]),
            (
                "Subject=\"\";URI=x,By=p;Subject=\"a,URI=y\"",
                &[Some("x"), None],
            ),
        ] {
            let uris = client_uris(header).unwrap();
            let uris: Vec<Option<&str>> = uris.iter().map(Option::as_deref).collect();
            assert_eq!(uris, expected, "{header}");
        }
    }

    #[test]
    fn another_form_is_refused() {
        for header in [
            "",
            " ",
            ",",
            "URI=a,",
            ",URI=a",
            "URI=a,,URI=b",
            "URI",
            "=a",
            "URI=a;",
            ";URI=a",
            "By=p;;URI=a",
            "URI=a;URI=b",
            "URI=;URI=b",
            "URI=a;uri=\"b\"",
            "URI=a=b",
            "URI=a\"b",
            "URI=a\\,b",
            "URI=\"a",
            "URI=\"a\\\"",
            "URI=\"a\\",
            "URI=\"a\"b",
            "URI=\"a\"\"b\"",
            "URI =a",
            "URI= a",
            "U R I=a",
            "URI=a b",
            "\"URI\"=a",
            "By=p; URI=a",
            // A quote left open by a client, closed by what a proxy wrote.
            "By=p;Subject=\"x,By=q;Hash=1;Subject=\"CN=evil\";URI=spiffe://a/b",
        ] {
            assert_eq!(client_uris(header), None, "{header:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_with_quotes_is_read_again(
            uris in prop::collection::vec(prop::option::of("[ -~\u{e9}]{1,12}"), 1..5)
        ) {
            let quoted = |uri: &str| uri.replace('\\', "\\\\").replace('"', "\\\"");
            let elements: Vec<String> = uris
                .iter()
                .map(|uri| match uri {
                    Some(uri) => format!("By=p;URI=\"{}\";DNS=d", quoted(uri)),
                    None => "By=p;Hash=0".to_owned(),
                })
                .collect();
            prop_assert_eq!(client_uris(&elements.join(",")), Some(uris));
        }

        /// Whatever stands in front, the element that a proxy appends is the
        /// last one, or the header is refused.
        #[test]
        fn nothing_in_front_hides_the_last_element(front in "([a-zA-Z]{0,3}|[=,;\"\\\\ ]|URI=){0,12}") {
            let appended = "By=p;Hash=1;Subject=\"CN=x\";URI=spiffe://a/b";
            if let Some(uris) = client_uris(&format!("{front},{appended}")) {
                let last = uris.last().cloned().flatten();
                prop_assert_eq!(last.as_deref(), Some("spiffe://a/b"));
            }
        }

        #[test]
        fn any_text_is_read_without_a_panic(header in "\\PC{0,60}") {
            let _ = client_uris(&header);
        }
    }
}
