//! Finding the request's token.

use std::borrow::Cow;

use doorward_bundle::{Bundle, Provider, TokenSource};
use doorward_request::{
    CanonicalPath, HeaderSnapshot, cookie_values, is_token_byte, parameter_values,
};
use smallvec::{SmallVec, smallvec};

use crate::denial::Denial;

const AUTHORIZATION: &str = "authorization";

/// The token of a request.
#[derive(Debug)]
pub(crate) struct Found<'a, 'b> {
    pub(crate) token: Cow<'a, [u8]>,
    /// The issuers' entries that look where it stands, with their places among
    /// the bundle's.
    pub(crate) providers: Providers<'b>,
    /// Where it stands.
    pub(crate) sources: Sources<'b>,
    headers: &'a HeaderSnapshot,
}

/// Some of a bundle's entries; mostly there is one.
pub(crate) type Providers<'a> = SmallVec<[(usize, &'a Provider); 1]>;

/// Places where a token stands; mostly there is one.
pub(crate) type Sources<'a> = SmallVec<[&'a TokenSource; 1]>;

impl Found<'_, '_> {
    /// Whether it may be several that a proxy joined by a comma.
    pub(crate) fn is_joined(&self) -> bool {
        self.sources.iter().any(|source| match source {
            // A header of several lines holds no token.
            TokenSource::Header { name, .. } => {
                let mut lines = self.headers.values(name);
                lines.any(|line| line.contains(&b','))
            }
            TokenSource::Cookie(_) | TokenSource::Parameter(_) => false,
        })
    }
}

/// Looks in every place that an issuer's entry names. The same token in two
/// places is one token; two different ones are refused, and so is a header of
/// several lines with a token in one of them. `Authorization` is refused with
/// several lines or a comma, with or without a token: RFC 9110 section 11.6.2
/// has one set of credentials there, and servers choose among several.
pub(crate) fn find<'a, 'b>(
    bundle: &'b Bundle,
    headers: &'a HeaderSnapshot,
    path: &'a CanonicalPath<'_>,
) -> Result<Option<Found<'a, 'b>>, Denial> {
    let mut found = None;
    let mut is_several = false;
    for (index, provider) in bundle.providers().iter().enumerate() {
        let place = |source| (index, provider, source);
        for source in provider.sources() {
            match source {
                TokenSource::Header { name, prefix } => {
                    let (mut is_first, mut has_token) = (true, false);
                    for value in headers.values(name) {
                        if let Some(token) = strip_prefix(value, prefix) {
                            has_token = true;
                            note(&mut found, headers, token.into(), place(source))?;
                        } else if name == AUTHORIZATION {
                            is_several |= !is_first || value.contains(&b',');
                        }
                        if has_token && !is_first {
                            return Err(Denial::TokenAmbiguous);
                        }
                        is_first = false;
                    }
                }
                TokenSource::Cookie(name) => {
                    let lines = headers.values("cookie");
                    for token in lines.flat_map(|line| cookie_values(line, name)) {
                        note(&mut found, headers, token.into(), place(source))?;
                    }
                }
                TokenSource::Parameter(name) => {
                    for token in parameter_values(path.query().unwrap_or_default(), name) {
                        note(&mut found, headers, token, place(source))?;
                    }
                }
            }
        }
    }
    // With a token among them, it is the token that is malformed.
    if is_several && !has_credentials(bundle, headers) {
        return Err(Denial::TokenAmbiguous);
    }
    Ok(found)
}

/// Whether an entry finds a token in `Authorization`.
fn has_credentials(bundle: &Bundle, headers: &HeaderSnapshot) -> bool {
    let sources = bundle.providers().iter().flat_map(Provider::sources);
    let mut prefixes = sources.filter_map(|source| match source {
        TokenSource::Header { name, prefix } if name == AUTHORIZATION => Some(prefix),
        _ => None,
    });
    prefixes.any(|prefix| {
        let mut values = headers.values(AUTHORIZATION);
        values.any(|value| strip_prefix(value, prefix).is_some())
    })
}

fn note<'a, 'b>(
    found: &mut Option<Found<'a, 'b>>,
    headers: &'a HeaderSnapshot,
    token: Cow<'a, [u8]>,
    (index, provider, source): (usize, &'b Provider, &'b TokenSource),
) -> Result<(), Denial> {
    let Some(known) = found else {
        *found = Some(Found {
            token,
            providers: smallvec![(index, provider)],
            sources: smallvec![source],
            headers,
        });
        return Ok(());
    };
    if known.token != token {
        return Err(Denial::TokenAmbiguous);
    }
    if !known.providers.iter().any(|(other, _)| *other == index) {
        known.providers.push((index, provider));
    }
    if !known.sources.contains(&source) {
        known.sources.push(source);
    }
    Ok(())
}

/// The token behind the source's prefix. The letters of an authentication
/// scheme are compared without regard to case (RFC 9110 section 11.1), and
/// any number of spaces may stand behind it (section 11.4).
///
/// A value that names the scheme but has no token behind it is an empty token,
/// which is malformed, and so is one that a proxy joined of several with the
/// scheme among them: neither counts as "no token", since an upstream could
/// read one there.
fn strip_prefix<'v>(value: &'v [u8], prefix: &str) -> Option<&'v [u8]> {
    let prefix = prefix.as_bytes();
    // In its usual spelling.
    if let Some(token) = value.strip_prefix(prefix)
        && token.first() != Some(&b' ')
    {
        return Some(token);
    }
    let Some(scheme) = prefix.strip_suffix(b" ") else {
        let (start, token) = value.split_at_checked(prefix.len())?;
        return start.eq_ignore_ascii_case(prefix).then_some(token);
    };
    let behind_scheme = |part: &'v [u8]| {
        let (start, rest) = part.split_at_checked(scheme.len())?;
        let ends = !rest.first().is_some_and(|byte| is_token_byte(*byte));
        (start.eq_ignore_ascii_case(scheme) && ends).then_some(rest)
    };
    if let Some(rest) = behind_scheme(value) {
        let Some(mut token) = rest.strip_prefix(b" ") else {
            return Some(b"");
        };
        while let Some(shorter) = token.strip_prefix(b" ") {
            token = shorter;
        }
        return Some(token);
    }
    let joined = value
        .split(|byte| *byte == b',')
        .skip(1)
        .any(|part| behind_scheme(part.trim_ascii_start()).is_some());
    joined.then_some(b"")
}
