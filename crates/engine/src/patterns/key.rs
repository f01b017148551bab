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

impl<'p> Segment<'p> {
    /// Reads a segment, none if it needs a regular expression.
    fn read(kind: Kind, segment: &'p str) -> Option<Self> {
        if kind == Kind::KeyMatch2 {
            match segment.split_once(':') {
                Some(("", name)) if !name.is_empty() => return Some(Self::Variable(name)),
                Some((_, after)) if !after.is_empty() => return None,
                _ => {}
            }
        } else if let Some(inside) = segment.strip_prefix('{') {
            let name = inside.strip_suffix('}')?;
            return (!name.is_empty()).then_some(Self::Variable(name));
        }
        let special = |byte| br"\.+*?()[]{}^$|".contains(&byte);
        (!segment.bytes().any(special)).then_some(Self::Plain(segment))
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
        segments.filter_map(move |segment| Segment::read(kind, segment))
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
