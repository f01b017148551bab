//! Where a text stands among others.

use crate::bytes;

/// Bytes of a text that are kept beside its place: as many as most names have.
const HEAD: usize = 20;

/// Where a text stands in a string that holds many, and how it begins: a
/// lookup that finds the place has mostly found the text, and need not fetch
/// it from elsewhere.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    start: u32,
    length: u32,
    head: [u8; HEAD],
}

impl Place {
    /// Adds a text at the end. None if all texts together would be longer than
    /// 4 GiB.
    pub(crate) fn add(text: &str, texts: &mut String) -> Option<Self> {
        let start = u32::try_from(texts.len()).ok()?;
        let length = u32::try_from(text.len()).ok()?;
        start.checked_add(length)?;
        texts.push_str(text);
        let mut head = [0; HEAD];
        // Four bytes at a time, and then what is left.
        let (fours, left) = text.as_bytes().as_chunks::<4>();
        for (place, four) in head.as_chunks_mut().0.iter_mut().zip(fours) {
            *place = *four;
        }
        let end = head.get_mut(fours.as_flattened().len()..);
        for (place, byte) in end.unwrap_or_default().iter_mut().zip(left) {
            *place = *byte;
        }
        Some(Self {
            start,
            length,
            head,
        })
    }

    /// Where the text starts, and where it ends.
    pub(crate) fn range(&self) -> (u32, u32) {
        (self.start, self.start.saturating_add(self.length))
    }

    /// The text.
    pub(crate) fn text<'t>(&self, texts: &'t str) -> &'t str {
        let (start, end) = self.range();
        texts.get(index(start)..index(end)).unwrap_or("")
    }

    /// Whether that is the text.
    #[inline]
    pub(crate) fn is(&self, text: &str, texts: &str) -> bool {
        let text = text.as_bytes();
        if text.len() != index(self.length) {
            return false;
        }
        let Some((head, rest)) = text.split_at_checked(HEAD) else {
            let head = self.head.get(..text.len()).unwrap_or_default();
            return bytes::equal(head, text);
        };
        let from = index(self.start).saturating_add(HEAD);
        let known = texts.as_bytes().get(from..index(self.range().1));
        head == self.head && known.is_some_and(|known| bytes::equal(known, rest))
    }
}

/// A bound as an index.
fn index(bound: u32) -> usize {
    usize::try_from(bound).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn texts_that_begin_alike() {
        let all = [
            "",
            "abc",
            "abd",
            "ab",
            "exactly twenty bytes",
            "exactly twenty bytes.",
        ];
        let long = [
            "exactly twenty bytes and more",
            "exactly twenty bytes and less",
        ];
        let all = [&all[..], &long[..]].concat();
        let mut texts = String::new();
        let places: Vec<Place> = all
            .iter()
            .filter_map(|text| Place::add(text, &mut texts))
            .collect();
        for (place, text) in places.iter().zip(&all) {
            assert_eq!(place.text(&texts), *text);
            for other in &all {
                assert_eq!(place.is(other, &texts), text == other, "{text:?} {other:?}");
            }
        }
    }
}
