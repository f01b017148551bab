//! Character classes of Go's regular expressions, all of them ASCII.

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir};

use super::PatternError;

/// Ranges of characters, ends included.
pub(super) type Ranges = Vec<(char, char)>;

/// `\d`, `\s` and `\w`, by their letter in lower case.
pub(super) fn perl(letter: char) -> Option<&'static [(char, char)]> {
    match letter {
        'd' => Some(&[('0', '9')]),
        's' => Some(&[('\t', '\n'), ('\x0c', '\r'), (' ', ' ')]),
        'w' => Some(&[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]),
        _ => None,
    }
}

/// `[:name:]`.
pub(super) fn posix(name: &str) -> Option<&'static [(char, char)]> {
    Some(match name {
        "alnum" => &[('0', '9'), ('A', 'Z'), ('a', 'z')],
        "alpha" => &[('A', 'Z'), ('a', 'z')],
        "ascii" => &[('\0', '\x7f')],
        "blank" => &[('\t', '\t'), (' ', ' ')],
        "cntrl" => &[('\0', '\x1f'), ('\x7f', '\x7f')],
        "digit" => &[('0', '9')],
        "graph" => &[('!', '~')],
        "lower" => &[('a', 'z')],
        "print" => &[(' ', '~')],
        "punct" => &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        "space" => &[('\t', '\r'), (' ', ' ')],
        "upper" => &[('A', 'Z')],
        "word" => &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
        "xdigit" => &[('0', '9'), ('A', 'F'), ('a', 'f')],
        _ => return None,
    })
}

/// Adds the other case of every letter. Only ASCII letters have one here,
/// and with Go the Kelvin sign is a k and the long s an s.
pub(super) fn fold(ranges: &mut Ranges) -> Result<(), PatternError> {
    if ranges.iter().any(|(_, high)| !high.is_ascii()) {
        return Err(PatternError(
            "(?i) does not go together with characters outside ascii".to_owned(),
        ));
    }
    let mut folded = Ranges::new();
    for letter in 'a'..='z' {
        let upper = letter.to_ascii_uppercase();
        let has = |wanted: char| {
            ranges
                .iter()
                .any(|(low, high)| *low <= wanted && wanted <= *high)
        };
        if has(letter) || has(upper) {
            folded.extend([(letter, letter), (upper, upper)]);
            match letter {
                'k' => folded.push(('\u{212a}', '\u{212a}')),
                's' => folded.push(('\u{17f}', '\u{17f}')),
                _ => {}
            }
        }
    }
    ranges.extend(folded);
    Ok(())
}

/// The class that matches what is in none of the ranges.
pub(super) fn negate(ranges: &[(char, char)]) -> Ranges {
    let mut class = unicode(ranges);
    class.negate();
    class
        .ranges()
        .iter()
        .map(|range| (range.start(), range.end()))
        .collect()
}

/// One character of the ranges.
pub(super) fn hir(ranges: &[(char, char)]) -> Hir {
    Hir::class(Class::Unicode(unicode(ranges)))
}

fn unicode(ranges: &[(char, char)]) -> ClassUnicode {
    ClassUnicode::new(
        ranges
            .iter()
            .map(|(low, high)| ClassUnicodeRange::new(*low, *high)),
    )
}
