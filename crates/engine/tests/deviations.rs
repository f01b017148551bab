//! Where Casbin's Go implementation could allow more than the text of a
//! policy says, or answers by chance: what this engine does instead. And
//! where it is followed although it surprises.

mod support;

use doorward_engine::{MatchFunction, RoleMatching, Settings};
use serde_json::{Value as Json, json};
use support::{
    ALLOW_AND_DENY, ALLOW_OVERRIDE, DENY_OVERRIDE, PRIORITY, SUBJECT_PRIORITY, Setup, check_all,
    decide,
};

/// One value, one column, one matcher.
fn setup(m: &str) -> Setup<'_> {
    Setup {
        r: "x",
        p: "y",
        m,
        ..Setup::default()
    }
}

fn decisions<'a>(
    setup: &Setup<'_>,
    policy: &str,
    table: impl IntoIterator<Item = (Json, &'a str)>,
) {
    let engine = setup.engine(policy);
    check_all(table.into_iter().map(|(args, expected)| {
        (
            format!("{} {args}", setup.m),
            decide(&engine, &args),
            expected.to_owned(),
        )
    }));
}

/// There, "in" anywhere in a matcher (even in "admin") turns brackets in
/// quotes into parentheses, and `p.html` in quotes becomes `p_html`.
#[test]
fn text_in_quotes_is_untouched() {
    decisions(
        &setup("regexMatch(r.x, '^[a-z]$') && r.x != 'admin'"),
        "",
        [
            (json!(["b"]), "allow"),
            (json!(["a-z"]), "deny"),
            (json!(["5"]), "deny"),
        ],
    );
    decisions(
        &setup("r.x == '/p.html' || r.x == \"r.sub\""),
        "",
        [
            (json!(["/p.html"]), "allow"),
            (json!(["/p_html"]), "deny"),
            (json!(["r.sub"]), "allow"),
        ],
    );
    decisions(
        &setup("r.x == 'a#b' || r.x == 'a;b' # comment"),
        "",
        [
            (json!(["a#b"]), "allow"),
            (json!(["a;b"]), "allow"),
            (json!(["a"]), "deny"),
        ],
    );
    decisions(
        &setup("r.x == \"it's\" || r.x == 'a\\b'"),
        "",
        [
            (json!(["it's"]), "allow"),
            (json!(["a\\b"]), "allow"),
            (json!(["ab"]), "deny"),
        ],
    );
}

/// There, date-like text becomes a number, in local time.
#[test]
fn dates_are_text_where_compared_for_equality() {
    decisions(
        &setup("r.x == '2026-12-25'"),
        "",
        [
            (json!(["2026-12-25"]), "allow"),
            (json!([1_798_156_800]), "deny"),
        ],
    );
    decisions(
        &setup("r.x != '2026-12-25'"),
        "",
        [
            (json!(["2026-12-25"]), "deny"),
            (json!(["2026-12-26"]), "allow"),
        ],
    );
    decisions(
        &setup("r.x in ('2026-12-25', '12:30PM')"),
        "",
        [
            (json!(["2026-12-25"]), "allow"),
            (json!(["12:30PM"]), "allow"),
            (json!([1_798_156_800]), "deny"),
        ],
    );
    // Ordering compares times, as there, but in UTC.
    let error = "error: operator < does not take a value of that type";
    for date in [
        "2026-12-25",
        "2026-12-25 00:00",
        "2026-12-25 00:00:00",
        "2026-12-25 02:00:00+02:00",
        "2026-12-24T22:00:00-02:00",
        "2026-12-24T22:00-0200",
        "2026-12-24T22-0200",
        "2026-12-24T22:00:00-0200",
        "2026-12-25T00:00:00.000000000+00:00",
        "Fri Dec 25 00:00:00 2026",
        "Fri Dec 25 01:00:00 +0100 2026",
    ] {
        let matcher = format!("r.x < '{date}'");
        decisions(
            &setup(&matcher),
            "",
            [
                (json!([1_798_156_799]), "allow"),
                (json!([1_798_156_800]), "deny"),
                (json!(["2026-12-24"]), error),
            ],
        );
    }
    decisions(
        &setup("r.x < '2026-13-25'"),
        "",
        [(json!(["2026-12-25"]), "allow"), (json!([1]), error)],
    );
}

/// There, a list given to a function becomes its arguments.
#[test]
fn a_list_is_one_argument_of_the_wrong_type() {
    let roles = Setup {
        r: "x, dom",
        g: &["_, _, _"],
        m: "g(r.x, p.y, r.dom)",
        ..setup("")
    };
    decisions(
        &roles,
        "p, root\ng, bob, root, one\n",
        [
            (
                json!([["bob", "root"], "one"]),
                "error: g: argument 1 must be text by p, root",
            ),
            (json!(["bob", "one"]), "allow by p, root"),
        ],
    );
    decisions(
        &setup("keyMatch(r.x, p.y)"),
        "p, a\n",
        [(
            json!([["a", "a"]]),
            "error: keyMatch: argument 1 must be text by p, a",
        )],
    );
}

