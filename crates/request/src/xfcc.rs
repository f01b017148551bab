//! The x-forwarded-client-cert header, as
//! [Envoy writes it](https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers#x-forwarded-client-cert).

use std::iter::Peekable;
use std::str::Chars;

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
    let mut characters = header.chars().peekable();
    let mut elements = Vec::new();
    loop {
        let (uri, is_last) = element(&mut characters)?;
        elements.push(uri);
        if is_last {
            return Some(elements);
        }
    }
}

/// One element, and whether it is the last.
fn element(characters: &mut Peekable<Chars<'_>>) -> Option<(Option<String>, bool)> {
    let mut uri = None;
    skip_space(characters);
    loop {
        let key = key(characters)?;
        let value = value(characters)?;
        if key.eq_ignore_ascii_case("URI") && uri.replace(value).is_some() {
            return None;
        }
        skip_space(characters);
        let is_last = match characters.next() {
            Some(';') => continue,
            Some(',') => false,
            None => true,
            Some(_) => return None,
        };
        // Envoy writes `URI=` for a certificate without one.
        return Some((uri.filter(|uri| !uri.is_empty()), is_last));
    }
}

/// The key, and its `=`.
fn key(characters: &mut Peekable<Chars<'_>>) -> Option<String> {
    let mut key = String::new();
    loop {
        match characters.next()? {
            '=' if !key.is_empty() => return Some(key),
            letter if letter.is_ascii_alphanumeric() => key.push(letter),
            _ => return None,
        }
    }
}

fn value(characters: &mut Peekable<Chars<'_>>) -> Option<String> {
    let mut value = String::new();
    if characters.next_if_eq(&'"').is_some() {
        loop {
            match characters.next()? {
                '"' => return Some(value),
                '\\' => value.push(characters.next()?),
                other => value.push(other),
            }
        }
    }
    while let Some(next) = characters.next_if(|next| !matches!(next, ',' | ';' | ' ' | '\t')) {
        if matches!(next, '"' | '=' | '\\') {
            return None;
        }
        value.push(next);
    }
    Some(value)
}

fn skip_space(characters: &mut Peekable<Chars<'_>>) {
    while characters
        .next_if(|next| matches!(next, ' ' | '\t'))
        .is_some()
    {}
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
