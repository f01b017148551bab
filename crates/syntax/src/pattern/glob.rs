//! Globs, as the doublestar library of the Go implementation reads them.
//!
//! `*` is any text without a slash, `?` one character but a slash, `[a-z]`
//! and `[^a-z]` one character of a class, `{a,b}` alternatives, `**/` any
//! number of segments, `**` at the end anything at all. Elsewhere `**` is
//! `*`. A backslash makes the next character plain.

use super::PatternError;

/// Alternatives that the braces of one glob may make.
const MAX_ALTERNATIVES: usize = 256;

/// A glob: the alternatives its braces make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    /// Each matches by itself.
    pub alternatives: Vec<Vec<Token>>,
}

/// A part of a glob without braces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// This character.
    Character(char),
    /// One character but a slash.
    One,
    /// Any text without a slash.
    Star,
    /// Any number of whole segments, each with its slash.
    Segments,
    /// Anything, to the end.
    Rest,
    /// One character, of a class or outside it.
    Class {
        /// Whether it is one outside.
        negated: bool,
        /// First and last characters of the ranges.
        ranges: Vec<(char, char)>,
    },
}

/// Reads a glob.
pub fn parse(text: &str) -> Result<Glob, PatternError> {
    let mut alternatives = Vec::new();
    let mut pending = vec![text.to_owned()];
    while let Some(text) = pending.pop() {
        let made = pending.len().saturating_add(alternatives.len());
        if made >= MAX_ALTERNATIVES {
            return Err(PatternError(format!(
                "its braces make more than {MAX_ALTERNATIVES} alternatives"
            )));
        }
        match expand(&text)? {
            Some(expanded) => pending.extend(expanded.into_iter().rev()),
            None => alternatives.push(tokens(&text)?),
        }
    }
    Ok(Glob { alternatives })
}

/// The texts that the first pair of braces stands for, none if there is none.
fn expand(text: &str) -> Result<Option<Vec<String>>, PatternError> {
    let Some(open) = unescaped(text, |character| character == '{') else {
        return Ok(None);
    };
    let before = text.get(..open).unwrap_or("");
    let inside = text.get(open.saturating_add(1)..).unwrap_or("");
    let mut depth = 1_usize;
    let mut start = 0;
    let mut parts = Vec::new();
    let mut escaped = false;
    for (offset, character) in inside.char_indices() {
        if escaped {
            escaped = false;
            continue;
        }
        match character {
            '\\' => escaped = true,
            '{' => depth = depth.saturating_add(1),
            ',' if depth == 1 => {
                parts.push(inside.get(start..offset).unwrap_or(""));
                start = offset.saturating_add(1);
            }
            '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    parts.push(inside.get(start..offset).unwrap_or(""));
                    let after = inside.get(offset.saturating_add(1)..).unwrap_or("");
                    let texts = parts.iter().map(|part| format!("{before}{part}{after}"));
                    return Ok(Some(texts.collect()));
                }
            }
            _ => {}
        }
    }
    Err(PatternError("a brace is not closed".to_owned()))
}

/// The offset of the first character for which `test` holds and that is
/// neither escaped nor in a class.
fn unescaped(text: &str, test: impl Fn(char) -> bool) -> Option<usize> {
    let mut escaped = false;
    let mut class = false;
    for (offset, character) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if character == '\\' {
            escaped = true;
        } else if class {
            class = character != ']';
        } else if test(character) {
            return Some(offset);
        } else if character == '[' {
            class = true;
        }
    }
    None
}

fn tokens(text: &str) -> Result<Vec<Token>, PatternError> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut characters = text.chars().peekable();
    let mut segment_starts = true;
    while let Some(character) = characters.next() {
        let token = match character {
            '*' => {
                let mut stars = 1_usize;
                while characters.next_if_eq(&'*').is_some() {
                    stars = stars.saturating_add(1);
                }
                match (segment_starts && stars == 2, characters.peek()) {
                    (true, None) => Token::Rest,
                    (true, Some('/')) => {
                        characters.next();
                        tokens.push(Token::Segments);
                        continue;
                    }
                    _ => Token::Star,
                }
            }
            '?' => Token::One,
            '[' => class(&mut characters)?,
            '\\' => Token::Character(
                characters
                    .next()
                    .ok_or_else(|| PatternError("nothing follows the last \\".to_owned()))?,
            ),
            other => Token::Character(other),
        };
        segment_starts = token == Token::Character('/');
        tokens.push(token);
    }
    Ok(tokens)
}

/// A class, after its opening bracket.
fn class(characters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Token, PatternError> {
    let unclosed = || PatternError("a class is not closed".to_owned());
    let negated = characters
        .next_if(|character| matches!(character, '^' | '!'))
        .is_some();
    let mut ranges = Vec::new();
    let mut last: Option<char> = None;
    loop {
        let character = characters.next().ok_or_else(unclosed)?;
        match character {
            ']' if ranges.is_empty() => {
                return Err(PatternError("a class is empty".to_owned()));
            }
            ']' => return Ok(Token::Class { negated, ranges }),
            '-' => {
                let ends = matches!(characters.peek(), None | Some(']'));
                match (last, ends) {
                    (Some(low), false) => {
                        let mut high = characters.next().ok_or_else(unclosed)?;
                        if high == '\\' {
                            high = characters.next().ok_or_else(unclosed)?;
                        }
                        ranges.push((low, high));
                        last = None;
                    }
                    _ => {
                        ranges.push(('-', '-'));
                        last = Some('-');
                    }
                }
            }
            _ => {
                let plain = if character == '\\' {
                    characters.next().ok_or_else(unclosed)?
                } else {
                    character
                };
                ranges.push((plain, plain));
                last = Some(plain);
            }
        }
    }
}
