//! The text of one mapping entry, parsed: `jwt.principal ?? 'anonymous'`,
//! `lower(segment(request.url_path, 1))`.
//!
//! Plain paths are valid CEL, so names carry over from Envoy and Istio. There
//! are no operators but `??`: logic belongs to the Casbin matcher.

mod parser;
#[cfg(test)]
mod tests;

use std::fmt;

use doorward_engine::Kinds;

use crate::attribute::{Attribute, AttributeError, quoted};
use crate::function::Function;
use crate::kinds;

/// The longest expression, in bytes.
pub(crate) const MAX_BYTES: usize = 4_096;

/// The most calls inside one another.
pub(crate) const MAX_CALL_DEPTH: usize = 8;

/// A literal of the mapping.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// `'text'` or `"text"`.
    Text(String),
    /// A decimal number.
    Number(f64),
    /// `true` or `false`.
    Bool(bool),
}

/// One alternative of an expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Term {
    /// A fact of the request.
    Attribute(Attribute),
    /// A fixed value.
    Literal(Literal),
    /// A function of an expression.
    Call(Function, Expression),
}

/// Alternatives from left to right: the first that is present is the value.
///
/// INVARIANT: there is at least one, and no alternative stands behind one that
/// is never absent, such as a literal.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    alternatives: Vec<Term>,
}

/// Why the text of an expression was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {kind}")]
pub struct ExpressionError {
    /// Where, counted in characters from 1.
    pub column: usize,
    /// What is wrong.
    #[source]
    pub kind: ExpressionErrorKind,
}

/// What is wrong with an expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionErrorKind {
    /// Something else was expected here.
    #[error("expected {expected}, found {found}")]
    Unexpected {
        /// What would have been right.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// A quote without its partner, or an escape that is none.
    #[error("the text literal is not closed, or holds a backslash (there are no escapes)")]
    Text,
    /// A number that is none.
    #[error("{0:?} is not a number")]
    Number(String),
    /// An alternative behind a literal can never be used.
    #[error("nothing can stand behind a literal, which is never absent")]
    Unreachable,
    /// The text is too long.
    #[error("the expression is longer than {MAX_BYTES} bytes")]
    TooLong,
    /// Too many calls inside one another.
    #[error("more than {MAX_CALL_DEPTH} calls are inside one another")]
    TooDeep,
    /// No function has this name.
    #[error("unknown function {name:?}: the nearest known name is {nearest:?}")]
    UnknownFunction {
        /// The name as written.
        name: String,
        /// The known name that differs least.
        nearest: &'static str,
    },
    /// A function with too few or too many arguments.
    #[error("wrong number of arguments ({found}): write {usage}")]
    ArgumentCount {
        /// How many there are.
        found: usize,
        /// How the function is called.
        usage: &'static str,
    },
    /// An argument that is not what the function takes.
    #[error("expected {expected}: write {usage}")]
    Argument {
        /// What would have been right.
        expected: &'static str,
        /// How the function is called.
        usage: &'static str,
    },
    /// A function of something that is never a text.
    #[error("{function} takes a text, and this is {found}")]
    NotText {
        /// The function's name.
        function: &'static str,
        /// What is known of its argument.
        found: Kinds,
    },
    /// The path is no known attribute.
    #[error(transparent)]
    Attribute(#[from] AttributeError),
}

impl Expression {
    /// Parses the text of one mapping entry.
    ///
    /// # Errors
    /// The text is not a path, an index, a literal, a call or `??` between
    /// those, or names an attribute or a function that does not exist.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        parser::parse(text)
    }

    /// The alternatives from left to right.
    #[must_use]
    pub fn alternatives(&self) -> &[Term] {
        &self.alternatives
    }

    /// Adds the attributes that the value may come from, those inside calls
    /// among them.
    pub(crate) fn add_attributes<'e>(&'e self, all: &mut Vec<&'e Attribute>) {
        for term in &self.alternatives {
            match term {
                Term::Attribute(attribute) => all.push(attribute),
                Term::Literal(_) => {}
                Term::Call(_, argument) => argument.add_attributes(all),
            }
        }
    }

    /// Whether a function gets what `test` holds for.
    pub(crate) fn computes(&self, test: fn(&Attribute) -> bool) -> bool {
        self.alternatives.iter().any(|term| match term {
            Term::Attribute(_) | Term::Literal(_) => false,
            Term::Call(_, argument) => {
                let mut all = Vec::new();
                argument.add_attributes(&mut all);
                all.into_iter().any(test)
            }
        })
    }

    /// What the value may be, wherever there is one.
    pub(crate) fn kinds(&self) -> Kinds {
        let kinds = self.alternatives.iter().map(|term| match term {
            Term::Attribute(attribute) => kinds::of_attribute(attribute),
            Term::Literal(literal) => kinds::of_literal(literal),
            Term::Call(..) => Kinds::TEXT,
        });
        kinds.fold(Kinds::NONE, Kinds::or)
    }

    /// Whether there is a value for every request.
    fn is_never_absent(&self) -> bool {
        self.alternatives.last().is_some_and(Term::is_never_absent)
    }
}

impl Term {
    /// Whether there is a value for every request.
    fn is_never_absent(&self) -> bool {
        match self {
            Self::Attribute(_) => false,
            Self::Literal(_) => true,
            Self::Call(function, argument) => {
                !function.may_be_absent() && argument.is_never_absent()
            }
        }
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => quoted(f, text),
            // The plain form of a huge or tiny number has hundreds of digits.
            Self::Number(number) if *number != 0.0 && !(1e-5..1e15).contains(&number.abs()) => {
                write!(f, "{number:e}")
            }
            Self::Number(number) => write!(f, "{number}"),
            Self::Bool(truth) => write!(f, "{truth}"),
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Attribute(attribute) => attribute.fmt(f),
            Self::Literal(literal) => literal.fmt(f),
            Self::Call(function, argument) => function.write(f, argument),
        }
    }
}

impl fmt::Display for Expression {
    /// The expression as a mapping would write it: what parses to the same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, term) in self.alternatives.iter().enumerate() {
            if index > 0 {
                f.write_str(" ?? ")?;
            }
            term.fmt(f)?;
        }
        Ok(())
    }
}
