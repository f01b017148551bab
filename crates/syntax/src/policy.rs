//! The rows of a policy, and Casbin's CSV.

use std::borrow::Cow;
use std::fmt;

use crate::error::{PolicyError, Position};

/// A row of the policy.
#[derive(Debug, Clone)]
pub struct Rule<'a> {
    kind: &'a str,
    line: u32,
    fields: Vec<&'a str>,
}

impl<'a> Rule<'a> {
    /// A row of a policy.
    #[must_use]
    pub fn new(kind: &'a str, line: u32, fields: Vec<&'a str>) -> Self {
        Self { kind, line, fields }
    }

    /// The row's kind: its policy definition, such as `p` or `p2`.
    #[must_use]
    pub fn kind(&self) -> &'a str {
        self.kind
    }

    /// The row's line in the policy's text, from 1.
    #[must_use]
    pub fn line(&self) -> u32 {
        self.line
    }

    /// The row's fields after the kind, in the order of the definition.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = &'a str> + use<'a, '_> {
        self.fields.iter().copied()
    }
}

impl fmt::Display for Rule<'_> {
    /// The row as Casbin writes it in CSV. A field that could not be read
    /// back without quotes is quoted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind)?;
        for field in self.fields() {
            f.write_str(", ")?;
            let quote = field.contains(['"', ',']) || field.trim() != field;
            if quote {
                write!(f, "\"{}\"", field.replace('"', "\"\""))?;
            } else {
                f.write_str(field)?;
            }
        }
        Ok(())
    }
}

/// A row: its kind, its fields, its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Such as `p` or `g2`.
    pub kind: Box<str>,
    /// What follows the kind.
    pub fields: Box<[Box<str>]>,
    /// The line in the policy's text, from 1.
    pub line: u32,
}

impl Row {
    /// The row as a rule.
    pub fn rule(&self) -> Rule<'_> {
        let fields = self.fields.iter().map(AsRef::as_ref).collect();
        Rule::new(&self.kind, self.line, fields)
    }
}

/// The rows of a policy, in order, each with its line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// The rows, in order.
    pub rows: Vec<Row>,
}

impl Policy {
    /// Reads rows from CSV as Casbin does: one row a line, a line that starts
    /// with `#` is a comment, blank lines are skipped. Space before a field
    /// and at the end of a line is dropped; a field may be in double quotes,
    /// with `""` for a quote in it.
    ///
    /// # Errors
    ///
    /// The first malformed line.
    pub fn parse_csv(text: &str) -> Result<Self, PolicyError> {
        let mut policy = Self::default();
        let mut found = Vec::new();
        for (line, number) in text.lines().zip(1_u32..) {
            let trimmed = line.trim();
            if trimmed.is_empty() || trimmed.starts_with('#') {
                continue;
            }
            found.clear();
            fields(trimmed, &mut found).map_err(|(offset, message)| {
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
            if let Some((kind, fields)) = found.split_first() {
                policy.rows.push(Row {
                    kind: (**kind).into(),
                    fields: fields.iter().map(|field| (**field).into()).collect(),
                    line: number,
                });
            }
        }
        Ok(policy)
    }

    /// Adds a row: its kind (such as `p` or `g2`), its fields, and the line
    /// to name in errors, from 1.
    pub fn push_row(&mut self, kind: &str, fields: &[&str], line: u32) {
        self.rows.push(Row {
            kind: kind.into(),
            fields: fields.iter().map(|field| (*field).into()).collect(),
            line,
        });
    }

    /// The rows, in order.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = Rule<'_>> {
        self.rows.iter().map(Row::rule)
    }

    /// The number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
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
