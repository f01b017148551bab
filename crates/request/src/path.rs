//! The canonical path: the one form that the policy and the upstream both see.
//!
//! A policy that is written over paths is only as good as the agreement on
//! what the path is. RFC 3986 section 6.2.2 says which spellings are equal;
//! those are brought to one form. What different servers are known to read
//! differently is refused instead of guessed at.

use std::borrow::Cow;

use crate::query::other_parameters;

/// The longest request target, in bytes. Patterns are matched against it, so
/// it bounds what one request can cost.
pub const MAX_TARGET_BYTES: usize = 8 * 1024;

/// The path of a request in canonical form, with its query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanonicalPath<'a> {
    target: Cow<'a, str>,
    path_length: usize,
}

/// Why a request target has no canonical form that every server would agree on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// There is no `:path` (a CONNECT request), or more than one.
    #[error("the request has no single :path")]
    Missing,
    /// The target does not start with a slash: `*`, or an absolute form.
    #[error("the path does not start with a slash")]
    NotAbsolute,
    /// A byte that RFC 3986 has no place for in a path: control characters,
    /// NUL, spaces, raw UTF-8, and the likes of `"` and `{`, whose encoded form
    /// is the only one.
    #[error("the path holds a byte that a URI cannot hold")]
    InvalidByte,
    /// More than [`MAX_TARGET_BYTES`].
    #[error("the path is longer than {MAX_TARGET_BYTES} bytes")]
    TooLong,
    /// `%` without two hexadecimal digits behind it.
    #[error("the path holds a malformed percent encoding")]
    MalformedEncoding,
    /// `%2F`, `%5C`, `%00` and other encoded control characters, `%25`, or
    /// encoded bytes that are not UTF-8 (`%C0%AE` is a dot to some): what they
    /// stand for depends on the server.
    #[error("the path holds an encoding that servers decode differently")]
    AmbiguousEncoding,
    /// A backslash, which some servers take for a slash.
    #[error("the path holds a backslash")]
    Backslash,
    /// A `;`, behind which some servers cut a segment short.
    #[error("the path holds a path parameter (;)")]
    PathParameter,
    /// `#`: a fragment is never sent, so whoever sends one wants confusion.
    #[error("the target holds a fragment (#)")]
    Fragment,
    /// Two slashes in a row, which some servers merge.
    #[error("the path holds an empty segment (//)")]
    EmptySegment,
    /// `.` or `..` as a segment, plain or encoded.
    #[error("the path holds a dot segment")]
    DotSegment,
}

impl PathError {
    /// The reason code of the refusal.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Missing => "path_missing",
            Self::NotAbsolute => "path_not_absolute",
            Self::InvalidByte => "path_invalid_byte",
            Self::TooLong => "path_too_long",
            Self::MalformedEncoding => "path_malformed_encoding",
            Self::AmbiguousEncoding => "path_ambiguous_encoding",
            Self::Backslash => "path_backslash",
            Self::PathParameter => "path_parameter",
            Self::Fragment => "path_fragment",
            Self::EmptySegment => "path_empty_segment",
            Self::DotSegment => "path_dot_segment",
        }
    }
}

impl<'a> CanonicalPath<'a> {
    /// Brings the value of `:path` to canonical form, in which every character
    /// has one spelling: what a path segment can hold as it is (`pchar`, RFC
    /// 3986 section 3.3) is decoded, everything else is encoded with upper-case
    /// digits. Section 6.2.2.2 asks that of unreserved characters; servers
    /// decode the others too, so a rule must not tell `:` from `%3A`. The
    /// query is left as it is.
    ///
    /// # Errors
    /// The path could be read in more than one way; see [`PathError`].
    pub fn new(target: &'a [u8]) -> Result<Self, PathError> {
        if target.len() > MAX_TARGET_BYTES {
            return Err(PathError::TooLong);
        }
        let text = printable(target)?;
        if !text.starts_with('/') {
            return Err(PathError::NotAbsolute);
        }
        if text.contains('#') {
            return Err(PathError::Fragment);
        }
        let (path, query) = match text.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (text, None),
        };
        let canonical = normalize(path)?;
        check_segments(&canonical)?;
        let path_length = canonical.len();
        let target = match (canonical, query) {
            (Cow::Borrowed(_), _) => Cow::Borrowed(text),
            (Cow::Owned(path), None) => Cow::Owned(path),
            (Cow::Owned(mut path), Some(query)) => {
                path.push('?');
                path.push_str(query);
                Cow::Owned(path)
            }
        };
        Ok(Self {
            target,
            path_length,
        })
    }

    /// Path and query: what upstream is to see as `:path`.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The path alone: Envoy's `request.url_path`.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.get(..self.path_length).unwrap_or_default()
    }

    /// What stands behind the first `?`, or `None` without one.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.target.get(self.path_length..)?.strip_prefix('?')
    }

    /// The same path without the query's parameters of this name, and without a
    /// `?` where none is left.
    #[must_use]
    pub fn without_parameter(&self, name: &str) -> CanonicalPath<'static> {
        let mut target = self.path().to_owned();
        let query = other_parameters(self.query().unwrap_or_default(), name);
        if !query.is_empty() {
            target.push('?');
            target.push_str(&query);
        }
        CanonicalPath {
            target: Cow::Owned(target),
            path_length: self.path_length,
        }
    }

    /// Whether it differs from what the client sent, so that `:path` has to be
    /// rewritten for upstream and policy to agree.
    #[must_use]
    pub fn is_rewritten(&self) -> bool {
        matches!(self.target, Cow::Owned(_))
    }
}

