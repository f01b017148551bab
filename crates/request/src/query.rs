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
}
