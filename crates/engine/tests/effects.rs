//! Effects, priorities, and the choice among several definitions.

mod support;

use doorward_engine::{Engine, FieldIndex, Model, Settings};
use serde_json::json;
use support::{
    ALLOW_AND_DENY, ALLOW_OVERRIDE, DENY_OVERRIDE, Extra, PRIORITY, SUBJECT_PRIORITY, Setup,
    check_all, csv, decide, decide_with,
};

#[test]
fn every_effect_on_every_mix_of_rows() {
    let rows = |effects: &str| -> String {
        effects
            .split_whitespace()
            .zip(1..)
            .map(|(effect, number)| format!("p, r{number}, {effect}\n"))
            .collect()
    };
    let setup = |e| Setup {
        r: "x",
        p: "name, eft",
        e,
        m: "r.x != p.name",
        ..Setup::default()
    };
    let (a1, a2) = ("allow by p, r1, allow", "allow by p, r2, allow");
    let (d1, d2) = ("deny by p, r1, deny", "deny by p, r2, deny");
    let table = [
        ("allow", [a1, "allow", a1, a1]),
        ("deny", ["deny", d1, d1, d1]),
        ("indeterminate", ["deny", "allow", "deny", "deny"]),
        ("deny allow", [a2, d1, d1, d1]),
        ("allow deny", [a1, d2, d2, a1]),
        ("indeterminate allow", [a2, "allow", a2, a2]),
        ("indeterminate deny", ["deny", d2, d2, d2]),
        ("allow allow", [a1, "allow", a1, a1]),
    ];
    let effects = [ALLOW_OVERRIDE, DENY_OVERRIDE, ALLOW_AND_DENY, PRIORITY];
    let mut checked = Vec::new();
    for (mix, expected) in table {
        for (effect, expected) in effects.into_iter().zip(expected) {
            let engine = setup(effect).engine(&rows(mix));
            let found = decide(&engine, &json!(["other"]));
            checked.push((format!("{effect}: {mix}"), found, expected.to_owned()));
        }
    }
    check_all(checked);
    // Rows that do not match say nothing.
    for (effect, expected) in effects.into_iter().zip(["deny", "allow", "deny", "deny"]) {
        let engine = setup(effect).engine("p, r1, deny\n");
        assert_eq!(decide(&engine, &json!(["r1"])), expected);
    }
}

/// A first row without a value in one place, among rows enough for lookups.
#[test]
fn an_empty_field_is_a_value_in_the_first_row_too() {
    let places = ["r.a == p.a", "r.b == p.b", "r.c == p.c"];
    let mut checked = Vec::new();
    for (place, matcher) in places.into_iter().enumerate() {
        for matcher in [matcher.to_owned(), format!("{matcher} || r.a == 'no'")] {
            let setup = Setup {
                r: "a, b, c",
                p: "a, b, c, eft",
                e: DENY_OVERRIDE,
                m: &matcher,
                ..Setup::default()
            };
            let mut fields = ["x", "x", "x"];
            fields[place] = "";
            let mut policy = format!("p, {}, deny\n", fields.join(", "));
            for number in 0..20 {
                policy += &format!("p, a{number}, b{number}, c{number}, allow\n");
            }
            let found = decide(&setup.engine(&policy), &json!(fields));
            let row = format!("deny by p, {}, deny", fields.join(", "));
            checked.push((matcher, found, row));
        }
    }
    check_all(checked);
}

#[test]
fn rows_are_examined_as_far_as_needed() {
    // A lookup leaves one row or none; what is no lookup is asked of each row.
    // Few rows are gone through as they are, unless none can have the value.
    let few = "p, a, allow\np, b, deny\np, c, allow\n";
    let many = &format!("{few}p, d, deny\np, e, deny\np, f, deny\np, g, deny\n");
    let cases = [
        ("r.x == p.name", few, [1, 2, 0]),
        ("r.x == p.name", many, [1, 1, 0]),
        ("(r.x == p.name) == true", few, [1, 2, 3]),
        ("(r.x == p.name) == true", many, [1, 2, 7]),
    ];
    for (matcher, rows, expected) in cases {
        let setup = Setup {
            r: "x",
            p: "name, eft",
            m: matcher,
            e: PRIORITY,
            ..Setup::default()
        };
        let engine = setup.engine(rows);
        let examined = |name: &str| {
            let values = [doorward_engine::Value::from(name)];
            let request = doorward_engine::Request::new(&values);
            engine.decide(&request).rows_examined
        };
        assert_eq!(
            [examined("a"), examined("b"), examined("z")],
            expected,
            "{matcher} on {rows}"
        );
    }
}

