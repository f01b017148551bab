//! What a decision costs is bounded: by the steps that one may take, and by
//! plans that grow with what they are given.

mod support;

use doorward_engine::{Limits, MatchFunction, RoleMatching, Settings};
use serde_json::json;
use support::{Setup, decide};

#[test]
fn a_decision_takes_a_bounded_number_of_steps() {
    let settings = Settings {
        limits: Limits {
            expression_steps: 20,
            ..Limits::default()
        },
        ..Settings::default()
    };
    let rows: String = (0..10).map(|row| format!("p, s{row}, o, a\n")).collect();
    let setup = Setup {
        m: "(r.sub == p.sub && r.obj == p.obj && r.act == p.act) == true",
        ..Setup::default()
    };
    let engine = setup.engine_with(&rows, &settings);
    // A row is four steps at least; the limit is reached before false could win.
    let limit = "error: limit reached: expression_steps";
    let found = decide(&engine, &json!(["none", "o", "a"]));
    assert!(found.starts_with(limit), "{found}");
    assert_eq!(
        decide(&engine, &json!(["s0", "o", "a"])),
        "allow by p, s0, o, a"
    );
    // Patterns that come with a request are compiled, but not many of them.
    let patterns = Setup {
        r: "x, y",
        p: "z",
        m: "regexMatch(p.z, r.x + p.z + r.y)",
        ..Setup::default()
    };
    let rows: String = (0..1_000).map(|row| format!("p, {row}\n")).collect();
    let found = decide(&patterns.engine(&rows), &json!(["^", "x$"]));
    assert!(found.starts_with(limit), "{found}");
    let malformed = "error: regexMatch: the pattern is malformed by p, 0";
    assert_eq!(
        decide(&patterns.engine(&rows), &json!(["(", ""])),
        malformed
    );
}

/// A matcher that no lookup answers: every row evaluates it.
fn on_every_row(matcher: &str) -> String {
    format!("({matcher}) == true")
}

/// A pattern costs what its text is long: a policy of patterns that each row
/// runs over a long value is over the limit before it is slow.
#[test]
fn patterns_over_long_text_are_bounded() {
    let rows = |pattern: &str| -> String {
        (0..1_000)
            .map(|row| format!("p, \"{}\"\n", pattern.replace('#', &row.to_string())))
            .collect()
    };
    let text = "/orders/".repeat(7_500);
    let path = format!("/{}", "x".repeat(59_000));
    let cases = [
        ("regexMatch(r.x, p.y)", "/orders/.*/items#$", &text),
        ("r.x =~ p.y", "/orders/.*/items#$", &text),
        ("regexMatch(r.x, p.y)", "(a*)*(b|/|o|r)*#$", &text),
        ("regexMatch(r.x, p.y)", "([^#]{5}){5}x$", &text),
        ("keyMatch2(r.x, p.y)", "/:a#/x:b/:c", &path),
        ("keyMatch3(r.x, p.y)", "/{a#}/x{b}", &path),
        ("keyMatch4(r.x, p.y)", "/{a#}/x{a#}", &path),
        ("keyMatch5(r.x, p.y)", "/{a#}/x{b}", &path),
        ("keyGet2(r.x, p.y, 'b') == 'b'", "/:a#/:b", &path),
        ("keyGet3(r.x, p.y, 'b') == 'b'", "/{a#}/{b}", &path),
        ("globMatch(r.x, p.y)", "*a*a*a*a#", &path),
        ("globMatch(r.x, p.y)", "**/{a,b,c,d,e,f,g,h}#", &path),
    ];
    for (matcher, pattern, text) in cases {
        let setup = Setup {
            r: "x",
            p: "y",
            m: &on_every_row(matcher),
            ..Setup::default()
        };
        let found = decide(&setup.engine(&rows(pattern)), &json!([text]));
        let limit = "error: limit reached: expression_steps by ";
        assert!(found.starts_with(limit), "{matcher} {pattern}: {found}");
    }
}

