//! Key patterns of whole segments, matched without a regular expression.
//!
//! Casbin makes a regular expression of every pattern of keyMatch2 to
//! keyMatch5. Most need none: between slashes stands either plain text or one
//! variable, and the last segment may be `*`. For these, comparing segments
//! gives the same answer, and an index can hold them.

use doorward_syntax::pattern::Kind;
use smallvec::SmallVec;

/// A key pattern of whole segments.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyPattern<'p> {
    /// The pattern without the last `*`.
    segments: &'p str,
    kind: Kind,
    /// Whether it ends in a segment `*`, which stands for any rest on one
    /// line.
    pub(crate) rest: bool,
    /// Whether no segment is a variable.
    pub(crate) plain: bool,
    /// Whether two variables share a name, and so must stand for one text.
    pub(crate) repeats: bool,
}

/// A segment of a key pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Segment<'p> {
    /// This text.
    Plain(&'p str),
    /// Any text but none.
    Variable(&'p str),
}

/// Whether a byte means something in a regular expression.
const SPECIAL: [bool; 256] = {
    let mut special = [false; 256];
    let bytes = br"\.+*?()[]{}^$|";
    let mut index = 0;
    while index < bytes.len() {
        #[expect(clippy::indexing_slicing, reason = "evaluated when it is compiled")]
        {
            special[bytes[index] as usize] = true;
            index += 1;
        }
    }
    special
};

impl<'p> Segment<'p> {
    /// Reads a segment of a pattern that was read before.
    fn of(kind: Kind, segment: &'p str) -> Self {
        let name = match kind {
            Kind::KeyMatch2 => segment.strip_prefix(':'),
            _ => segment
                .strip_prefix('{')
                .and_then(|inside| inside.strip_suffix('}')),
        };
        name.filter(|name| !name.is_empty())
            .map_or(Self::Plain(segment), Self::Variable)
    }

    /// Reads a segment, none if it needs a regular expression.
    fn read(kind: Kind, segment: &'p str) -> Option<Self> {
        let found = Self::of(kind, segment);
        if let Self::Plain(text) = found {
            // A variable after other text, up to the end of the segment.
            let after = text.split_once(':').map_or("", |(_, after)| after);
            let special = |byte: u8| SPECIAL.get(usize::from(byte)) == Some(&true);
            if (kind == Kind::KeyMatch2 && !after.is_empty()) || text.bytes().any(special) {
                return None;
            }
        }
        Some(found)
    }
}

impl<'p> KeyPattern<'p> {
    /// Reads a pattern, none if it needs a regular expression.
    pub(crate) fn read(kind: Kind, pattern: &'p str) -> Option<Self> {
        let keys = [
            Kind::KeyMatch2,
            Kind::KeyMatch3,
            Kind::KeyMatch4,
            Kind::KeyMatch5,
        ];
        if !keys.contains(&kind) {
            return None;
        }
        let (segments, rest) = match pattern.strip_suffix("/*") {
            Some(segments) => (segments, true),
            None => (pattern, false),
        };
        let mut found = Self {
            segments,
            kind,
            rest,
            plain: true,
            repeats: false,
        };
        let mut names: SmallVec<[&str; 8]> = SmallVec::new();
        for segment in segments.split('/') {
            if let Segment::Variable(name) = Segment::read(kind, segment)? {
                found.plain = false;
                found.repeats |= kind == Kind::KeyMatch4 && names.contains(&name);
                names.push(name);
            }
        }
        Some(found)
    }

    /// The segments, in order, without a last `*`.
    pub(crate) fn segments(&self) -> impl Iterator<Item = Segment<'p>> + use<'p> {
        let kind = self.kind;
        let segments = self.segments.split('/');
        segments.map(move |segment| Segment::of(kind, segment))
    }

    /// The only text that the pattern matches, if it is one.
    pub(crate) fn only(&self) -> Option<&'p str> {
        (self.plain && !self.rest).then_some(self.segments)
    }

    /// Whether the text matches.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let mut bound: SmallVec<[(&str, &str); 8]> = SmallVec::new();
        let mut left = Some(text);
        for segment in self.segments() {
            let Some(text) = left else { return false };
            let (part, after) = match text.split_once('/') {
                Some((part, after)) => (part, Some(after)),
                None => (text, None),
            };
            left = after;
            let fits = match segment {
                Segment::Plain(plain) => plain == part,
                Segment::Variable(name) => {
                    let other = bound.iter().find(|(known, _)| *known == name);
                    let agrees = !self.repeats || other.is_none_or(|(_, value)| *value == part);
                    bound.push((name, part));
                    agrees && !part.is_empty()
                }
            };
            if !fits {
                return false;
            }
        }
        match left {
            Some(rest) => self.rest && !rest.contains('\n'),
            None => !self.rest,
        }
    }
}
