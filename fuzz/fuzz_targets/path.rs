//! Any bytes as a request target, in every mode: what is accepted is canonical,
//! holds nothing that the mode leaves open, and is the same for equal spellings.

#![no_main]

use doorward_request::{CanonicalPath, PathNormalization};
use libfuzzer_sys::fuzz_target;

/// What a decoding server sees.
fn decode(path: &str) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut rest = path.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let digits = after.get(..2);
        let digits = digits.filter(|two| two.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.and_then(|two| std::str::from_utf8(two).ok());
        let encoded = digits.and_then(|two| u8::from_str_radix(two, 16).ok());
        match encoded.filter(|_| *byte == b'%') {
            Some(byte) => {
                decoded.push(byte);
                rest = &after[2..];
            }
            None => {
                decoded.push(*byte);
                rest = after;
            }
        }
    }
    decoded
}

/// Every byte of the path that is no slash, encoded; `None` where the path has
/// encodings or backslashes of its own.
fn encoded(target: &[u8]) -> Option<Vec<u8>> {
    let end = target.iter().position(|byte| *byte == b'?');
    let (path, query) = target.split_at(end.unwrap_or(target.len()));
    if path.iter().any(|byte| matches!(byte, b'%' | b'\\')) {
        return None;
    }
    let mut other = Vec::new();
    for byte in path {
        match byte {
            b'/' => other.push(b'/'),
            byte => other.extend_from_slice(format!("%{byte:02x}").as_bytes()),
        }
    }
    other.extend_from_slice(query);
    Some(other)
}

/// What holds of every accepted path but NONE's.
fn hold(path: &str, mode: PathNormalization) {
    assert!(path.starts_with('/') && path.is_ascii());
    assert!(!path.contains([';', '\\', '#', '?']));
    let decoded = decode(path);
    assert!(std::str::from_utf8(&decoded).is_ok());
    assert!(!decoded.iter().any(u8::is_ascii_control));
    let segments = || path.split('/').skip(1);
    assert!(!segments().any(|segment| matches!(segment, "." | "..")));
    // Nor for a server that takes every encoded slash for one.
    let slashes = |byte: &u8| matches!(byte, b'/' | b'\\');
    assert!(
        !decoded
            .split(slashes)
            .any(|piece| matches!(piece, b"." | b".."))
    );
    assert!(!path.starts_with("//"));
    if mode != PathNormalization::Base {
        assert!(!path.contains("//"));
    }
    if matches!(
        mode,
        PathNormalization::Strict | PathNormalization::DecodeAndMergeSlashes
    ) {
        assert!(!path.contains("%2F") && !path.contains("%5C"));
    }
    // Decoded once more, nothing comes out that was not there.
    let once = String::from_utf8(decoded).expect("text");
    assert_eq!(decode(&once), once.as_bytes());
}

fuzz_target!(|target: &[u8]| {
    for mode in PathNormalization::ALL {
        let canonical = match CanonicalPath::normalized(target, mode) {
            Ok(canonical) => canonical,
            Err(error) => {
                assert!(error.code().starts_with("path_") && !error.to_string().is_empty());
                continue;
            }
        };
        let seen = canonical.target();
        assert_eq!(canonical.is_rewritten(), seen.as_bytes() != target);
        let query = canonical.query().map(|query| format!("?{query}"));
        assert_eq!(
            seen,
            canonical.path().to_owned() + &query.unwrap_or_default()
        );
        let again = CanonicalPath::normalized(seen.as_bytes(), mode).expect("canonical");
        assert_eq!((again.target(), again.path()), (seen, canonical.path()));
        assert!(!again.is_rewritten());
        if mode == PathNormalization::None {
            assert_eq!(seen.as_bytes(), target);
            continue;
        }
        hold(canonical.path(), mode);
        if let Some(other) = encoded(target)
            && let Ok(other) = CanonicalPath::normalized(&other, mode)
        {
            assert_eq!(other.target(), seen);
        }
        if mode == PathNormalization::Strict {
            // What nobody reads in two ways is the same in the modes that repair.
            for mode in PathNormalization::ALL {
                let other = CanonicalPath::normalized(target, mode).expect("no doubt");
                assert!(mode == PathNormalization::None || other.target() == seen);
            }
        }
    }
});
