//! Cookies of a request: `cookie-string` of RFC 6265 section 4.2.1, read as
//! servers do, with white space around names and values left out.

/// The values of the cookie `name` in one `cookie` header, in order, without
/// the quotes that may stand around them.
///
/// Empty stands for a cookie that one server reads and another does not: one
/// without `=`, and one behind a comma, which servers that follow RFC 2965
/// take for the end of the cookie before.
pub fn cookie_values<'v>(line: &'v [u8], name: &str) -> impl Iterator<Item = &'v [u8]> {
    cookies(line).filter_map(move |pair| value(pair, name))
}

/// The cookies of one `cookie` header as they were written, in order.
pub fn cookies(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| *byte == b';')
        .map(<[u8]>::trim_ascii)
        .filter(|pair| !pair.is_empty())
}

fn value<'v>(pair: &'v [u8], name: &str) -> Option<&'v [u8]> {
    let is_named = |text: &[u8]| {
        let end = text.iter().position(|byte| *byte == b'=');
        let known = end.and_then(|end| text.get(..end)).unwrap_or(text);
        known.trim_ascii() == name.as_bytes()
    };
    if !is_named(pair) {
        let mut behind = pair.split(|byte| *byte == b',').skip(1);
        let hidden = behind.any(|part| part.contains(&b'=') && is_named(part));
        return hidden.then_some(b"");
    }
    let mut parts = pair.splitn(2, |byte| *byte == b'=');
    let value = parts.nth(1).unwrap_or_default().trim_ascii();
    let unquoted = value
        .strip_prefix(b"\"")
        .and_then(|value| value.strip_suffix(b"\""));
    Some(unquoted.unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_named_cookie_is_found_and_the_others_stay_as_they_are() {
        for (line, values, others) in [
            ("s=1", vec!["1"], ""),
            ("a=b; s=1; c=d", vec!["1"], "a=b; c=d"),
            ("a=b;s=1;c=d", vec!["1"], "a=b; c=d"),
            (" s = 1 ;a=\"x y\"", vec!["1"], "a=\"x y\""),
            ("s=\"1\"", vec!["1"], ""),
            ("s=\"1", vec!["\"1"], ""),
            ("s=\"", vec!["\""], ""),
            ("s=a=b", vec!["a=b"], ""),
            ("s=1; s=2; s=1", vec!["1", "2", "1"], ""),
            ("s=", vec![""], ""),
            ("s", vec![""], ""),
            ("a=b,s=1; c=d", vec![""], "c=d"),
            ("a=b, s=1", vec![""], ""),
            ("s=1,a=b", vec!["1,a=b"], ""),
            ("a=b,sx=1", vec![], "a=b,sx=1"),
            ("a=b,s", vec![], "a=b,s"),
            ("S=1; sx=2; xs=3; a=s", vec![], "S=1; sx=2; xs=3; a=s"),
            ("", vec![], ""),
            (";;", vec![], ""),
        ] {
            let found: Vec<_> = cookie_values(line.as_bytes(), "s").collect();
            let expected: Vec<_> = values.iter().map(|value| value.as_bytes()).collect();
            assert_eq!(found, expected, "{line:?}");
            let left: Vec<_> = cookies(line.as_bytes())
                .filter(|cookie| cookie_values(cookie, "s").next().is_none())
                .collect();
            let left = left.join(b"; ".as_slice());
            assert_eq!(left, others.as_bytes(), "{line:?}");
            // What is left names it no more.
            assert_eq!(cookie_values(&left, "s").next(), None, "{line:?}");
        }
    }
}
