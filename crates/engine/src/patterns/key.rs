//! Key patterns of whole segments, matched without a regular expression.
//!
//! Casbin makes a regular expression of every pattern of keyMatch2 to
//! keyMatch5. Most need none: between slashes stands either plain text or one
//! variable, and the last segment may be `*`. For these, reading the text once
//! gives the same answer. Where no plain text holds a `.`, which stands for
//! any character, comparing segments does too, and an index can hold them.

use doorward_syntax::pattern::Kind;
use smallvec::SmallVec;

/// Names that are compared with each other one by one. A pattern of keyMatch4
/// with more is left to a regular expression.
const MOST_NAMES: usize = 16;

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
    /// Whether plain text holds a `.`, which stands for any character on the
    /// line, a slash too.
    pub(crate) dots: bool,
    /// Whether two variables share a name, and so must stand for one text.
    pub(crate) repeats: bool,
}

/// A segment of a key pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Segment<'p> {
    /// This text, where a `.` stands for any character on the line.
    Plain(&'p str),
    /// Any text but none.
    Variable(&'p str),
}

/// Whether a byte means something in a regular expression.
const SPECIAL: [bool; 256] = {
    let mut special = [false; 256];
    let bytes = br"\+*?()[]{}^$|";
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
            dots: false,
            repeats: false,
        };
        let mut names: SmallVec<[&str; 8]> = SmallVec::new();
        for segment in segments.split('/') {
            match Segment::read(kind, segment)? {
                Segment::Plain(text) => found.dots |= text.contains('.'),
                Segment::Variable(name) => {
                    found.plain = false;
                    if kind == Kind::KeyMatch4 {
                        found.repeats |= names.contains(&name);
                        names.push(name);
                    }
                    if names.len() > MOST_NAMES {
                        return None;
                    }
                }
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
        (self.plain && !self.dots && !self.rest).then_some(self.segments)
    }

    /// What every text that matches starts with.
    pub(crate) fn prefix(&self) -> &'p str {
        let mut end = 0_usize;
        for segment in self.segments.split('/') {
            let Segment::Plain(text) = Segment::of(self.kind, segment) else {
                break;
            };
            if let Some(dot) = text.find('.') {
                end = end.saturating_add(dot);
                break;
            }
            end = end.saturating_add(text.len()).saturating_add(1);
        }
        self.segments.get(..end).unwrap_or(self.segments)
    }

    /// Whether the text matches.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let mut bound: SmallVec<[(&str, &str); 8]> = SmallVec::new();
        let mut left = text;
        for (segment, number) in self.segments().zip(0_usize..) {
            if number > 0 {
                match left.strip_prefix('/') {
                    Some(after) => left = after,
                    None => return false,
                }
            }
            let after = match segment {
                Segment::Plain(plain) if self.dots => after_dots(left, plain),
                Segment::Plain(plain) => left.strip_prefix(plain),
                Segment::Variable(name) => {
                    let (part, after) = left.split_at(left.find('/').unwrap_or(left.len()));
                    let mut agrees = true;
                    if self.repeats {
                        let other = bound.iter().find(|(known, _)| *known == name);
                        agrees = other.is_none_or(|(_, value)| *value == part);
                        bound.push((name, part));
                    }
                    (agrees && !part.is_empty()).then_some(after)
                }
            };
            match after {
                Some(after) => left = after,
                None => return false,
            }
        }
        match left.strip_prefix('/') {
            Some(rest) => self.rest && !rest.contains('\n'),
            None => left.is_empty() && !self.rest,
        }
    }
}

/// What follows plain text in which a `.` stands for any character.
fn after_dots<'t>(text: &'t str, plain: &str) -> Option<&'t str> {
    let mut characters = text.chars();
    for expected in plain.chars() {
        let found = characters.next()?;
        let fits = match expected {
            '.' => found != '\n',
            expected => found == expected,
        };
        if !fits {
            return None;
        }
    }
    Some(characters.as_str())
}
