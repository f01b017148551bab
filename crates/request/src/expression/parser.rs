//! Reading the text of an expression.

use crate::attribute::{Attribute, Step};
use crate::function::{Function, usage};

use super::{
    Expression, ExpressionError, ExpressionErrorKind, Literal, MAX_BYTES, MAX_CALL_DEPTH, Term,
};
use doorward_engine::Kinds;

/// Parses the whole text.
pub(super) fn parse(text: &str) -> Result<Expression, ExpressionError> {
    if text.len() > MAX_BYTES {
        return Err(error_at(0, ExpressionErrorKind::TooLong));
    }
    let mut parser = Parser {
        characters: text.chars().collect(),
        position: 0,
        depth: 0,
    };
    parser.expression()
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
    /// How many calls are open.
    depth: usize,
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

    /// Alternatives, up to the end or, in a call, to what ends an argument.
    fn expression(&mut self) -> Result<Expression, ExpressionError> {
        let mut alternatives: Vec<Term> = Vec::new();
        loop {
            self.skip_space();
            let start = self.position;
            let term = self.term()?;
            if alternatives.last().is_some_and(Term::is_never_absent) {
                return Err(error_at(start, ExpressionErrorKind::Unreachable));
            }
            alternatives.push(term);
            self.skip_space();
            match self.peek() {
                None if self.depth == 0 => break,
                Some(',' | ')') if self.depth > 0 => break,
                _ => self.operator()?,
            }
        }
        Ok(Expression { alternatives })
    }

    /// `??`, the only operator.
    fn operator(&mut self) -> Result<(), ExpressionError> {
        for _ in 0..2 {
            if self.peek() != Some('?') {
                return self.unexpected(if self.depth > 0 {
                    "??, a comma or )"
                } else {
                    "?? or the end (a mapping has no other operators: logic belongs to the matcher)"
                });
            }
            self.advance();
        }
        Ok(())
    }

    fn term(&mut self) -> Result<Term, ExpressionError> {
        match self.peek() {
            Some(character) if is_name_start(character) => self.path_or_call(),
            _ => self.literal().map(Term::Literal),
        }
    }

    /// A text or a number.
    fn literal(&mut self) -> Result<Literal, ExpressionError> {
        match self.peek() {
            Some(quote @ ('\'' | '"')) => Ok(Literal::Text(self.text(quote)?)),
            Some(character) if character.is_ascii_digit() || character == '-' => {
                Ok(Literal::Number(self.number()?))
            }
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

    fn path_or_call(&mut self) -> Result<Term, ExpressionError> {
        let start = self.position;
        let first = self.name();
        if self.peek() == Some('(') {
            return self.call(start, &first);
        }
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

    /// The arguments of a call, and the brackets around them.
    fn call(&mut self, start: usize, name: &str) -> Result<Term, ExpressionError> {
        let name = Function::known(name).map_err(|kind| error_at(start, kind))?;
        if self.depth >= MAX_CALL_DEPTH {
            return Err(error_at(start, ExpressionErrorKind::TooDeep));
        }
        self.depth = self.depth.saturating_add(1);
        self.advance();
        self.skip_space();
        let usage = usage(name);
        if self.peek() == Some(')') {
            let kind = ExpressionErrorKind::ArgumentCount { found: 0, usage };
            return Err(error_at(start, kind));
        }
        let place = self.position;
        let argument = self.expression()?;
        let mut literals = Vec::new();
        while self.peek() == Some(',') {
            self.advance();
            self.skip_space();
            let place = self.position;
            if !self.peek().is_some_and(|c| "'\"-0123456789".contains(c)) {
                let expected = "a number or a text in quotes";
                let kind = ExpressionErrorKind::Argument { expected, usage };
                return Err(error_at(place, kind));
            }
            literals.push((place, self.literal()?));
            self.skip_space();
        }
        if self.peek() != Some(')') {
            return self.unexpected("a comma or )");
        }
        self.advance();
        self.depth = self.depth.saturating_sub(1);
        let function =
            Function::new(name, &literals, start).map_err(|(place, kind)| error_at(place, kind))?;
        let found = argument.kinds();
        if !found.may_be(Kinds::TEXT) {
            let function = function.name();
            let kind = ExpressionErrorKind::NotText { function, found };
            return Err(error_at(place, kind));
        }
        Ok(Term::Call(function, argument))
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
