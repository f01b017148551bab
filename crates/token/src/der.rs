//! The few forms of DER (ITU-T X.690) that keys and signatures take.

/// Universal tags, those of sequences with the bit "constructed".
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
pub(crate) const NULL: u8 = 0x05;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;

/// An element: tag, length in its shortest form (section 10.1), content.
pub(crate) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let skipped = length.iter().take_while(|byte| **byte == 0).count();
    let significant = length.get(skipped..).unwrap_or_default();
    let mut bytes = vec![tag];
    match significant {
        [] => bytes.push(0),
        [short @ 0..=0x7f] => bytes.push(*short),
        long => {
            // At most eight bytes, so the count never meets the long form's bit.
            bytes.push(0x80 | u8::try_from(long.len()).unwrap_or(0x7f));
            bytes.extend(long);
        }
    }
    bytes.extend(content);
    bytes
}

/// A SEQUENCE of elements that are encoded already.
pub(crate) fn sequence(elements: &[&[u8]]) -> Vec<u8> {
    element(SEQUENCE, &elements.concat())
}

/// An INTEGER of a big-endian number that is not negative: without needless
/// zeros, and with one where the sign bit would be set (section 8.3).
pub(crate) fn unsigned_integer(number: &[u8]) -> Vec<u8> {
    let skipped = number.iter().take_while(|byte| **byte == 0).count();
    let significant = number.get(skipped..).unwrap_or_default();
    match significant.first() {
        None => element(INTEGER, &[0]),
        Some(0..=0x7f) => element(INTEGER, significant),
        Some(_) => element(INTEGER, &[&[0], significant].concat()),
    }
}

/// A BIT STRING of whole bytes (section 8.6).
pub(crate) fn bit_string(bytes: &[u8]) -> Vec<u8> {
    element(BIT_STRING, &[&[0], bytes].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_their_shortest_form() {
        for (length, head) in [
            (0, &[5, 0][..]),
            (1, &[5, 1]),
            (127, &[5, 0x7f]),
            (128, &[5, 0x81, 0x80]),
            (255, &[5, 0x81, 0xff]),
            (256, &[5, 0x82, 1, 0]),
            (65_536, &[5, 0x83, 1, 0, 0]),
        ] {
            let content = vec![9; length];
            assert_eq!(
                element(NULL, &content),
                [head, &content].concat(),
                "{length}"
            );
        }
    }

    #[test]
    fn integers_are_minimal_and_never_negative() {
        for (number, encoded) in [
            (&[][..], &[2, 1, 0][..]),
            (&[0], &[2, 1, 0]),
            (&[0, 0], &[2, 1, 0]),
            (&[1], &[2, 1, 1]),
            (&[0, 0x7f], &[2, 1, 0x7f]),
            (&[0x80], &[2, 2, 0, 0x80]),
            (&[0, 0, 0xff, 0], &[2, 3, 0, 0xff, 0]),
            (&[1, 0, 1], &[2, 3, 1, 0, 1]),
        ] {
            assert_eq!(unsigned_integer(number), encoded, "{number:?}");
        }
    }
}
