//! The messages of the foreign function `verify_signature`: protocol buffers,
//! package `envoy.source.extensions.common.wasm` (Envoy's
//! source/extensions/common/wasm/ext/verify_signature.proto).

/// Field numbers with wire type 2 (length-delimited), as one byte.
const HASH_FUNCTION: u8 = 0x0a;
const PUBLIC_KEY: u8 = 0x12;
const SIGNATURE: u8 = 0x1a;
const TEXT: u8 = 0x22;

/// What a host may answer; more is no answer of this function.
const MAX_ANSWER_BYTES: usize = 4096;

/// What the host says of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// It is the key's.
    Valid,
    /// It is not.
    Invalid,
    /// The host could not tell: it does not know the hash, or cannot read the
    /// key.
    Unable,
}

/// VerifySignatureArguments; `key` is a SubjectPublicKeyInfo in DER.
pub(super) fn arguments(hash: &str, key: &[u8], signature: &[u8], text: &[u8]) -> Vec<u8> {
    let fields = [
        (HASH_FUNCTION, hash.as_bytes()),
        (PUBLIC_KEY, key),
        (SIGNATURE, signature),
        (TEXT, text),
    ];
    // A tag and a length of at most five bytes for each.
    let size = fields.iter().fold(0_usize, |size, (_, bytes)| {
        size.saturating_add(bytes.len()).saturating_add(6)
    });
    let mut message = Vec::with_capacity(size);
    for (tag, bytes) in fields {
        message.push(tag);
        varint(&mut message, bytes.len());
        message.extend_from_slice(bytes);
    }
    message
}

fn varint(message: &mut Vec<u8>, mut value: usize) {
    while value > 0x7f {
        message.push(0x80 | u8::try_from(value & 0x7f).unwrap_or(0));
        value >>= 7;
    }
    message.push(u8::try_from(value).unwrap_or(0));
}

/// Reads VerifySignatureResult: 1 bool `result`, 2 string `error`. `None`
/// where the bytes are not that message.
///
/// Fields that are not known are skipped, as protocol buffers want it; the
/// last of several `result` counts.
pub(super) fn read_answer(message: &[u8]) -> Option<Answer> {
    if message.len() > MAX_ANSWER_BYTES {
        return None;
    }
    let mut rest = message;
    let mut result = 0;
    let mut error: &[u8] = &[];
    while !rest.is_empty() {
        let tag = read_varint(&mut rest)?;
        match (tag >> 3, tag & 7) {
            (1, 0) => result = read_varint(&mut rest)?,
            (2, 2) => error = read_bytes(&mut rest)?,
            (0..=2, _) => return None,
            (_, 0) => {
                read_varint(&mut rest)?;
            }
            (_, 1) => rest = rest.get(8..)?,
            (_, 2) => {
                read_bytes(&mut rest)?;
            }
            (_, 5) => rest = rest.get(4..)?,
            _ => return None,
        }
    }
    Some(if result == 1 && error.is_empty() {
        Answer::Valid
    } else if result == 0 && (error.is_empty() || error.starts_with(b"Failed to verify digest")) {
        Answer::Invalid
    } else {
        Answer::Unable
    })
}

fn read_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, behind) = rest.split_first()?;
        *rest = behind;
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn read_bytes<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(read_varint(rest)?).ok()?;
    let (bytes, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_the_four_fields_in_order() {
        assert_eq!(
            arguments("sha256", &[1, 2], &[3], b"a.b"),
            b"\x0a\x06sha256\x12\x02\x01\x02\x1a\x01\x03\x22\x03a.b"
        );
        let long = vec![7; 300];
        let message = arguments("sha1", &[], &long, &[]);
        assert_eq!(message.get(..8), Some(&b"\x0a\x04sha1\x12\x00"[..]));
        assert_eq!(message.get(8..11), Some(&[0x1a, 0xac, 0x02][..]));
        assert_eq!(message.len(), 11 + 300 + 2);
    }

    #[test]
    fn only_a_clear_yes_is_one() {
        for (message, expected) in [
            (&b"\x08\x01"[..], Some(Answer::Valid)),
            // Fields of a later version.
            (b"\x08\x01\x18\x05", Some(Answer::Valid)),
            (b"\x22\x01x\x08\x01", Some(Answer::Valid)),
            (b"\x08\x01\x12\x00", Some(Answer::Valid)),
            (b"", Some(Answer::Invalid)),
            (b"\x08\x00", Some(Answer::Invalid)),
            (b"\x08\x01\x08\x00", Some(Answer::Invalid)),
            (
                b"\x12\x26Failed to verify digest. Error code: 0",
                Some(Answer::Invalid),
            ),
            (b"\x12\x01x", Some(Answer::Unable)),
            (b"\x08\x01\x12\x01x", Some(Answer::Unable)),
            (b"\x08\x02", Some(Answer::Unable)),
            (b"\x08", None),
            (b"\x08\x81", None),
            (b"\x0a\x01\x01", None),
            (b"\x10\x01", None),
            (b"\x12\x05x", None),
            (b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01x", None),
            (b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", None),
            (b"\x00\x01", None),
            (b"\x1b", None),
            (b"\x19\x00", None),
        ] {
            assert_eq!(read_answer(message), expected, "{message:?}");
        }
        assert_eq!(read_answer(&vec![0x08; MAX_ANSWER_BYTES + 1]), None);
    }
}
