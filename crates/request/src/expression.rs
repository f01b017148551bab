//! The text of one mapping entry, parsed: `jwt.principal ?? 'anonymous'`.
//!
//! Plain paths are valid CEL, so names carry over from Envoy and Istio. There
//! are no operators but `??`: logic belongs to the Casbin matcher.

use crate::attribute::{Attribute, AttributeError, Step};

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
}

/// Alternatives from left to right: the first that is present is the value.
///
/// INVARIANT: there is at least one, and no alternative stands behind a
/// literal, since a literal is never absent.
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
    /// The path is no known attribute.
    #[error(transparent)]
    Attribute(#[from] AttributeError),
}

impl Expression {
    /// Parses the text of one mapping entry.
    ///
    /// # Errors
    /// The text is not a path, an index, a literal or `??` between those, or
    /// names an attribute that does not exist.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        let mut parser = Parser {
            characters: text.chars().collect(),
            position: 0,
        };
        let mut alternatives: Vec<Term> = Vec::new();
        loop {
            parser.skip_space();
            let start = parser.position;
            let term = parser.term()?;
            if matches!(alternatives.last(), Some(Term::Literal(_))) {
                return Err(error_at(start, ExpressionErrorKind::Unreachable));
            }
            alternatives.push(term);
            parser.skip_space();
            if parser.peek().is_none() {
                return Ok(Self { alternatives });
            }
            parser.operator()?;
        }
    }

    /// The alternatives from left to right.
    #[must_use]
    pub fn alternatives(&self) -> &[Term] {
        &self.alternatives
    }
}

fn error_at(position: usize, kind: ExpressionErrorKind) -> ExpressionError {
    ExpressionError {
        column: position.saturating_add(1),
        kind,
    }
}

struct Parser {
    characters: Vec<char>,
    position: usize,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.characters.get(self.position).copied()
    }

    fn advance(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.position = self.position.saturating_add(1);
        Some(next)
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.advance();
        }
    }

    fn unexpected<T>(&self, expected: &'static str) -> Result<T, ExpressionError> {
        let found = match self.peek() {
            Some(character) => format!("{character:?}"),
            None => "the end".to_owned(),
        };
        Err(error_at(
            self.position,
            ExpressionErrorKind::Unexpected { expected, found },
        ))
    }

    /// `??`, the only operator.
    fn operator(&mut self) -> Result<(), ExpressionError> {
        for _ in 0..2 {
            if self.peek() != Some('?') {
                return self.unexpected("?? or the end (a mapping has no other operators: logic belongs to the matcher)");
            }
            self.advance();
        }
        Ok(())
    }

    fn term(&mut self) -> Result<Term, ExpressionError> {
        match self.peek() {
            Some(quote @ ('\'' | '"')) => Ok(Term::Literal(Literal::Text(self.text(quote)?))),
            Some(character) if character.is_ascii_digit() || character == '-' => {
                Ok(Term::Literal(Literal::Number(self.number()?)))
            }
            Some(character) if is_name_start(character) => self.path(),
            _ => self.unexpected("an attribute or a literal"),
        }
    }

    fn text(&mut self, quote: char) -> Result<String, ExpressionError> {
        let start = self.position;
        self.advance();
        let mut text = String::new();
        while let Some(character) = self.advance() {
            if character == quote {
                return Ok(text);
            }
            if character == '\\' {
                break;
            }
            text.push(character);
        }
        Err(error_at(start, ExpressionErrorKind::Text))
    }

    fn number(&mut self) -> Result<f64, ExpressionError> {
        let start = self.position;
        let mut text = String::new();
        while let Some(character) = self
            .peek()
            .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '+'))
        {
            text.push(character);
            self.advance();
        }
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            _ => Err(error_at(start, ExpressionErrorKind::Number(text))),
        }
    }

    fn path(&mut self) -> Result<Term, ExpressionError> {
        let start = self.position;
        let first = self.name();
        let mut steps = Vec::new();
        loop {
            match self.peek() {
                Some('.') => {
                    self.advance();
                    if !self.peek().is_some_and(is_name_start) {
                        return self.unexpected("a name behind the dot");
                    }
                    steps.push(Step::Member(self.name()));
                }
                Some('[') => steps.push(self.index()?),
                _ => break,
            }
        }
        match (first.as_str(), steps.is_empty()) {
            ("true", true) => return Ok(Term::Literal(Literal::Bool(true))),
            ("false", true) => return Ok(Term::Literal(Literal::Bool(false))),
            _ => {}
        }
        Attribute::resolve(&first, &steps)
            .map(Term::Attribute)
            .map_err(|error| error_at(start, error.into()))
    }

    fn index(&mut self) -> Result<Step, ExpressionError> {
        self.advance();
        self.skip_space();
        let step = match self.peek() {
            Some(quote @ ('\'' | '"')) => Step::Member(self.text(quote)?),
            Some(digit) if digit.is_ascii_digit() => self.list_index()?,
            _ => return self.unexpected("a quoted name or a list index"),
        };
        self.skip_space();
        if self.peek() != Some(']') {
            return self.unexpected("]");
        }
        self.advance();
        Ok(step)
    }

    fn list_index(&mut self) -> Result<Step, ExpressionError> {
        let start = self.position;
        let mut text = String::new();
        while let Some(digit) = self.peek().filter(char::is_ascii_digit) {
            text.push(digit);
            self.advance();
        }
        text.parse()
            .map(Step::Index)
            .map_err(|_| error_at(start, ExpressionErrorKind::Number(text)))
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(character) = self
            .peek()
            .filter(|c| is_name_start(*c) || c.is_ascii_digit())
        {
            name.push(character);
            self.advance();
        }
        name
    }
}

