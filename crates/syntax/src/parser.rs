//! A matcher's tokens, made into an expression.
//!
//! Precedence from loosest: `? : ??`, `||`, `&&`, comparisons and `in`,
//! `& | ^`, `<< >>`, `+ -`, `* / %`, `**`, prefixes. All operators group from
//! the left, `? :` too, as in Casbin's expression language.

use crate::limits::Limits;

use super::SyntaxError;
use super::expression::{Expr, Function, Operator};
use super::lexer::{Dialect, Kind, Token, tokens};
use super::names::Names;
use super::pattern;
use super::time;

/// The deepest nesting that is parsed, whatever the limits say: what the
/// stack of a Wasm module carries.
pub const MAX_DEPTH: usize = 128;

/// Parses an expression.
pub fn parse(
    text: &str,
    dialect: Dialect,
    names: &Names,
    limits: &Limits,
) -> Result<Expr, SyntaxError> {
    let tokens = tokens(text, dialect)?;
    let mut parser = Parser {
        tokens: &tokens,
        next: 0,
        end: text.len(),
        names,
        limit: limits.expression_depth.min(MAX_DEPTH),
        pattern_bytes: limits.pattern_bytes,
        open: 0,
    };
    let node = parser.binary(0)?;
    if let Some(token) = parser.peek() {
        return Err(unexpected(token));
    }
    parser.scalar(node).map(|node| node.expr)
}

/// An expression while it is put together.
struct Node {
    expr: Expr,
    depth: usize,
    offset: usize,
}

struct Parser<'a> {
    tokens: &'a [Token<'a>],
    next: usize,
    end: usize,
    names: &'a Names,
    limit: usize,
    pattern_bytes: usize,
    open: usize,
}

/// Binary operators by how tightly they bind, loosest first.
fn level(kind: &Kind<'_>) -> Option<(usize, &'static str)> {
    let symbol = match kind {
        Kind::Symbol(symbol) => *symbol,
        Kind::Word("in" | "IN") => "in",
        _ => return None,
    };
    let level = match symbol {
        "?" | ":" | "??" => 0,
        "||" => 1,
        "&&" => 2,
        "==" | "!=" | "<" | "<=" | ">" | ">=" | "=~" | "!~" | "in" => 3,
        "&" | "|" | "^" => 4,
        "<<" | ">>" => 5,
        "+" | "-" => 6,
        "*" | "/" | "%" => 7,
        "**" => 8,
        _ => return None,
    };
    Some((level, symbol))
}

fn operator(symbol: &str) -> Option<Operator> {
    Some(match symbol {
        "==" => Operator::Equal,
        "!=" => Operator::NotEqual,
        "<" => Operator::Less,
        "<=" => Operator::LessOrEqual,
        ">" => Operator::Greater,
        ">=" => Operator::GreaterOrEqual,
        "=~" => Operator::Matches,
        "!~" => Operator::NotMatches,
        "in" => Operator::In,
        "&" => Operator::BitAnd,
        "|" => Operator::BitOr,
        "^" => Operator::BitXor,
        "<<" => Operator::ShiftLeft,
        ">>" => Operator::ShiftRight,
        "+" => Operator::Add,
        "-" => Operator::Subtract,
        "*" => Operator::Multiply,
        "/" => Operator::Divide,
        "%" => Operator::Remainder,
        "**" => Operator::Power,
        _ => return None,
    })
}

