//! From a path as it came to its canonical form.
//!
//! In every mode but NONE each character has one spelling: what a path segment
//! can hold as it is (`pchar`, RFC 3986 section 3.3) is decoded, everything
//! else is encoded with upper-case digits. Section 6.2.2.2 asks that of
//! unreserved characters; servers decode the others too, so a rule must not
//! tell `:` from `%3A`.

use std::borrow::Cow;

use super::{PathError, PathNormalization};

/// The canonical form of a path without its query; borrowed where nothing
/// changed.
pub(super) fn normalize(path: &str, mode: PathNormalization) -> Result<Cow<'_, str>, PathError> {
    match mode {
        PathNormalization::None => Ok(Cow::Borrowed(path)),
        PathNormalization::Strict => {
            let canonical = spell(path, mode)?;
            check_strict(&canonical)?;
            Ok(canonical)
        }
        PathNormalization::Base
        | PathNormalization::MergeSlashes
        | PathNormalization::DecodeAndMergeSlashes => {
            let spelled = spell(path, mode)?;
            let canonical = match resolve(&spelled, mode) {
                Cow::Owned(resolved) => Cow::Owned(resolved),
                Cow::Borrowed(_) => spelled,
            };
            check_repaired(&canonical)?;
            Ok(canonical)
        }
    }
}

/// A target that is canonical in every mode, and the length of its path: what
/// nearly all requests have, told in one pass. None is no verdict.
pub(super) fn plain(target: &[u8]) -> Option<(&str, usize)> {
    let is_plain = |byte: u8| PLAIN.get(usize::from(byte)).copied().unwrap_or_default();
    let mut length = 0_usize;
    let mut before = 0;
    for byte in target {
        // An empty segment, or one that may be a dot segment.
        if before == b'/' && matches!(*byte, b'/' | b'.') {
            return None;
        }
        if !is_plain(*byte) {
            break;
        }
        before = *byte;
        length = length.checked_add(1)?;
    }
    let (path, query) = target.split_at_checked(length)?;
    let has_plain_query = match query {
        [] => true,
        [b'?', query @ ..] => query
            .iter()
            .all(|byte| byte.is_ascii_graphic() && *byte != b'#'),
        _ => false,
    };
    if path.first() != Some(&b'/') || !has_plain_query {
        return None;
    }
    Some((std::str::from_utf8(target).ok()?, length))
}

/// Whether a byte stands in a path as it is. A table, since each byte of each
/// path is looked up.
static PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0_u8;
    loop {
        #[expect(
            clippy::indexing_slicing,
            clippy::as_conversions,
            reason = "evaluated by the compiler, which refuses what is out of bounds"
        )]
        {
            plain[byte as usize] = byte == b'/' || is_segment_character(byte);
        }
        match byte.checked_add(1) {
            Some(next) => byte = next,
            None => break plain,
        }
    }
};

/// Every character in its one spelling; dots and slashes in a row are as they
/// were.
fn spell(path: &str, mode: PathNormalization) -> Result<Cow<'_, str>, PathError> {
    let strict = mode == PathNormalization::Strict;
    if path.contains('\\') && strict {
        return Err(PathError::Backslash);
    }
    if path.contains(';') {
        return Err(PathError::PathParameter);
    }
    let plain = |byte| is_segment_character(byte) || byte == b'/';
    if path.bytes().all(plain) {
        return Ok(Cow::Borrowed(path));
    }
    if strict && !path.bytes().all(|byte| plain(byte) || byte == b'%') {
        return Err(PathError::InvalidByte);
    }
    let mut canonical = String::with_capacity(path.len());
    // What a server sees that decodes everything; it has to be text.
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let value = value(rest.next(), rest.next())?;
                push_encoded(&mut canonical, value, mode)?;
                decoded.push(value);
            }
            b'\\' => {
                canonical.push('/');
                decoded.push(b'/');
            }
            byte => {
                if plain(byte) {
                    canonical.push(char::from(byte));
                } else {
                    encode(&mut canonical, byte);
                }
                decoded.push(byte);
            }
        }
    }
    if std::str::from_utf8(&decoded).is_err() {
        return Err(PathError::AmbiguousEncoding);
    }
    Ok(if canonical == path {
        Cow::Borrowed(path)
    } else {
        Cow::Owned(canonical)
    })
}