#[test]
fn explicit_priority_sorts_rows() {
    let setup = Setup {
        r: "sub",
        p: "priority, sub, eft",
        m: "r.sub == p.sub",
        e: PRIORITY,
        ..Setup::default()
    };
    let policy = "p, 10, alice, allow\np, -1, bob, deny\np, 2, alice, deny\np, +2, bob, allow\n\
                  p, 02, alice, allow\n";
    let engine = setup.engine(policy);
    assert_eq!(
        decide(&engine, &json!(["alice"])),
        "deny by p, 2, alice, deny"
    );
    assert_eq!(decide(&engine, &json!(["bob"])), "deny by p, -1, bob, deny");
    // The field's position may be a setting, whatever its name.
    let named = Setup {
        p: "weight, sub, eft",
        ..setup
    };
    let settings = Settings {
        field_index: vec![FieldIndex {
            policy: "p".to_owned(),
            field: "priority".to_owned(),
            index: 0,
        }],
        ..Settings::default()
    };
    let engine = named.engine_with(policy, &settings);
    assert_eq!(
        decide(&engine, &json!(["alice"])),
        "deny by p, 2, alice, deny"
    );
    assert_eq!(
        decide(&named.engine(policy), &json!(["alice"])),
        "allow by p, 10, alice, allow"
    );
}

#[test]
fn subject_priority_puts_the_deeper_name_first() {
    let setup = Setup {
        p: "sub, obj, act, eft",
        g: &["_, _"],
        m: "g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act",
        e: SUBJECT_PRIORITY,
        ..Setup::default()
    };
    let policy = "p, root, data, read, deny\np, admin, data, read, allow\n\
                  p, alice, data, read, deny\ng, alice, admin\ng, admin, root\n";
    let engine = setup.engine(policy);
    let read = |name: &str| decide(&engine, &json!([name, "data", "read"]));
    assert_eq!(read("alice"), "deny by p, alice, data, read, deny");
    assert_eq!(read("admin"), "allow by p, admin, data, read, allow");
    assert_eq!(read("root"), "deny by p, root, data, read, deny");
    // A name below two roles lies below the deeper of them, every time.
    let two = format!("{policy}g, alice, guest\np, guest, data, read, allow\n");
    let engine = setup.engine(&two);
    assert_eq!(
        decide(&engine, &json!(["alice", "data", "read"])),
        "deny by p, alice, data, read, deny"
    );
}

#[test]
fn subject_priority_with_domains() {
    let setup = Setup {
        r: "sub, dom, act",
        p: "sub, dom, act, eft",
        g: &["_, _, _"],
        m: "g(r.sub, p.sub, r.dom) && r.dom == p.dom && r.act == p.act",
        e: SUBJECT_PRIORITY,
    };
    let policy = "p, admin, one, read, deny\np, alice, one, read, allow\n\
                  p, admin, two, read, deny\np, alice, two, read, allow\n\
                  g, alice, admin, one\n";
    let engine = setup.engine(policy);
    assert_eq!(
        decide(&engine, &json!(["alice", "one", "read"])),
        "allow by p, alice, one, read, allow"
    );
    // In another domain alice has no role, and only her own row matches.
    assert_eq!(
        decide(&engine, &json!(["alice", "two", "read"])),
        "allow by p, alice, two, read, allow"
    );
    assert_eq!(
        decide(&engine, &json!(["admin", "two", "read"])),
        "deny by p, admin, two, read, deny"
    );
}

const SEVERAL: &str = "[request_definition]\nr = sub, act\nr2 = sub\n\
    [policy_definition]\np = sub, act\np2 = sub, eft\n\
    [role_definition]\ng = _, _\n\
    [policy_effect]\ne = some(where (p.eft == allow))\ne2 = !some(where (p.eft == deny))\n\
    [matchers]\nm = g(r.sub, p.sub) && r.act == p.act\nm2 = r2.sub == p2.sub\nm3 = g(r2.sub, p2.sub)\n";

