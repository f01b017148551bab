//! ECDSA signatures: from JWS's form (RFC 7518 section 3.4) to DER.

use crate::EcCurve;
use crate::der::{sequence, unsigned_integer};

/// The Ecdsa-Sig-Value (RFC 3279 section 2.2.3) of `r` and `s`, side by side
/// and each of the curve's size; `None` where the size is another, or where a
/// number is not between 1 and the curve's order less 1 (FIPS 186-5 section
/// 6.4.2), which no host needs to be asked about.
pub(crate) fn der_signature(curve: EcCurve, signature: &[u8]) -> Option<Vec<u8>> {
    let size = curve.coordinate_bytes();
    let (r, s) = signature.split_at_checked(size)?;
    let in_range = |number: &[u8]| {
        number.len() == size && number.iter().any(|byte| *byte != 0) && number < order(curve)
    };
    (in_range(r) && in_range(s)).then(|| sequence(&[&unsigned_integer(r), &unsigned_integer(s)]))
}

/// The order of the curve's base point, big-endian (SEC 2 section 2).
const fn order(curve: EcCurve) -> &'static [u8] {
    match curve {
        EcCurve::P256 => &[
            0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
            0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2,
            0xfc, 0x63, 0x25, 0x51,
        ],
        EcCurve::P384 => &[
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81,
            0xf4, 0x37, 0x2d, 0xdf, 0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec,
            0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73,
        ],
        EcCurve::P521 => &[
            0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
            0xff, 0xff, 0xff, 0xff, 0xff, 0xfa, 0x51, 0x86, 0x87, 0x83, 0xbf, 0x2f, 0x96, 0x6b,
            0x7f, 0xcc, 0x01, 0x48, 0xf7, 0x09, 0xa5, 0xd0, 0x3b, 0xb5, 0xc9, 0xb8, 0x89, 0x9c,
            0x47, 0xae, 0xbb, 0x6f, 0xb7, 0x1e, 0x91, 0x38, 0x64, 0x09,
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// r and s as numbers of the curve's size.
    fn joined(curve: EcCurve, r: &[u8], s: &[u8]) -> Vec<u8> {
        let padded = |number: &[u8]| {
            let mut bytes = vec![0; curve.coordinate_bytes()];
            bytes.extend(number);
            bytes.split_off(number.len())
        };
        [padded(r), padded(s)].concat()
    }

    #[test]
    fn both_numbers_become_minimal_integers() {
        for curve in EcCurve::ALL {
            for (r, s, encoded) in [
                (&[1][..], &[2][..], &[0x30, 6, 2, 1, 1, 2, 1, 2][..]),
                (&[0x7f], &[0x80], &[0x30, 7, 2, 1, 0x7f, 2, 2, 0, 0x80]),
                (
                    &[1, 0],
                    &[0xff, 0],
                    &[0x30, 9, 2, 2, 1, 0, 2, 3, 0, 0xff, 0],
                ),
            ] {
                assert_eq!(
                    der_signature(curve, &joined(curve, r, s)).as_deref(),
                    Some(encoded),
                    "{}",
                    curve.name()
                );
            }
        }
    }

    #[test]
    fn numbers_out_of_range_and_other_sizes_have_no_form() {
        for curve in EcCurve::ALL {
            let size = curve.coordinate_bytes();
            let order = order(curve);
            let mut largest = order.to_vec();
            *largest.last_mut().unwrap() -= 1;
            assert!(der_signature(curve, &joined(curve, &largest, &largest)).is_some());
            for (r, s) in [
                (&[][..], &[1][..]),
                (&[1], &[]),
                (order, &[1]),
                (&[1], order),
                (&vec![0xff; size], &[1]),
            ] {
                assert_eq!(
                    der_signature(curve, &joined(curve, r, s)),
                    None,
                    "{r:?} {s:?}"
                );
            }
            for length in [0, 1, size, size * 2 - 1, size * 2 + 1, size * 3] {
                assert_eq!(der_signature(curve, &vec![1; length]), None, "{length}");
            }
        }
    }
}