/// The byte that two hexadecimal digits stand for.
fn value(high: Option<u8>, low: Option<u8>) -> Result<u8, PathError> {
    let digit = |byte: Option<u8>| {
        byte.and_then(|byte| char::from(byte).to_digit(16))
            .and_then(|digit| u8::try_from(digit).ok())
            .ok_or(PathError::MalformedEncoding)
    };
    Ok(digit(high)? << 4 | digit(low)?)
}

/// Pushes the one spelling of a byte that came encoded.
fn push_encoded(
    canonical: &mut String,
    byte: u8,
    mode: PathNormalization,
) -> Result<(), PathError> {
    match byte {
        byte if is_segment_character(byte) => canonical.push(char::from(byte)),
        byte if byte.is_ascii_control() || byte == b';' => {
            return Err(PathError::AmbiguousEncoding);
        }
        b'/' | b'\\' if mode.decodes_slashes() => canonical.push('/'),
        b'/' | b'\\' | b'%' | b'?' | b'#' if mode == PathNormalization::Strict => {
            return Err(PathError::AmbiguousEncoding);
        }
        byte => encode(canonical, byte),
    }
    Ok(())
}

fn encode(canonical: &mut String, byte: u8) {
    let digit = |value: u8| {
        let digit = char::from_digit(u32::from(value), 16).unwrap_or_default();
        digit.to_ascii_uppercase()
    };
    canonical.push('%');
    canonical.push(digit(byte >> 4));
    canonical.push(digit(byte & 0xf));
}

/// `pchar` of RFC 3986 section 3.3, without the `;` of path parameters.
const fn is_segment_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'$' | b'&'..=b'.' | b':' | b'=' | b'@' | b'_' | b'~'
        )
}

/// Removes dot segments (RFC 3986 section 5.2.4) and then, where the mode says
/// so, merges slashes: in Envoy's order, so that `/a//../b` is `/a/b`.
fn resolve(path: &str, mode: PathNormalization) -> Cow<'_, str> {
    let segments = || path.split('/').skip(1);
    let dots = segments().any(|segment| matches!(segment, "." | ".."));
    let merges = mode.merges_slashes() && path.contains("//");
    if !dots && !merges {
        return Cow::Borrowed(path);
    }
    let mut kept: Vec<&str> = Vec::new();
    // Whether the path ends as a folder does: `/a/..` is `/`, not nothing.
    let mut is_folder = false;
    for segment in segments() {
        is_folder = true;
        match segment {
            "." => {}
            ".." => {
                kept.pop();
            }
            segment => {
                kept.push(segment);
                is_folder = false;
            }
        }
    }
    if is_folder {
        kept.push("");
    }
    if mode.merges_slashes() {
        let last = kept.pop().unwrap_or_default();
        kept.retain(|segment| !segment.is_empty());
        kept.push(last);
    }
    let mut resolved = String::with_capacity(path.len());
    for segment in kept {
        resolved.push('/');
        resolved.push_str(segment);
    }
    Cow::Owned(resolved)
}

fn check_strict(path: &str) -> Result<(), PathError> {
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

/// What stays ambiguous in a path whose dots and slashes are in order.
fn check_repaired(path: &str) -> Result<(), PathError> {
    if path.starts_with("//") {
        return Err(PathError::EmptySegment);
    }
    let mut encodings = path.split('%').skip(1);
    let is_double = |rest: &str| {
        let hidden = rest.strip_prefix("25").and_then(|rest| rest.get(..2));
        hidden.is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
    };
    if encodings.any(is_double) {
        return Err(PathError::AmbiguousEncoding);
    }
    if path.contains("%2F") || path.contains("%5C") {
        // Whoever takes these for slashes must not find a way up behind them.
        let pieces = path.split('/').flat_map(|segment| segment.split("%2F"));
        let mut pieces = pieces.flat_map(|piece| piece.split("%5C"));
        if pieces.any(|piece| matches!(piece, "." | "..")) {
            return Err(PathError::DotSegment);
        }
    }
    Ok(())
}