/// So do copies, hashes and lists: what a row does with a long value counts.
#[test]
fn long_values_are_bounded() {
    let text = "x".repeat(59_000);
    let list: Vec<u32> = (0..30_000).collect();
    let rows: String = (0..30_000).map(|row| format!("p, n{row}\n")).collect();
    let links = format!("{rows}g, n1, n2\n");
    let cases = [
        (on_every_row("r.x + 'y' == p.y"), &rows, json!([text, 0])),
        (
            "keyMatch(p.y, r.x) && p.y + '' == 'none'".to_owned(),
            &rows,
            json!([text, 0]),
        ),
        (
            on_every_row("keyMatch5(r.x, p.y) && 1 == 2"),
            &rows,
            json!([text, 0]),
        ),
        (on_every_row("p.y in r.x"), &rows, json!([list, 0])),
        (
            on_every_row("r.x == r.z && p.y == 'none'"),
            &rows,
            json!([list, list]),
        ),
        (
            on_every_row("r.x == r.z && p.y == 'none'"),
            &rows,
            json!([{"a": list}, {"a": list}]),
        ),
        (on_every_row("g(r.x, p.y)"), &links, json!([text, 0])),
        (
            "eval(r.x) && p.y + '' == 'none'".to_owned(),
            &rows,
            json!([text, 0]),
        ),
    ];
    for (matcher, policy, values) in cases {
        let setup = Setup {
            r: "x, z",
            p: "y",
            g: &["_, _"],
            m: &matcher,
            ..Setup::default()
        };
        let found = decide(&setup.engine(policy), &values);
        let limit = "error: limit reached: expression_steps by ";
        assert!(found.starts_with(limit), "{matcher}: {found}");
    }
}

/// What policies are made of stays far below the limit.
#[test]
fn ordinary_policies_are_far_from_the_limit() {
    let settings = Settings {
        limits: Limits {
            expression_steps: Limits::default().expression_steps / 3,
            ..Limits::default()
        },
        ..Settings::default()
    };
    let tail = "/items/0123456789/parts/0123456789/prices/0123456789/notes/0123456789";
    let path = format!("/api/v1/tenants/0123456789{tail}");
    assert!((90..=110).contains(&path.len()));
    let cases = [
        ("keyMatch", "/api/v1/tenants/012345678x#/*"),
        (
            "keyMatch2",
            "/api/v1/:a/:b/items/:c/parts/:d/prices/:e/notes/n#",
        ),
        (
            "keyMatch3",
            "/api/v1/{a}/{b}/items/{c}/parts/{d}/prices/{e}/notes/n#",
        ),
        ("keyMatch4", "/api/v1/tenants/{b}/items/{b}/parts/{d}/n#"),
        (
            "keyMatch5",
            "/api/v1/{a}/{b}/items/{c}/parts/{d}/prices/{e}/notes/n#",
        ),
        ("globMatch", "/api/v1/tenants/*/items/*/parts/n#"),
        ("regexMatch", "^/api/v1/tenants/[0-9]+/items/[0-9]+/n#$"),
        ("regexMatch", "^/api/v1/tenants/.*/items/.*/n#$"),
    ];
    for (function, pattern) in cases {
        let setup = Setup {
            r: "sub, obj, act",
            m: &format!("r.act == p.act && {function}(r.obj, p.obj) && r.sub == p.sub"),
            ..Setup::default()
        };
        let rows: String = (0..10_000)
            .map(|row| format!("p, s, {}, get\n", pattern.replace('#', &row.to_string())))
            .collect();
        let engine = setup.engine_with(&rows, &settings);
        assert_eq!(
            decide(&engine, &json!(["s", path, "get"])),
            "deny",
            "{function} {pattern}"
        );
    }
}

