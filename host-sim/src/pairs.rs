//! The ABI's wire form of lists of pairs: header maps, and properties that are maps or lists.
//!
//! A little-endian count, then for each pair the lengths of its key and its value, then for each
//! pair the key and the value, each with a zero byte behind it.

/// A key with its value.
pub(crate) type Pair = (Vec<u8>, Vec<u8>);

/// The wire form of `pairs`.
pub(crate) fn encode<K: AsRef<[u8]>, V: AsRef<[u8]>>(pairs: &[(K, V)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_length(&mut bytes, pairs.len());
    for (key, value) in pairs {
        put_length(&mut bytes, key.as_ref().len());
        put_length(&mut bytes, value.as_ref().len());
    }
    for (key, value) in pairs {
        bytes.extend_from_slice(key.as_ref());
        bytes.push(0);
        bytes.extend_from_slice(value.as_ref());
        bytes.push(0);
    }
    bytes
}

/// Lengths are those of guest memory or of a request, far below 4 GiB.
fn put_length(bytes: &mut Vec<u8>, length: usize) {
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    bytes.extend_from_slice(&length.to_le_bytes());
}

/// The pairs of a wire form. As Envoy does, bytes that are no such form are taken as no pairs.
pub(crate) fn decode(bytes: &[u8]) -> Vec<Pair> {
    try_decode(bytes).unwrap_or_default()
}

fn try_decode(bytes: &[u8]) -> Option<Vec<Pair>> {
    let (count, rest) = take_length(bytes)?;
    let sizes_end = count.checked_mul(8)?;
    let (mut sizes, mut data) = rest.split_at_checked(sizes_end)?;
    let mut pairs = Vec::with_capacity(count);
    for _ in 0..count {
        let (key_length, rest) = take_length(sizes)?;
        let (value_length, rest) = take_length(rest)?;
        sizes = rest;
        let (key, rest) = take_terminated(data, key_length)?;
        let (value, rest) = take_terminated(rest, value_length)?;
        data = rest;
        pairs.push((key.to_vec(), value.to_vec()));
    }
    data.is_empty().then_some(pairs)
}

fn take_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    Some((usize::try_from(u32::from_le_bytes(*length)).ok()?, rest))
}

fn take_terminated(bytes: &[u8], length: usize) -> Option<(&[u8], &[u8])> {
    let (text, rest) = bytes.split_at_checked(length)?;
    Some((text, rest.strip_prefix(&[0])?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_form_is_that_of_the_abi() {
        let pairs = [("a", "xy"), ("bc", "")];
        let bytes = encode(&pairs);
        let expected = [
            &[2, 0, 0, 0][..],
            &[1, 0, 0, 0, 2, 0, 0, 0],
            &[2, 0, 0, 0, 0, 0, 0, 0],
            b"a\0xy\0bc\0\0",
        ]
        .concat();
        assert_eq!(bytes, expected);
        assert_eq!(
            decode(&bytes),
            [
                (b"a".to_vec(), b"xy".to_vec()),
                (b"bc".to_vec(), b"".to_vec())
            ]
        );
        assert_eq!(encode::<&str, &str>(&[]), [0, 0, 0, 0]);
    }

    #[test]
    fn bytes_that_are_no_pairs_are_no_pairs() {
        let whole = encode(&[("name", "value")]);
        for length in 0..whole.len() {
            assert_eq!(decode(&whole[..length]), [], "{length} bytes");
        }
        assert_eq!(decode(&[255, 255, 255, 255, 0, 0, 0, 0]), []);
        assert_eq!(
            decode(&[whole, vec![0]].concat()),
            [],
            "with a byte too many"
        );
    }
}
