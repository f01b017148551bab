//! One entry of a mapping: an expression, or an object of such.

use crate::expression::{Expression, ExpressionError, Term};
use crate::mapping::MappingError;

/// The most objects inside one another.
const MAX_LEVELS: usize = 8;

/// An entry as its author writes it.
#[derive(Debug, Clone, PartialEq)]
pub enum EntrySource<'e> {
    /// The text of an expression.
    Text(&'e str),
    /// The members of an object.
    Object(Vec<(&'e str, EntrySource<'e>)>),
}

/// An entry, parsed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Entry {
    /// A value.
    Expression(Expression),
    /// An object, by the names of its members, which differ.
    Object(Vec<(String, Entry)>),
}

impl Entry {
    /// Parses the entry of that name.
    pub(crate) fn parse(name: &str, source: &EntrySource<'_>) -> Result<Self, MappingError> {
        Self::parse_at(name, source, 0)
    }

    fn parse_at(name: &str, source: &EntrySource<'_>, levels: usize) -> Result<Self, MappingError> {
        let members = match source {
            EntrySource::Text(text) => {
                let refuse = |error: ExpressionError| MappingError::Expression {
                    name: name.to_owned(),
                    error,
                };
                return Expression::parse(text)
                    .map(Self::Expression)
                    .map_err(refuse);
            }
            EntrySource::Object(members) => members,
        };
        let refuse = |problem: String| MappingError::Object {
            name: name.to_owned(),
            problem,
        };
        if levels >= MAX_LEVELS {
            return Err(refuse(format!(
                "is inside {MAX_LEVELS} objects, which is the most"
            )));
        }
        if members.is_empty() {
            return Err(refuse("is an object without members".to_owned()));
        }
        let mut parsed: Vec<(String, Self)> = Vec::new();
        for (member, source) in members {
            if parsed.iter().any(|(known, _)| known == member) {
                return Err(refuse(format!("has the member {member:?} twice")));
            }
            if !is_member_name(member) {
                return Err(refuse(format!(
                    "has the member {member:?}: use letters, digits and _, so that the matcher can name it"
                )));
            }
            let place = format!("{name}.{member}");
            let entry = Self::parse_at(&place, source, levels.saturating_add(1))?;
            parsed.push(((*member).to_owned(), entry));
        }
        Ok(Self::Object(parsed))
    }

    /// The expressions of the entry.
    pub(crate) fn add_expressions<'e>(&'e self, all: &mut Vec<&'e Expression>) {
        match self {
            Self::Expression(expression) => all.push(expression),
            Self::Object(members) => {
                for (_, entry) in members {
                    entry.add_expressions(all);
                }
            }
        }
    }

    /// The ways by members to the expressions that are, wherever they are
    /// there, what `test` holds for, as it stands.
    pub(crate) fn places_that_are(&self, test: &dyn Fn(&Term) -> bool) -> Vec<Vec<&str>> {
        match self {
            Self::Expression(expression) => {
                let first = expression.alternatives().first();
                first
                    .filter(|term| test(term))
                    .map(|_| Vec::new())
                    .into_iter()
                    .collect()
            }
            Self::Object(members) => {
                let mut places = Vec::new();
                for (name, entry) in members {
                    for mut below in entry.places_that_are(test) {
                        below.insert(0, name.as_str());
                        places.push(below);
                    }
                }
                places
            }
        }
    }
}

/// Whether a matcher can name it: `r.sub.name`.
fn is_member_name(name: &str) -> bool {
    !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !name.starts_with(|c: char| c.is_ascii_digit())
}
