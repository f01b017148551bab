//! How a bundle names a claim.

use std::iter::Peekable;
use std::str::Chars;

use doorward_request::{ClaimPath, Step};

/// Reads the name of a claim:
///
/// - `scope`: a claim; its name may have any characters but those below
/// - `realm_access.roles`, `resource_access.my-client.roles`: names of letters,
///   digits, `_` and `-`, joined by dots, lead into nested claims
/// - `resource_access['my.client'].roles`, `groups[0]`: a name in brackets and
///   quotes is taken as it is, a number is an element of a list
/// - `https://example.com/roles`: with a slash and without brackets it is one
///   whole name, dots and all
///
/// A text that could be read in two ways is refused.
pub(crate) fn claim_path(text: &str) -> Result<ClaimPath, String> {
    if text.is_empty() {
        return Err("the name of the claim is empty".to_owned());
    }
    let refuse = |problem: &str| Err(format!("{text:?} is no path to a claim: {problem}"));
    if text.trim() != text || text.contains(char::is_control) {
        return refuse("it has a space at an end, or a control character");
    }
    let steps = if text.contains(['[', ']', '\'', '"']) {
        match bracketed(text) {
            Some(steps) => steps,
            None => {
                return refuse("write names joined by dots, and others as ['name'] or [0]");
            }
        }
    } else if text.contains('/') || !text.contains('.') {
        vec![Step::Member(text.to_owned())]
    } else if let Some(steps) = text.split('.').map(member).collect() {
        steps
    } else {
        return refuse(
            "beside dots, names have letters, digits, _ and - only, and not digits alone: write others as ['name'], also one with dots",
        );
    };
    // `jwt.principal` is the principal that was made, elsewhere in the bundle.
    if matches!(steps.as_slice(), [Step::Member(name), ..] if name == "principal") {
        return refuse("principal is not a claim, but what is made of claims");
    }
    match ClaimPath::new(steps) {
        Some(path) => Ok(path),
        None => refuse("it starts with an element of a list"),
    }
}

/// A step by a plain name. One of digits alone might be meant as an index.
fn member(name: &str) -> Option<Step> {
    let plain = name.chars().all(is_plain) && !name.chars().all(|c| c.is_ascii_digit());
    plain.then(|| Step::Member(name.to_owned()))
}

fn is_plain(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '-')
}

/// The steps of a text with brackets.
fn bracketed(text: &str) -> Option<Vec<Step>> {
    let mut characters = text.chars().peekable();
    let mut steps = Vec::new();
    if characters.peek() != Some(&'[') {
        steps.push(plain_name(&mut characters)?);
    }
    loop {
        steps.push(match characters.next() {
            None => return Some(steps),
            Some('.') => plain_name(&mut characters)?,
            Some('[') => index(&mut characters)?,
            Some(_) => return None,
        });
    }
}

fn plain_name(characters: &mut Peekable<Chars<'_>>) -> Option<Step> {
    let mut name = String::new();
    while let Some(character) = characters.next_if(|character| is_plain(*character)) {
        name.push(character);
    }
    member(&name)
}

/// What stands behind an opening bracket, with the closing one.
fn index(characters: &mut Peekable<Chars<'_>>) -> Option<Step> {
    let mut text = String::new();
    let step = match characters.next_if(|character| matches!(character, '\'' | '"')) {
        // There are no escapes, so a backslash may mean one or itself.
        Some(quote) => {
            loop {
                match characters.next()? {
                    character if character == quote => break,
                    '\\' => return None,
                    character => text.push(character),
                }
            }
            (!text.is_empty()).then_some(Step::Member(text))?
        }
        None => {
            while let Some(digit) = characters.next_if(char::is_ascii_digit) {
                text.push(digit);
            }
            Step::Index(text.parse().ok()?)
        }
    };
    (characters.next()? == ']').then_some(step)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::claim_path;

    #[test]
    fn each_text_leads_to_what_it_looks_like() {
        let claims = json!({
            "scope": 1, "a-b": 2, "cognito:groups": 3, "https://example.com/roles": 4,
            "kubernetes.io/serviceaccount": 5, "ein wort": 6, "42": 7, "urn:a:b": 8,
            "realm_access": {"roles": 10},
            "resource_access": {"my-client": {"roles": 11}, "my.client": {"roles": 12}},
            "kubernetes.io": {"namespace": 13}, "a.b": 14, "groups": [15, 16],
            "it's": 17, "2fa": {"x": 18}, "a]b": 19,
            "resource_access.my-client.roles": "flat",
        });
        for (text, value) in [
            ("scope", 1),
            ("a-b", 2),
            ("cognito:groups", 3),
            ("https://example.com/roles", 4),
            ("['https://example.com/roles']", 4),
            ("kubernetes.io/serviceaccount", 5),
            ("ein wort", 6),
            ("42", 7),
            ("urn:a:b", 8),
            ("realm_access.roles", 10),
            ("realm_access['roles']", 10),
            ("resource_access.my-client.roles", 11),
            ("resource_access[\"my-client\"].roles", 11),
            ("resource_access['my-client'].roles", 11),
            ("['resource_access']['my-client']['roles']", 11),
            ("resource_access['my.client'].roles", 12),
            ("['kubernetes.io'].namespace", 13),
            ("['a.b']", 14),
            ("groups[1]", 16),
            ("[\"it's\"]", 17),
            ("2fa.x", 18),
            ("['a]b']", 19),
        ] {
            let path = claim_path(text).unwrap();
            let found = path.find(claims.as_object().unwrap());
            assert_eq!(found, Some(&json!(value)), "{text}");
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in [
            "",
            ".",
            "a.",
            ".a",
            "a..b",
            "a.0",
            "a.b:c",
            "a b.c",
            "urn:a.b:c",
            "ä.b",
            " scope",
            "scope ",
            "a\nb",
            "a'b",
            "a\"b",
            "['a",
            "['a'",
            "['a\"]",
            "[a]",
            "a[b]",
            "a['b'",
            "a]",
            "a[]",
            "a['']",
            "['']",
            "[0]",
            "a[-1]",
            "a['b']c",
            "a['b'].",
            "a['b']..c",
            "a.[0]",
            "a[ 'b']",
            "a['b\\'c']",
            "a/b['c']",
            "a:b['c']",
            "['a'].b:c",
            "a[99999999999999999999]",
            "principal",
            "['principal']",
            "principal.x",
        ] {
            assert!(claim_path(text).is_err(), "{text:?}");
        }
    }
}