/// There, cycles in graphs with domains go unseen, and with subject priority
/// a cycle never ends.
#[test]
fn circles_of_roles_are_refused() {
    let domains = Setup {
        g: &["_, _, _"],
        ..Setup::default()
    };
    assert_eq!(
        domains.refusal("g, a, b, one\ng, b, a, one\n", &Settings::default()),
        "line 2: the roles run in a circle in domain one: a -> b -> a"
    );
    let priority = Setup {
        g: &["_, _"],
        e: SUBJECT_PRIORITY,
        ..Setup::default()
    };
    assert_eq!(
        priority.refusal("g, a, b\ng, b, a\n", &Settings::default()),
        "line 2: the roles run in a circle: a -> b -> a"
    );
}

/// There, rows are told apart by their fields joined with a comma.
#[test]
fn rows_are_told_apart_by_their_fields() {
    let engine = Setup::default().engine("p, \"a,b\", c, d\np, a, \"b,c\", d\np, a, \"b,c\", d\n");
    assert_eq!(engine.row_count(), 2);
    assert_eq!(
        decide(&engine, &json!(["a", "b,c", "d"])),
        "allow by p, a, \"b,c\", d"
    );
    assert_eq!(
        decide(&engine, &json!(["a,b", "c", "d"])),
        "allow by p, \"a,b\", c, d"
    );
}

/// There, an unknown effect of a row is ignored, and a deny row with it.
#[test]
fn effects_of_rows_are_checked() {
    let deny = Setup {
        p: "y, eft",
        e: ALLOW_AND_DENY,
        ..setup("r.x == p.y")
    };
    for effect in ["Deny", "DENY", "denied", "deny\u{a0}x"] {
        assert_eq!(
            deny.refusal(&format!("p, a, {effect}\n"), &Settings::default()),
            format!("line 1: the effect \"{effect}\" is not allow, deny or indeterminate")
        );
    }
}

/// `keyMatch(r.dom, p.dom)` on the second names, in these very words, makes
/// keyMatch the domain matching function of g. Followed.
#[test]
fn the_words_that_match_domains() {
    let with = |m| Setup {
        r: "sub, dom",
        p: "sub, dom",
        g: &["_, _, _"],
        m,
        ..Setup::default()
    };
    let policy = "p, admin, *\ng, alice, admin, *\n";
    let table = [
        (
            "g(r.sub, p.sub, r.dom) && keyMatch(r.dom, p.dom)",
            "allow by p, admin, *",
        ),
        (
            "g(r_sub, p_sub, r_dom) && keyMatch(r_dom, p_dom)",
            "allow by p, admin, *",
        ),
        ("g(r.sub, p.sub, r.dom) && keyMatch(r.dom,p.dom)", "deny"),
        ("g(r.sub, p.sub, r.dom) && keyMatch( r.dom, p.dom )", "deny"),
        ("g(r.sub, p.sub, r.dom) && keyMatch2(r.dom, p.dom)", "deny"),
    ];
    for (matcher, expected) in table {
        decisions(
            &with(matcher),
            policy,
            [(json!(["alice", "one"]), expected)],
        );
    }
    // Only the second names do.
    let third = Setup {
        r: "sub, act, dom",
        p: "sub, act, dom",
        g: &["_, _, _"],
        m: "g(r.sub, p.sub, r.dom) && keyMatch(r.dom, p.dom)",
        ..Setup::default()
    };
    decisions(
        &third,
        "p, admin, x, *\ng, alice, admin, *\n",
        [(json!(["alice", "x", "one"]), "deny")],
    );
    // What the settings say comes first.
    let settings = Settings {
        role_matching: vec![RoleMatching {
            graph: "g".to_owned(),
            role: None,
            domain: Some(MatchFunction::RegexMatch),
        }],
        ..Settings::default()
    };
    let matcher = "g(r.sub, p.sub, r.dom) && keyMatch(r.dom, p.dom)";
    let engine = with(matcher).engine_with("p, admin, *\ng, alice, admin, ^one$\n", &settings);
    assert_eq!(
        decide(&engine, &json!(["alice", "one"])),
        "allow by p, admin, *"
    );
}

/// A matcher that does not read the policy ignores it, deny rows too. Followed,
/// but no rule is named.
#[test]
fn a_matcher_without_the_policy() {
    for (effect, yes, no) in [
        (ALLOW_OVERRIDE, "allow", "deny"),
        (ALLOW_AND_DENY, "allow", "deny"),
        (PRIORITY, "allow", "deny"),
        (DENY_OVERRIDE, "allow", "allow"),
    ] {
        let alone = Setup {
            p: "y, eft",
            e: effect,
            ..setup("r.x == 'a'")
        };
        decisions(
            &alone,
            "p, a, deny\np, b, allow\n",
            [(json!(["a"]), yes), (json!(["b"]), no)],
        );
    }
}

