//! Patterns of every language, and texts that they are likely to match.

use doorward_engine::MatchFunction;
use doorward_syntax::pattern::{self, Kind};

use super::dice::Dice;
use super::text;

/// Regular expressions, each with texts that it matches.
const REGEXES: [(&str, &[&str]); 16] = [
    ("GET|POST", &["GET", "POST", "xPOSTx"]),
    ("^(GET|POST)$", &["GET", "POST"]),
    (".*", &["", "a", "/b/c"]),
    ("^/a/\\d+$", &["/a/7", "/a/42"]),
    ("^/a/[^/]+/b$", &["/a/x/b", "/a/é/b"]),
    ("a.c", &["abc", "xa.cx", "aéc"]),
    ("(?i)^orders$", &["orders", "ORDERS", "Orders"]),
    ("^[a-c]{2,3}$", &["ab", "abc"]),
    ("\\.json$", &["/a.json", ".json"]),
    ("^\\w+$", &["abc", "a_1"]),
    ("[[:alpha:]]+-\\d", &["x-1", "users-42"]),
    ("^$", &[""]),
    ("^/(users|orders)/?", &["/users", "/orders/7"]),
    ("(?m)^b$", &["b", "a\nb"]),
    ("(?s)a.b", &["a\nb", "axb"]),
    ("^a*?b", &["b", "aab"]),
];

const BLOCKS: [(&str, &[&str]); 8] = [
    ("10.0.0.0/8", &["10.1.2.3", "10.255.0.1"]),
    ("10.0.0.0/24", &["10.0.0.7"]),
    ("192.168.2.123", &["192.168.2.123"]),
    ("192.168.2.0/25", &["192.168.2.1", "192.168.2.127"]),
    ("0.0.0.0/0", &["1.2.3.4"]),
    ("::1", &["::1"]),
    ("2001:db8::/32", &["2001:db8::7", "2001:db8:0:1::"]),
    ("::ffff:10.0.0.0/104", &["10.9.9.9", "::ffff:10.1.1.1"]),
];

/// Whether the text is well formed for all of the languages.
pub(crate) fn valid(kinds: &[Kind], text: &str) -> bool {
    kinds.iter().all(|kind| pattern::parse(*kind, text).is_ok())
}

/// A pattern of that language; nearly always well formed.
pub(crate) fn pattern(dice: &mut Dice, kind: Kind) -> String {
    for _ in 0..5 {
        let text = attempt(dice, kind);
        if valid(&[kind], &text) {
            return text;
        }
    }
    match kind {
        Kind::Ip => "10.0.0.1".to_owned(),
        _ => "/a".to_owned(),
    }
}

fn attempt(dice: &mut Dice, kind: Kind) -> String {
    let odd = dice.chance(4);
    match kind {
        Kind::Regex => dice.value(&REGEXES).0.to_owned(),
        Kind::Ip => dice.value(&BLOCKS).0.to_owned(),
        _ if odd => text::odd(dice),
        Kind::KeyMatch => match dice.below(6) {
            0 => "*".to_owned(),
            1 => text::path(dice),
            2 => format!("{}*{}", text::path(dice), text::path(dice)),
            3 => format!("{}*", text::path(dice)),
            _ => format!("{}/*", text::path(dice)),
        },
        Kind::KeyMatch2 | Kind::KeyGet2 => key(dice, &[":id", ":name", ":id"]),
        Kind::KeyMatch3 | Kind::KeyMatch4 | Kind::KeyMatch5 | Kind::KeyGet3 => {
            key(dice, &["{id}", "{name}", "{id}"])
        }
        Kind::Glob => glob(dice),
    }
}

fn key(dice: &mut Dice, variables: &[&str]) -> String {
    let mut pattern = String::new();
    for _ in 0..dice.between(1, 3) {
        pattern.push('/');
        if dice.chance(40) {
            pattern.push_str(dice.pick(variables));
        } else {
            pattern.push_str(&text::segment(dice));
        }
    }
    match dice.below(24) {
        0..5 => pattern.push_str("/*"),
        5 => pattern.push('*'),
        6 => pattern.push_str("|/b"),
        7 => pattern.push('/'),
        8 => pattern.push_str("/.*"),
        9 => return "*".to_owned(),
        10 => pattern.push_str(".json"),
        _ => {}
    }
    pattern
}

fn glob(dice: &mut Dice) -> String {
    let mut pattern = String::new();
    for _ in 0..dice.between(1, 3) {
        if dice.chance(90) {
            pattern.push('/');
        }
        match dice.below(12) {
            0..3 => pattern.push('*'),
            3 => pattern.push_str("**"),
            4 => pattern.push('?'),
            5 => pattern.push_str("[a-c]"),
            6 => pattern.push_str("{a,orders,v?}"),
            7 => pattern.push_str("a*"),
            8 => pattern.push_str("[^x]*"),
            _ => pattern.push_str(&text::segment(dice)),
        }
    }
    pattern
}

/// A text that the pattern is likely to match.
pub(crate) fn sample(dice: &mut Dice, kind: Kind, pattern: &str) -> String {
    let table: &[(&str, &[&str])] = match kind {
        Kind::Regex => &REGEXES,
        Kind::Ip => &BLOCKS,
        Kind::Glob => return glob_sample(dice, pattern),
        Kind::KeyMatch => {
            return pattern
                .split('*')
                .next()
                .map_or_else(String::new, |prefix| {
                    if pattern.contains('*') && dice.chance(70) {
                        format!("{prefix}{}", text::segment(dice))
                    } else {
                        prefix.to_owned()
                    }
                });
        }
        _ => return key_sample(dice, kind, pattern),
    };
    match table.iter().find(|(known, _)| *known == pattern) {
        Some((_, samples)) => dice.pick(samples).to_owned(),
        None => pattern.to_owned(),
    }
}

fn key_sample(dice: &mut Dice, kind: Kind, pattern: &str) -> String {
    let repeated = text::segment(dice);
    let segments: Vec<String> = pattern
        .split('/')
        .map(|segment| {
            let variable = segment.starts_with(':') || segment.starts_with('{');
            match segment {
                _ if variable && dice.chance(60) => repeated.clone(),
                _ if variable => text::segment(dice),
                "*" | ".*" => match dice.below(3) {
                    0 => String::new(),
                    1 => text::segment(dice),
                    _ => format!("{}/{}", text::segment(dice), text::segment(dice)),
                },
                _ => segment.to_owned(),
            }
        })
        .collect();
    let query = if kind == Kind::KeyMatch5 && dice.chance(40) {
        "?a=b/c"
    } else {
        ""
    };
    format!("{}{query}", segments.join("/"))
}

fn glob_sample(dice: &mut Dice, pattern: &str) -> String {
    let pattern = pattern
        .replace("{a,orders,v?}", dice.pick(&["a", "orders", "v1"]))
        .replace("[a-c]", dice.pick(&["a", "b", "c"]))
        .replace("[^x]", dice.pick(&["a", "é"]))
        .replace("**", dice.pick(&["a/b", "a", ""]))
        .replace('?', dice.pick(&["1", "x", "é"]));
    let star = if dice.chance(80) {
        text::segment(dice)
    } else {
        String::new()
    };
    pattern.replace('*', &star)
}

/// A function that matches patterns, any of them.
pub(crate) fn function(dice: &mut Dice) -> MatchFunction {
    dice.value(&MatchFunction::ALL)
}