fn printable(target: &[u8]) -> Result<&str, PathError> {
    if target.iter().any(|byte| !byte.is_ascii_graphic()) {
        return Err(PathError::InvalidByte);
    }
    std::str::from_utf8(target).map_err(|_| PathError::InvalidByte)
}

/// Percent encodings in their one canonical form; borrowed where nothing changed.
fn normalize(path: &str) -> Result<Cow<'_, str>, PathError> {
    if path.contains('\\') {
        return Err(PathError::Backslash);
    }
    if path.contains(';') {
        return Err(PathError::PathParameter);
    }
    if path
        .bytes()
        .any(|byte| !is_segment_character(byte) && !matches!(byte, b'/' | b'%'))
    {
        return Err(PathError::InvalidByte);
    }
    let mut pieces = path.split('%');
    let first = pieces.next().unwrap_or_default();
    if first.len() == path.len() {
        return Ok(Cow::Borrowed(path));
    }
    let mut canonical = first.to_owned();
    let mut decoded = first.as_bytes().to_vec();
    for piece in pieces {
        let (digits, rest) = piece
            .split_at_checked(2)
            .ok_or(PathError::MalformedEncoding)?;
        let byte = decode(digits)?;
        if is_segment_character(byte) {
            canonical.push(char::from(byte));
        } else if is_ambiguous(byte) {
            return Err(PathError::AmbiguousEncoding);
        } else {
            canonical.push('%');
            canonical.push_str(&digits.to_ascii_uppercase());
        }
        decoded.push(byte);
        canonical.push_str(rest);
        decoded.extend_from_slice(rest.as_bytes());
    }
    if std::str::from_utf8(&decoded).is_err() {
        return Err(PathError::AmbiguousEncoding);
    }
    if canonical == path {
        Ok(Cow::Borrowed(path))
    } else {
        Ok(Cow::Owned(canonical))
    }
}

fn decode(digits: &str) -> Result<u8, PathError> {
    if digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        u8::from_str_radix(digits, 16).map_err(|_| PathError::MalformedEncoding)
    } else {
        Err(PathError::MalformedEncoding)
    }
}

/// `pchar` of RFC 3986 section 3.3, without the `;` of path parameters.
fn is_segment_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:@".contains(&byte)
}

fn is_ambiguous(byte: u8) -> bool {
    byte.is_ascii_control() || matches!(byte, b'/' | b'\\' | b'%' | b';' | b'?' | b'#')
}