#[test]
fn definitions_are_chosen_per_request() {
    let model = Model::parse(SEVERAL).unwrap();
    let policy = csv("p, admin, read\np2, alice, deny\np2, admin, deny\ng, bob, admin\n");
    let engine = Engine::compile(&model, &policy, &Settings::default()).unwrap();
    let with = |names: [&str; 4], args| {
        let [r, p, e, m] = names;
        let context = engine.context(r, p, e, m).unwrap();
        let extra = Extra {
            context,
            ..Extra::default()
        };
        decide_with(&engine, &args, extra)
    };
    let table = [
        (
            ["r", "p", "e", "m"],
            json!(["bob", "read"]),
            "allow by p, admin, read",
        ),
        (
            ["r2", "p2", "e2", "m2"],
            json!(["alice"]),
            "deny by p2, alice, deny",
        ),
        (["r2", "p2", "e2", "m2"], json!(["bob"]), "allow"),
        (
            ["r2", "p2", "e2", "m3"],
            json!(["bob"]),
            "deny by p2, admin, deny",
        ),
        (["r2", "p2", "e", "m2"], json!(["bob"]), "deny"),
        // The matcher speaks of values that this choice leaves out.
        (
            ["r2", "p", "e", "m"],
            json!(["bob"]),
            "error: the matcher names a value that the request's context does not have by p, admin, read",
        ),
        (
            ["r", "p", "e", "m2"],
            json!(["bob", "read"]),
            "error: the matcher names a value that the request's context does not have",
        ),
        (
            ["r2", "p2", "e2", "m2"],
            json!(["a", "b"]),
            "error: the request has 2 values, its definition has 1",
        ),
    ];
    check_all(table.map(|(names, args, expected)| {
        (
            format!("{names:?} {args}"),
            with(names, args.clone()),
            expected.to_owned(),
        )
    }));
    assert!(engine.context("r3", "p", "e", "m").is_none());
    assert!(engine.context("r", "p3", "e", "m").is_none());
    assert!(engine.context("r", "p", "e3", "m").is_none());
    assert!(engine.context("r", "p", "e", "m4").is_none());
    assert!(engine.graph("g2").is_none());
}

#[test]
fn the_engine_tells_what_it_holds() {
    fn shared<T: Send + Sync>(_: &T) {}
    let model = Model::parse(SEVERAL).unwrap();
    let policy = csv("p, admin, read\np, admin, read\np2, alice, deny\ng, bob, admin\n");
    let engine = Engine::compile(&model, &policy, &Settings::default()).unwrap();
    shared(&engine);
    assert_eq!(engine.row_count(), 3);
    let counts = ["p", "p2", "g", "g2"].map(|kind| engine.row_count_of(kind));
    assert_eq!(counts, [1, 1, 1, 0]);
    let second = engine.context("r2", "p", "e", "m").unwrap();
    let names = |context| engine.request_definition(context).unwrap().join(" ");
    assert_eq!(names(second), "sub");
    assert_eq!(names(doorward_engine::Context::default()), "sub act");
    // A context or a rule of another engine is an error, not a panic.
    let small = Setup::default().engine("");
    assert!(small.request_definition(second).is_none());
    let extra = Extra {
        context: second,
        ..Extra::default()
    };
    assert_eq!(
        decide_with(&small, &json!(["a", "b", "c"]), extra),
        "error: the request's context is not of this engine"
    );
    let values = ["bob", "read"].map(doorward_engine::Value::from);
    let rule = engine
        .decide(&doorward_engine::Request::new(&values))
        .rule
        .unwrap();
    assert_eq!(engine.rule(rule).unwrap().line(), 1);
    assert!(small.rule(rule).is_none());
    let foreign = doorward_engine::RoleLink {
        graph: engine.graph("g").unwrap(),
        subject: "a",
        role: "b",
    };
    let extra = Extra {
        roles: &[foreign],
        ..Extra::default()
    };
    assert_eq!(
        decide_with(&small, &json!(["a", "b", "c"]), extra),
        "error: a role link of the request names a role graph that is not of this engine"
    );
}

#[test]
fn whether_the_policy_is_read() {
    let table = [
        (ALLOW_OVERRIDE, "r.sub == p.sub", true),
        (ALLOW_OVERRIDE, "r.sub == r.obj", false),
        (ALLOW_OVERRIDE, "eval(p.sub)", true),
        (DENY_OVERRIDE, "r.sub == r.obj", true),
        (ALLOW_AND_DENY, "r.sub == r.obj", true),
        (PRIORITY, "r.sub == r.obj", true),
    ];
    for (e, m, expected) in table {
        let engine = Setup {
            e,
            m,
            ..Setup::default()
        }
        .engine("");
        assert_eq!(engine.reads_policy(), expected, "{e}, {m}");
    }
}
