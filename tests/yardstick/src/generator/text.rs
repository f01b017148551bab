//! Texts: names, paths, and what is likely to be read wrongly.

use super::dice::Dice;

const SEGMENTS: [&str; 16] = [
    "a", "b", "c", "orders", "users", "7", "42", "x-1", "v1", "é", "日本", "a.b", "%2F", "%20b",
    "A", "ab",
];

/// Texts that have a meaning somewhere, or look as if they had.
const ODD: [&str; 34] = [
    "",
    " ",
    "*",
    "**",
    "/",
    "//",
    "/*",
    "/a//b/",
    "/:id",
    "{id}",
    "/{id}/x",
    "a,b",
    "a\"b",
    "it's",
    "\\",
    "\\d",
    "a\\",
    ".*",
    "^a$",
    "[a-z]",
    "[",
    "(",
    "a|b",
    "a:b:c",
    "..",
    "/a/../b",
    "%2e%2e%2f",
    "%",
    "ÄÖÜ",
    "\u{1f600}",
    "e\u{301}",
    "true",
    "1",
    "2024-05-05",
];

/// A segment of a path.
pub(crate) fn segment(dice: &mut Dice) -> String {
    dice.pick(&SEGMENTS).to_owned()
}

/// A path of few segments.
pub(crate) fn path(dice: &mut Dice) -> String {
    let mut path = String::new();
    for _ in 0..dice.between(1, 3) {
        path.push('/');
        path.push_str(&segment(dice));
    }
    path
}

/// A text that is likely to be read wrongly.
pub(crate) fn odd(dice: &mut Dice) -> String {
    match dice.below(10) {
        0 => format!("{}{}", dice.pick(&ODD), dice.pick(&ODD)),
        1 => format!("{}{}", path(dice), dice.pick(&ODD)),
        2 => format!("{}\u{2028}", segment(dice)),
        _ => dice.pick(&ODD).to_owned(),
    }
}

/// An odd text, or one with what no row of a policy can hold.
pub(crate) fn odd_in_request(dice: &mut Dice) -> String {
    if dice.chance(20) {
        let line = dice.pick(&["\n", "\r\n", "a\n", "/a\n/b", "\0", "\t"]);
        return format!(
            "{line}{}",
            if dice.chance(50) {
                segment(dice)
            } else {
                String::new()
            }
        );
    }
    odd(dice)
}

/// The text with a small change.
pub(crate) fn changed(dice: &mut Dice, text: &str) -> String {
    match dice.below(8) {
        0 => format!("{text}/"),
        1 => format!("{text}x"),
        2 => text.to_uppercase(),
        3 => text.chars().skip(1).collect(),
        4 => {
            let count = text.chars().count();
            text.chars().take(count.saturating_sub(1)).collect()
        }
        5 => text.replacen('/', "//", 1),
        6 => format!("{text}?q=1"),
        _ => format!("{text}\n"),
    }
}

/// The text as a field of CSV.
pub(crate) fn csv_field(text: &str) -> String {
    let plain =
        |character: char| character.is_alphanumeric() || "/_-.:*{}[]()|^$\\".contains(character);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("\"{}\"", text.replace('"', "\"\""))
    }
}

/// The text as a literal of a matcher, without what cannot stand in one.
pub(crate) fn matcher_literal(dice: &mut Dice, text: &str) -> String {
    let text = text.replace(['\n', '\r'], "");
    if text.contains('\'') || (dice.chance(30) && !text.contains('"')) {
        format!("\"{}\"", text.replace('"', ""))
    } else {
        format!("'{text}'")
    }
}

/// The text as a literal of a rule, where a backslash makes the next
/// character plain.
pub(crate) fn rule_literal(text: &str) -> String {
    let text = text.replace(['\n', '\r'], "");
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}
