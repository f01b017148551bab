//! Casbin's CSV.
//!
//! A policy is read each time a proxy takes a new one, so most lines are read
//! in one pass: from comma to comma. A line with a quote takes the long way.

use std::borrow::Cow;

use crate::error::{PolicyError, Position};
use crate::policy::Policy;

/// The rows of a text; see [`Policy::parse_csv`].
pub(crate) fn parse(text: &str) -> Result<Policy, PolicyError> {
    let mut policy = Policy::of(text);
    let mut marks = Marks::new(text);
    let mut start = 0;
    let mut number = 1_u32;
    while start < text.len() {
        let end = line(text, start, number, &mut marks, &mut policy)?;
        start = end.saturating_add(1);
        number = number.saturating_add(1);
    }
    Ok(policy)
}

/// Adds the row of the line that starts there, if it has one. Where the line
/// ends.
fn line(
    text: &str,
    line: usize,
    number: u32,
    marks: &mut Marks<'_>,
    policy: &mut Policy,
) -> Result<usize, PolicyError> {
    let mut from = line;
    loop {
        let (at, mark) = marks.next();
        let start = after_space(text, from, at);
        let is_first = from == line;
        if is_first && text.as_bytes().get(start) == Some(&b'#') {
            return Ok(if mark == b'\n' { at } else { marks.line_end() });
        }
        match mark {
            b',' => {
                policy.push_place((start, at));
                from = at.saturating_add(1);
            }
            b'"' => {
                policy.drop_row();
                let end = marks.line_end();
                let line = text.get(line..end).unwrap_or_default();
                quoted_line(line, number, policy)?;
                return Ok(end);
            }
            _ => {
                if !is_first || start < at {
                    policy.push_place((start, before_space(text, start, at)));
                    policy.end_row(number);
                }
                return Ok(at);
            }
        }
    }
}

/// Where what follows the space starts. It ends at `end`.
fn after_space(text: &str, mut start: usize, end: usize) -> usize {
    while start < end && text.as_bytes().get(start) == Some(&b' ') {
        start = start.saturating_add(1);
    }
    match text.as_bytes().get(start) {
        _ if start >= end => end,
        Some(b'!'..=b'~') => start,
        _ => {
            let rest = text.get(start..end).unwrap_or_default();
            end.saturating_sub(rest.trim_start().len())
        }
    }
}

/// Where what starts there ends but for the space at its end.
fn before_space(text: &str, start: usize, end: usize) -> usize {
    let last = end
        .checked_sub(1)
        .and_then(|last| text.as_bytes().get(last));
    match last {
        _ if start >= end => start,
        Some(b'!'..=b'~') => end,
        _ => {
            let part = text.get(start..end).unwrap_or_default();
            start.saturating_add(part.trim_end().len())
        }
    }
}

/// The commas, the quotes and the ends of lines of a text, in order.
struct Marks<'t> {
    text: &'t [u8],
    /// What was not looked at yet, but for the last few bytes.
    words: std::slice::Iter<'t, [u8; 8]>,
    /// The last few bytes, until they are looked at.
    rest: Option<[u8; 8]>,
    /// Where the bytes end that were looked at.
    end: usize,
    /// The highest bit of each mark among them.
    found: u64,
}

impl<'t> Marks<'t> {
    fn new(text: &'t str) -> Self {
        let text = text.as_bytes();
        let (words, last) = text.as_chunks();
        let mut rest = [0; 8];
        for (place, byte) in rest.iter_mut().zip(last) {
            *place = *byte;
        }
        Self {
            text,
            words: words.iter(),
            rest: Some(rest),
            end: 0,
            found: 0,
        }
    }

    /// The next mark and where it is; the text ends as a line does.
    #[inline]
    fn next(&mut self) -> (usize, u8) {
        while self.found == 0 {
            let Some(word) = self.words.next().copied().or_else(|| self.rest.take()) else {
                return (self.text.len(), b'\n');
            };
            self.found = marks_of(u64::from_le_bytes(word));
            self.end = self.end.saturating_add(8);
        }
        let byte = usize::try_from(self.found.trailing_zeros() / 8).unwrap_or(0);
        self.found &= self.found.wrapping_sub(1);
        let at = self.end.saturating_sub(8).saturating_add(byte);
        (at, self.text.get(at).copied().unwrap_or(b'\n'))
    }

    /// Where the line ends.
    fn line_end(&mut self) -> usize {
        loop {
            if let (at, b'\n') = self.next() {
                return at;
            }
        }
    }
}

/// The highest bit of each of eight bytes that is a mark.
fn marks_of(eight: u64) -> u64 {
    const LOW: u64 = u64::from_ne_bytes([0x7f; 8]);
    // The highest bit of each byte that differs.
    let differ = |byte: u8| {
        let difference = eight ^ u64::from_ne_bytes([byte; 8]);
        (difference & LOW).wrapping_add(LOW) | difference
    };
    !(differ(b',') & differ(b'"') & differ(b'\n')) & !LOW
}

