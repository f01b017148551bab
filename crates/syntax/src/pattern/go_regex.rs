//! Regular expressions in the syntax of Go's `regexp` package.
//!
//! Rust's syntax gives some texts another meaning (`[a-z&&[^b]]`, `{id}`,
//! `\Q..\E`, `\d` beyond ASCII), so the text is read here by Go's rules
//! (<https://pkg.go.dev/regexp/syntax>), and what Go refuses is refused.
//! Classes by Unicode property (`\pL`) are refused: there are no tables.

use regex_syntax::hir::{Capture, Hir, Look, Repetition};

use super::PatternError;
use super::go_class::{self, Ranges};

/// Groups in groups.
const MAX_DEPTH: usize = 50;
/// Characters between the braces of a counted repetition.
const MAX_COUNT: usize = 64;
/// Go's bound on counted repetition, nested ones multiplied.
const MAX_REPEAT: u32 = 1000;

/// Reads a regular expression.
pub fn parse(text: &str) -> Result<Hir, PatternError> {
    let mut parser = Parser {
        text,
        offset: 0,
        flags: Flags::default(),
        depth: 0,
        groups: 0,
        names: Vec::new(),
    };
    let (hir, _) = parser.alternation()?;
    match parser.peek() {
        None => Ok(hir),
        Some(_) => error("unexpected )"),
    }
}

fn error<T>(message: impl Into<String>) -> Result<T, PatternError> {
    Err(PatternError(message.into()))
}

#[derive(Clone, Copy, Default)]
struct Flags {
    /// `i`: both cases.
    fold: bool,
    /// `m`: `^` and `$` at every line.
    lines: bool,
    /// `s`: `.` matches a newline too.
    newline: bool,
    /// `U`: repetitions are lazy, and eager with `?`.
    lazy: bool,
}

/// An expression, and the product of its nested counted repetitions.
type Part = (Hir, u32);

struct Parser<'a> {
    text: &'a str,
    offset: usize,
    flags: Flags,
    depth: usize,
    groups: u32,
    names: Vec<&'a str>,
}

