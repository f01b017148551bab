//! The request's headers as one immutable snapshot, read from the host in one call.

use std::borrow::Cow;

/// Why the host's header bytes could not be read as a header map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the header map from the host is cut short or inconsistent")]
pub struct HeaderSnapshotError;

#[derive(Debug, Clone)]
struct Entry {
    name: Span,
    value: Span,
}

/// Some bytes of the buffer.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: usize,
    length: usize,
}

impl Span {
    fn of(self, buffer: &[u8]) -> &[u8] {
        let end = self.start.saturating_add(self.length);
        buffer.get(self.start..end).unwrap_or_default()
    }
}

/// All headers of a request, pseudo headers included, in the order of the host.
///
/// The bytes stay in the one buffer that the host filled; lookups hand out
/// slices of it. Names are compared without regard to ASCII case.
#[derive(Debug, Clone, Default)]
pub struct HeaderSnapshot {
    buffer: Vec<u8>,
    entries: Vec<Entry>,
    hidden: Vec<Entry>,
    end_of_stream: bool,
}

/// The value of a header that may be absent, given once, or repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderValue<'a> {
    /// No header of that name.
    Absent,
    /// Exactly one header of that name.
    One(&'a [u8]),
    /// Several headers of that name, joined by a comma as Envoy's
    /// `request.headers[...]` attribute joins them.
    Joined(Vec<u8>),
}

impl<'a> HeaderValue<'a> {
    /// The value as text, or `None` where it is absent.
    ///
    /// # Errors
    /// The value is not valid UTF-8.
    pub fn text(self) -> Result<Option<Cow<'a, str>>, std::str::Utf8Error> {
        match self {
            Self::Absent => Ok(None),
            Self::One(bytes) => std::str::from_utf8(bytes).map(|text| Some(Cow::Borrowed(text))),
            Self::Joined(bytes) => String::from_utf8(bytes)
                .map(|text| Some(Cow::Owned(text)))
                .map_err(|error| error.utf8_error()),
        }
    }
}

impl HeaderSnapshot {
    /// Reads the serialized form of `proxy_get_header_map_pairs` (proxy-wasm
    /// ABI 0.2.1): a little-endian `u32` count, then for each pair the `u32`
    /// sizes of name and value, then for each pair name, NUL, value, NUL.
    ///
    /// # Errors
    /// The sizes do not add up to the buffer.
    pub fn from_pairs(buffer: Vec<u8>) -> Result<Self, HeaderSnapshotError> {
        let entries = read_entries(&buffer).ok_or(HeaderSnapshotError)?;
        Ok(Self {
            buffer,
            entries,
            hidden: Vec::new(),
            end_of_stream: false,
        })
    }

    /// Builds a snapshot from names and values, for callers that are no proxy.
    pub fn from_headers<'h>(headers: impl IntoIterator<Item = (&'h str, &'h [u8])>) -> Self {
        let mut snapshot = Self::default();
        for (name, value) in headers {
            let start = snapshot.buffer.len();
            snapshot.buffer.extend_from_slice(name.as_bytes());
            snapshot.buffer.extend_from_slice(value);
            snapshot.entries.push(Entry {
                name: Span {
                    start,
                    length: name.len(),
                },
                value: Span {
                    start: start.saturating_add(name.len()),
                    length: value.len(),
                },
            });
        }
        snapshot
    }

    /// Notes whether the request ends with these headers, with neither body nor
    /// trailers behind them. It is not said to, until the host says it.
    #[must_use]
    pub fn with_end_of_stream(mut self, end_of_stream: bool) -> Self {
        self.end_of_stream = end_of_stream;
        self
    }

    /// Whether the request ends with these headers.
    #[must_use]
    pub fn is_end_of_stream(&self) -> bool {
        self.end_of_stream
    }

    /// Every header as name and value, in the order of the host.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.entries
            .iter()
            .map(|entry| (self.bytes(entry.name), self.bytes(entry.value)))
    }

    /// The value of the header `name`, which is given in lower case.
    #[must_use]
    pub fn get(&self, name: &str) -> HeaderValue<'_> {
        let mut values = self.values(name);
        let Some(first) = values.next() else {
            return HeaderValue::Absent;
        };
        let Some(second) = values.next() else {
            return HeaderValue::One(first);
        };
        let mut joined = first.to_vec();
        for value in std::iter::once(second).chain(values) {
            joined.push(b',');
            joined.extend_from_slice(value);
        }
        HeaderValue::Joined(joined)
    }

    /// The values of the header `name`, one by one.
    pub fn values<'s, 'n>(&'s self, name: &'n str) -> impl Iterator<Item = &'s [u8]> + use<'s, 'n> {
        let name = name.as_bytes();
        self.entries
            .iter()
            // Most names differ in length, which needs no look at them.
            .filter(move |entry| entry.name.length == name.len())
            .filter(move |entry| is_name(self.bytes(entry.name), name))
            .map(|entry| self.bytes(entry.value))
    }

    /// Hides every header for which `forged` says yes: from here on only
    /// [`Self::hidden`] gives it.
    pub fn hide(&mut self, forged: impl Fn(&[u8]) -> bool) {
        let buffer = &self.buffer;
        let hidden = self
            .entries
            .extract_if(.., |entry| forged(entry.name.of(buffer)));
        self.hidden.extend(hidden);
    }

    /// Every header that was hidden, as name and value.
    pub fn hidden(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.hidden
            .iter()
            .map(|entry| (self.bytes(entry.name), self.bytes(entry.value)))
    }

    /// The distinct names of the hidden headers, as the request spells them.
    #[must_use]
    pub fn hidden_names(&self) -> Vec<&[u8]> {
        let mut names: Vec<&[u8]> = Vec::new();
        for (name, _) in self.hidden() {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// What it takes in memory, about, in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        let entries = self.entries.len().saturating_add(self.hidden.len());
        let entries = entries.saturating_mul(size_of::<Entry>());
        self.buffer.len().saturating_add(entries)
    }

    fn bytes(&self, span: Span) -> &[u8] {
        span.of(&self.buffer)
    }
}