/// Planning and running take time in proportion to what they are given, also
/// where a policy or a request is made to cost most.
#[test]
fn what_is_made_to_be_slow_is_bounded() {
    // A long matcher, whose terms would each be compared with each other.
    let terms = vec!["r.obj == p.obj"; 20_000].join(" && ");
    let setup = Setup {
        m: &terms,
        ..Setup::default()
    };
    let engine = setup.engine("p, a, b, c\n");
    assert_eq!(
        decide(&engine, &json!(["a", "b", "c"])),
        "allow by p, a, b, c"
    );
    // Names that are patterns, against all values of a column.
    let setup = Setup {
        r: "sub",
        p: "sub",
        g: &["_, _"],
        m: "g(r.sub, p.sub)",
        ..Setup::default()
    };
    let settings = Settings {
        role_matching: vec![RoleMatching {
            graph: "g".to_owned(),
            role: Some(MatchFunction::KeyMatch2),
            domain: None,
        }],
        ..Settings::default()
    };
    let roles = (0..500).map(|role| format!("g, al, /r{role}/:x\n"));
    let rows = (0..20_000).map(|row| format!("p, /s{row}\n"));
    let policy: String = roles.chain(rows).collect();
    let found = decide(&setup.engine_with(&policy, &settings), &json!(["al"]));
    assert_eq!(found, "error: limit reached: expression_steps");
    // Variables of keyMatch4, each compared with each other.
    let setup = Setup {
        r: "obj, pattern",
        p: "obj",
        m: "keyMatch4(p.obj, r.pattern)",
        ..Setup::default()
    };
    let rows: String = (0..10_000)
        .map(|row| format!("p, /{row}{}\n", "/a".repeat(600)))
        .collect();
    let pattern: String = (0..600).map(|name| format!("/{{{name}}}")).collect();
    let found = decide(&setup.engine(&rows), &json!(["x", pattern]));
    // More than a few are left to a regular expression, and those are bounded.
    assert_eq!(
        found.split(" by ").next(),
        Some("error: keyMatch4: the pattern is malformed")
    );
    // One pattern for all domains, with as many links as there are domains.
    let setup = Setup {
        r: "sub, dom",
        p: "sub, dom",
        g: &["_, _, _"],
        m: "g(r.sub, p.sub, r.dom)",
        ..Setup::default()
    };
    let settings = Settings {
        role_matching: vec![RoleMatching {
            graph: "g".to_owned(),
            role: None,
            domain: Some(MatchFunction::KeyMatch),
        }],
        ..Settings::default()
    };
    let everywhere = (0..4_000).map(|link| format!("g, u{link}, all, *\n"));
    let somewhere = (0..4_000).map(|link| format!("g, v{link}, one, d{link}\n"));
    let policy: String = everywhere.chain(somewhere).collect();
    let policy = format!("{policy}p, all, x\n");
    let engine = setup.engine_with(&policy, &settings);
    assert_eq!(decide(&engine, &json!(["u7", "d1"])), "allow by p, all, x");
    assert_eq!(
        setup.refusal(
            &format!("{policy}g, one, v1, e\ng, v1, one, f\n"),
            &settings
        ),
        "the domains that are patterns match so many others that circles among roles cannot be \
         looked for in each; all links together run in one, remove it"
    );
}

/// Whether a row has a role may take a look at each of the roles' groups, and
/// whether it has a pattern a run of it. Where rows are more than roles or
/// patterns, these are found out once, and here none of the rows has one.
#[test]
fn roles_and_patterns_are_not_asked_of_every_row() {
    use std::fmt::Write;
    let mut groups = String::new();
    for middle in 0..100 {
        for leaf in 0..31 {
            let _ = writeln!(groups, "g, m{middle}, l{middle}_{leaf}");
        }
        for user in 0..6 {
            let _ = writeln!(groups, "g, u{user}, m{middle}");
        }
    }
    for row in 0..4_000 {
        let _ = writeln!(groups, "p, s{row}, o, a");
    }
    let roles = Setup {
        r: "sub, obj, act",
        p: "sub, obj, act",
        g: &["_, _"],
        m: "g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act",
        ..Setup::default()
    };
    let mut expressions = String::new();
    for row in 0..200 {
        let _ = writeln!(expressions, "p, s{row}, ^/api/.*/x.*/items{}$, a", row % 50);
    }
    let patterns = Setup {
        r: "sub, obj, act",
        p: "sub, obj, act",
        m: "regexMatch(r.obj, p.obj) && r.act == p.act",
        ..Setup::default()
    };
    let path = format!("/api{}", "/xab".repeat(60));
    for (setup, policy, values) in [
        (roles, groups, ["u5", "o", "a"]),
        (patterns, expressions, ["", &path, "a"]),
    ] {
        let values = values.map(doorward_engine::Value::from);
        let request = doorward_engine::Request::new(&values);
        let decision = setup.engine(&policy).decide(&request);
        assert_eq!(decision.outcome, doorward_engine::Outcome::Deny);
        assert_eq!(decision.rows_examined, 0, "{}", setup.m);
    }
}
