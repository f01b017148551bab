//! The built-in functions, one by one.

mod support;

use doorward_engine::{FunctionResult, Value, call_function};
use serde_json::{Value as Json, json};
use support::check_all;

/// The answer of a function in words.
fn call(name: &str, args: &Json, now: i64) -> String {
    let values: Vec<Value<'_>> = args.as_array().unwrap().iter().map(Value::from).collect();
    match call_function(name, &values, now) {
        Ok(FunctionResult::Bool(value)) => value.to_string(),
        Ok(FunctionResult::Text(text)) => format!("\"{text}\""),
        Err(error) => format!("error: {error}"),
    }
}

fn check(function: &str, table: &[(Json, &str)]) {
    check_all(table.iter().map(|(args, expected)| {
        (
            format!("{function} {args}"),
            call(function, args, 0),
            (*expected).to_owned(),
        )
    }));
}

#[test]
fn calls_that_cannot_be() {
    let table = [
        (
            "keyMatch",
            json!(["/a"]),
            "error: keyMatch: 1 arguments given, 2 needed",
        ),
        (
            "keyGet2",
            json!(["/a", "/a"]),
            "error: keyGet2: 2 arguments given, 3 needed",
        ),
        (
            "keyMatch",
            json!(["/a", 1]),
            "error: keyMatch: argument 2 must be text",
        ),
        (
            "globMatch",
            json!([["a"], "a"]),
            "error: globMatch: argument 1 must be text",
        ),
        (
            "regexMatch",
            json!(["a", "("]),
            "error: regexMatch: the pattern is malformed",
        ),
        (
            "keyMatch4",
            json!(["a", "/{a}/(b)"]),
            "error: keyMatch4: the pattern is malformed",
        ),
        (
            "ipMatch",
            json!(["10.0.0.1", "ten"]),
            "error: ipMatch: the pattern is malformed",
        ),
        (
            "ipMatch",
            json!(["ten", "10.0.0.1"]),
            "error: ipMatch: the first argument is not an ip address",
        ),
        (
            "timeMatch",
            json!(["_", "tomorrow"]),
            "error: timeMatch: the pattern is malformed",
        ),
        (
            "timeMatch",
            json!(["_"]),
            "error: timeMatch: 1 arguments given, 2 needed",
        ),
        (
            "keymatch",
            json!(["a", "a"]),
            "error: there is no function keymatch",
        ),
    ];
    check_all(table.map(|(name, args, expected)| {
        (
            format!("{name} {args}"),
            call(name, &args, 0),
            expected.to_owned(),
        )
    }));
}

#[test]
fn key_match() {
    check(
        "keyMatch",
        &[
            (json!(["/foo", "/foo"]), "true"),
            (json!(["/foo/bar", "/foo/*"]), "true"),
            (json!(["/foo/", "/foo/*"]), "true"),
            (json!(["/foo", "/foo/*"]), "false"),
            // Nothing after the first star counts.
            (json!(["/foo/bar", "/foo/*/baz"]), "true"),
            (json!(["", "*"]), "true"),
            (json!(["", ""]), "true"),
            (json!(["a", ""]), "false"),
            // A prefix may end inside a character, but not inside a byte pair.
            (json!(["üx", "ü*"]), "true"),
            (json!(["ux", "ü*"]), "false"),
        ],
    );
    check(
        "keyGet",
        &[
            (json!(["/a/b/c", "/a/*"]), "\"b/c\""),
            (json!(["/a/b", "/a/b"]), "\"\""),
            (json!(["/x/b", "/a/*"]), "\"\""),
        ],
    );
}

