//! Parameters of a query: `name=value` joined by `&`, as HTML forms and RFC
//! 6750 section 2.3 have them.

use std::borrow::Cow;

/// The values of the parameter `name`, in order. Names and values are decoded
/// as servers and Envoy's jwt_authn do, so no spelling of the name hides one;
/// a `%` without two digits behind it stays.
///
/// Empty stands for a parameter that one server reads and another does not:
/// one without `=`, and one behind a `;`, which some take for `&`.
pub fn parameter_values<'q>(query: &'q str, name: &str) -> impl Iterator<Item = Cow<'q, [u8]>> {
    query.split('&').filter_map(move |pair| value(pair, name))
}

/// Servers read the parameter in different ways, or cannot read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ambiguous;

/// The one value of the parameter `name`, decoded; `None` where there is none.
///
/// It must be the same to every server, of which some take the first of several
/// and others the last, `;` for `&`, and `+` for a space. So a query with a `;`
/// has no values, nor one in which a name has an encoding that is none or is a
/// name that some servers take for this one; nor has a parameter with several
/// different values, a `+` in name or value, an encoding that is none, a NUL or
/// bytes that are not UTF-8.
pub(crate) fn single_parameter<'q>(
    query: &'q str,
    name: &str,
) -> Result<Option<Cow<'q, str>>, Ambiguous> {
    if query.contains(';') {
        return Err(Ambiguous);
    }
    let mut found: Option<Cow<'q, str>> = None;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        if *decode(key) != *name.as_bytes() {
            if !is_encoded(key) || is_folded(key, name) {
                return Err(Ambiguous);
            }
            continue;
        }
        if key.contains('+') || value.contains('+') || !is_encoded(key) || !is_encoded(value) {
            return Err(Ambiguous);
        }
        let value = match decode(value) {
            Cow::Borrowed(_) => Cow::Borrowed(value),
            Cow::Owned(bytes) => Cow::Owned(String::from_utf8(bytes).map_err(|_| Ambiguous)?),
        };
        let differs = found.as_ref().is_some_and(|known| *known != value);
        if differs || value.contains('\0') {
            return Err(Ambiguous);
        }
        found = Some(value);
    }
    Ok(found)
}

/// Whether some servers take the name of a parameter, which is another one, for
/// `name`: in other letter case (ASP.NET), with spaces around it, up to a `[`
/// or a NUL, with `_` for a dot, a space or a `[` (PHP), or with `+` for a space.
fn is_folded(key: &str, name: &str) -> bool {
    let key = if key.contains('+') {
        Cow::Owned(key.replace('+', " "))
    } else {
        Cow::Borrowed(key)
    };
    let decoded = decode(&key);
    let ends = |byte: &u8| matches!(byte, b'[' | 0);
    let start = decoded.split(ends).next().unwrap_or_default();
    let folds = |left: &[u8], right: &[u8]| {
        let folded = |byte: &u8| match byte {
            b'.' | b' ' | b'[' => b'_',
            byte => byte.to_ascii_lowercase(),
        };
        let (left, right) = (left.trim_ascii(), right.trim_ascii());
        left.iter().map(folded).eq(right.iter().map(folded))
    };
    folds(start, name.as_bytes()) || folds(&decoded, name.as_bytes())
}

/// Whether every `%` stands before two hexadecimal digits.
fn is_encoded(text: &str) -> bool {
    text.split('%').skip(1).all(|rest| {
        matches!(rest.as_bytes(), [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
    })
}

/// The query without the parameters of which [`parameter_values`] gives a
/// value; the others stay as they were written.
#[must_use]
pub(crate) fn other_parameters(query: &str, name: &str) -> String {
    let mut others = String::new();
    let mut is_first = true;
    for pair in query.split('&') {
        if value(pair, name).is_none() {
            if !is_first {
                others.push('&');
            }
            is_first = false;
            others.push_str(pair);
        }
    }
    others
}

fn value<'q>(pair: &'q str, name: &str) -> Option<Cow<'q, [u8]>> {
    let is_named = |text: &str| {
        let known = text.split('=').next().unwrap_or_default();
        *decode(known) == *name.as_bytes()
    };
    if is_named(pair) {
        return Some(decode(pair.split_once('=').map_or("", |(_, value)| value)));
    }
    let mut parts = pair.split(';');
    let hidden = parts.any(|part| part.contains('=') && is_named(part));
    hidden.then_some(Cow::Borrowed(b"".as_slice()))
}