/// Adds the row of a line in which there is a quote.
fn quoted_line(line: &str, number: u32, policy: &mut Policy) -> Result<(), PolicyError> {
    let mut found = Vec::new();
    fields(line.trim(), &mut found).map_err(|(offset, message)| {
        let indent = line.len().saturating_sub(line.trim_start().len());
        let before = line.get(..indent.saturating_add(offset)).unwrap_or("");
        let column = u32::try_from(before.chars().count()).unwrap_or(u32::MAX);
        PolicyError {
            position: Position {
                line: number,
                column: column.saturating_add(1),
            },
            message,
        }
    })?;
    let found: Vec<&str> = found.iter().map(AsRef::as_ref).collect();
    if let Some((kind, fields)) = found.split_first() {
        policy.push_row(kind, fields, number);
    }
    Ok(())
}

/// A fault: the byte offset where it is, and what it is.
type Fault = (usize, String);

/// Adds the fields of one line.
fn fields<'a>(line: &'a str, fields: &mut Vec<Cow<'a, str>>) -> Result<(), Fault> {
    let mut rest = line;
    loop {
        rest = rest.trim_start();
        let (field, after) = match rest.strip_prefix('"') {
            Some(inside) => {
                let (field, after) = quoted(line, inside)?;
                (field.into(), after)
            }
            None => {
                let (field, after) = plain(line, rest)?;
                (field.into(), after)
            }
        };
        fields.push(field);
        match after {
            Some(after) => rest = after,
            None => return Ok(()),
        }
    }
}

fn offset(line: &str, rest: &str) -> usize {
    line.len().saturating_sub(rest.len())
}

/// A field without quotes, and what follows its comma.
fn plain<'a>(line: &str, rest: &'a str) -> Result<(&'a str, Option<&'a str>), Fault> {
    let end = rest.bytes().position(|byte| matches!(byte, b',' | b'"'));
    let Some((field, after)) = end.and_then(|end| rest.split_at_checked(end)) else {
        return Ok((rest, None));
    };
    match after.strip_prefix(',') {
        Some(after) => Ok((field, Some(after))),
        None => Err((
            offset(line, after),
            "a quote inside a field, put the whole field in quotes and double the quote".to_owned(),
        )),
    }
}

/// A field after its opening quote, and what follows its comma.
fn quoted<'a>(line: &str, inside: &'a str) -> Result<(String, Option<&'a str>), Fault> {
    let start = offset(line, inside).saturating_sub(1);
    let mut field = String::new();
    let mut rest = inside;
    loop {
        let Some((part, after)) = rest.split_once('"') else {
            return Err((start, "the quote that opens here is not closed".to_owned()));
        };
        field.push_str(part);
        if let Some(after) = after.strip_prefix('"') {
            field.push('"');
            rest = after;
            continue;
        }
        if after.is_empty() {
            return Ok((field, None));
        }
        return match after.strip_prefix(',') {
            Some(after) => Ok((field, Some(after))),
            None => Err((
                offset(line, after),
                "text after the closing quote, expected a comma or the end of the line".to_owned(),
            )),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::{after_space, before_space, fields};
    use crate::policy::Policy;

    /// The rows as one reads them who takes every line the long way.
    fn slowly(text: &str) -> Option<Vec<Vec<String>>> {
        let lines = text.lines().map(str::trim);
        let rows = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        rows.map(|line| {
            let mut found = Vec::new();
            fields(line, &mut found).ok()?;
            Some(found.into_iter().map(String::from).collect())
        })
        .collect()
    }

    fn quickly(text: &str) -> Option<Vec<Vec<String>>> {
        let policy = Policy::parse_csv(text).ok()?;
        let rows = policy.rows().map(|row| {
            let texts = std::iter::once(row.kind()).chain(row.fields());
            texts.map(str::to_owned).collect()
        });
        Some(rows.collect())
    }

    #[test]
    fn both_ways_read_the_same() {
        let parts = [
            "p",
            ",",
            " ",
            "\n",
            "\r\n",
            "\"",
            "#",
            "\t",
            "\u{a0}",
            "\u{3000}",
            "é",
            "/orders/*",
            "\u{1c}",
            "\u{2c2c}",
            "\r",
        ];
        // Every text of few parts, and some of many.
        for length in 0..=4_u32 {
            for number in 0..parts.len().pow(length) {
                let mut text = String::new();
                let mut rest = number;
                for _ in 0..length {
                    text.push_str(parts[rest % parts.len()]);
                    rest /= parts.len();
                }
                assert_eq!(quickly(&text), slowly(&text), "{text:?}");
            }
        }
        let mut state = 1_u64;
        for _ in 0..20_000 {
            let mut text = String::new();
            for _ in 0..24 {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                let pick = usize::try_from(state >> 33).unwrap() % (parts.len() + 4);
                text.push_str(parts.get(pick).unwrap_or(&"a"));
            }
            assert_eq!(quickly(&text), slowly(&text), "{text:?}");
        }
    }

    #[test]
    fn space_is_what_trim_takes() {
        for text in ["", " ", "a", " a ", "\u{a0}\ta\u{a0} ", "  \u{3000}", "é"] {
            let start = after_space(text, 0, text.len());
            assert_eq!(text.get(start..), Some(text.trim_start()));
            let end = before_space(text, 0, text.len());
            assert_eq!(text.get(..end), Some(text.trim_end()));
        }
    }
}
