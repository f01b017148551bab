//! Built-in functions, called on both sides and compared.

use crate::dice::Dice;
use crate::documented::has_group;
use crate::go::Go;
use crate::ours;
use crate::report::Report;
use crate::wire::{Answer, Call};
use anyhow::Result;

/// Calls that the Go program is asked at once.
const BATCH: usize = 5_000;

/// Generates and compares this many calls; `progress` is told how many are
/// done.
///
/// # Errors
///
/// When the Go program cannot be asked.
pub fn run(
    go: &mut Go,
    dice: &mut Dice,
    calls: usize,
    report: &mut Report,
    mut progress: impl FnMut(usize),
) -> Result<()> {
    let mut done = 0;
    while done < calls {
        let size = BATCH.min(calls - done);
        let batch: Vec<Call> = (0..size).map(|_| generate(dice)).collect();
        for (call, theirs) in batch.iter().zip(go.call(&batch)?) {
            let ours = ours::call(call);
            if let Some(kind) = same(&theirs, &ours) {
                report.agreed(kind);
            } else if let Some(name) = documented(call, &theirs, &ours) {
                report.documented(name);
            } else {
                report.disagreed(&call.to_string(), "", &theirs, &ours);
            }
        }
        done += size;
        progress(done);
    }
    Ok(())
}

fn same(theirs: &Answer, ours: &Answer) -> Option<&'static str> {
    match (theirs, ours) {
        (Answer::Failed(_), Answer::Failed(_)) => Some("error"),
        (Answer::Value(value), _) if theirs == ours => Some(match value.as_bool() {
            Some(true) => "true",
            Some(false) => "false",
            None => "text",
        }),
        _ => None,
    }
}

fn documented(call: &Call, theirs: &Answer, ours: &Answer) -> Option<&'static str> {
    let pattern = call.args.get(1)?;
    let refused = !theirs.is_failed() && ours.is_failed();
    match call.function {
        "regexMatch" if refused && folds_unicode(pattern) => {
            Some("refused: (?i) over letters beyond ASCII, for want of Unicode tables")
        }
        "keyMatch4" if refused && has_group(pattern) => {
            Some("refused: a group in a keyMatch4 pattern, a panic in Go when it matches")
        }
        _ => None,
    }
}

/// Whether a pattern switches case folding on and has a letter beyond ASCII.
fn folds_unicode(pattern: &str) -> bool {
    pattern.contains("(?i") && !pattern.is_ascii()
}

const REGEX: [&str; 75] = [
    "a",
    "b",
    "z",
    "A",
    "k",
    "K",
    "s",
    "S",
    "0",
    "9",
    "_",
    " ",
    "-",
    "é",
    "(",
    ")",
    "(?:",
    "(?i)",
    "(?i:",
    "(?s)",
    "(?m)",
    "(?-i)",
    "(?U)",
    "(?P<n>",
    "|",
    "|",
    "*",
    "+",
    "?",
    "*?",
    "+?",
    "??",
    "{",
    "}",
    "{2}",
    "{1,2}",
    "{0,}",
    "{,2}",
    "{02}",
    "{1001}",
    "[",
    "]",
    "[^",
    "[a-c]",
    "[^a-c]",
    "[k-s]",
    "[:alpha:]",
    "[[:alpha:]]",
    "[[:^digit:]]",
    "\\d",
    "\\D",
    "\\w",
    "\\W",
    "\\s",
    "\\S",
    "\\b",
    "\\B",
    "\\A",
    "\\z",
    "^",
    "$",
    ".",
    "\\.",
    "\\Q",
    "\\E",
    "\\x41",
    "\\x{6b}",
    "\\101",
    "\\1",
    "\\n",
    "\\t",
    "&&",
    "[\\d-z]",
    "[]a]",
    "\n",
];
const REGEX_TEXTS: [&str; 30] = [
    "", "a", "b", "ab", "abc", "K", "k", "s", "S", "\u{212a}", "\u{17f}", "0", "9", "_", " ",
    "a b", "é", "aé", "\n", "a\nb", "-", "]", "[", "a{2}", "{,2}", "A", "aab", "&&", "z0_", "\\",
];
const KEYS: [&str; 20] = [
    "/", "/", "a", "b", ":id", ":", "{id}", "{", "}", "*", "/*", ".", "é", "|", "{x}-{y}", "?",
    "foo", "(", ")", "%2F",
];
const KEY_TEXTS: [&str; 15] = [
    "/", "a", "b", "1", "é", "foo", "", "{id}", ":id", "?x=1", "-", "\n", "/a", "//", "%2F",
];
const PLAIN: [&str; 4] = ["/foo", "/", "é", "%2F"];
const GLOBS: [&str; 13] = [
    "a", "b", "/", "*/", "a*", "?", "[a-c]", "[^a]", "[ab]", "\\*", "é", ".", "[",
];
const GLOB_TEXTS: [&str; 9] = ["a", "b", "/", "c", "é", ".", "*", "ab", "["];
const ADDRESSES: [&str; 14] = [
    "10.0.0.1",
    "10.0.0.255",
    "::1",
    "::ffff:10.0.0.1",
    "2001:db8::1",
    "1.2.3",
    "010.0.0.1",
    "0.0.0.0",
    "fe80::1%e",
    "255.255.255.255",
    "::",
    "::ffff:0:0",
    "",
    "é",
];
const PREFIXES: [&str; 14] = [
    "", "", "/0", "/8", "/24", "/32", "/33", "/96", "/104", "/128", "/129", "/-1", "/08", "/",
];

fn generate(dice: &mut Dice) -> Call {
    match dice.weighted(&[50, 35, 8, 7]) {
        0 => Call {
            function: "regexMatch",
            args: vec![dice.pick(&REGEX_TEXTS).to_owned(), dice.text(&REGEX, 1, 7)],
        },
        1 => key_call(dice),
        2 => Call {
            function: "globMatch",
            args: vec![dice.text(&GLOB_TEXTS, 0, 5), dice.text(&GLOBS, 0, 5)],
        },
        _ => {
            let address = dice.pick(&ADDRESSES).to_owned();
            let block = format!("{}{}", dice.pick(&ADDRESSES), dice.pick(&PREFIXES));
            Call {
                function: "ipMatch",
                args: vec![address, block],
            }
        }
    }
}

fn key_call(dice: &mut Dice) -> Call {
    if dice.percent(5) {
        // Debian's keyMatch5 is of a time before it took patterns.
        return Call {
            function: "keyMatch5",
            args: vec![
                dice.text(&PLAIN, 1, 3) + dice.pick(&["", "", "?x=1", "?"]),
                dice.text(&PLAIN, 1, 3),
            ],
        };
    }
    let function = dice.pick(&[
        "keyMatch",
        "keyMatch2",
        "keyMatch3",
        "keyMatch4",
        "keyGet",
        "keyGet2",
        "keyGet3",
    ]);
    let pattern = dice.text(&KEYS, 0, 6);
    let text = if dice.percent(40) {
        pattern
            .replace(":id", "1")
            .replace("{id}", "2")
            .replace('*', "x")
    } else {
        dice.text(&KEY_TEXTS, 0, 6)
    };
    let mut args = vec![text, pattern];
    if matches!(function, "keyGet2" | "keyGet3") {
        args.push(dice.pick(&["id", "x", "y", ""]).to_owned());
    }
    Call { function, args }
}
