//! Where Casbin's Go implementation loads what it cannot decide by, or what
//! then decides by chance: what this engine does instead. The rows of
//! docs/casbin-compatibility.md that `deviations.rs` has not.

mod support;

use doorward_engine::{
    Engine, LinkCondition, LinkConditionFunction, Model, Policy, ReservedPrefix, Settings,
};
use serde_json::{Value as Json, json};
use support::{ALLOW_AND_DENY, Extra, PRIORITY, Setup, check_all, decide, decide_with};

/// Role questions with a period to each link.
const PERIODS: Setup<'_> = Setup {
    r: "sub, role, dom",
    p: "sub",
    g: &["_, _, _, (_, _)"],
    e: support::ALLOW_OVERRIDE,
    m: "g(r.sub, r.role, r.dom)",
};

/// There, a link after the first one is looked up without its domain, so that
/// its condition is not found, and it holds for ever.
#[test]
fn every_level_of_a_conditional_role_is_checked() {
    let settings = Settings {
        link_conditions: vec![LinkCondition {
            graph: "g".to_owned(),
            function: LinkConditionFunction::TimeMatch,
        }],
        ..Settings::default()
    };
    let policy = "g, alice, dev, one, _, _\ng, dev, staff, one, _, 1970-01-02 00:00:00\n";
    let engine = PERIODS.engine_with(policy, &settings);
    check_all(
        [
            ("dev", 0, "allow"),
            ("staff", 0, "allow"),
            ("dev", 86_400, "allow"),
            ("staff", 86_400, "deny"),
        ]
        .map(|(role, now, expected)| {
            let extra = Extra {
                now,
                ..Extra::default()
            };
            let found = decide_with(&engine, &json!(["alice", role, "one"]), extra);
            (format!("{role} at {now}"), found, expected.to_owned())
        }),
    );
}

/// There, such links hold for ever.
#[test]
fn periods_need_a_condition() {
    assert_eq!(
        PERIODS.refusal("", &Settings::default()),
        "settings, link_condition: g has parameters but no condition, its links would hold for ever"
    );
}

/// There, they sort as text beside numbers, in an order that depends on the
/// order of the rows.
#[test]
fn priorities_are_whole_numbers() {
    let setup = Setup {
        p: "priority, sub, eft",
        e: PRIORITY,
        m: "r.sub == p.sub",
        ..Setup::default()
    };
    for priority in ["high", "1.5", "", "0x1"] {
        assert_eq!(
            setup.refusal(&format!("p, {priority}, a, allow\n"), &Settings::default()),
            format!(
                "line 1: the priority \"{priority}\" in field priority of p is not a whole number"
            )
        );
    }
}

/// There, only a model that loads and later changes of roles are checked.
#[test]
fn a_policy_that_breaks_a_constraint_is_refused() {
    let text = format!(
        "{}[role_definition]\ng = _, _\n[constraint_definition]\nc = sod(\"payer\", \"auditor\")\n",
        Setup::default().text()
    );
    let model = Model::parse(&text).unwrap();
    let compile = |policy| {
        Engine::compile(&model, &support::csv(policy), &Settings::default())
            .map(|_| ())
            .map_err(|error| error.to_string())
    };
    assert_eq!(compile("g, ann, payer\ng, ben, auditor\n"), Ok(()));
    assert_eq!(
        compile("g, ann, payer\ng, ann, auditor\n"),
        Err(
            "line 2: constraint c is broken: ann has payer and auditor, of payer, auditor at most 1"
                .to_owned()
        )
    );
}

/// There, the model loads, and every request is an error.
#[test]
fn unknown_effects_are_refused() {
    for effect in [
        "some(where (p.eft==allow))",
        "some(where (p.eft == deny))",
        "priority(p.eft)",
    ] {
        let setup = Setup {
            e: effect,
            ..Setup::default()
        };
        let refusal = setup.refusal("", &Settings::default());
        let expected = format!("model: line 6, column 5: \"{effect}\" is not an effect");
        assert!(refusal.starts_with(&expected), "{refusal}");
    }
}