#[test]
fn key_match_2_to_5() {
    check(
        "keyMatch2",
        &[
            (json!(["/alice/all", "/:id/all"]), "true"),
            (json!(["/a/b/all", "/:id/all"]), "false"),
            (json!(["//all", "/:id/all"]), "false"),
            (json!(["anything at all", "*"]), "true"),
            (json!(["", "*"]), "true"),
            (json!(["/public-stuff/anything", "/public|/admin"]), "true"),
            (json!(["/apiXv1/users", "/api.v1/users"]), "true"),
            (json!(["/foo", "/foo*"]), "true"),
            (json!(["/fooo", "/foo*"]), "true"),
            (json!(["/foobar", "/foo*"]), "false"),
            (json!(["/a\nb", "/:id"]), "true"),
            (json!(["/x/a\nb", "/x/*"]), "false"),
            (json!(["/é", "/:id"]), "true"),
            (json!(["/{id}", "/{id}"]), "true"),
        ],
    );
    check(
        "keyMatch3",
        &[
            (json!(["/a/1/b", "/a/{id}/b"]), "true"),
            (json!(["/a/1/2/b", "/a/{id}/b"]), "false"),
            (json!(["/a/1-2", "/a/{x}-{y}"]), "true"),
            (json!(["/a/1", "/a/{x}-{y}"]), "true"),
            (json!(["/a/x", "/a/{}"]), "false"),
            (json!(["/a/{}", "/a/{}"]), "true"),
        ],
    );
    check(
        "keyMatch4",
        &[
            (json!(["/p/1/c/1", "/p/{id}/c/{id}"]), "true"),
            (json!(["/p/1/c/2", "/p/{id}/c/{id}"]), "false"),
            (json!(["/p/1/c/2", "/p/{id}/c/{other}"]), "true"),
        ],
    );
    check(
        "keyMatch5",
        &[
            (json!(["/p/1?x=/2", "/p/{id}"]), "true"),
            (json!(["/p/1?x", "/p/1?x"]), "false"),
            (json!(["/p/a/b?x", "/p/*"]), "true"),
        ],
    );
    check(
        "keyGet2",
        &[
            (json!(["/a/1/b/2", "/a/:x/b/:y", "y"]), "\"2\""),
            (json!(["/a/1/b/2", "/a/:x/b/:y", "z"]), "\"\""),
            (json!(["/a/1", "/a/1", "x"]), "\"\""),
        ],
    );
    check(
        "keyGet3",
        &[
            (json!(["/p_1_q/x", "/p_{n}_q/x", "n"]), "\"1\""),
            (json!(["/1-2", "/{a}-{b}", "b"]), "\"2\""),
        ],
    );
}

#[test]
fn ip_match() {
    check(
        "ipMatch",
        &[
            (json!(["192.168.2.189", "192.168.2.0/24"]), "true"),
            (json!(["192.168.3.1", "192.168.2.0/24"]), "false"),
            (json!(["192.168.2.1", "192.168.2.77/24"]), "true"),
            (json!(["1.2.3.4", "0.0.0.0/0"]), "true"),
            (json!(["::1", "0.0.0.0/0"]), "false"),
            (json!(["1.2.3.4", "::/0"]), "false"),
            (json!(["::ffff:10.0.0.1", "10.0.0.0/8"]), "true"),
            (json!(["10.0.0.1", "::ffff:10.0.0.0/104"]), "true"),
            (json!(["10.0.0.1", "::ffff:10.0.0.1"]), "true"),
            (json!(["2001:db8::1", "2001:db8::/32"]), "true"),
            (json!(["2001:db9::1", "2001:db8::/32"]), "false"),
            (json!(["2001:DB8:0::1", "2001:db8::1"]), "true"),
            (
                json!(["010.0.0.1", "10.0.0.1"]),
                "error: ipMatch: the first argument is not an ip address",
            ),
            (
                json!(["10.0.0.1", "10.0.0.0/33"]),
                "error: ipMatch: the pattern is malformed",
            ),
            (
                json!(["10.0.0.1", "10.0.0.0/+8"]),
                "error: ipMatch: the pattern is malformed",
            ),
            (
                json!(["fe80::1%eth0", "::/0"]),
                "error: ipMatch: the first argument is not an ip address",
            ),
        ],
    );
}