/// Without rows the matcher is asked once, and every field is empty. Followed.
#[test]
fn no_rows() {
    decisions(
        &Setup::default(),
        "",
        [
            (json!(["", "", ""]), "allow"),
            (json!(["a", "", ""]), "deny"),
        ],
    );
    let deny = Setup {
        p: "y, eft",
        e: DENY_OVERRIDE,
        ..setup("r.x == p.y")
    };
    decisions(&deny, "", [(json!(["a"]), "allow")]);
    decisions(
        &setup("r.x == 'root' || r.x == p.y"),
        "",
        [(json!(["root"]), "allow"), (json!(["a"]), "deny")],
    );
    decisions(
        &setup("eval(p.y)"),
        "",
        [(json!(["a"]), "error: eval: the policy has no rule")],
    );
    decisions(
        &setup("1 + 1"),
        "",
        [(
            json!(["a"]),
            "error: the matcher's result is neither a truth value nor a number",
        )],
    );
}

/// Patterns of keyMatch2 to 5 are regular expressions. Followed.
#[test]
fn key_patterns_are_regular_expressions() {
    decisions(
        &setup("keyMatch2(r.x, p.y)"),
        "p, *\n",
        [
            (json!(["anything"]), "allow by p, *"),
            (json!([""]), "allow by p, *"),
        ],
    );
    decisions(
        &setup("keyMatch2(r.x, p.y)"),
        "p, /public|/admin\np, /api.v1/users\n",
        [
            (
                json!(["/public-stuff/anything"]),
                "allow by p, /public|/admin",
            ),
            (json!(["/apiXv1/users"]), "allow by p, /api.v1/users"),
        ],
    );
    for function in ["keyMatch2", "keyMatch3", "keyMatch5"] {
        let matcher = format!("{function}(r.x, p.y)");
        decisions(
            &setup(&matcher),
            "p, /foo*\n",
            [
                (json!(["/foo"]), "allow by p, /foo*"),
                (json!(["/fooo"]), "allow by p, /foo*"),
                (json!(["/foobar"]), "deny"),
            ],
        );
    }
}

/// There, a malformed rule of another object makes an error of a decision if
/// eval stands first, and none if it stands last.
#[test]
fn the_order_of_terms_changes_nothing() {
    let policy = "p, r.sub.Age >, data1, read\np, r.sub.Age > 18, data2, read\n";
    for matcher in [
        "eval(p.sub_rule) && r.obj == p.obj && r.act == p.act",
        "r.obj == p.obj && r.act == p.act && eval(p.sub_rule)",
    ] {
        let rules = Setup {
            p: "sub_rule, obj, act",
            m: matcher,
            ..Setup::default()
        };
        decisions(
            &rules,
            policy,
            [
                (
                    json!([{"Age": 20}, "data2", "read"]),
                    "allow by p, r.sub.Age > 18, data2, read",
                ),
                (
                    json!([{"Age": 20}, "data1", "read"]),
                    "error: eval: the rule is malformed by p, r.sub.Age >, data1, read",
                ),
            ],
        );
    }
}

/// A name has the role named like it, and under role matching a pattern in a
/// row matches it directly. Followed.
#[test]
fn names_that_are_roles() {
    let roles = Setup {
        g: &["_, _"],
        m: "g(r.x, p.y)",
        ..setup("")
    };
    decisions(
        &roles,
        "p, admin\n",
        [(json!(["admin"]), "allow by p, admin")],
    );
    let settings = Settings {
        role_matching: vec![RoleMatching {
            graph: "g".to_owned(),
            role: Some(MatchFunction::KeyMatch2),
            domain: None,
        }],
        ..Settings::default()
    };
    let engine = roles.engine_with("p, /team/:id\n", &settings);
    assert_eq!(
        decide(&engine, &json!(["/team/9"])),
        "allow by p, /team/:id"
    );
    assert_eq!(decide(&engine, &json!(["/team/9/x"])), "deny");
}

/// Text left over after an expression in brackets is dropped there.
#[test]
fn nothing_of_a_matcher_is_dropped() {
    let refusal = setup("(r.x == 'a') r.x == p.y").refusal("", &Settings::default());
    assert_eq!(refusal, "model: line 8, column 18: unexpected \"r.x\"");
}

/// A field with space after it keeps the space, as there.
#[test]
fn space_after_a_field_counts() {
    let engine = Setup::default().engine("p, alice , data, read \n");
    assert_eq!(decide(&engine, &json!(["alice", "data", "read"])), "deny");
    assert_eq!(
        decide(&engine, &json!(["alice ", "data", "read"])),
        "allow by p, \"alice \", data, read"
    );
}
