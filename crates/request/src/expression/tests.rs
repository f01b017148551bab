//! What an expression parses to, and its refusals.

use super::*;
use crate::attribute::{ClaimPath, Step};

fn parse(text: &str) -> Vec<Term> {
    Expression::parse(text).unwrap().alternatives().to_vec()
}

#[test]
fn paths_indexes_literals_and_defaults() {
    let text = |text: &str| Term::Literal(Literal::Text(text.to_owned()));
    assert_eq!(
        parse("jwt.principal ?? 'anonymous'"),
        [Term::Attribute(Attribute::Principal), text("anonymous")]
    );
    assert_eq!(parse("'it is \"so\"'"), [text("it is \"so\"")]);
    assert_eq!(parse("-1.5"), [Term::Literal(Literal::Number(-1.5))]);
    assert_eq!(parse("true"), [Term::Literal(Literal::Bool(true))]);
    assert_eq!(
        parse("request.headers[ \"X-Team\" ]??request.method"),
        [
            Term::Attribute(Attribute::Header("x-team".to_owned())),
            Term::Attribute(Attribute::Method)
        ]
    );
    let claim = ClaimPath::new(vec![
        Step::Member("https://example.com/roles".to_owned()),
        Step::Member("a".to_owned()),
        Step::Index(2),
    ]);
    assert_eq!(
        parse("jwt['https://example.com/roles'].a[2]"),
        [Term::Attribute(Attribute::Claim(claim.unwrap()))]
    );
}

#[test]
fn errors_say_where_and_what() {
    for (text, message) in [
        (
            "",
            "column 1: expected an attribute or a literal, found the end",
        ),
        (
            "request.method == 'GET'",
            "column 16: expected ?? or the end (a mapping has no other operators: logic belongs to the matcher), found '='",
        ),
        (
            "request.method ??",
            "column 18: expected an attribute or a literal, found the end",
        ),
        (
            "'a' ?? 'b'",
            "column 8: nothing can stand behind a literal, which is never absent",
        ),
        (
            "'a",
            "column 1: the text literal is not closed, or holds a backslash (there are no escapes)",
        ),
        (
            r"'a\n'",
            "column 1: the text literal is not closed, or holds a backslash (there are no escapes)",
        ),
        ("1e999", "column 1: \"1e999\" is not a number"),
        (
            "request.",
            "column 9: expected a name behind the dot, found the end",
        ),
        (
            "request.headers[x]",
            "column 17: expected a quoted name or a list index, found 'x'",
        ),
        (
            "request.headers['x'",
            "column 20: expected ], found the end",
        ),
        (
            "request.metod",
            "column 1: unknown attribute \"request.metod\": the nearest known name is \"request.method\"",
        ),
        (
            "lower",
            "column 1: unknown attribute \"lower\": the nearest known name is \"jwt\"",
        ),
    ] {
        assert_eq!(refusal(text), message, "{text}");
    }
}

fn refusal(text: &str) -> String {
    Expression::parse(text).unwrap_err().to_string()
}

