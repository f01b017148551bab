//! What is changed on a request that goes on, so that the upstream sees what
//! was decided on and is told who it is.

use doorward_bundle::TokenSource;
use doorward_request::{CanonicalPath, HeaderSnapshot, cookie_values, cookies};

use crate::credentials::Identity;
use crate::outcome::HeaderEdit;

/// The path without the parameters that held the token, where it is withheld.
/// `None`: the path as it is.
pub(crate) fn path_without_token(
    path: &CanonicalPath<'_>,
    identity: &Identity<'_>,
) -> Option<CanonicalPath<'static>> {
    let mut shorter: Option<CanonicalPath<'static>> = None;
    for source in &identity.withheld {
        if let TokenSource::Parameter(name) = source {
            let rest = match &shorter {
                Some(shorter) => shorter.without_parameter(name),
                None => path.without_parameter(name),
            };
            shorter = Some(rest);
        }
    }
    shorter
}

/// The changes, each of which changes something.
///
/// A proxy looks for the route anew after any of them, so whoever adds
/// attributes that depend on the route has to see to it that there are none.
pub(crate) fn edits(
    headers: &HeaderSnapshot,
    path: &CanonicalPath<'_>,
    host: Option<String>,
    identity: &Identity<'_>,
) -> Vec<HeaderEdit> {
    let written = identity
        .credentials
        .as_ref()
        .map(|known| known.subject.headers.as_slice())
        .unwrap_or_default();
    let mut edits = Vec::new();
    for name in headers.hidden_names() {
        if !written.iter().any(|(known, _)| known.as_bytes() == name) {
            edits.push(HeaderEdit::Remove(name.to_vec()));
        }
    }
    withhold(headers, &identity.withheld, &mut edits);
    for (name, value) in written {
        let present: Vec<&[u8]> = headers
            .hidden()
            .filter(|(known, _)| *known == name.as_bytes())
            .map(|(_, value)| value)
            .collect();
        if present != [value.as_bytes()] {
            replace(name, value.clone().into_bytes(), present.len(), &mut edits);
        }
    }
    if path.is_rewritten() {
        let target = path.target().as_bytes().to_vec();
        edits.push(HeaderEdit::Replace(":path".to_owned(), target));
    }
    if let Some(host) = host {
        edits.push(HeaderEdit::Replace(
            ":authority".to_owned(),
            host.into_bytes(),
        ));
    }
    edits
}

/// Takes the token out of headers and cookies.
fn withhold(headers: &HeaderSnapshot, sources: &[&TokenSource], edits: &mut Vec<HeaderEdit>) {
    let mut has_cookie = false;
    for source in sources {
        match source {
            TokenSource::Header { name, .. } => {
                let removal = HeaderEdit::Remove(name.clone().into_bytes());
                // Two prefixes in one header make two sources.
                if !edits.contains(&removal) {
                    edits.push(removal);
                }
            }
            TokenSource::Cookie(_) => has_cookie = true,
            TokenSource::Parameter(_) => {}
        }
    }
    if has_cookie {
        let lines = headers.values("cookie").count();
        match cookies_without(headers, sources) {
            Some(left) => replace("cookie", left, lines, edits),
            None => edits.push(HeaderEdit::Remove(b"cookie".to_vec())),
        }
    }
}

/// Sets a header that has so many lines. Of several, a proxy might replace one.
fn replace(name: &str, value: Vec<u8>, lines: usize, edits: &mut Vec<HeaderEdit>) {
    if lines > 1 {
        edits.push(HeaderEdit::Remove(name.as_bytes().to_vec()));
    }
    edits.push(HeaderEdit::Replace(name.to_owned(), value));
}

/// All cookies but those that held the token, in one header; `None` where
/// none is left.
fn cookies_without(headers: &HeaderSnapshot, sources: &[&TokenSource]) -> Option<Vec<u8>> {
    let is_withheld = |cookie: &[u8]| {
        sources.iter().any(|source| match source {
            TokenSource::Cookie(name) => cookie_values(cookie, name).next().is_some(),
            TokenSource::Header { .. } | TokenSource::Parameter(_) => false,
        })
    };
    let mut left: Vec<u8> = Vec::new();
    let all = headers.values("cookie").flat_map(cookies);
    for cookie in all.filter(|cookie| !is_withheld(cookie)) {
        if !left.is_empty() {
            left.extend_from_slice(b"; ");
        }
        left.extend_from_slice(cookie);
    }
    (!left.is_empty()).then_some(left)
}
