//! The matcher language, operator by operator.

mod support;

use doorward_engine::Settings;
use serde_json::{Value as Json, json};
use support::{Setup, check_all, decide, outcome};

/// The outcome of a matcher on the values a, b and c, with one row `p, row`.
fn value(matcher: &str, args: &Json) -> String {
    let setup = Setup {
        r: "a, b, c",
        p: "text",
        m: matcher,
        ..Setup::default()
    };
    outcome(&setup.engine("p, row\n"), args)
}

#[test]
fn operators() {
    let args = json!([7, "seven", {"Name": "x", "n": {"deep": [1, "two", true]}, "age": 18, "null": null}]);
    let table = [
        ("true", "allow"),
        ("false", "deny"),
        ("r.a == 7", "allow"),
        ("r.a == 7.0", "allow"),
        ("r.a == '7'", "deny"),
        ("r.a != '7'", "allow"),
        ("r.b == 'seven'", "allow"),
        ("r.b == \"seven\"", "allow"),
        ("r_b == 'seven' && p_text == 'row'", "allow"),
        ("r.a < 8 && r.a <= 7 && r.a > 6.5 && r.a >= 7", "allow"),
        ("r.a < 7 || r.a > 7", "deny"),
        (
            "r.b < 'z' && r.b > 'a' && r.b >= 'seven' && r.b <= 'seven'",
            "allow",
        ),
        ("'B' < 'a' && 'é' > 'z'", "allow"),
        (
            "r.a < 'z'",
            "error: operator < does not take a value of that type",
        ),
        (
            "r.b > 1",
            "error: operator > does not take a value of that type",
        ),
        (
            "r.c >= 1",
            "error: operator >= does not take a value of that type",
        ),
        (
            "true <= true",
            "error: operator <= does not take a value of that type",
        ),
        (
            "r.a + 3 == 10 && r.a - 3 == 4 && r.a * 2 == 14 && r.a / 2 == 3.5",
            "allow",
        ),
        (
            "r.a % 4 == 3 && -r.a % 4 == -3 && 2 ** 3 == 8 && 2 ** 3 ** 2 == 64",
            "allow",
        ),
        ("-2 ** 2 == 4", "allow"),
        ("1 - 2 - 3 == -4 && 8 / 2 / 2 == 2", "allow"),
        ("1 + 2 * 3 == 7 && (1 + 2) * 3 == 9", "allow"),
        ("6 & 3 == 2", "allow"),
        (
            "(6 & 3) == 2 && (6 | 3) == 7 && (6 ^ 3) == 5 && ~6 == -7",
            "allow",
        ),
        (
            "(1 << 4) == 16 && (256 >> 4) == 16 && (1 << 64) == 0",
            "allow",
        ),
        ("1 + 2 << 3 == 24", "allow"),
        ("1.9 & 3.9 == 1", "allow"),
        (
            "(-1 << 1) == 0",
            "error: operator << does not take a value of that type",
        ),
        (
            "(10 ** 30 & 1) == 0",
            "error: operator & does not take a value of that type",
        ),
        (
            "r.b - 1 == 0",
            "error: operator - does not take a value of that type",
        ),
        (
            "r.b * 1 == 0",
            "error: operator * does not take a value of that type",
        ),
        (
            "-r.b == 0",
            "error: operator - does not take a value of that type",
        ),
        (
            "~r.b == 0",
            "error: operator ~ does not take a value of that type",
        ),
        ("'a' + 'b' == 'ab'", "allow"),
        (
            "'a' + 1 == 'a1' && 1 + 'a' == '1a' && 'a' + 0.1 == 'a0.1'",
            "allow",
        ),
        (
            "'a' + 10 ** 21 == 'a1e+21' && 'a' + 10 ** 20 == 'a100000000000000000000'",
            "allow",
        ),
        (
            "'a' + 0.00001 == 'a1e-05' && 'a' + 0.0001 == 'a0.0001'",
            "allow",
        ),
        ("'a' + 1 / 0 == 'a+Inf' && 'a' + -1 / 0 == 'a-Inf'", "allow"),
        ("'a' + true == 'atrue'", "allow"),
        (
            "'a' + r.c == 'a'",
            "error: operator + does not take a value of that type",
        ),
        (
            "true + true == 2",
            "error: operator + does not take a value of that type",
        ),
        ("1 / 0 > 10 ** 300", "allow"),
        ("0 / 0 == 0 / 0", "deny"),
        ("0x10 == 16 && 0xff == 255 && .5 == 0.5 && 5. == 5", "allow"),
        ("!false && !(1 == 2)", "allow"),
        ("!true == false", "allow"),
        (
            "!r.a",
            "error: operator ! does not take a value of that type",
        ),
        (
            "r.a && true",
            "error: operator && does not take a value of that type",
        ),
        (
            "false || r.b",
            "error: operator || does not take a value of that type",
        ),
        ("true || r.b", "allow"),
        ("1 < 2 == true", "allow"),
        ("r.a in (1, 7)", "allow"),
        ("r.a IN (1, 7)", "allow"),
        ("r.a in [1, 7]", "allow"),
        ("r.b in ('seven')", "allow"),
        ("r.b in ('eight')", "deny"),
        (
            "r.b in (r.b)",
            "error: operator in does not take a value of that type",
        ),
        ("r.b in ('7', 7, true)", "deny"),
        (
            "'two' in r.c.n.deep && 1 in r.c.n.deep && true in r.c.n.deep",
            "allow",
        ),
        ("'three' in r.c.n.deep", "deny"),
        (
            "r.a in r.b",
            "error: operator in does not take a value of that type",
        ),
        (
            "r.c in (1, 2)",
            "error: operator in does not take a value of that type",
        ),
        (
            "r.c.n.deep in (1, 2)",
            "error: operator in does not take a value of that type",
        ),
        (
            "1 in (r.c.n.deep, 2)",
            "error: operator in does not take a value of that type",
        ),
        ("r.c.Name == 'x' && r.c.age >= 18", "allow"),
        ("r.c.n.deep == r.c.n.deep && r.c.n != r.c", "allow"),
        (
            "r.c.missing == 1",
            "error: the matcher takes a field that the object does not have",
        ),
        (
            "r.a.x == 1",
            "error: the matcher takes a field of a value that is not an object",
        ),
        (
            "p.text.x == 1",
            "error: the matcher takes a field of a value that is not an object",
        ),
        ("r.b =~ '^s.v'", "allow"),
        ("r.b !~ '^s.v'", "deny"),
        ("r.b =~ p.text", "deny"),
        (
            "r.a =~ '7'",
            "error: operator =~ does not take a value of that type",
        ),
        (
            "r.b =~ 7",
            "error: operator =~ does not take a value of that type",
        ),
        ("r.b =~ '(' + ''", "error: =~: the pattern is malformed"),
        ("r.b !~ '(' + ''", "error: !~: the pattern is malformed"),
        ("true ? 1 == 1 : 1 == 2", "allow"),
        ("false ? 1 == 1 : 1 == 2", "deny"),
        ("false ? true : false ? false : true", "allow"),
        // `? :` groups from the left: (true ? false : true) ? false : true.
        ("true ? false : true ? false : true", "allow"),
        (
            "r.a ? true : false",
            "error: operator ? does not take a value of that type",
        ),
        ("(false ? true) ?? true", "allow"),
        ("r.c.null ?? true", "allow"),
        ("(r.c.null ?? 'x') == 'x'", "allow"),
        ("(r.c.age ?? 1) == 18", "allow"),
        (
            "r.c.missing ?? true",
            "error: the matcher takes a field that the object does not have",
        ),
        (
            "false ? true",
            "error: the matcher's result is neither a truth value nor a number",
        ),
        ("r.c.null == r.c.null", "allow"),
        (
            "1",
            "error: the matcher's result is neither a truth value nor a number",
        ),
        (
            "r.b",
            "error: the matcher's result is neither a truth value nor a number",
        ),
        ("true || 1 == 2 && 1 == 2", "allow"),
        ("[r_a] == 7", "allow"),
        ("keyGet('/a/b', '/a/*') == 'b'", "allow"),
    ];
    check_all(table.map(|(matcher, expected)| {
        (
            matcher.to_owned(),
            value(matcher, &args),
            expected.to_owned(),
        )
    }));
}