#[test]
fn glob_match() {
    check(
        "globMatch",
        &[
            (json!(["a/b/c", "a/**/c"]), "true"),
            (json!(["a/c", "a/**/c"]), "true"),
            (json!(["a/b/d/c", "a/**/c"]), "true"),
            (json!(["abc", "a**c"]), "true"),
            (json!(["ab/c", "a**c"]), "false"),
            (json!(["a", "a/**"]), "true"),
            (json!(["a/b/c", "a/**"]), "true"),
            (json!(["ab", "a/**"]), "false"),
            (json!(["a/b", "a/?"]), "true"),
            (json!(["a/", "a/?"]), "false"),
            (json!(["a/é", "a/?"]), "true"),
            (json!(["b", "[a-c]"]), "true"),
            (json!(["d", "[a-c]"]), "false"),
            (json!(["d", "[^a-c]"]), "true"),
            (json!(["d", "[!a-c]"]), "true"),
            (json!(["-", "[a-]"]), "true"),
            (json!(["*", "\\*"]), "true"),
            (json!(["x", "\\*"]), "false"),
            (json!(["b.png", "*.{png,jpg}"]), "true"),
            (json!(["b.gif", "*.{png,jpg}"]), "false"),
            (json!(["ad", "{a,b{c,d}}d"]), "true"),
            (json!(["bdd", "{a,b{c,d}}d"]), "true"),
            (json!(["bd", "{a,b{c,d}}d"]), "false"),
            (json!(["", ""]), "true"),
            (json!(["", "*"]), "true"),
            (json!(["", "**"]), "true"),
            (json!(["a/", "a/**/*"]), "false"),
            (
                json!(["a", "[a"]),
                "error: globMatch: the pattern is malformed",
            ),
            (
                json!(["a", "[]"]),
                "error: globMatch: the pattern is malformed",
            ),
            (
                json!(["a", "{a"]),
                "error: globMatch: the pattern is malformed",
            ),
            (
                json!(["a", "a\\"]),
                "error: globMatch: the pattern is malformed",
            ),
        ],
    );
}

