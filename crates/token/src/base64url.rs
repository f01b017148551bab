//! base64url exactly as RFC 7515 section 2 has it, and base64 for what goes
//! into headers.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// Decodes base64url without padding, white space or stray trailing bits, so
/// that every byte string has one spelling only.
#[must_use]
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Encodes as base64 with padding (RFC 4648 section 4).
#[must_use]
pub fn encode_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_one_spelling_decodes() {
        assert_eq!(decode(b""), Some(Vec::new()));
        assert_eq!(decode(b"-_8"), Some(vec![0xfb, 0xff]));
        for text in [
            "+/8", "-_8=", "-_9", "-_-", "-", "-_8-_", "-_8 ", " -_8", "-_8\n", "-_\u{0}8", "=",
            "-_=8", "-_8A=", "é",
        ] {
            assert_eq!(decode(text.as_bytes()), None, "{text:?}");
        }
    }
}