/// A subject that is named like a role has it, there and here. A prefix that
/// only links of one request may introduce is therefore closed to subjects.
#[test]
fn no_subject_has_a_reserved_prefix() {
    let setup = Setup {
        g: &["_, _"],
        m: "g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act",
        ..Setup::default()
    };
    let policy = "p, scope:read, data, read\n";
    let asked = json!(["scope:read", "data", "read"]);
    assert_eq!(
        decide(&setup.engine(policy), &asked),
        "allow by p, scope:read, data, read"
    );
    let settings = Settings {
        reserved: vec![ReservedPrefix {
            graph: "g".to_owned(),
            prefix: "scope:".to_owned(),
        }],
        ..Settings::default()
    };
    assert_eq!(
        decide(&setup.engine_with(policy, &settings), &asked),
        "error: the subject starts with a prefix that is reserved for roles of the request"
    );
}

/// There, they fail or panic when a request meets them.
#[test]
fn malformed_patterns_are_refused_with_their_row() {
    for (function, pattern, reason) in [
        ("regexMatch", "^(GET", "a parenthesis is not closed"),
        ("keyMatch2", "/a(/:id", "a parenthesis is not closed"),
        (
            "ipMatch",
            "10.0.0.0/33",
            "neither an ip address nor an address block such as 10.0.0.0/8",
        ),
        ("globMatch", "/{a", "a brace is not closed"),
    ] {
        let matcher = format!("{function}(r.obj, p.obj)");
        let setup = Setup {
            m: &matcher,
            ..Setup::default()
        };
        assert_eq!(
            setup.refusal(
                &format!("# why\np, a, {pattern}, x\n"),
                &Settings::default()
            ),
            format!("line 2: field obj of p is not a pattern for {function}: {reason}")
        );
    }
}

/// There and here: the rules of rows are read when they are used.
#[test]
fn malformed_rules_load_and_err_when_used() {
    let setup = Setup {
        p: "sub_rule, obj, eft",
        e: ALLOW_AND_DENY,
        m: "r.obj == p.obj && eval(p.sub_rule)",
        ..Setup::default()
    };
    let engine = setup.engine("p, r.sub ==, data1, allow\np, r.sub == 'ann', data2, allow\n");
    let table: [(Json, &str); 2] = [
        (
            json!(["ann", "data1", "x"]),
            "error: eval: the rule is malformed by p, r.sub ==, data1, allow",
        ),
        (
            json!(["ann", "data2", "x"]),
            "allow by p, r.sub == 'ann', data2, allow",
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

/// `;` and `#`, `p_x` and `p.x`, `IN` and `in`, lists in either brackets: as
/// there, but never inside quotes.
#[test]
fn spellings() {
    let text = "; why\n[request_definition]\nr = sub, obj ; the request\n\
        [policy_definition]\np = sub, obj # the row\n\
        [policy_effect]\ne = some(where (p_eft == allow))\n\
        [matchers]\nm = r_sub == p.sub && (r.obj IN ['a', 'p_obj'] || r.obj in ('IN;', p_obj)) ; why\n";
    let model = Model::parse(text).unwrap();
    let policy = Policy::parse_csv("p, ann, b\n").unwrap();
    let engine = Engine::compile(&model, &policy, &Settings::default()).unwrap();
    for (object, expected) in [
        ("a", "allow by p, ann, b"),
        ("b", "allow by p, ann, b"),
        ("p_obj", "allow by p, ann, b"),
        ("IN;", "allow by p, ann, b"),
        ("p.obj", "deny"),
        ("in;", "deny"),
    ] {
        assert_eq!(
            decide(&engine, &json!(["ann", object])),
            expected,
            "{object}"
        );
    }
}
