//! Inputs meant to hurt: each is refused or decided, and none panics, hangs
//! or grows beyond its limits.

mod support;

use doorward_engine::{
    Limits, MatchFunction, Model, Policy, Request, RoleLink, RoleMatching, Settings, Value,
};
use serde_json::json;
use support::{Extra, Setup, csv, decide, decide_with};

fn refusal(matcher: &str) -> String {
    let setup = Setup {
        m: matcher,
        ..Setup::default()
    };
    match Model::parse(&setup.text()) {
        Ok(_) => "accepted".to_owned(),
        Err(error) => error.message().to_owned(),
    }
}

#[test]
fn deep_and_long_expressions() {
    let deep = "the expression nests deeper than 64 levels";
    let brackets = |depth: usize| format!("{}true{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(refusal(&brackets(60)), "accepted");
    assert_eq!(refusal(&brackets(100_000)), deep);
    assert_eq!(refusal(&"(".repeat(100_000)), deep);
    assert_eq!(refusal(&"!(".repeat(100_000)), deep);
    assert_eq!(refusal(&"keyMatch(".repeat(100_000)), deep);
    assert_eq!(refusal(&format!("1{} == 1", " + 1".repeat(60))), "accepted");
    assert_eq!(refusal(&format!("1{} == 1", " + 1".repeat(100_000))), deep);
    assert_eq!(
        refusal(&format!("true{}", " ? true : true".repeat(100_000))),
        deep
    );
    // A chain of terms is flat, however long.
    assert_eq!(
        refusal(&format!("true{}", " && true".repeat(100_000))),
        "accepted"
    );
    assert_eq!(
        refusal(&format!("false{}", " || false".repeat(100_000))),
        "accepted"
    );
    let list = format!("r.sub in ('a'{})", ", 'a'".repeat(100_000));
    assert_eq!(refusal(&list), "accepted");
    let path = format!("r.sub{} == 1", ".x".repeat(10_000));
    assert_eq!(refusal(&path), "accepted");
    assert_eq!(refusal(&"'".repeat(100_000)), "unexpected the text ''");
    assert_eq!(refusal(&"9".repeat(100_000)), "accepted");
}

#[test]
fn nesting_is_a_limit() {
    let setup = Setup {
        m: "((((r.sub == p.sub))))",
        ..Setup::default()
    };
    let limits = Limits {
        expression_depth: 3,
        ..Limits::default()
    };
    let error = Model::parse_with_limits(&setup.text(), &limits).unwrap_err();
    assert_eq!(error.message(), "the expression nests deeper than 3 levels");
}

#[test]
fn a_number_too_large_is_infinite_and_still_compares() {
    let setup = Setup {
        r: "x",
        p: "y",
        m: &format!("r.x < {}", "9".repeat(400)),
        ..Setup::default()
    };
    assert_eq!(decide(&setup.engine(""), &json!([1e308])), "allow");
}

#[test]
fn large_models() {
    let mut text = Setup::default().text();
    for number in 2..100_000 {
        text.push_str(&format!("m{number} = true\n"));
    }
    let error = Model::parse(&text).unwrap_err();
    assert_eq!(error.message(), "m65 is over the limit of 64 definitions");
    let names: Vec<String> = (0..100_000).map(|number| format!("n{number}")).collect();
    let names = names.join(", ");
    let setup = Setup {
        r: &names,
        ..Setup::default()
    };
    let error = Model::parse(&setup.text()).unwrap_err();
    assert_eq!(error.message(), "r has more than 256 names");
}

#[test]
fn patterns_are_bounded() {
    let setup = Setup {
        r: "x",
        p: "y",
        m: "regexMatch(r.x, p.y)",
        ..Setup::default()
    };
    let refused = |pattern: &str| setup.refusal(&format!("p, {pattern}\n"), &Settings::default());
    let start = "line 1: field y of p is not a pattern for regexMatch: ";
    assert_eq!(
        refused(&"a".repeat(5_000)),
        format!("{start}it has 5000 bytes, the limit is 4096")
    );
    assert_eq!(
        refused(&"(".repeat(4_000)),
        format!("{start}groups nest deeper than 50")
    );
    assert_eq!(
        refused("((a{10}){10}){11}"),
        format!("{start}repetitions multiply to more than 1000")
    );
    assert_eq!(
        refused(&"\\x{0}-\\x{10ffff}[^/]{500}".repeat(3)),
        format!("{start}its regular expression needs more than 262144 bytes")
    );
    assert_eq!(refused(&"{".repeat(4_000)), "accepted");
    let few = Settings {
        limits: Limits {
            patterns: 2,
            ..Limits::default()
        },
        ..Settings::default()
    };
    assert_eq!(
        setup.refusal("p, a.\np, b.\np, a.\np, c.\n", &few),
        "line 4: field y of p is not a pattern for regexMatch: the policy has more than 2 distinct patterns"
    );
    let glob = Setup {
        m: "globMatch(r.x, p.y)",
        ..setup
    };
    assert_eq!(
        glob.refusal(
            &format!("p, \"{}\"\n", "{a,b}".repeat(20)),
            &Settings::default()
        ),
        "line 1: field y of p is not a pattern for globMatch: its braces make more than 256 alternatives"
    );
    // What defeats backtracking is linear here.
    let engine = setup.engine("p, (a*)*(a*)*(a*)*b$\n");
    assert_eq!(decide(&engine, &json!(["a".repeat(20_000)])), "deny");
    let engine = glob.engine(&format!("p, {}b\n", "*a".repeat(1_000)));
    assert_eq!(decide(&engine, &json!(["a".repeat(5_000)])), "deny");
}

#[test]
fn rows_are_bounded() {
    let settings = Settings {
        limits: Limits {
            rows: 2,
            ..Limits::default()
        },
        ..Settings::default()
    };
    assert_eq!(
        Setup::default().refusal("p, a, b, c\np, a, b, d\np, a, b, e\n", &settings),
        "the policy has 3 rows, the limit is 2"
    );
    let rules = Setup {
        r: "x",
        p: "y",
        m: "eval(p.y)",
        ..Setup::default()
    };
    assert_eq!(
        rules.refusal(&format!("p, {}\n", "x".repeat(5_000)), &Settings::default()),
        "line 1: the rule in field y has 5000 bytes, the limit is 4096"
    );
}

#[test]
fn rules_that_come_with_requests_are_bounded() {
    let setup = Setup {
        r: "rule",
        p: "y",
        m: "eval(r.rule) && p.y == 'a'",
        ..Setup::default()
    };
    let engine = setup.engine("p, a\n");
    let malformed = "error: eval: the rule is malformed by p, a";
    for rule in [
        "(".repeat(4_000),
        "x".repeat(100_000),
        "!(".repeat(2_000),
        "regexMatch('a', '(')".to_owned(),
    ] {
        assert_eq!(decide(&engine, &json!([rule])), malformed);
    }
}

#[test]
fn roles_of_a_request_are_bounded() {
    let setup = Setup {
        g: &["_, _"],
        m: "g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act",
        ..Setup::default()
    };
    let engine = setup.engine("p, r9999, data, read\n");
    let graph = engine.graph("g").unwrap();
    let names: Vec<String> = (0..10_001).map(|number| format!("r{number}")).collect();
    let links: Vec<RoleLink<'_>> = names
        .iter()
        .map(|role| RoleLink {
            graph,
            subject: "alice",
            role,
        })
        .collect();
    let read = json!(["alice", "data", "read"]);
    let with = |roles| Extra {
        roles,
        ..Extra::default()
    };
    assert_eq!(
        decide_with(&engine, &read, with(&links[..10_000])),
        "allow by p, r9999, data, read"
    );
    assert_eq!(
        decide_with(&engine, &read, with(&links)),
        "error: limit reached: request_roles"
    );
    let settings = Settings {
        limits: Limits {
            role_visits: 100,
            ..Limits::default()
        },
        ..Settings::default()
    };
    let engine = setup.engine_with("p, r9999, data, read\n", &settings);
    assert_eq!(
        decide_with(&engine, &read, with(&links[..1_000])),
        "error: limit reached: role_visits"
    );
}

/// Every name is linked to every name of the next level: paths multiply.
#[test]
fn many_paths_between_roles() {
    let mut policy = String::new();
    for level in 0..9 {
        for from in 0..20 {
            for to in 0..20 {
                policy.push_str(&format!("g, n{level}x{from}, n{}x{to}\n", level + 1));
            }
        }
    }
    let setup = Setup {
        r: "a, b",
        p: "sub",
        g: &["_, _"],
        m: "g(r.a, r.b)",
        ..Setup::default()
    };
    let engine = setup.engine(&policy);
    assert_eq!(decide(&engine, &json!(["n0x0", "n9x19"])), "allow");
    assert_eq!(decide(&engine, &json!(["n0x0", "none"])), "deny");
    let settings = Settings {
        role_matching: vec![RoleMatching {
            graph: "g".to_owned(),
            role: Some(MatchFunction::KeyMatch),
            domain: None,
        }],
        ..Settings::default()
    };
    let engine = setup.engine_with(&policy, &settings);
    assert_eq!(decide(&engine, &json!(["n0x0", "n9x19"])), "allow");
}

#[test]
fn a_long_chain_of_roles_loads() {
    let policy: String = (0..50_000)
        .map(|n| format!("g, n{n}, n{}\n", n + 1))
        .collect();
    let setup = Setup {
        g: &["_, _"],
        e: support::SUBJECT_PRIORITY,
        ..Setup::default()
    };
    assert_eq!(setup.refusal(&policy, &Settings::default()), "accepted");
    let circle = format!("{policy}g, n50000, n0\n");
    let found = setup.refusal(&circle, &Settings::default());
    assert_eq!(
        found,
        "line 50001: the roles run in a circle: n0 -> n1 -> n2 -> n3 -> n4 -> ... -> n50000 -> n0"
    );
}

#[test]
fn json_as_deep_as_it_comes() {
    let mut deep = json!(1);
    for _ in 0..100 {
        deep = json!([deep]);
    }
    let setup = Setup {
        r: "x, y",
        p: "z",
        m: "r.x == r.y",
        ..Setup::default()
    };
    let engine = setup.engine("");
    assert_eq!(
        decide(&engine, &json!([deep.clone(), deep.clone()])),
        "allow"
    );
    assert_eq!(decide(&engine, &json!([deep.clone(), [deep]])), "deny");
}

/// Bytes of every kind, cut and joined by a fixed sequence of numbers, through
/// every reader: nothing panics.
#[test]
fn junk() {
    let pieces = [
        "[matchers]\n",
        "m = ",
        "r = sub\n",
        "[request_definition]\n",
        "p = a, b\n",
        "g = _, _\n",
        "[policy_definition]\n",
        "e = some(where (p.eft == allow))\n",
        "[policy_effect]\n",
        "r.sub",
        "p.a",
        "(",
        ")",
        "[",
        "]",
        "'",
        "\"",
        "\\",
        "\n",
        " && ",
        " || ",
        "!",
        "in",
        ",",
        "==",
        "g(",
        "eval(",
        "keyMatch2(",
        "0x",
        "1.5",
        "é",
        "\u{0}",
        "?",
        ":",
        "??",
        "#",
        ";",
        "{",
        "}",
        "*",
        "/*",
        ":id",
        "^",
        "$",
        "(?i)",
        "[^a-",
        "\\Q",
        "{1,2}",
        "p, a, b\n",
        "g, a, b\n",
    ];
    let mut state: u64 = 0x2545_f491_4f6c_dd1d;
    let mut next = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % bound as u64).unwrap()
    };
    let base = Setup::default();
    for _ in 0..3_000 {
        let mut text = String::new();
        for _ in 0..next(12) {
            text.push_str(pieces[next(pieces.len())]);
        }
        let _ = Model::parse(&text);
        let _ = Policy::parse_csv(&text);
        let matcher = text.replace('\n', " ");
        let model = Model::parse(
            &Setup {
                m: &matcher,
                ..base
            }
            .text(),
        );
        for function in MatchFunction::ALL {
            let args = [Value::from("/a/b"), Value::from(&text)];
            let _ = doorward_engine::call_function(function.name(), &args, 0);
        }
        let Ok(model) = model else { continue };
        let policy = csv("p, /a/:id, r.sub == p.act, (x)\np, a, true, b\n");
        if let Ok(engine) = doorward_engine::Engine::compile(&model, &policy, &Settings::default())
        {
            let values = [Value::from("a"), Value::from(1), Value::from(&text)];
            let decision = engine.decide(&Request::new(&values));
            assert!(decision.rows_examined <= 2);
        }
    }
}