fn unexpected(token: &Token<'_>) -> SyntaxError {
    let what = match &token.kind {
        Kind::Number(number) => format!("the number {number}"),
        Kind::Text(text) => format!("the text '{text}'"),
        Kind::Word(word) => format!("\"{word}\""),
        Kind::Bracketed(name) => format!("\"[{name}]\""),
        Kind::Open(character) | Kind::Close(character) => format!("\"{character}\""),
        Kind::Comma => "\",\"".to_owned(),
        Kind::Symbol(symbol) => format!("\"{symbol}\""),
    };
    SyntaxError {
        offset: token.offset,
        message: format!("unexpected {what}"),
    }
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a Token<'a>> {
        self.tokens.get(self.next)
    }

    fn bump(&mut self) -> Option<&'a Token<'a>> {
        let token = self.tokens.get(self.next);
        self.next = self.next.saturating_add(1);
        token
    }

    fn error<T>(offset: usize, message: impl Into<String>) -> Result<T, SyntaxError> {
        Err(SyntaxError {
            offset,
            message: message.into(),
        })
    }

    /// A node one deeper than the deepest of its parts.
    fn node(&self, expr: Expr, depth: usize, offset: usize) -> Result<Node, SyntaxError> {
        let depth = depth.saturating_add(1);
        if depth > self.limit {
            return Self::error(
                offset,
                format!("the expression nests deeper than {} levels", self.limit),
            );
        }
        Ok(Node {
            expr,
            depth,
            offset,
        })
    }

    /// Refuses a list where one value is needed.
    fn scalar(&self, node: Node) -> Result<Node, SyntaxError> {
        if matches!(node.expr, Expr::List(_)) {
            return Self::error(node.offset, "a list can only stand after in");
        }
        Ok(node)
    }

    /// Operators that bind at least as tightly as `from`.
    fn binary(&mut self, from: usize) -> Result<Node, SyntaxError> {
        let mut left = self.prefix()?;
        while let Some(token) = self.peek() {
            let Some((level, symbol)) = level(&token.kind).filter(|(level, _)| *level >= from)
            else {
                break;
            };
            self.bump();
            left = self.scalar(left)?;
            let single = symbol == "in" && self.single_literal();
            let right = self.binary(level.saturating_add(1))?;
            left = self.combine(symbol, left, right, single)?;
        }
        Ok(left)
    }

    /// Whether a literal alone in brackets follows, which `in` takes as a
    /// list of one.
    fn single_literal(&self) -> bool {
        let kinds = [0, 1, 2].map(|ahead| {
            let index = self.next.saturating_add(ahead);
            self.tokens.get(index).map(|token| &token.kind)
        });
        let [Some(Kind::Open(_)), Some(literal), Some(Kind::Close(_))] = kinds else {
            return false;
        };
        matches!(
            literal,
            Kind::Text(_) | Kind::Number(_) | Kind::Word("true" | "false")
        )
    }

    fn combine(
        &self,
        symbol: &'static str,
        left: Node,
        right: Node,
        single: bool,
    ) -> Result<Node, SyntaxError> {
        let depth = left.depth.max(right.depth);
        let offset = left.offset;
        if symbol == "in" {
            let list = match right.expr {
                list @ Expr::List(_) => list,
                one if single => Expr::List(vec![one]),
                other => other,
            };
            let expr = Expr::Binary(Operator::In, Box::new(left.expr), Box::new(list));
            return self.node(expr, depth, offset);
        }
        let right = self.scalar(right)?;
        match (symbol, left.expr) {
            // A chain is one node, so its length does not count as depth.
            ("&&", Expr::And(mut all)) => {
                all.push(right.expr);
                let depth = left.depth.max(right.depth.saturating_add(1));
                self.node(Expr::And(all), depth.saturating_sub(1), offset)
            }
            ("||", Expr::Or(mut all)) => {
                all.push(right.expr);
                let depth = left.depth.max(right.depth.saturating_add(1));
                self.node(Expr::Or(all), depth.saturating_sub(1), offset)
            }
            ("&&", left) => self.node(Expr::And(vec![left, right.expr]), depth, offset),
            ("||", left) => self.node(Expr::Or(vec![left, right.expr]), depth, offset),
            ("?", left) => {
                let expr = Expr::Then(Box::new(left), Box::new(right.expr));
                self.node(expr, depth, offset)
            }
            (":" | "??", left) => {
                let expr = Expr::Else(Box::new(left), Box::new(right.expr));
                self.node(expr, depth, offset)
            }
            (_, left) => {
                let Some(operator) = operator(symbol) else {
                    return Self::error(offset, format!("unexpected \"{symbol}\""));
                };
                if let (Operator::Matches | Operator::NotMatches, Expr::Text { text, .. }) =
                    (operator, &right.expr)
                {
                    self.check_pattern(pattern::Kind::Regex, text, right.offset)?;
                }
                let expr = Expr::Binary(operator, Box::new(left), Box::new(right.expr));
                self.node(expr, depth, offset)
            }
        }
    }

    fn check_pattern(
        &self,
        kind: pattern::Kind,
        text: &str,
        offset: usize,
    ) -> Result<(), SyntaxError> {
        if text.len() > self.pattern_bytes {
            return Self::error(
                offset,
                format!(
                    "the pattern has {} bytes, the limit is {}",
                    text.len(),
                    self.pattern_bytes
                ),
            );
        }
        match pattern::parse(kind, text) {
            Ok(_) => Ok(()),
            Err(error) => Self::error(offset, format!("malformed pattern '{text}': {error}")),
        }
    }

    fn prefix(&mut self) -> Result<Node, SyntaxError> {
        let Some(token) = self.peek() else {
            return self.primary();
        };
        let make: fn(Box<Expr>) -> Expr = match token.kind {
            Kind::Symbol("!") => Expr::Not,
            Kind::Symbol("-") => Expr::Negate,
            Kind::Symbol("~") => Expr::BitNot,
            _ => return self.primary(),
        };
        self.bump();
        if let Some(Token {
            kind: Kind::Symbol(_),
            ..
        }) = self.peek()
        {
            return self.primary();
        }
        let inner = self.primary()?;
        let inner = self.scalar(inner)?;
        self.node(make(Box::new(inner.expr)), inner.depth, token.offset)
    }

    fn primary(&mut self) -> Result<Node, SyntaxError> {
        let Some(token) = self.bump() else {
            return Self::error(self.end, "a value is missing at the end");
        };
        let offset = token.offset;
        match &token.kind {
            Kind::Number(number) => self.node(Expr::Number(*number), 0, offset),
            Kind::Text(text) => {
                let expr = Expr::Text {
                    text: text.clone(),
                    time: time::literal(text),
                };
                self.node(expr, 0, offset)
            }
            Kind::Word("true") => self.node(Expr::Bool(true), 0, offset),
            Kind::Word("false") => self.node(Expr::Bool(false), 0, offset),
            Kind::Word(word) => self.word(word, offset),
            Kind::Bracketed(name) => self.name(name, offset),
            Kind::Open(open) => self.parenthesized(*open, offset),
            _ => Err(unexpected(token)),
        }
    }

    /// Runs `inside` one bracket deeper, which bounds the recursion.
    fn nested<T>(
        &mut self,
        offset: usize,
        inside: impl FnOnce(&mut Self) -> Result<T, SyntaxError>,
    ) -> Result<T, SyntaxError> {
        self.open = self.open.saturating_add(1);
        if self.open > self.limit {
            return Self::error(
                offset,
                format!("the expression nests deeper than {} levels", self.limit),
            );
        }
        let result = inside(self);
        self.open = self.open.saturating_sub(1);
        result
    }

    fn parenthesized(&mut self, open: char, offset: usize) -> Result<Node, SyntaxError> {
        let mut all = self.nested(offset, |parser| parser.items(open, offset))?;
        let deepest = all.iter().map(|node| node.depth).max().unwrap_or(0);
        if all.len() > 1 {
            let list = all.into_iter().map(|node| node.expr).collect();
            return self.node(Expr::List(list), deepest, offset);
        }
        match all.pop() {
            Some(node) => Ok(Node { offset, ..node }),
            None => Self::error(offset, "nothing stands in the brackets"),
        }
    }

    /// Expressions with commas between them, up to the closing bracket.
    fn items(&mut self, open: char, offset: usize) -> Result<Vec<Node>, SyntaxError> {
        let close = if open == '[' { ']' } else { ')' };
        let mut all = Vec::new();
        if self.closes(close) {
            return Ok(all);
        }
        loop {
            let item = self.binary(0)?;
            all.push(self.scalar(item)?);
            if self.closes(close) {
                return Ok(all);
            }
            match self.bump() {
                Some(Token {
                    kind: Kind::Comma, ..
                }) => {}
                Some(token) => return Err(unexpected(token)),
                None => {
                    return Self::error(
                        offset,
                        format!("the bracket that opens here has no closing {close}"),
                    );
                }
            }
        }
    }

    fn closes(&mut self, close: char) -> bool {
        let closes = self
            .peek()
            .is_some_and(|token| token.kind == Kind::Close(close));
        if closes {
            self.bump();
        }
        closes
    }

    /// A function with its arguments, or a name.
    fn word(&mut self, word: &'a str, offset: usize) -> Result<Node, SyntaxError> {
        let opens = matches!(
            self.peek(),
            Some(Token {
                kind: Kind::Open('('),
                ..
            })
        );
        if !opens {
            return self.name(word, offset);
        }
        self.bump();
        let arguments = self.nested(offset, |parser| parser.items('(', offset))?;
        self.call(word, arguments, offset)
    }

    fn call(
        &mut self,
        word: &str,
        arguments: Vec<Node>,
        offset: usize,
    ) -> Result<Node, SyntaxError> {
        let deepest = arguments.iter().map(|node| node.depth).max().unwrap_or(0);
        let count = arguments.len();
        let arity = |needed: usize| {
            if count == needed {
                return Ok(());
            }
            Self::error(
                offset,
                format!(
                    "{word} takes {needed} argument{}, {count} given",
                    if needed == 1 { "" } else { "s" }
                ),
            )
        };
        if word == "eval" {
            arity(1)?;
            let rule = arguments.into_iter().map(|node| node.expr).next();
            let rule = Box::new(rule.unwrap_or(Expr::Bool(false)));
            return self.node(Expr::Eval(rule), deepest, offset);
        }
        if let Some((graph, needed)) = self.names.graph(word) {
            arity(needed)?;
            let arguments = arguments.into_iter().map(|node| node.expr).collect();
            return self.node(Expr::Role(graph, arguments), deepest, offset);
        }
        let Some(function) = Function::from_name(word) else {
            return Self::error(offset, self.names.no_function(word));
        };
        arity(function.arity())?;
        if let (Some(kind), Some(node)) = (pattern::Kind::of(function), arguments.get(1))
            && let Expr::Text { text, .. } = &node.expr
        {
            self.check_pattern(kind, text, node.offset)?;
        }
        let arguments = arguments.into_iter().map(|node| node.expr).collect();
        self.node(Expr::Call(function, arguments), deepest, offset)
    }

    fn name(&self, word: &str, offset: usize) -> Result<Node, SyntaxError> {
        let (expr, path) = match self.names.resolve(word) {
            Ok(found) => found,
            Err(message) => return Self::error(offset, message),
        };
        if path.is_empty() {
            self.node(expr, 0, offset)
        } else {
            self.node(Expr::Attribute(Box::new(expr), path), 1, offset)
        }
    }
}
