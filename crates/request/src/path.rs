//! The canonical path: the one form that the policy and the upstream both see.
//!
//! A policy that is written over paths is only as good as the agreement on
//! what the path is. RFC 3986 section 6.2.2 says which spellings are equal;
//! those are brought to one form. What different servers are known to read
//! differently is refused instead of guessed at, unless the bundle's mode says
//! how it is to be read; see docs/paths.md.

mod error;
mod mode;
mod normalize;

use std::borrow::Cow;

pub use error::PathError;
pub use mode::PathNormalization;

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

impl<'a> CanonicalPath<'a> {
    /// The canonical form in [`PathNormalization::Strict`]; see [`Self::normalized`].
    ///
    /// # Errors
    /// The path could be read in more than one way; see [`PathError`].
    pub fn new(target: &'a [u8]) -> Result<Self, PathError> {
        Self::normalized(target, PathNormalization::Strict)
    }

    /// Brings the value of `:path` to the canonical form of the mode. The query
    /// is left as it is.
    ///
    /// # Errors
    /// The path could be read in more than one way; see [`PathError`].
    pub fn normalized(target: &'a [u8], mode: PathNormalization) -> Result<Self, PathError> {
        if target.len() > MAX_TARGET_BYTES {
            return Err(PathError::TooLong);
        }
        if let Some((text, path_length)) = normalize::plain(target) {
            return Ok(Self {
                target: Cow::Borrowed(text),
                path_length,
            });
        }
        Self::spelled(target, mode)
    }

    /// The canonical form of a target that may need another spelling.
    fn spelled(target: &'a [u8], mode: PathNormalization) -> Result<Self, PathError> {
        let text = text(target, mode)?;
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
        let canonical = normalize::normalize(path, mode)?;
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
        // What is encoded takes three bytes.
        if target.len() > MAX_TARGET_BYTES {
            return Err(PathError::TooLong);
        }
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

/// The target as text. In every mode a byte that RFC 3986 has no place for is
/// refused, but where a path is repaired its UTF-8 is encoded, and where it is
/// left alone UTF-8 stays. A space would end the target in HTTP/1.1.
fn text(target: &[u8], mode: PathNormalization) -> Result<&str, PathError> {
    // How much of it may hold raw UTF-8.
    let length = match mode {
        PathNormalization::Strict => 0,
        PathNormalization::None => target.len(),
        PathNormalization::Base
        | PathNormalization::MergeSlashes
        | PathNormalization::DecodeAndMergeSlashes => {
            let query = target.iter().position(|byte| *byte == b'?');
            query.unwrap_or(target.len())
        }
    };
    let fits = |(index, byte): (usize, &u8)| {
        byte.is_ascii_graphic() || (!byte.is_ascii() && index < length)
    };
    if !target.iter().enumerate().all(fits) {
        return Err(PathError::InvalidByte);
    }
    std::str::from_utf8(target).map_err(|_| PathError::InvalidByte)
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
    fn what_is_plain_is_canonical_in_every_mode() {
        const PARTS: [&str; 9] = ["/", ".", "a", "?", "#", "%41", ";", "\\", "\u{e9}"];
        let mut targets = vec![String::new()];
        for _ in 0..5 {
            for target in targets.clone() {
                targets.extend(PARTS.map(|part| format!("{target}{part}")));
            }
            targets.sort_unstable();
            targets.dedup();
        }
        let plain = targets.iter().filter(|target| {
            let found = normalize::plain(target.as_bytes());
            for mode in PathNormalization::ALL {
                if let Some((text, path_length)) = found {
                    let target = Cow::Borrowed(text);
                    let plain = CanonicalPath {
                        target,
                        path_length,
                    };
                    let spelled = CanonicalPath::spelled(text.as_bytes(), mode);
                    assert_eq!(spelled.as_ref(), Ok(&plain), "{mode:?}");
                    assert!(spelled.is_ok_and(|spelled| !spelled.is_rewritten()));
                }
            }
            found.is_some()
        });
        // As many as a regular expression of what is plain finds among them.
        assert_eq!(plain.count(), 517);
    }

    #[test]
    fn no_byte_is_plain_that_is_not_canonical() {
        for byte in 0..=u8::MAX {
            let around: [(&[u8], &[u8]); 3] = [(b"/", b""), (b"/a", b"c"), (b"/a?", b"")];
            for (before, behind) in around {
                let target = [before, &[byte], behind].concat();
                let Some((text, path_length)) = normalize::plain(&target) else {
                    continue;
                };
                let target = Cow::Borrowed(text);
                let plain = CanonicalPath {
                    target,
                    path_length,
                };
                for mode in PathNormalization::ALL {
                    let spelled = CanonicalPath::spelled(text.as_bytes(), mode);
                    assert_eq!(spelled.as_ref(), Ok(&plain), "{byte:#x} {mode:?}");
                }
            }
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
