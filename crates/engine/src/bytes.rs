//! Comparing texts by eight bytes at a time.
//!
//! In a module, comparing slices goes byte by byte, and texts of a policy are
//! much alike.

/// Whether two texts are the same.
#[inline]
pub(crate) fn equal(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    match left.last_chunk().zip(right.last_chunk()) {
        // What differs differs mostly at the end.
        Some((last, other)) => is_same((last, other)) && words(left, right).all(is_same),
        None => left.iter().eq(right),
    }
}

/// How many bytes two texts share that share so many at least.
pub(crate) fn shared(left: &[u8], right: &[u8], at_least: usize) -> usize {
    let left = left.get(at_least..).unwrap_or_default();
    let right = right.get(at_least..).unwrap_or_default();
    let same = words(left, right).take_while(|words| is_same(*words));
    let same = same.count().saturating_mul(8);
    let left = left.get(same..).unwrap_or_default();
    let right = right.get(same..).unwrap_or_default();
    let bytes = left.iter().zip(right);
    let bytes = bytes.take_while(|(left, right)| left == right).count();
    at_least.saturating_add(same).saturating_add(bytes)
}

/// The bytes of both, eight by eight, without those that are left over.
fn words<'t>(left: &'t [u8], right: &'t [u8]) -> impl Iterator<Item = (&'t [u8; 8], &'t [u8; 8])> {
    left.as_chunks().0.iter().zip(right.as_chunks().0)
}

fn is_same((left, right): (&[u8; 8], &[u8; 8])) -> bool {
    u64::from_ne_bytes(*left) == u64::from_ne_bytes(*right)
}

#[cfg(test)]
mod tests {
    use super::{equal, shared};

    #[test]
    fn texts_are_compared_to_their_ends() {
        let mut texts: Vec<Vec<u8>> = Vec::new();
        for length in 0..20 {
            texts.push(vec![b'a'; length]);
            for place in 0..length {
                for byte in [0, b'b', 0xff] {
                    let mut text = vec![b'a'; length];
                    text[place] = byte;
                    texts.push(text);
                }
            }
        }
        for left in &texts {
            for right in &texts {
                assert_eq!(equal(left, right), left == right, "{left:?} {right:?}");
                let bytes = left.iter().zip(right);
                let expected = bytes.take_while(|(left, right)| left == right).count();
                for at_least in [0, expected / 2, expected] {
                    assert_eq!(shared(left, right, at_least), expected);
                }
            }
        }
    }
}