#[test]
fn a_number_is_a_match_unless_zero_where_rows_are_read() {
    let setup = |m| Setup {
        r: "a",
        p: "text",
        m,
        ..Setup::default()
    };
    // The text of the row is read, so the matcher is asked for every row.
    let seven = setup("(p.text == 'row' ? 7 : 0) - r.a").engine("p, row\n");
    assert_eq!(decide(&seven, &json!([7])), "deny");
    assert_eq!(decide(&seven, &json!([6])), "allow by p, row");
    let nan = setup("(p.text == 'row' ? 0 : 1) / r.a").engine("p, row\n");
    assert_eq!(
        decide(&nan, &json!([0])),
        "error: the matcher's result is neither a truth value nor a number by p, row"
    );
}

/// Terms that must all hold: false wins over an error, whatever the order.
/// Terms of which one must hold: from left to right.
#[test]
fn the_error_rule() {
    let args = json!(["text", "b", 1]);
    // r.a is text, so `r.a > 1` is an error.
    let error = "error: operator > does not take a value of that type";
    let table = [
        ("r.a > 1 && r.b == 'x'", "deny"),
        ("r.b == 'x' && r.a > 1", "deny"),
        ("r.a > 1 && r.b == 'b'", error),
        ("r.a > 1 || r.b == 'b'", error),
        ("r.b == 'b' || r.a > 1", "allow"),
        ("r.b == 'x' || r.a > 1", error),
        ("(r.a > 1 || r.b == 'b') && r.c == 2", "deny"),
        ("(r.a > 1 || r.b == 'b') && r.c == 1", error),
        ("!(r.a > 1 || r.b == 'b')", "deny"),
        ("!(r.b == 'b' || r.a > 1)", "deny"),
        ("!(r.a > 1 && r.b == 'x')", error),
        ("!(r.b == 'x' && r.a > 1)", "allow"),
        ("!(!(r.a > 1 && r.b == 'x'))", "deny"),
        ("r.c == 1 ? (r.a > 1 && r.b == 'x') : true", "deny"),
        ("(r.a > 1 && r.b == 'x') ? true : true", error),
        ("(r.b == 'x' && r.a > 1) ? true : r.c == 1", "allow"),
        ("(r.a > 1 && r.b == 'x') == false", error),
        ("(r.b == 'x' && r.a > 1) == false", "allow"),
        ("r.a > 1 ? true : true", error),
        ("(r.a > 1) ?? true", error),
    ];
    let rows = table.into_iter().map(|(matcher, expected)| {
        (
            matcher.to_owned(),
            value(matcher, &args),
            expected.to_owned(),
        )
    });
    check_all(rows);
}

