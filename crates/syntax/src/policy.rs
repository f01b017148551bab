//! The rows of a policy.

use std::fmt;

use crate::csv;
use crate::error::PolicyError;

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
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    text: &'a str,
    /// Where in the text the kind stands, and each field.
    places: &'a [Place],
    line: u32,
}

impl<'a> Row<'a> {
    /// Such as `p` or `g2`.
    #[must_use]
    #[inline]
    pub fn kind(&self) -> &'a str {
        let place = self.places.first();
        place.map_or("", |place| self.at(place))
    }

    /// What follows the kind.
    #[inline]
    pub fn fields(&self) -> impl ExactSizeIterator<Item = &'a str> + use<'a> {
        let row = *self;
        let places = self.places.get(1..).unwrap_or_default();
        places.iter().map(move |place| row.at(place))
    }

    /// One of the fields, from 0.
    #[must_use]
    #[inline]
    pub fn field(&self, position: usize) -> Option<&'a str> {
        let place = self.places.get(position.checked_add(1)?)?;
        Some(self.at(place))
    }

    /// The number of fields.
    #[must_use]
    #[inline]
    pub fn width(&self) -> usize {
        self.places.len().saturating_sub(1)
    }

    /// The line in the policy's text, from 1.
    #[must_use]
    pub fn line(&self) -> u32 {
        self.line
    }

    /// The row as a rule.
    #[must_use]
    pub fn rule(&self) -> Rule<'a> {
        Rule::new(self.kind(), self.line, self.fields().collect())
    }

    #[inline]
    fn at(&self, place: &Place) -> &'a str {
        self.text.get(place.0..place.1).unwrap_or("")
    }
}

impl PartialEq for Row<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.line == other.line && self.kind() == other.kind() && self.fields().eq(other.fields())
    }
}

impl Eq for Row<'_> {}

/// Where a text starts, and where it ends.
pub(crate) type Place = (usize, usize);

/// A row's number of places, with those of all rows before it, and its line.
#[derive(Debug, Clone, Copy)]
struct End {
    places: usize,
    line: u32,
}

/// The rows of a policy, in order, each with its line.
///
/// All are parts of one text: a policy has tens of thousands of fields, and a
/// proxy that loads one waits for every allocation.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    text: String,
    /// Where in the text the kind of each row stands, followed by its fields.
    places: Vec<Place>,
    /// Where the places of each row end; they start where those before end.
    ends: Vec<End>,
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
        csv::parse(text)
    }

    /// A policy without rows, whose rows will be parts of this text.
    pub(crate) fn of(text: &str) -> Self {
        // As of rules that name a role, a path and a method: growing step by step
        // would copy all that is there again and again.
        const BYTES_OF_FIELD: usize = 10;
        const BYTES_OF_ROW: usize = 40;
        Self {
            text: text.to_owned(),
            places: Vec::with_capacity(text.len() / BYTES_OF_FIELD),
            ends: Vec::with_capacity(text.len() / BYTES_OF_ROW),
        }
    }

    /// Adds a kind or a field to the row that [`Self::end_row`] ends.
    #[inline]
    pub(crate) fn push_place(&mut self, place: Place) {
        self.places.push(place);
    }

    /// Forgets what was added of the row that did not end.
    pub(crate) fn drop_row(&mut self) {
        let before = self.ends.last().map_or(0, |end| end.places);
        self.places.truncate(before);
    }

    /// Ends a row.
    #[inline]
    pub(crate) fn end_row(&mut self, line: u32) {
        let places = self.places.len();
        self.ends.push(End { places, line });
    }

    /// Adds a row: its kind (such as `p` or `g2`), its fields, and the line
    /// to name in errors, from 1.
    pub fn push_row(&mut self, kind: &str, fields: &[&str], line: u32) {
        for text in std::iter::once(&kind).chain(fields) {
            let start = self.text.len();
            self.text.push_str(text);
            self.push_place((start, self.text.len()));
        }
        self.end_row(line);
    }

    /// The rows, in order.
    #[inline]
    pub fn rows(&self) -> impl ExactSizeIterator<Item = Row<'_>> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let places = self.places.get(start..end.places).unwrap_or_default();
            start = end.places;
            self.with(places, *end)
        })
    }

    /// A row, by its position from 0.
    #[must_use]
    #[inline]
    pub fn row(&self, position: usize) -> Option<Row<'_>> {
        let end = *self.ends.get(position)?;
        let before = position.checked_sub(1).and_then(|row| self.ends.get(row));
        let start = before.map_or(0, |before| before.places);
        Some(self.with(self.places.get(start..end.places)?, end))
    }

    fn with<'a>(&'a self, places: &'a [Place], end: End) -> Row<'a> {
        Row {
            text: &self.text,
            places,
            line: end.line,
        }
    }

    /// The number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

impl PartialEq for Policy {
    fn eq(&self, other: &Self) -> bool {
        self.rows().eq(other.rows())
    }
}

impl Eq for Policy {}