/// Whether a header has this name, which is given in lower case. Proxies bring
/// names in lower case too, so mostly the bytes are the same.
fn is_name(found: &[u8], name: &[u8]) -> bool {
    found == name || found.eq_ignore_ascii_case(name)
}

/// Whether two header names are the same to an upstream that folds `-` and
/// `_` and ignores case, as CGI-style servers do (RFC 3875 section 4.1.18).
#[must_use]
pub fn same_header(left: &[u8], right: &[u8]) -> bool {
    // Many names start alike, with `x-`; from the end they differ sooner.
    let mut bytes = left.iter().zip(right).rev();
    left.len() == right.len() && bytes.all(|(l, r)| fold(*l) == fold(*r))
}

/// Whether a byte can stand in a header's name or in the name of an
/// authentication scheme: `tchar` of RFC 9110 section 5.6.2.
#[must_use]
pub fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~'
        )
}

fn fold(byte: u8) -> u8 {
    if byte == b'_' {
        b'-'
    } else {
        byte.to_ascii_lowercase()
    }
}

fn read_entries(buffer: &[u8]) -> Option<Vec<Entry>> {
    let (count, behind) = buffer.split_first_chunk()?;
    let count = length(*count)?;
    // Sizes come first, so the count cannot ask for more than the buffer holds.
    let (sizes, _) = behind.get(..count.checked_mul(8)?)?.as_chunks::<8>();
    let mut offset = sizes.as_flattened().len().checked_add(4)?;
    let mut entries = Vec::with_capacity(count);
    for [a, b, c, d, e, f, g, h] in sizes {
        let name = take(&mut offset, length([*a, *b, *c, *d])?)?;
        let value = take(&mut offset, length([*e, *f, *g, *h])?)?;
        entries.push(Entry { name, value });
    }
    (offset == buffer.len()).then_some(entries)
}

/// The next `length` bytes from `offset`, which then moves past their NUL.
fn take(offset: &mut usize, length: usize) -> Option<Span> {
    let start = *offset;
    *offset = start.checked_add(length)?.checked_add(1)?;
    Some(Span { start, length })
}

fn length(bytes: [u8; 4]) -> Option<usize> {
    usize::try_from(u32::from_le_bytes(bytes)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(headers: &[(&str, &[u8])]) -> Vec<u8> {
        let mut bytes = u32::try_from(headers.len()).unwrap().to_le_bytes().to_vec();
        for (name, value) in headers {
            bytes.extend(u32::try_from(name.len()).unwrap().to_le_bytes());
            bytes.extend(u32::try_from(value.len()).unwrap().to_le_bytes());
        }
        for (name, value) in headers {
            bytes.extend(name.as_bytes());
            bytes.push(0);
            bytes.extend(*value);
            bytes.push(0);
        }
        bytes
    }

    #[test]
    fn reads_pairs_in_order_and_joins_repeated_values() {
        let snapshot = HeaderSnapshot::from_pairs(pairs(&[
            (":path", b"/a"),
            ("x-team", b"red"),
            ("X-Team", b"blue"),
            ("raw", b"\xff\x00"),
        ]))
        .unwrap();
        assert_eq!(snapshot.get(":path"), HeaderValue::One(b"/a"));
        assert_eq!(
            snapshot.get("x-team"),
            HeaderValue::Joined(b"red,blue".to_vec())
        );
        assert_eq!(snapshot.get("raw"), HeaderValue::One(b"\xff\x00"));
        assert_eq!(snapshot.get("absent"), HeaderValue::Absent);
        assert!(snapshot.get("raw").text().is_err());
    }

    #[test]
    fn refuses_every_truncation_and_any_surplus() {
        let bytes = pairs(&[("a", b"1"), ("b", b"22")]);
        assert!(HeaderSnapshot::from_pairs(bytes.clone()).is_ok());
        for length in 0..bytes.len() {
            assert_eq!(
                HeaderSnapshot::from_pairs(bytes[..length].to_vec()).err(),
                Some(HeaderSnapshotError),
                "cut at {length}"
            );
        }
        let mut longer = bytes;
        longer.push(0);
        assert!(HeaderSnapshot::from_pairs(longer).is_err());
        assert!(HeaderSnapshot::from_pairs(vec![0xff; 4]).is_err());
        assert!(HeaderSnapshot::from_pairs(vec![0xff; 64]).is_err());
    }

    #[test]
    fn forged_names_are_found_in_any_spelling() {
        let mut snapshot = HeaderSnapshot::from_headers([
            ("x-doorward-sub", b"root".as_slice()),
            ("x_doorward_sub", b"root"),
            ("x_doorward_sub", b"toor"),
            ("x-other", b"kept"),
        ]);
        snapshot.hide(|name| same_header(name, b"X-Doorward-Sub"));
        let names = [b"x-doorward-sub".as_slice(), b"x_doorward_sub"];
        assert_eq!(snapshot.hidden_names(), names);
        assert_eq!(snapshot.iter().count(), 1);
        assert_eq!(snapshot.get("x-doorward-sub"), HeaderValue::Absent);
    }
}
