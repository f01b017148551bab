//! A matcher's text, cut into tokens.

use super::SyntaxError;

/// What a token is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind<'a> {
    Number(f64),
    Text(Box<str>),
    /// A name, with dots in it where written so.
    Word(&'a str),
    /// A name in square brackets.
    Bracketed(&'a str),
    Open(char),
    Close(char),
    Comma,
    Symbol(&'static str),
}

/// A token and the byte offset where it starts.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token<'a> {
    pub kind: Kind<'a>,
    pub offset: usize,
}

/// What differs between a matcher of a model and a rule given to `eval`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// A backslash in quotes is itself. Square brackets make a list if "in"
    /// stands anywhere outside quotes, else a name.
    Matcher,
    /// A backslash in quotes makes the next character plain. Square brackets
    /// make a name.
    Rule,
}

/// The symbols, longer ones before those they start with.
const SYMBOLS: [&str; 25] = [
    "&&", "||", "==", "!=", "<=", ">=", "=~", "!~", "??", "**", "<<", ">>", "<", ">", "!", "+",
    "-", "*", "/", "%", "&", "|", "^", "~", "?",
];

/// Cuts an expression into tokens.
pub(crate) fn tokens(text: &str, dialect: Dialect) -> Result<Vec<Token<'_>>, SyntaxError> {
    let mut lexer = Lexer {
        text,
        offset: 0,
        dialect,
        lists: dialect == Dialect::Matcher && outside_quotes(text).contains("in"),
    };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next_token()? {
        tokens.push(token);
    }
    Ok(tokens)
}

/// The text with everything in quotes blanked out.
fn outside_quotes(text: &str) -> String {
    let mut quote = None;
    text.chars()
        .map(|character| match quote {
            Some(open) => {
                if open == character {
                    quote = None;
                }
                ' '
            }
            None if matches!(character, '\'' | '"') => {
                quote = Some(character);
                ' '
            }
            None => character,
        })
        .collect()
}

struct Lexer<'a> {
    text: &'a str,
    offset: usize,
    dialect: Dialect,
    lists: bool,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.offset..).unwrap_or("")
    }

    fn advance(&mut self, bytes: usize) {
        self.offset = self.offset.saturating_add(bytes);
    }

    /// Takes characters as long as `test` holds.
    fn take_while(&mut self, test: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest
            .find(|character| !test(character))
            .unwrap_or(rest.len());
        self.advance(end);
        rest.get(..end).unwrap_or("")
    }

    fn next_token(&mut self) -> Result<Option<Token<'a>>, SyntaxError> {
        self.take_while(char::is_whitespace);
        let offset = self.offset;
        let Some(first) = self.rest().chars().next() else {
            return Ok(None);
        };
        let kind = match first {
            '0'..='9' | '.' => self.number()?,
            '\'' | '"' => self.quoted(first)?,
            '[' if !self.lists => self.bracketed()?,
            '(' | '[' => self.single(first, Kind::Open(first)),
            ')' | ']' => self.single(first, Kind::Close(first)),
            ',' => self.single(first, Kind::Comma),
            ':' => self.single(first, Kind::Symbol(":")),
            _ if first.is_alphabetic() => Kind::Word(self.take_while(|character| {
                character.is_alphanumeric() || matches!(character, '_' | '.')
            })),
            _ => self.symbol(first)?,
        };
        Ok(Some(Token { kind, offset }))
    }

    fn single(&mut self, character: char, kind: Kind<'a>) -> Kind<'a> {
        self.advance(character.len_utf8());
        kind
    }

    fn number(&mut self) -> Result<Kind<'a>, SyntaxError> {
        let offset = self.offset;
        let value = if let Some(rest) = self.rest().strip_prefix("0x") {
            let digits = rest
                .find(|character: char| !character.is_ascii_hexdigit())
                .unwrap_or(rest.len());
            let digits = rest.get(..digits).unwrap_or("");
            self.advance(digits.len().saturating_add(2));
            #[expect(
                clippy::cast_precision_loss,
                reason = "every number of a matcher is a float"
            )]
            u64::from_str_radix(digits, 16)
                .ok()
                .map(|value| value as f64)
        } else {
            let digits =
                self.take_while(|character| character.is_ascii_digit() || character == '.');
            digits.parse().ok()
        };
        let text = self.text.get(offset..self.offset).unwrap_or("");
        let value = value.ok_or_else(|| SyntaxError {
            offset,
            message: format!("{text} is not a number"),
        })?;
        Ok(Kind::Number(value))
    }

    fn quoted(&mut self, quote: char) -> Result<Kind<'a>, SyntaxError> {
        let start = self.offset;
        let mut text = String::new();
        let mut characters = self.rest().char_indices().skip(1);
        while let Some((offset, character)) = characters.next() {
            if character == quote {
                self.advance(offset.saturating_add(1));
                return Ok(Kind::Text(text.into()));
            }
            if character == '\\' && self.dialect == Dialect::Rule {
                match characters.next() {
                    Some((_, plain)) => text.push(plain),
                    None => break,
                }
            } else {
                text.push(character);
            }
        }
        Err(SyntaxError {
            offset: start,
            message: format!("the text that starts here has no closing {quote}"),
        })
    }

    fn bracketed(&mut self) -> Result<Kind<'a>, SyntaxError> {
        let rest = self.rest();
        let Some((name, _)) = rest.get(1..).unwrap_or("").split_once(']') else {
            return Err(SyntaxError {
                offset: self.offset,
                message: "the name that starts here has no closing ]".to_owned(),
            });
        };
        self.advance(name.len().saturating_add(2));
        Ok(Kind::Bracketed(name))
    }

    fn symbol(&mut self, first: char) -> Result<Kind<'a>, SyntaxError> {
        let rest = self.rest();
        let symbol = SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol));
        let symbol = symbol.ok_or_else(|| SyntaxError {
            offset: self.offset,
            message: if first == '=' {
                "unexpected '=', use == to compare".to_owned()
            } else {
                format!("unexpected {first:?}")
            },
        })?;
        self.advance(symbol.len());
        Ok(Kind::Symbol(symbol))
    }
}