/// Go's syntax, where it differs from that of Rust's regex crate.
#[test]
fn regex_match_in_go_syntax() {
    let malformed = "error: regexMatch: the pattern is malformed";
    check(
        "regexMatch",
        &[
            (json!(["xaby", "ab"]), "true"),
            (json!(["5", "^\\d$"]), "true"),
            (json!(["٣", "^\\d$"]), "false"),
            (json!(["é", "^\\w$"]), "false"),
            (json!(["é", "^\\W$"]), "true"),
            (json!(["\u{b}", "^\\s$"]), "false"),
            (json!(["\u{b}", "^[[:space:]]$"]), "true"),
            (json!(["é", "^.$"]), "true"),
            (json!(["\n", "^.$"]), "false"),
            (json!(["\n", "(?s)^.$"]), "true"),
            (json!(["a\n", "^a$"]), "false"),
            (json!(["a\nb", "(?m)^b$"]), "true"),
            (json!(["a\r", "(?m)^a$"]), "false"),
            (json!(["é a", "\\ba\\b"]), "true"),
            (json!(["éa", "\\ba"]), "true"),
            // A class holds the set it lists, whatever looks like set algebra.
            (json!(["&", "^[a-z&&[^b]]"]), "false"),
            (json!(["&]", "^[a-z&&[^b]]$"]), "true"),
            (json!(["[]", "^[a-z&&[^b]]$"]), "true"),
            (json!(["/{id}", "^/{id}$"]), "true"),
            (json!(["a{,2}", "^a{,2}$"]), "true"),
            (json!(["aa", "^a{2}$"]), "true"),
            (json!(["a{02}", "^a{02}$"]), "true"),
            (json!(["a.b", "^\\Qa.b\\E$"]), "true"),
            (json!(["axb", "^\\Qa.b\\E$"]), "false"),
            (json!(["a.bbb", "^\\Qa.b\\E+$"]), "true"),
            (json!(["]", "^[]]$"]), "true"),
            (json!(["]", "^[^]]$"]), "false"),
            (json!(["-", "^[a-]$"]), "true"),
            (json!(["x-", "^[\\w-]+$"]), "true"),
            (json!(["K", "(?i)^\u{6b}$"]), "true"),
            (json!(["\u{212a}", "(?i)^k$"]), "true"),
            (json!(["\u{17f}", "(?i)^[a-z]$"]), "true"),
            (json!(["K", "(?i)^[^k]$"]), "false"),
            (json!(["AB", "(?i:a)B"]), "true"),
            (json!(["Ab", "(?i:a)B"]), "false"),
            (json!(["ab", "a(?i)B"]), "true"),
            (json!(["S", "^(?i)\\w$"]), "true"),
            (json!(["\u{17f}", "^(?i)\\w$"]), "true"),
            (json!(["aab", "^(?U)a+ab$"]), "true"),
            (json!(["A", "^\\x41\\101?\\x{41}?$"]), "true"),
            (json!(["", "^*$"]), "true"),
            (json!(["x", "()*x||"]), "true"),
            (json!(["x", "(?P<n>x)(?<m>)"]), "true"),
            (json!(["é", "(?i)é"]), malformed),
            (json!(["x", "a**"]), malformed),
            (json!(["x", "a{2}{3}"]), malformed),
            (json!(["x", "*"]), malformed),
            (json!(["x", "(*)"]), malformed),
            (json!(["x", "a|*"]), malformed),
            (json!(["x", "{1}"]), malformed),
            (json!(["x", "a{2,1}"]), malformed),
            (json!(["x", "a{1001}"]), malformed),
            (json!(["x", "(a{100}){11}"]), malformed),
            (json!(["x", "(a{100}){10}"]), "false"),
            (json!(["x", "\\pL"]), malformed),
            (json!(["x", "[\\pL]"]), malformed),
            (json!(["x", "\\p{Greek}"]), malformed),
            (json!(["x", "\\1"]), malformed),
            (json!(["x", "\\8"]), malformed),
            (json!(["x", "\\y"]), malformed),
            (json!(["x", "\\Z"]), malformed),
            (json!(["x", "\\C"]), malformed),
            (json!(["x", "[b-a]"]), malformed),
            (json!(["x", "[[:foo:]]"]), malformed),
            (json!(["x", "[a"]), malformed),
            (json!(["x", "[\\b]"]), malformed),
            (json!(["x", "(a"]), malformed),
            (json!(["x", "a)"]), malformed),
            (json!(["x", "(?=a)"]), malformed),
            (json!(["x", "(?!a)"]), malformed),
            (json!(["x", "(?<=a)"]), malformed),
            (json!(["x", "(?x)a"]), malformed),
            (json!(["x", "(?-)a"]), malformed),
            (json!(["x", "(?P<a>x)(?P<a>y)"]), malformed),
            (json!(["x", "(?P<>x)"]), malformed),
            (json!(["x", "\\x{110000}"]), malformed),
            (json!(["x", "\\xg0"]), malformed),
            (json!(["x", "a\\"]), malformed),
        ],
    );
}

/// Seconds of 2024-02-29 12:00:00 UTC.
const NOON: i64 = 1_709_208_000;

#[test]
fn time_match() {
    let table = [
        (
            json!(["2024-02-29 11:59:59", "2024-02-29 12:00:01"]),
            "true",
        ),
        // Neither end belongs to the period.
        (json!(["2024-02-29 12:00:00", "_"]), "false"),
        (json!(["_", "2024-02-29 12:00:00"]), "false"),
        (json!(["_", "_"]), "true"),
        (
            json!(["0000-01-01 00:00:00", "9999-12-31 23:59:59"]),
            "true",
        ),
        (json!(["2024-02-29 9:00:00", "_"]), "true"),
        (json!(["2024-02-29 11:59:59.5", "_"]), "true"),
        (
            json!(["2023-02-29 00:00:00", "_"]),
            "error: timeMatch: the pattern is malformed",
        ),
        (
            json!(["2024-13-01 00:00:00", "_"]),
            "error: timeMatch: the pattern is malformed",
        ),
        (
            json!(["2024-01-01 24:00:00", "_"]),
            "error: timeMatch: the pattern is malformed",
        ),
        (
            json!(["2024-01-01", "_"]),
            "error: timeMatch: the pattern is malformed",
        ),
        (
            json!(["", "_"]),
            "error: timeMatch: the pattern is malformed",
        ),
    ];
    check_all(table.map(|(args, expected)| {
        (
            args.to_string(),
            call("timeMatch", &args, NOON),
            expected.to_owned(),
        )
    }));
}