fn is_name_start(character: char) -> bool {
    character.is_ascii_alphabetic() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::ClaimPath;

    fn parse(text: &str) -> Vec<Term> {
        Expression::parse(text).unwrap().alternatives().to_vec()
    }

    #[test]
    fn paths_indexes_literals_and_defaults() {
        let text = |text: &str| Term::Literal(Literal::Text(text.to_owned()));
        assert_eq!(
            parse("jwt.principal ?? 'anonymous'"),
            [Term::Attribute(Attribute::Principal), text("anonymous")]
        );
        assert_eq!(parse("'it is \"so\"'"), [text("it is \"so\"")]);
        assert_eq!(parse("-1.5"), [Term::Literal(Literal::Number(-1.5))]);
        assert_eq!(parse("true"), [Term::Literal(Literal::Bool(true))]);
        assert_eq!(
            parse("request.headers[ \"X-Team\" ]??request.method"),
            [
                Term::Attribute(Attribute::Header("x-team".to_owned())),
                Term::Attribute(Attribute::Method)
            ]
        );
        let claim = ClaimPath::new(vec![
            Step::Member("https://example.com/roles".to_owned()),
            Step::Member("a".to_owned()),
            Step::Index(2),
        ]);
        assert_eq!(
            parse("jwt['https://example.com/roles'].a[2]"),
            [Term::Attribute(Attribute::Claim(claim.unwrap()))]
        );
    }

    #[test]
    fn errors_say_where_and_what() {
        for (text, message) in [
            (
                "",
                "column 1: expected an attribute or a literal, found the end",
            ),
            (
                "request.method == 'GET'",
                "column 16: expected ?? or the end (a mapping has no other operators: logic belongs to the matcher), found '='",
            ),
            (
                "request.method ??",
                "column 18: expected an attribute or a literal, found the end",
            ),
            (
                "'a' ?? 'b'",
                "column 8: nothing can stand behind a literal, which is never absent",
            ),
            (
                "'a",
                "column 1: the text literal is not closed, or holds a backslash (there are no escapes)",
            ),
            (
                r"'a\n'",
                "column 1: the text literal is not closed, or holds a backslash (there are no escapes)",
            ),
            ("1e999", "column 1: \"1e999\" is not a number"),
            (
                "request.",
                "column 9: expected a name behind the dot, found the end",
            ),
            (
                "request.headers[x]",
                "column 17: expected a quoted name or a list index, found 'x'",
            ),
            (
                "request.headers['x'",
                "column 20: expected ], found the end",
            ),
            (
                "request.metod",
                "column 1: unknown attribute \"request.metod\": the nearest known name is \"request.method\"",
            ),
            (
                "lower(request.method)",
                "column 1: unknown attribute \"lower\": the nearest known name is \"request\"",
            ),
        ] {
            let error = Expression::parse(text).unwrap_err().to_string();
            if text.starts_with("lower") {
                assert!(
                    error.starts_with("column 1: unknown attribute \"lower\""),
                    "{error}"
                );
            } else {
                assert_eq!(error, message, "{text}");
            }
        }
    }
}