/// An error is the decision if it comes before the effect is settled.
#[test]
fn the_first_row_that_errs_decides() {
    let setup = Setup {
        m: "r.sub == p.sub && r.obj > p.obj",
        p: "sub, obj, act, eft",
        ..Setup::default()
    };
    let engine = setup.engine("p, a, 1, x, allow\np, b, 1, x, allow\n");
    let error = "error: operator > does not take a value of that type by ";
    assert_eq!(
        decide(&engine, &json!(["b", 5, "x"])),
        format!("{error}p, b, 1, x, allow")
    );
    assert_eq!(
        decide(&engine, &json!(["b", "5", "x"])),
        "allow by p, b, 1, x, allow"
    );
    let mixed = Setup {
        m: "r.obj == p.obj || r.act > p.act",
        ..setup
    };
    let engine = mixed.engine("p, a, 1, x, allow\np, b, 2, x, allow\n");
    assert_eq!(
        decide(&engine, &json!(["b", "1", 5])),
        "allow by p, a, 1, x, allow"
    );
    assert_eq!(
        decide(&engine, &json!(["b", "2", 5])),
        format!("{error}p, a, 1, x, allow")
    );
}

#[test]
fn eval_reads_rules_from_rows() {
    let setup = Setup {
        p: "sub_rule, obj, act",
        m: "eval(p.sub_rule) && r.obj == p.obj && r.act == p.act",
        ..Setup::default()
    };
    let policy = "p, r.sub.Age > 18, data1, read\n\
                  p, \"r.sub.Name in ('a', 'b') && keyMatch(r.obj, '/x/*')\", /x/1, read\n\
                  p, r.sub.Age >, data2, read\n\
                  p, r.sub.Age, data3, read\n\
                  p, eval(p.sub_rule), data4, read\n\
                  p, \"regexMatch(r.sub.Name, '^\\d$')\", data5, read\n\
                  p, \"regexMatch(r.sub.Name, '^\\\\d$')\", data7, read\n\
                  p, p.obj == 'data6', data6, read\n";
    let engine = setup.engine(policy);
    let table = [
        (
            json!([{"Age": 20, "Name": "a"}, "data1", "read"]),
            "allow by p, r.sub.Age > 18, data1, read",
        ),
        (json!([{"Age": 18, "Name": "a"}, "data1", "read"]), "deny"),
        (
            json!([{"Age": 18, "Name": "b"}, "/x/1", "read"]),
            "allow by p, \"r.sub.Name in ('a', 'b') && keyMatch(r.obj, '/x/*')\", /x/1, read",
        ),
        (json!([{"Age": 18, "Name": "c"}, "/x/1", "read"]), "deny"),
        (
            json!([{"Age": 18, "Name": "c"}, "data2", "read"]),
            "error: eval: the rule is malformed by p, r.sub.Age >, data2, read",
        ),
        (
            json!([{"Age": 18, "Name": "c"}, "data3", "read"]),
            "error: operator && does not take a value of that type by p, r.sub.Age, data3, read",
        ),
        (
            json!([{"Age": 18, "Name": "c"}, "data4", "read"]),
            "error: eval: the rule is malformed by p, eval(p.sub_rule), data4, read",
        ),
        // In a rule a backslash makes the next character plain.
        (
            json!([{"Age": 18, "Name": "d"}, "data5", "read"]),
            "allow by p, \"regexMatch(r.sub.Name, '^\\d$')\", data5, read",
        ),
        (json!([{"Age": 18, "Name": "5"}, "data5", "read"]), "deny"),
        (
            json!([{"Age": 18, "Name": "5"}, "data7", "read"]),
            "allow by p, \"regexMatch(r.sub.Name, '^\\\\d$')\", data7, read",
        ),
        (
            json!([{"Age": 18, "Name": "c"}, "data6", "read"]),
            "allow by p, p.obj == 'data6', data6, read",
        ),
        (json!(["no object", "data9", "read"]), "deny"),
    ];
    check_all(table.map(|(args, expected)| {
        (
            args.to_string(),
            decide(&engine, &args),
            expected.to_owned(),
        )
    }));
    let empty = setup.engine("");
    assert_eq!(
        decide(&empty, &json!(["a", "b", "c"])),
        "error: eval: the policy has no rule"
    );
}