fn check_segments(path: &str) -> Result<(), PathError> {
    let inner = path.strip_prefix('/').unwrap_or(path);
    if inner.is_empty() {
        return Ok(());
    }
    // One trailing slash is a spelling of its own, not an empty segment.
    let inner = inner.strip_suffix('/').unwrap_or(inner);
    for segment in inner.split('/') {
        match segment {
            "" => return Err(PathError::EmptySegment),
            "." | ".." => return Err(PathError::DotSegment),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_spellings_become_one() {
        for (target, path, query) in [
            ("/", "/", None),
            ("/orders/1", "/orders/1", None),
            ("/orders/", "/orders/", None),
            ("/%6frders/%7Ea", "/orders/~a", None),
            ("/a%20b%c3%a9", "/a%20b%C3%A9", None),
            ("/a?b=%2f..//", "/a", Some("b=%2f..//")),
            ("/%61?x=%61", "/a", Some("x=%61")),
            ("/a?", "/a", Some("")),
            ("/...", "/...", None),
            ("/a:b@c!$&'()*+,=", "/a:b@c!$&'()*+,=", None),
            (
                "/a%3Ab%40c%21%24%26%27%28%29%2a%2B%2c%3d",
                "/a:b@c!$&'()*+,=",
                None,
            ),
            ("/%7bid%7D%22", "/%7Bid%7D%22", None),
        ] {
            let canonical = CanonicalPath::new(target.as_bytes()).unwrap();
            assert_eq!(canonical.path(), path, "{target}");
            assert_eq!(canonical.query(), query, "{target}");
            assert_eq!(
                canonical.is_rewritten(),
                canonical.target() != target,
                "{target}"
            );
            // Canonical means that a second pass changes nothing.
            let again = CanonicalPath::new(canonical.target().as_bytes()).unwrap();
            assert_eq!(again.target(), canonical.target());
            assert!(!again.is_rewritten());
        }
    }

    #[test]
    fn ambiguous_targets_are_refused() {
        for (target, error) in [
            (b"".as_slice(), PathError::NotAbsolute),
            (b"*", PathError::NotAbsolute),
            (b"http://other/admin", PathError::NotAbsolute),
            (b"//admin", PathError::EmptySegment),
            (b"//", PathError::EmptySegment),
            (b"/a//b", PathError::EmptySegment),
            (b"/a//", PathError::EmptySegment),
            (b"/a/../b", PathError::DotSegment),
            (b"/a/..", PathError::DotSegment),
            (b"/./", PathError::DotSegment),
            (b"/a/%2e%2E/b", PathError::DotSegment),
            (b"/.%2e", PathError::DotSegment),
            (b"/a%2fb", PathError::AmbiguousEncoding),
            (b"/a%5Cb", PathError::AmbiguousEncoding),
            (b"/a%00", PathError::AmbiguousEncoding),
            (b"/a%0d%0a", PathError::AmbiguousEncoding),
            (b"/%252e%252e/a", PathError::AmbiguousEncoding),
            (b"/a%3Bb", PathError::AmbiguousEncoding),
            (b"/a%3fb", PathError::AmbiguousEncoding),
            (b"/%c0%ae%c0%ae/a", PathError::AmbiguousEncoding),
            (b"/a%ff", PathError::AmbiguousEncoding),
            (b"/a%", PathError::MalformedEncoding),
            (b"/a%4", PathError::MalformedEncoding),
            (b"/a%zz", PathError::MalformedEncoding),
            (b"/a%+1", PathError::MalformedEncoding),
            (b"/a\\b", PathError::Backslash),
            (b"/a;b=c/d", PathError::PathParameter),
            (b"/a#b", PathError::Fragment),
            (b"/a?b#c", PathError::Fragment),
            (b"/a b", PathError::InvalidByte),
            (b"/{id}", PathError::InvalidByte),
            (b"/a\"", PathError::InvalidByte),
            (b"/a|b", PathError::InvalidByte),
            (b"/a[0]", PathError::InvalidByte),
            (b"/a\0", PathError::InvalidByte),
            (b"/\xc3\xa9", PathError::InvalidByte),
            (b"/\xff", PathError::InvalidByte),
            (b"/a?\xff", PathError::InvalidByte),
        ] {
            assert_eq!(
                CanonicalPath::new(target).err(),
                Some(error),
                "{}",
                String::from_utf8_lossy(target)
            );
        }
    }

    #[test]
    fn every_byte_has_at_most_one_spelling() {
        for byte in 0..=u8::MAX {
            let raw = [b"/a".as_slice(), &[byte], b"b"].concat();
            let encoded = format!("/a%{byte:02x}b");
            let upper = format!("/a%{byte:02X}b");
            let spellings: std::collections::BTreeSet<String> =
                [raw.as_slice(), encoded.as_bytes(), upper.as_bytes()]
                    .into_iter()
                    .filter_map(|target| CanonicalPath::new(target).ok())
                    .map(|canonical| canonical.path().to_owned())
                    // A slash, and what ends the path, are no spelling of a byte in a segment.
                    .filter(|path| byte != b'/' && path != "/a")
                    .collect();
            assert!(spellings.len() <= 1, "{byte:#x}: {spellings:?}");
        }
    }

    #[test]
    fn a_parameter_goes_and_the_rest_stays() {
        for (target, left) in [
            ("/a?t=1", "/a"),
            ("/%61?b=%2f&t=1&c", "/a?b=%2f&c"),
            ("/a?%74=1&&b", "/a?&b"),
            ("/a?b", "/a?b"),
            ("/a?t&t=2", "/a"),
        ] {
            let path = CanonicalPath::new(target.as_bytes()).unwrap();
            let path = path.without_parameter("t");
            assert_eq!(path.target(), left, "{target}");
            assert_eq!(path.path(), "/a");
            assert!(path.is_rewritten());
        }
    }

    #[test]
    fn a_long_target_is_refused() {
        let mut target = vec![b'a'; MAX_TARGET_BYTES];
        target[0] = b'/';
        assert!(CanonicalPath::new(&target).is_ok());
        target.push(b'a');
        assert_eq!(CanonicalPath::new(&target).err(), Some(PathError::TooLong));
    }
}