/// What stands at one place of a sequence.
enum Atom {
    /// Something that can be repeated.
    Part(Part),
    /// A change of flags, which cannot.
    Nothing,
    /// Text between `\Q` and `\E`: each character for itself.
    Quoted(Vec<Part>),
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.offset..).unwrap_or("")
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.skip(character.len_utf8());
        Some(character)
    }

    fn skip(&mut self, bytes: usize) {
        self.offset = self.offset.saturating_add(bytes);
    }

    fn eat(&mut self, expected: &str) -> bool {
        let found = self.rest().starts_with(expected);
        if found {
            self.skip(expected.len());
        }
        found
    }

    fn alternation(&mut self) -> Result<Part, PatternError> {
        let mut branches = Vec::new();
        let mut largest = 1;
        loop {
            let (branch, repeat) = self.sequence()?;
            branches.push(branch);
            largest = largest.max(repeat);
            if !self.eat("|") {
                return Ok((Hir::alternation(branches), largest));
            }
        }
    }

    fn sequence(&mut self) -> Result<Part, PatternError> {
        let mut parts: Vec<Part> = Vec::new();
        let mut repeated = false;
        while let Some(character) = self.peek() {
            if matches!(character, '|' | ')') {
                break;
            }
            if let Some((min, max)) = self.repetition()? {
                if repeated {
                    return error("a repetition is itself repeated");
                }
                let Some(last) = parts.pop() else {
                    return error("a repetition has nothing to repeat");
                };
                parts.push(self.repeat(last, min, max)?);
                repeated = true;
                continue;
            }
            repeated = false;
            match self.atom()? {
                Atom::Part(part) => parts.push(part),
                Atom::Quoted(all) => parts.extend(all),
                Atom::Nothing => {}
            }
        }
        let largest = parts.iter().map(|(_, repeat)| *repeat).max().unwrap_or(1);
        let hirs = parts.into_iter().map(|(hir, _)| hir).collect();
        Ok((Hir::concat(hirs), largest))
    }

    /// Takes `*`, `+`, `?` or `{n,m}`; none if no such thing stands here.
    fn repetition(&mut self) -> Result<Option<(u32, Option<u32>)>, PatternError> {
        let bounds = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => return self.counted(),
            _ => return Ok(None),
        };
        self.bump();
        Ok(Some(bounds))
    }

    /// Takes `{n}`, `{n,}` or `{n,m}`; a brace before anything else is plain.
    fn counted(&mut self) -> Result<Option<(u32, Option<u32>)>, PatternError> {
        // Two counts within bounds and a comma are nine characters; the
        // longest that Go refuses by name rather than takes for text is not
        // much longer.
        let inside = self.rest().get(1..).unwrap_or("");
        let count = |character: &char| character.is_ascii_digit() || *character == ',';
        let length = inside.chars().take(MAX_COUNT).take_while(count).count();
        let (inside, rest) = inside.split_at_checked(length).unwrap_or(("", ""));
        if !rest.starts_with('}') {
            return Ok(None);
        }
        let (min, max) = match inside.split_once(',') {
            Some((min, max)) => (min, Some(max)),
            None => (inside, None),
        };
        let number = |digits: &str| {
            let leading_zero = digits.len() > 1 && digits.starts_with('0');
            let plain = !digits.is_empty()
                && !leading_zero
                && digits.bytes().all(|digit| digit.is_ascii_digit());
            plain.then(|| digits.parse().unwrap_or(u32::MAX))
        };
        let Some(least) = number(min) else {
            return Ok(None);
        };
        let most = match max {
            None => Some(least),
            Some("") => None,
            Some(digits) => match number(digits) {
                Some(most) => Some(most),
                None => return Ok(None),
            },
        };
        if least > MAX_REPEAT || most.is_some_and(|most| most > MAX_REPEAT || most < least) {
            return error(format!(
                "the count {{{inside}}} is not within 0 and {MAX_REPEAT}"
            ));
        }
        self.skip(inside.len().saturating_add(2));
        Ok(Some((least, most)))
    }

    fn repeat(
        &mut self,
        (hir, nested): Part,
        min: u32,
        max: Option<u32>,
    ) -> Result<Part, PatternError> {
        let greedy = self.eat("?") == self.flags.lazy;
        let count = max.unwrap_or(min).max(min).max(1);
        let product = nested.saturating_mul(count);
        if product > MAX_REPEAT {
            return error(format!("repetitions multiply to more than {MAX_REPEAT}"));
        }
        let repetition = Repetition {
            min,
            max,
            greedy,
            sub: Box::new(hir),
        };
        Ok((Hir::repetition(repetition), product))
    }

    fn atom(&mut self) -> Result<Atom, PatternError> {
        let Some(character) = self.bump() else {
            return Ok(Atom::Nothing);
        };
        let hir = match character {
            '(' => return self.group(),
            '[' => self.class()?,
            '\\' => return self.escape(),
            '.' if self.flags.newline => go_class::hir(&[('\0', char::MAX)]),
            '.' => go_class::hir(&[('\0', '\t'), ('\x0b', char::MAX)]),
            '^' if self.flags.lines => Hir::look(Look::StartLF),
            '^' => Hir::look(Look::Start),
            '$' if self.flags.lines => Hir::look(Look::EndLF),
            '$' => Hir::look(Look::End),
            plain => self.literal(plain)?,
        };
        Ok(Atom::Part((hir, 1)))
    }

    fn literal(&self, character: char) -> Result<Hir, PatternError> {
        let cased = |character: char| {
            !character.to_lowercase().eq([character]) || !character.to_uppercase().eq([character])
        };
        if self.flags.fold && cased(character) {
            let mut ranges = vec![(character, character)];
            go_class::fold(&mut ranges)?;
            return Ok(go_class::hir(&ranges));
        }
        let mut buffer = [0; 4];
        Ok(Hir::literal(
            character.encode_utf8(&mut buffer).as_bytes().to_vec(),
        ))
    }

    /// A group, after its opening parenthesis.
    fn group(&mut self) -> Result<Atom, PatternError> {
        let outer = self.flags;
        let mut capture = None;
        if self.eat("?P<") || self.eat("?<") {
            capture = Some(Some(self.group_name()?));
        } else if self.eat("?") {
            if self.flag_letters()? {
                return Ok(Atom::Nothing);
            }
        } else {
            capture = Some(None);
        }
        let index = capture.is_some().then(|| {
            self.groups = self.groups.saturating_add(1);
            self.groups
        });
        self.depth = self.depth.saturating_add(1);
        if self.depth > MAX_DEPTH {
            return error(format!("groups nest deeper than {MAX_DEPTH}"));
        }
        let (hir, repeat) = self.alternation()?;
        self.depth = self.depth.saturating_sub(1);
        if !self.eat(")") {
            return error("a parenthesis is not closed");
        }
        self.flags = outer;
        let hir = match index {
            Some(index) => Hir::capture(Capture {
                index,
                name: capture.flatten().map(Into::into),
                sub: Box::new(hir),
            }),
            None => hir,
        };
        Ok(Atom::Part((hir, repeat)))
    }

    fn group_name(&mut self) -> Result<&'a str, PatternError> {
        let Some((name, _)) = self.rest().split_once('>') else {
            return error("the name of a group is not closed");
        };
        let plain = |character: char| character.is_ascii_alphanumeric() || character == '_';
        if name.is_empty() || !name.chars().all(plain) {
            return error(format!(
                "the group name {name:?} is not letters, digits and _"
            ));
        }
        if self.names.contains(&name) {
            return error(format!("there are two groups {name}"));
        }
        self.names.push(name);
        self.skip(name.len().saturating_add(1));
        Ok(name)
    }

    /// Letters after `(?`. True if the group ends with them, so that they
    /// hold up to the end of the group around it.
    fn flag_letters(&mut self) -> Result<bool, PatternError> {
        let mut value = true;
        let mut any = false;
        loop {
            match self.bump() {
                Some('i') => self.flags.fold = value,
                Some('m') => self.flags.lines = value,
                Some('s') => self.flags.newline = value,
                Some('U') => self.flags.lazy = value,
                Some('-') if value => {
                    value = false;
                    any = false;
                    continue;
                }
                Some(end @ (':' | ')')) if any || value => return Ok(end == ')'),
                _ => return error("unknown letters after (?"),
            }
            any = true;
        }
    }

    /// An escape, after its backslash.
    fn escape(&mut self) -> Result<Atom, PatternError> {
        let Some(letter) = self.peek() else {
            return error("nothing follows the last \\");
        };
        let hir = match letter {
            'A' => Hir::look(Look::Start),
            'z' => Hir::look(Look::End),
            'b' => Hir::look(Look::WordAscii),
            'B' => Hir::look(Look::WordAsciiNegate),
            'Q' => {
                self.bump();
                return self.quoted();
            }
            'd' | 's' | 'w' | 'D' | 'S' | 'W' => {
                self.bump();
                return Ok(Atom::Part((go_class::hir(&self.perl_class(letter)?), 1)));
            }
            'p' | 'P' => return error("classes by unicode property are not supported"),
            'C' => return error("\\C is not supported"),
            _ => {
                let character = self.escaped_character()?;
                return Ok(Atom::Part((self.literal(character)?, 1)));
            }
        };
        self.bump();
        Ok(Atom::Part((hir, 1)))
    }

    fn perl_class(&self, letter: char) -> Result<Ranges, PatternError> {
        let ranges = go_class::perl(letter.to_ascii_lowercase()).unwrap_or_default();
        self.named_class(ranges, letter.is_ascii_uppercase())
    }

    fn named_class(&self, ranges: &[(char, char)], negated: bool) -> Result<Ranges, PatternError> {
        let mut ranges = ranges.to_vec();
        if self.flags.fold {
            go_class::fold(&mut ranges)?;
        }
        Ok(if negated {
            go_class::negate(&ranges)
        } else {
            ranges
        })
    }

    fn quoted(&mut self) -> Result<Atom, PatternError> {
        let rest = self.rest();
        let (text, skipped) = match rest.split_once("\\E") {
            Some((text, _)) => (text, text.len().saturating_add(2)),
            None => (rest, rest.len()),
        };
        self.skip(skipped);
        let parts: Result<Vec<Part>, PatternError> = text
            .chars()
            .map(|character| Ok((self.literal(character)?, 1)))
            .collect();
        Ok(Atom::Quoted(parts?))
    }

    /// The character that an escape stands for, after the backslash.
    fn escaped_character(&mut self) -> Result<char, PatternError> {
        let unknown = |letter| error(format!("unknown escape \\{letter}"));
        let Some(letter) = self.bump() else {
            return error("nothing follows the last \\");
        };
        Ok(match letter {
            'a' => '\x07',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            'x' => return self.hexadecimal(),
            // One digit alone would be a back reference.
            '1'..='7' if !matches!(self.peek(), Some('0'..='7')) => return unknown(letter),
            '0'..='7' => self.octal(letter),
            letter if letter.is_ascii() && !letter.is_ascii_alphanumeric() => letter,
            letter => return unknown(letter),
        })
    }

    fn octal(&mut self, first: char) -> char {
        let mut code = first.to_digit(8).unwrap_or(0);
        for _ in 0..2 {
            let Some(digit) = self.peek().and_then(|next| next.to_digit(8)) else {
                break;
            };
            self.bump();
            code = code.saturating_mul(8).saturating_add(digit);
        }
        char::from_u32(code).unwrap_or('\0')
    }

    fn hexadecimal(&mut self) -> Result<char, PatternError> {
        let rest = self.rest();
        let digits = if let Some(inside) = rest.strip_prefix('{') {
            let Some((digits, _)) = inside.split_once('}') else {
                return error("\\x{ is not closed");
            };
            self.skip(digits.len().saturating_add(2));
            digits
        } else {
            let digits = rest.get(..2).unwrap_or("");
            self.skip(digits.len());
            digits
        };
        let hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let code = u32::from_str_radix(digits, 16).ok().filter(|_| hexadecimal);
        match code.and_then(char::from_u32) {
            Some(character) => Ok(character),
            None => error(format!("\\x{digits} is not a character")),
        }
    }

    /// A class, after its opening bracket.
    fn class(&mut self) -> Result<Hir, PatternError> {
        let negated = self.eat("^");
        let mut ranges = Ranges::new();
        let mut singles = Ranges::new();
        let mut first = true;
        while first || self.peek() != Some(']') {
            first = false;
            if let Some(named) = self.class_in_class()? {
                ranges.extend(named);
                continue;
            }
            let low = self.class_character()?;
            let rest = self.rest();
            let high = if rest.starts_with('-') && !rest.starts_with("-]") && rest.len() > 1 {
                self.bump();
                self.class_character()?
            } else {
                low
            };
            if high < low {
                return error(format!("the range {low}-{high} runs backwards"));
            }
            singles.push((low, high));
        }
        self.bump();
        if self.flags.fold {
            go_class::fold(&mut singles)?;
        }
        ranges.extend(singles);
        Ok(go_class::hir(&if negated {
            go_class::negate(&ranges)
        } else {
            ranges
        }))
    }

    /// `[:name:]` or `\d` and the like inside a class.
    fn class_in_class(&mut self) -> Result<Option<Ranges>, PatternError> {
        let rest = self.rest();
        if let Some(inside) = rest.strip_prefix("[:")
            && let Some((name, _)) = inside.split_once(":]")
        {
            self.skip(name.len().saturating_add(4));
            let (plain, negated) = match name.strip_prefix('^') {
                Some(plain) => (plain, true),
                None => (name, false),
            };
            let Some(ranges) = go_class::posix(plain) else {
                return error(format!("there is no class [:{name}:]"));
            };
            return self.named_class(ranges, negated).map(Some);
        }
        let mut characters = rest.chars();
        match (characters.next(), characters.next()) {
            (Some('\\'), Some(letter @ ('d' | 's' | 'w' | 'D' | 'S' | 'W'))) => {
                self.skip(2);
                self.perl_class(letter).map(Some)
            }
            (Some('\\'), Some('p' | 'P')) => error("classes by unicode property are not supported"),
            _ => Ok(None),
        }
    }

    fn class_character(&mut self) -> Result<char, PatternError> {
        match self.bump() {
            Some('\\') => self.escaped_character(),
            Some(character) => Ok(character),
            None => error("a class is not closed"),
        }
    }
}
