//! The line structure of a model file: sections, `key = value` entries,
//! comments, and values that go on over several lines.

use crate::error::{ModelError, Position};

/// A value and where in the file each of its parts stood.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    pub text: String,
    /// Parts in order: byte offset in `text`, and where the part starts.
    parts: Vec<(usize, Position)>,
}

impl Text {
    /// Where in the file the byte at `offset` of the value stood.
    pub(crate) fn position(&self, offset: usize) -> Position {
        let part = self
            .parts
            .iter()
            .rev()
            .find(|(start, _)| *start <= offset)
            .or(self.parts.first());
        let Some(&(start, position)) = part else {
            return Position { line: 1, column: 1 };
        };
        let before = self
            .text
            .get(start..offset.min(self.text.len()))
            .unwrap_or("");
        Position {
            line: position.line,
            column: position.column.saturating_add(count(before)),
        }
    }
}

/// A model file's lines, read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Conf {
    /// Section headers, in order.
    pub sections: Vec<(String, Position)>,
    pub entries: Vec<Entry>,
}

/// One `key = value` of a section.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub section: String,
    pub key: String,
    pub key_position: Position,
    pub value: Text,
}

/// Splits a model file into its entries.
///
/// A line that ends in `\` goes on in the next one. `#` and `;` start a
/// comment, at the start of a line or after a value, but not in quotes.
pub(crate) fn read(text: &str) -> Result<Conf, ModelError> {
    let mut reader = Reader::default();
    for (line, number) in text.lines().zip(1_u32..) {
        reader.line(line, number)?;
    }
    reader.flush()?;
    Ok(reader.conf)
}

#[derive(Default)]
struct Reader {
    conf: Conf,
    pending: Vec<(String, Position)>,
    goes_on: bool,
}

impl Reader {
    fn line(&mut self, line: &str, number: u32) -> Result<(), ModelError> {
        let trimmed = line.trim();
        let indent = line.len().saturating_sub(line.trim_start().len());
        let position = Position {
            line: number,
            column: count(line.get(..indent).unwrap_or("")).saturating_add(1),
        };
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            return self.flush();
        }
        let header = trimmed
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        if let (Some(name), false) = (header, self.goes_on) {
            self.flush()?;
            self.conf.sections.push((name.to_owned(), position));
            return Ok(());
        }
        let (part, goes_on) = match trimmed.strip_suffix('\\') {
            Some(part) => (format!("{} ", part.trim_end()), true),
            None => (trimmed.to_owned(), false),
        };
        let end = comment_start(&part);
        self.pending
            .push((part.get(..end).unwrap_or("").to_owned(), position));
        self.goes_on = goes_on;
        if goes_on { Ok(()) } else { self.flush() }
    }

    /// Makes an entry of the lines gathered so far.
    fn flush(&mut self) -> Result<(), ModelError> {
        self.goes_on = false;
        let pending = std::mem::take(&mut self.pending);
        let Some((_, key_position)) = pending.first() else {
            return Ok(());
        };
        let key_position = *key_position;
        let mut whole = Text {
            text: String::new(),
            parts: Vec::new(),
        };
        for (part, position) in &pending {
            whole.parts.push((whole.text.len(), *position));
            whole.text.push_str(part);
        }
        let Some((key, value)) = whole.text.split_once('=') else {
            return Err(ModelError {
                position: Some(key_position),
                message: format!(
                    "expected a section in brackets or key = value, found \"{}\"",
                    whole.text.trim()
                ),
            });
        };
        let Some((section, _)) = self.conf.sections.last().cloned() else {
            return Err(ModelError {
                position: Some(key_position),
                message: format!(
                    "\"{}\" stands before any section, put it under one such as [matchers]",
                    key.trim()
                ),
            });
        };
        let leading = value.len().saturating_sub(value.trim_start().len());
        let cut = key.len().saturating_add(1).saturating_add(leading);
        let text = value.trim().to_owned();
        let key = key.trim().to_owned();
        let value = Text {
            parts: parts_after(&whole, cut),
            text,
        };
        self.conf.entries.push(Entry {
            section,
            key,
            key_position,
            value,
        });
        Ok(())
    }
}

/// The parts of `whole` from the byte `cut` on, with offsets from there.
fn parts_after(whole: &Text, cut: usize) -> Vec<(usize, Position)> {
    let mut parts = vec![(0, whole.position(cut))];
    for (start, position) in &whole.parts {
        if let Some(offset) = start.checked_sub(cut).filter(|offset| *offset > 0) {
            parts.push((offset, *position));
        }
    }
    parts
}

/// Where a comment starts, outside quotes; the length if there is none.
fn comment_start(part: &str) -> usize {
    let mut quote = None;
    for (offset, character) in part.char_indices() {
        match quote {
            Some(open) if open == character => quote = None,
            Some(_) => {}
            None => match character {
                '\'' | '"' => quote = Some(character),
                '#' | ';' => return offset,
                _ => {}
            },
        }
    }
    part.len()
}

fn count(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}
