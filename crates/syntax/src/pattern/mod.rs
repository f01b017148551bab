//! Patterns: what the matching functions take as their second argument.

pub mod glob;
mod go_class;
pub mod go_regex;
pub mod ip;

use regex_syntax::hir::Hir;
use thiserror::Error;

use crate::expression::Function;
use crate::expression::MatchFunction;

pub use glob::Glob;
pub use ip::IpPattern;

/// Which language a pattern is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// For `keyMatch`.
    KeyMatch,
    /// For `keyMatch2`.
    KeyMatch2,
    /// For `keyMatch3`.
    KeyMatch3,
    /// For `keyMatch4`.
    KeyMatch4,
    /// For `keyMatch5`.
    KeyMatch5,
    /// For `keyGet2`.
    KeyGet2,
    /// For `keyGet3`.
    KeyGet3,
    /// For `regexMatch` and `=~`.
    Regex,
    /// For `ipMatch`.
    Ip,
    /// For `globMatch`.
    Glob,
}

impl Kind {
    /// The language of a function's second argument; none where that is
    /// taken as it is.
    pub fn of(function: Function) -> Option<Self> {
        match function {
            Function::Match(function) => Some(Self::from(function)),
            Function::KeyGet => None,
            Function::KeyGet2 => Some(Self::KeyGet2),
            Function::KeyGet3 => Some(Self::KeyGet3),
        }
    }

    /// The function that takes it, for messages.
    pub fn function(self) -> &'static str {
        match self {
            Self::KeyMatch => "keyMatch",
            Self::KeyMatch2 => "keyMatch2",
            Self::KeyMatch3 => "keyMatch3",
            Self::KeyMatch4 => "keyMatch4",
            Self::KeyMatch5 => "keyMatch5",
            Self::KeyGet2 => "keyGet2",
            Self::KeyGet3 => "keyGet3",
            Self::Regex => "regexMatch",
            Self::Ip => "ipMatch",
            Self::Glob => "globMatch",
        }
    }
}

impl From<MatchFunction> for Kind {
    fn from(function: MatchFunction) -> Self {
        match function {
            MatchFunction::KeyMatch => Self::KeyMatch,
            MatchFunction::KeyMatch2 => Self::KeyMatch2,
            MatchFunction::KeyMatch3 => Self::KeyMatch3,
            MatchFunction::KeyMatch4 => Self::KeyMatch4,
            MatchFunction::KeyMatch5 => Self::KeyMatch5,
            MatchFunction::RegexMatch => Self::Regex,
            MatchFunction::IpMatch => Self::Ip,
            MatchFunction::GlobMatch => Self::Glob,
        }
    }
}

/// Why a pattern is malformed: what, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct PatternError(pub String);

/// A pattern that was understood.
#[derive(Debug, Clone)]
pub enum Pattern {
    /// keyMatch: the text before the first `*`, and whether there is one.
    Prefix {
        /// The text before the first `*`, or all of it.
        prefix: Box<str>,
        /// Whether there is a `*`.
        open: bool,
    },
    /// A regular expression; `names` are those of its groups, in order, where
    /// the function asks for them.
    Regex {
        /// The expression, with Go's meaning.
        hir: Hir,
        /// The names of the groups.
        names: Vec<Box<str>>,
    },
    /// An address or a block of addresses.
    Ip(IpPattern),
    /// A glob.
    Glob(Glob),
}

/// Reads a pattern.
pub fn parse(kind: Kind, text: &str) -> Result<Pattern, PatternError> {
    match kind {
        Kind::KeyMatch => Ok(match text.split_once('*') {
            Some((prefix, _)) => Pattern::Prefix {
                prefix: prefix.into(),
                open: true,
            },
            None => Pattern::Prefix {
                prefix: text.into(),
                open: false,
            },
        }),
        Kind::KeyMatch2 => key(text, Variable::Colon, "[^/]+"),
        Kind::KeyMatch3 | Kind::KeyMatch5 => key(text, Variable::Braces, "[^/]+"),
        Kind::KeyMatch4 => {
            let pattern = key(text, Variable::Braces, "([^/]+)")?;
            if let Pattern::Regex { hir, names } = &pattern
                && hir.properties().explicit_captures_len() != names.len()
            {
                return Err(PatternError(
                    "groups in parentheses do not go together with {name} in keyMatch4".to_owned(),
                ));
            }
            Ok(pattern)
        }
        Kind::KeyGet2 => key(text, Variable::Colon, "([^/]+)"),
        Kind::KeyGet3 => key(text, Variable::ShortBraces, "([^/]+?)"),
        Kind::Regex => Ok(Pattern::Regex {
            hir: go_regex::parse(text)?,
            names: Vec::new(),
        }),
        Kind::Ip => ip::parse(text).map(Pattern::Ip),
        Kind::Glob => glob::parse(text).map(Pattern::Glob),
    }
}

/// How a key pattern writes a variable segment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Variable {
    /// `:name`, up to the next slash.
    Colon,
    /// `{name}`, to the last closing brace of the segment.
    Braces,
    /// `{name}`, to the first closing brace.
    ShortBraces,
}

/// Rewrites a key pattern as the regular expression that Casbin makes of it.
fn key(text: &str, variable: Variable, group: &str) -> Result<Pattern, PatternError> {
    let text = text.replace("/*", "/.*");
    let mut regex = String::from("^");
    let mut names = Vec::new();
    let mut rest = text.as_str();
    while let Some((before, name, after)) = next_variable(rest, variable) {
        regex.push_str(before);
        regex.push_str(group);
        names.push(name.into());
        rest = after;
    }
    regex.push_str(rest);
    regex.push('$');
    Ok(Pattern::Regex {
        hir: go_regex::parse(&regex)?,
        names,
    })
}

/// The text before the first variable, its name, and the text after it.
fn next_variable(text: &str, variable: Variable) -> Option<(&str, &str, &str)> {
    let open = match variable {
        Variable::Colon => ':',
        Variable::Braces | Variable::ShortBraces => '{',
    };
    text.match_indices(open).find_map(|(start, _)| {
        let before = text.get(..start)?;
        let inside = text.get(start.checked_add(1)?..)?;
        let segment = inside.split('/').next()?;
        let name = match variable {
            Variable::Colon => segment,
            Variable::Braces => segment.get(..segment.rfind('}')?)?,
            Variable::ShortBraces => {
                let first = segment.chars().next()?.len_utf8();
                let end = segment.get(first..)?.find('}')?;
                segment.get(..first.checked_add(end)?)?
            }
        };
        if name.is_empty() {
            return None;
        }
        let closing = usize::from(variable != Variable::Colon);
        let after = inside.get(name.len().checked_add(closing)?..)?;
        Some((before, name, after))
    })
}