#[test]
fn refusals_of_calls_say_where_and_what() {
    let segment = "write segment(x, 0) or segment(x, 0, 'separator')";
    for (text, message) in [
        (
            "request.method ?? lowr(jwt.a)",
            "column 19: unknown function \"lowr\": the nearest known name is \"lower\"",
        ),
        (
            "lower()",
            "column 1: wrong number of arguments (0): write lower(x)",
        ),
        (
            "lower(jwt.a, 'b')",
            "column 1: wrong number of arguments (2): write lower(x)",
        ),
        (
            "upper(strip_prefix(jwt.a))",
            "column 7: wrong number of arguments (1): write strip_prefix(x, 'prefix')",
        ),
        (
            "strip_prefix(jwt.a, 7)",
            "column 21: expected the prefix as a text: write strip_prefix(x, 'prefix')",
        ),
        (
            "strip_prefix(jwt.a, jwt.b)",
            "column 21: expected a number or a text in quotes: write strip_prefix(x, 'prefix')",
        ),
        (
            "segment(jwt.a, '0')",
            &format!("column 16: expected a whole number from 0: {segment}"),
        ),
        (
            "segment(jwt.a, -1)",
            &format!("column 16: expected a whole number from 0: {segment}"),
        ),
        (
            "segment(jwt.a, 0.5)",
            &format!("column 16: expected a whole number from 0: {segment}"),
        ),
        (
            "segment(jwt.a, 0, '')",
            &format!("column 19: expected a separator that is not empty: {segment}"),
        ),
        (
            "lower(source.port)",
            "column 7: lower takes a text, and this is a number",
        ),
        (
            "segment( connection.mtls ?? 7, 0)",
            "column 10: segment takes a text, and this is a number or true or false",
        ),
        (
            "lower(jwt)",
            "column 7: lower takes a text, and this is an object",
        ),
        (
            "lower(jwt.a",
            "column 12: expected ??, a comma or ), found the end",
        ),
        (
            "lower(jwt.a) + 'b'",
            "column 14: expected ?? or the end (a mapping has no other operators: logic belongs to the matcher), found '+'",
        ),
        (
            "lower('A') ?? 'b'",
            "column 15: nothing can stand behind a literal, which is never absent",
        ),
        (
            "(jwt.a)",
            "column 1: expected an attribute or a literal, found '('",
        ),
    ] {
        assert_eq!(refusal(text), message, "{text}");
    }
    let deep = |calls: usize| format!("{}jwt.a{}", "lower(".repeat(calls), ")".repeat(calls));
    assert!(Expression::parse(&deep(MAX_CALL_DEPTH)).is_ok());
    assert_eq!(
        refusal(&deep(MAX_CALL_DEPTH + 1)),
        "column 49: more than 8 calls are inside one another"
    );
    assert!(Expression::parse(&format!("{:1$}", "jwt.a", MAX_BYTES)).is_ok());
    assert_eq!(
        refusal(&format!("{:1$}", "jwt.a", MAX_BYTES + 1)),
        "column 1: the expression is longer than 4096 bytes"
    );
}

#[test]
fn what_is_written_out_parses_to_the_same() {
    for (text, written) in [
        (
            "lower( segment(request.url_path ,2) ?? jwt.a )??'x'",
            "lower(segment(request.url_path, 2) ?? jwt.a) ?? 'x'",
        ),
        ("segment(jwt.a,1e0,'/')", "segment(jwt.a, 1)"),
        (
            "segment(request.host, 0, \".\")",
            "segment(request.host, 0, '.')",
        ),
        (
            "strip_prefix(jwt[\"it's\"],'\"')",
            "strip_prefix(jwt[\"it's\"], '\"')",
        ),
        ("request.headers[\"x'y\"]", "request.headers[\"x'y\"]"),
        ("xds.node.metadata['a b']", "xds.node.metadata['a b']"),
        ("xds['node'].metadata.A", "xds.node.metadata.A"),
        ("jwt ?? 1e300", "jwt ?? 1e300"),
        ("-0.25", "-0.25"),
        ("jwt.lower ?? jwt.true", "jwt.lower ?? jwt.true"),
    ] {
        let parsed = Expression::parse(text).unwrap();
        assert_eq!(parsed.to_string(), written);
        assert_eq!(Expression::parse(written), Ok(parsed));
    }
}

/// Pieces that expressions are made of, and some that they are not.
const PIECES: [&str; 40] = [
    "jwt",
    ".",
    "principal",
    "request",
    "headers",
    "url_path",
    "path",
    "[",
    "]",
    "'",
    "\"",
    "x-a",
    "??",
    " ",
    "lower(",
    "upper(",
    "strip_prefix(",
    "segment(",
    ")",
    ",",
    "0",
    "1",
    "-",
    "1e5",
    "true",
    "'a'",
    "\"b'\"",
    "'/'",
    ", 0)",
    ", 'p')",
    "jwt.a",
    "jwt['b c']",
    "source.port",
    "(",
    "?",
    "\\",
    "\u{e9}",
    "request.url_path",
    "xds.node.metadata.A",
    "connection.mtls",
];

#[test]
fn any_text_parses_or_is_refused_and_comes_back() {
    let mut random = fastrand::Rng::with_seed(7);
    let mut accepted = 0;
    for _ in 0..20_000 {
        let length = random.usize(1..12);
        let text: String = (0..length)
            .map(|_| PIECES[random.usize(..PIECES.len())])
            .collect();
        if let Ok(parsed) = Expression::parse(&text) {
            accepted += 1;
            let written = parsed.to_string();
            assert_eq!(Expression::parse(&written), Ok(parsed), "{text}: {written}");
        }
    }
    assert!(accepted > 100, "{accepted}");
}