#[test]
fn a_rule_in_the_request_is_read_as_in_a_row() {
    let setup = Setup {
        r: "rule, sub",
        p: "sub",
        m: "eval(r.rule) && r.sub == p.sub",
        ..Setup::default()
    };
    let engine = setup.engine("p, alice\n");
    let table = [
        (json!(["r.sub == 'alice'", "alice"]), "allow by p, alice"),
        (
            json!(["r.sub ==", "alice"]),
            "error: eval: the rule is malformed by p, alice",
        ),
        (
            json!([1, "alice"]),
            "error: eval: argument 1 must be text by p, alice",
        ),
        (
            json!(["eval(r.rule)", "alice"]),
            "error: eval: the rule is malformed by p, alice",
        ),
    ];
    check_all(table.map(|(args, expected)| {
        (
            args.to_string(),
            decide(&engine, &args),
            expected.to_owned(),
        )
    }));
}

#[test]
fn the_request_must_fit_its_definition() {
    let engine = Setup::default().engine("p, a, b, c\n");
    let expected = "error: the request has 2 values, its definition has 3";
    assert_eq!(decide(&engine, &json!(["a", "b"])), expected);
    let expected = "error: the request has 4 values, its definition has 3";
    assert_eq!(decide(&engine, &json!(["a", "b", "c", "d"])), expected);
}

#[test]
fn comments_continuations_and_spacing() {
    let text = "# a comment\n; another\n\n[request_definition]\nr = sub,obj , act ; the request\n\
                [policy_definition]\r\np=sub, obj, act # the row\r\n\
                [policy_effect]\ne = some(where (p.eft == allow)) # effect\n\
                [matchers]\n   m = r.sub == p.sub \\\n  && r.obj == p.obj \\\n && r.act != '#;'";
    let model = doorward_engine::Model::parse(text).unwrap();
    let policy = support::csv("p, alice, data, read");
    let engine = doorward_engine::Engine::compile(&model, &policy, &Settings::default()).unwrap();
    assert_eq!(outcome(&engine, &json!(["alice", "data", "x"])), "allow");
    assert_eq!(outcome(&engine, &json!(["alice", "data", "#;"])), "deny");
    assert_eq!(outcome(&engine, &json!(["alice", "other", "x"])), "deny");
}

#[test]
fn csv_as_casbin_reads_it() {
    let policy = support::csv(
        "# comment, with fields\n\n  p ,x\np, alice,  \"a, b\", say \np,\"say \"\"hi\"\"\",b c,#no\r\n",
    );
    let rows: Vec<(u32, String, Vec<&str>)> = policy
        .rows()
        .map(|row| (row.line(), row.kind().to_owned(), row.fields().collect()))
        .collect();
    assert_eq!(
        rows,
        [
            (3, "p ".to_owned(), vec!["x"]),
            (4, "p".to_owned(), vec!["alice", "a, b", "say"]),
            (5, "p".to_owned(), vec!["say \"hi\"", "b c", "#no"]),
        ]
    );
    let written: Vec<String> = policy
        .rows()
        .skip(1)
        .map(|row| row.rule().to_string())
        .collect();
    assert_eq!(
        written,
        ["p, alice, \"a, b\", say", "p, \"say \"\"hi\"\"\", b c, #no"]
    );
    let again = support::csv(&written.join("\n"));
    let fields: Vec<Vec<&str>> = again.rows().map(|row| row.fields().collect()).collect();
    assert_eq!(fields, [rows[1].2.clone(), rows[2].2.clone()]);
}
