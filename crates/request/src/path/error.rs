//! Why a request target is refused.

use super::MAX_TARGET_BYTES;

/// Why a request target has no canonical form that every server would agree
/// on. Which of these a mode repairs instead is in docs/paths.md.
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
    /// Two slashes in a row, which some servers merge; at the start of a path
    /// some take what is behind them for a host.
    #[error("the path holds an empty segment (//)")]
    EmptySegment,
    /// `.` or `..` as a segment, plain or encoded.
    #[error("the path holds a dot segment")]
    DotSegment,
    /// The path would have to be rewritten, and the policy reads facts of the
    /// route: rewritten, the request may go to another one.
    #[error("the path is not in canonical form, and the policy depends on the route")]
    NotCanonical,
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
            Self::NotCanonical => "path_not_canonical",
        }
    }
}