/// Percent encodings (RFC 3986 section 2.1) as the bytes they stand for.
fn decode(text: &str) -> Cow<'_, [u8]> {
    let bytes = text.as_bytes();
    if !bytes.contains(&b'%') {
        return Cow::Borrowed(bytes);
    }
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((first, behind)) = rest.split_first() {
        let encoded = match (first, behind) {
            (b'%', [high, low, behind @ ..]) => hex(*high)
                .zip(hex(*low))
                .map(|(high, low)| (high << 4 | low, behind)),
            _ => None,
        };
        let (byte, behind) = encoded.unwrap_or((*first, behind));
        decoded.push(byte);
        rest = behind;
    }
    Cow::Owned(decoded)
}

fn hex(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_named_parameter_is_found_and_the_others_stay_as_they_are() {
        for (query, values, others) in [
            ("t=1", vec!["1"], ""),
            ("a=b&t=1&c=%2f", vec!["1"], "a=b&c=%2f"),
            ("%74=1", vec!["1"], ""),
            ("t=%65%79%2E", vec!["ey."], ""),
            ("t=%6", vec!["%6"], ""),
            ("t=%", vec!["%"], ""),
            ("t=%zz%4a", vec!["%zzJ"], ""),
            ("t=%2574", vec!["%74"], ""),
            ("t=1&t=2&a&t=1", vec!["1", "2", "1"], "a"),
            ("t=", vec![""], ""),
            ("t", vec![""], ""),
            ("t=a=b", vec!["a=b"], ""),
            ("a=b;t=1&c", vec![""], "c"),
            ("a;%74=1", vec![""], ""),
            ("a=b;t", vec![], "a=b;t"),
            ("t=1;a=1", vec!["1;a=1"], ""),
            ("T=1&tt=2&at=3&t[]=4", vec![], "T=1&tt=2&at=3&t[]=4"),
            ("", vec![], ""),
            ("&&", vec![], "&&"),
        ] {
            let found: Vec<_> = parameter_values(query, "t").collect();
            let expected: Vec<_> = values.iter().map(|value| value.as_bytes()).collect();
            assert_eq!(found, expected, "{query:?}");
            let left = other_parameters(query, "t");
            assert_eq!(left, others, "{query:?}");
            // What is left names it no more.
            assert_eq!(parameter_values(&left, "t").next(), None, "{query:?}");
        }
    }

    #[test]
    fn a_parameter_has_a_value_only_where_all_servers_agree() {
        for (query, value) in [
            ("t=1", Ok(Some("1"))),
            ("a=2&t=1&b", Ok(Some("1"))),
            ("%74=%31", Ok(Some("1"))),
            ("t=%C3%A9%20x", Ok(Some("é x"))),
            ("t=a=b", Ok(Some("a=b"))),
            ("t=%2B%3B%26", Ok(Some("+;&"))),
            ("t=1&t=%31", Ok(Some("1"))),
            ("t", Ok(Some(""))),
            ("t=", Ok(Some(""))),
            ("", Ok(None)),
            ("&&a=1", Ok(None)),
            ("tt=2&%2574=5&a[t]=6&t.x=7", Ok(None)),
            ("T=1", Err(Ambiguous)),
            ("t%00=3", Err(Ambiguous)),
            ("t[]=4", Err(Ambiguous)),
            ("t%5b0%5d=4", Err(Ambiguous)),
            ("%20t=1", Err(Ambiguous)),
            ("+t=1", Err(Ambiguous)),
            ("%u0074=1", Err(Ambiguous)),
            ("t=1&t=2", Err(Ambiguous)),
            ("t=1&%74=2", Err(Ambiguous)),
            ("t=1&t", Err(Ambiguous)),
            ("t=1;a=2", Err(Ambiguous)),
            ("a=2;t=1", Err(Ambiguous)),
            ("a;b", Err(Ambiguous)),
            ("t=a+b", Err(Ambiguous)),
            ("t=%zz", Err(Ambiguous)),
            ("t=%4", Err(Ambiguous)),
            ("t=%", Err(Ambiguous)),
            ("t=%ff", Err(Ambiguous)),
            ("t=%c0%ae", Err(Ambiguous)),
            ("t=a%00", Err(Ambiguous)),
        ] {
            let found = single_parameter(query, "t");
            assert_eq!(
                found.as_ref().map(Option::as_deref),
                value.as_ref().map(|v| *v),
                "{query:?}"
            );
        }
        for query in ["a.b=1", "a%20b=1", "a[b=1", "A_b=1", "a_b[]=1"] {
            assert_eq!(single_parameter(query, "a_b"), Err(Ambiguous), "{query}");
        }
        assert_eq!(single_parameter("a+b=1", "a b"), Err(Ambiguous));
        assert_eq!(single_parameter("a+b=1", "a+b"), Err(Ambiguous));
        assert_eq!(
            single_parameter("a%20b=1", "a b"),
            Ok(Some(Cow::Borrowed("1")))
        );
    }
}
