//! The functions of the mapping's language: a closed list, of texts alone.

use std::borrow::Cow;
use std::fmt;

use crate::attribute::quoted;
use crate::expression::{ExpressionErrorKind, Literal};

/// The separator of [`Function::Segment`] where none is written.
const PATH_SEPARATOR: &str = "/";

/// A function, with the literals that stand behind its first argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Function {
    /// `lower(x)`: the ASCII letters in lower case.
    Lower,
    /// `upper(x)`: the ASCII letters in upper case.
    Upper,
    /// `strip_prefix(x, 'prefix')`: what stands behind the prefix, absent
    /// where the text does not start with it.
    StripPrefix(String),
    /// `segment(x, 2)`, `segment(x, 0, '.')`: the piece of that number between
    /// separators, absent where the text ends before it. Where it, or one
    /// before it, is empty and others stand behind that, there is no value: some
    /// servers do not count empty ones. What stands before the leading slash of a
    /// path is no piece.
    Segment {
        /// The number, from 0.
        index: usize,
        /// What stands between the pieces. Never empty.
        separator: String,
    },
}

/// A piece of a text is empty, and there are others behind it: servers that
/// count it and servers that do not take different pieces for the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the piece is empty, and others stand behind it")]
pub struct EmptyPiece;

/// The functions: name, and how it is called.
const FUNCTIONS: [(&str, &str); 4] = [
    ("lower", "lower(x)"),
    ("upper", "upper(x)"),
    ("strip_prefix", "strip_prefix(x, 'prefix')"),
    ("segment", "segment(x, 0) or segment(x, 0, 'separator')"),
];

impl Function {
    /// The function of that name with those literals, each with its place in
    /// the text. `start` is the place of the name.
    pub(crate) fn new(
        name: &'static str,
        literals: &[(usize, Literal)],
        start: usize,
    ) -> Result<Self, (usize, ExpressionErrorKind)> {
        let usage = usage(name);
        let wrong = |place: usize, expected: &'static str| {
            (place, ExpressionErrorKind::Argument { expected, usage })
        };
        let text = |at: &(usize, Literal), expected| match &at.1 {
            Literal::Text(text) => Ok(text.clone()),
            _ => Err(wrong(at.0, expected)),
        };
        let index = |at: &(usize, Literal)| {
            let Literal::Number(number) = at.1 else {
                return Err(wrong(at.0, "a whole number from 0"));
            };
            whole(number).ok_or_else(|| wrong(at.0, "a whole number from 0"))
        };
        Ok(match (name, literals) {
            ("lower", []) => Self::Lower,
            ("upper", []) => Self::Upper,
            ("strip_prefix", [prefix]) => Self::StripPrefix(text(prefix, "the prefix as a text")?),
            ("segment", [number]) => Self::Segment {
                index: index(number)?,
                separator: PATH_SEPARATOR.to_owned(),
            },
            ("segment", [number, separator]) => Self::Segment {
                index: index(number)?,
                separator: match text(separator, "the separator as a text")? {
                    empty if empty.is_empty() => {
                        return Err(wrong(separator.0, "a separator that is not empty"));
                    }
                    separator => separator,
                },
            },
            (_, literals) => {
                let found = literals.len().saturating_add(1);
                return Err((start, ExpressionErrorKind::ArgumentCount { found, usage }));
            }
        })
    }

    /// The known name that a text is, or why it is none.
    pub(crate) fn known(name: &str) -> Result<&'static str, ExpressionErrorKind> {
        let names = FUNCTIONS.iter().map(|(known, _)| *known);
        names.clone().find(|known| *known == name).ok_or_else(|| {
            ExpressionErrorKind::UnknownFunction {
                name: name.to_owned(),
                nearest: names
                    .min_by_key(|known| strsim::damerau_levenshtein(known, name))
                    .unwrap_or_default(),
            }
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Lower => "lower",
            Self::Upper => "upper",
            Self::StripPrefix(_) => "strip_prefix",
            Self::Segment { .. } => "segment",
        }
    }

    /// Whether it may have no value for a text that is there.
    #[must_use]
    pub fn may_be_absent(&self) -> bool {
        matches!(self, Self::StripPrefix(_) | Self::Segment { .. })
    }

    /// The value for a text; `None` where there is none.
    ///
    /// # Errors
    /// [`EmptyPiece`].
    pub fn apply<'a>(&self, text: Cow<'a, str>) -> Result<Option<Cow<'a, str>>, EmptyPiece> {
        Ok(match self {
            Self::Lower if text.bytes().any(|byte| byte.is_ascii_uppercase()) => {
                Some(Cow::Owned(text.to_ascii_lowercase()))
            }
            Self::Upper if text.bytes().any(|byte| byte.is_ascii_lowercase()) => {
                Some(Cow::Owned(text.to_ascii_uppercase()))
            }
            Self::Lower | Self::Upper => Some(text),
            Self::StripPrefix(prefix) => part(text, |text| Ok(text.strip_prefix(prefix.as_str())))?,
            Self::Segment { index, separator } => part(text, |text| {
                let first = if separator == PATH_SEPARATOR {
                    text.strip_prefix(PATH_SEPARATOR).unwrap_or(text)
                } else {
                    text
                };
                let mut pieces = first.split(separator.as_str());
                let mut found = None;
                for _ in 0..=*index {
                    found = pieces.next();
                    match found {
                        None => break,
                        Some("") if pieces.any(|piece| !piece.is_empty()) => {
                            return Err(EmptyPiece);
                        }
                        Some("") => return Ok(None),
                        Some(_) => {}
                    }
                }
                Ok(found)
            })?,
        })
    }

    /// The call, as a mapping would write it.
    pub(crate) fn write(
        &self,
        f: &mut fmt::Formatter<'_>,
        argument: &dyn fmt::Display,
    ) -> fmt::Result {
        write!(f, "{}({argument}", self.name())?;
        match self {
            Self::Lower | Self::Upper => {}
            Self::StripPrefix(prefix) => {
                f.write_str(", ")?;
                quoted(f, prefix)?;
            }
            Self::Segment { index, separator } => {
                write!(f, ", {index}")?;
                if separator != PATH_SEPARATOR {
                    f.write_str(", ")?;
                    quoted(f, separator)?;
                }
            }
        }
        f.write_str(")")
    }
}

/// How the function of that name is called.
pub(crate) fn usage(name: &str) -> &'static str {
    let mut functions = FUNCTIONS.iter();
    functions
        .find(|(known, _)| *known == name)
        .map_or("", |(_, usage, ..)| usage)
}

/// A part of a text, borrowed where the text is.
fn part<'a>(
    text: Cow<'a, str>,
    find: impl for<'t> Fn(&'t str) -> Result<Option<&'t str>, EmptyPiece>,
) -> Result<Option<Cow<'a, str>>, EmptyPiece> {
    Ok(match text {
        Cow::Borrowed(text) => find(text)?.map(Cow::Borrowed),
        Cow::Owned(text) => find(&text)?.map(|part| Cow::Owned(part.to_owned())),
    })
}

/// A number of a mapping as the number of a segment.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked on the line before"
)]
fn whole(number: f64) -> Option<usize> {
    let whole = (0.0..=f64::from(u32::MAX)).contains(&number) && number.fract() == 0.0;
    whole.then_some(number as usize)
}
