//! Role graphs: hierarchy, domains, patterns, conditions, and links of one
//! request.

mod support;

use doorward_engine::{
    Engine, LinkCondition, LinkConditionFunction, MatchFunction, ReservedPrefix, RoleLink,
    RoleMatching, Settings,
};
use serde_json::{Value as Json, json};
use support::{Extra, Setup, check_all, decide, decide_with};

/// A model whose matcher is the question itself.
const LINK: Setup<'_> = Setup {
    r: "name, role",
    p: "sub",
    g: &["_, _"],
    e: support::ALLOW_OVERRIDE,
    m: "g(r.name, r.role)",
};

const LINK_IN_DOMAIN: Setup<'_> = Setup {
    r: "name, role, dom",
    g: &["_, _, _"],
    m: "g(r.name, r.role, r.dom)",
    ..LINK
};

fn matching(role: Option<MatchFunction>, domain: Option<MatchFunction>) -> Settings {
    Settings {
        role_matching: vec![RoleMatching {
            graph: "g".to_owned(),
            role,
            domain,
        }],
        ..Settings::default()
    }
}

fn check(engine: &Engine, table: &[(Json, bool)]) {
    check_all(table.iter().map(|(args, allow)| {
        let expected = if *allow { "allow" } else { "deny" };
        (args.to_string(), decide(engine, args), expected.to_owned())
    }));
}

#[test]
fn roles_are_inherited() {
    let policy = "g, alice, dev\ng, dev, staff\ng, bob, staff\ng, alice, oncall, extra\n";
    check(
        &LINK.engine(policy),
        &[
            (json!(["alice", "dev"]), true),
            (json!(["alice", "staff"]), true),
            (json!(["alice", "oncall"]), true),
            (json!(["bob", "dev"]), false),
            (json!(["staff", "dev"]), false),
            (json!(["nobody", "dev"]), false),
            // A name has the role that is named like it.
            (json!(["nobody", "nobody"]), true),
            (json!(["", ""]), true),
        ],
    );
}

#[test]
fn the_number_of_links_is_bounded() {
    let policy: String = (0..12)
        .map(|level| format!("g, n{level}, n{}\n", level + 1))
        .collect();
    check(
        &LINK.engine(&policy),
        &[
            (json!(["n0", "n10"]), true),
            (json!(["n0", "n11"]), false),
            (json!(["n1", "n11"]), true),
        ],
    );
    let settings = |level| Settings {
        max_hierarchy_level: level,
        ..Settings::default()
    };
    check(
        &LINK.engine_with(&policy, &settings(0)),
        &[(json!(["n0", "n0"]), true), (json!(["n0", "n1"]), false)],
    );
    check(
        &LINK.engine_with(&policy, &settings(12)),
        &[(json!(["n0", "n12"]), true)],
    );
}

#[test]
fn every_graph_has_its_own_links() {
    let setup = Setup {
        r: "a, b",
        p: "sub",
        g: &["_, _", "_, _"],
        m: "g(r.a, 'admin') && g2(r.b, 'vault')",
        ..Setup::default()
    };
    check(
        &setup.engine("g, alice, admin\ng2, box, vault\ng2, bob, admin\n"),
        &[
            (json!(["alice", "box"]), true),
            (json!(["bob", "box"]), false),
            (json!(["alice", "alice"]), false),
        ],
    );
}

#[test]
fn links_hold_in_their_domain() {
    let policy = "g, alice, admin, one\ng, admin, root, two\ng, bob, admin, *\n";
    check(
        &LINK_IN_DOMAIN.engine(policy),
        &[
            (json!(["alice", "admin", "one"]), true),
            (json!(["alice", "admin", "two"]), false),
            (json!(["alice", "root", "one"]), false),
            (json!(["bob", "admin", "*"]), true),
            (json!(["bob", "admin", "one"]), false),
            (json!(["x", "x", "nowhere"]), true),
        ],
    );
    let settings = matching(None, Some(MatchFunction::KeyMatch));
    check(
        &LINK_IN_DOMAIN.engine_with(policy, &settings),
        &[
            (json!(["bob", "admin", "one"]), true),
            (json!(["bob", "root", "two"]), true),
            (json!(["bob", "root", "one"]), false),
            (json!(["alice", "admin", "two"]), false),
        ],
    );
}

#[test]
fn names_of_links_may_be_patterns() {
    let policy = "g, /user/:id, /group/:name\ng, /group/:name, everyone\ng, carol, /team/:x\n\
                  g, /team/7, seventh\n";
    let settings = matching(Some(MatchFunction::KeyMatch2), None);
    check(
        &LINK.engine_with(policy, &settings),
        &[
            (json!(["/user/1", "/group/:name"]), true),
            // Not through a subject that is a pattern itself: as the reference.
            (json!(["/user/1", "/group/a"]), false),
            (json!(["/user/1/x", "/group/a"]), false),
            (json!(["/user/1", "everyone"]), true),
            (json!(["/group/a", "everyone"]), true),
            // A role that is a pattern stands for the names that match it.
            (json!(["carol", "/team/9"]), true),
            (json!(["carol", "/team/7"]), true),
            (json!(["carol", "seventh"]), true),
            (json!(["dave", "seventh"]), false),
            // The role asked for may be a pattern too.
            (json!(["/team/9", "/team/:y"]), true),
            (json!(["/team", "/team/:y"]), false),
        ],
    );
    assert_eq!(
        decide(&LINK.engine_with(policy, &settings), &json!(["a", "("])),
        "error: keyMatch2: the pattern is malformed"
    );
}

/// Seconds of 2024-02-29 12:00:00 UTC.
const NOON: i64 = 1_709_208_000;

fn at(now: i64) -> Extra<'static> {
    Extra {
        now,
        ..Extra::default()
    }
}

#[test]
fn conditional_links_hold_within_their_time() {
    let setup = Setup {
        g: &["_, _, (_, _)"],
        ..LINK
    };
    let settings = Settings {
        link_conditions: vec![LinkCondition {
            graph: "g".to_owned(),
            function: LinkConditionFunction::TimeMatch,
        }],
        ..Settings::default()
    };
    let policy = "g, alice, dev, 2024-02-29 11:00:00, 2024-02-29 13:00:00\n\
                  g, dev, staff, _, 2024-02-29 12:30:00\ng, bob, dev, _, _\n\
                  g, carol, dev, _, _\ng, carol, dev, 2030-01-01 00:00:00, _\n";
    let engine = setup.engine_with(policy, &settings);
    let hour = 3_600;
    let table = [
        ("alice", "dev", NOON, "allow"),
        ("alice", "staff", NOON, "allow"),
        ("alice", "dev", NOON - 2 * hour, "deny"),
        ("alice", "dev", NOON + 2 * hour, "deny"),
        // Each level has its own time.
        ("alice", "staff", NOON + 2_000, "deny"),
        ("alice", "dev", NOON + 2_000, "allow"),
        ("bob", "dev", NOON + 999 * hour, "allow"),
        ("bob", "staff", NOON + 999 * hour, "deny"),
        // Of two rows for one link the later one counts, as in the reference.
        ("carol", "dev", NOON, "deny"),
        ("carol", "dev", 1_900_000_000, "allow"),
    ];
    check_all(table.map(|(name, role, now, expected)| {
        let found = decide_with(&engine, &json!([name, role]), at(now));
        (format!("{name} {role} {now}"), found, expected.to_owned())
    }));
    let in_domain = Setup {
        g: &["_, _, _, (_, _)"],
        ..LINK_IN_DOMAIN
    };
    let policy = "g, alice, dev, one, _, 2024-02-29 11:00:00\ng, alice, dev, two, _, _\n\
                  g, dev, staff, two, _, 2024-02-29 11:00:00\n";
    let engine = in_domain.engine_with(policy, &settings);
    let table = [
        (json!(["alice", "dev", "one"]), "deny"),
        (json!(["alice", "dev", "two"]), "allow"),
        (json!(["alice", "staff", "two"]), "deny"),
    ];
    check_all(table.map(|(args, expected)| {
        (
            args.to_string(),
            decide_with(&engine, &args, at(NOON)),
            expected.to_owned(),
        )
    }));
}

/// `p` rows for the roles of a token, `g` rows above them.
fn with_roles(engine: &Engine, args: &Json, links: &[(&str, &str)]) -> String {
    let graph = engine.graph("g").unwrap();
    let roles: Vec<RoleLink<'_>> = links
        .iter()
        .map(|(subject, role)| RoleLink {
            graph,
            subject,
            role,
        })
        .collect();
    let extra = Extra {
        roles: &roles,
        ..Extra::default()
    };
    decide_with(engine, args, extra)
}

#[test]
fn links_of_one_request() {
    let setup = Setup {
        g: &["_, _"],
        m: "g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act",
        ..Setup::default()
    };
    let policy = "p, scope:read, data, read\np, staff, data, write\ng, group:dev, staff\n";
    let engine = setup.engine(policy);
    let read = json!(["alice", "data", "read"]);
    let write = json!(["alice", "data", "write"]);
    assert_eq!(with_roles(&engine, &read, &[]), "deny");
    assert_eq!(
        with_roles(&engine, &read, &[("alice", "scope:read")]),
        "allow by p, scope:read, data, read"
    );
    assert_eq!(with_roles(&engine, &read, &[("bob", "scope:read")]), "deny");
    // Through the policy's own rows, and through one another.
    assert_eq!(
        with_roles(&engine, &write, &[("alice", "group:dev")]),
        "allow by p, staff, data, write"
    );
    assert_eq!(
        with_roles(
            &engine,
            &write,
            &[("alice", "x"), ("x", "y"), ("y", "group:dev")]
        ),
        "allow by p, staff, data, write"
    );
    // A circle among them ends.
    assert_eq!(
        with_roles(&engine, &write, &[("alice", "x"), ("x", "alice")]),
        "deny"
    );
    // The engine itself has not changed.
    assert_eq!(with_roles(&engine, &write, &[]), "deny");
}

/// Many links of a token are all of its principal; others may be asked about.
#[test]
fn many_links_of_one_name_and_who_else_is_asked_about() {
    let setup = Setup {
        g: &["_, _"],
        m: "g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act",
        ..Setup::default()
    };
    let policy = "p, role-3, data, read\np, staff, data, write\ng, role-2, staff\ng, peer, alice\n";
    let engine = setup.engine(policy);
    let roles: Vec<String> = (0..40).map(|role| format!("role-{}", role % 30)).collect();
    let links: Vec<(&str, &str)> = roles.iter().map(|role| ("alice", role.as_str())).collect();
    let table = [
        ("alice", "read", "allow by p, role-3, data, read"),
        ("alice", "write", "allow by p, staff, data, write"),
        ("peer", "read", "allow by p, role-3, data, read"),
        ("peer", "write", "allow by p, staff, data, write"),
        ("bob", "read", "deny"),
        ("role-2", "write", "allow by p, staff, data, write"),
        ("role-2", "read", "deny"),
    ];
    check_all(table.map(|(subject, act, expected)| {
        let found = with_roles(&engine, &json!([subject, "data", act]), &links);
        (format!("{subject} {act}"), found, expected.to_owned())
    }));
}

#[test]
fn links_of_one_request_are_literal_and_hold_in_every_domain() {
    let setup = Setup {
        r: "sub, dom, act",
        p: "sub, dom, act",
        g: &["_, _, _"],
        m: "g(r.sub, p.sub, r.dom) && r.dom == p.dom && r.act == p.act",
        ..Setup::default()
    };
    let settings = matching(
        Some(MatchFunction::KeyMatch2),
        Some(MatchFunction::KeyMatch),
    );
    let policy = "p, /team/red, one, read\np, /team/red, two, read\np, seven, one, read\n\
                  g, /team/7, seven, *\n";
    let engine = setup.engine_with(policy, &settings);
    let in_one = json!(["alice", "one", "read"]);
    let in_two = json!(["alice", "two", "read"]);
    assert_eq!(
        with_roles(&engine, &in_two, &[("alice", "/team/red")]),
        "allow by p, /team/red, two, read"
    );
    // A pattern in a token stands for itself only, not for /team/red or /team/7.
    assert_eq!(
        with_roles(&engine, &in_one, &[("alice", "/team/:id")]),
        "deny"
    );
    assert_eq!(with_roles(&engine, &in_one, &[("alice", "*")]), "deny");
    assert_eq!(
        with_roles(&engine, &in_one, &[("/:x", "/team/red")]),
        "deny"
    );
    assert_eq!(
        with_roles(&engine, &in_one, &[("alice", "/team/7")]),
        "allow by p, seven, one, read"
    );
}

#[test]
fn reserved_prefixes_refuse_subjects() {
    let setup = Setup {
        g: &["_, _", "_, _"],
        m: "g(r.sub, p.sub) && g2(r.obj, p.obj) && r.act == p.act",
        ..Setup::default()
    };
    let settings = Settings {
        reserved: vec![ReservedPrefix {
            graph: "g".to_owned(),
            prefix: "scope:".to_owned(),
        }],
        ..Settings::default()
    };
    let engine = setup.engine_with("p, scope:read, scope:x, read\n", &settings);
    let reserved =
        "error: the subject starts with a prefix that is reserved for roles of the request";
    let table = [
        (json!(["scope:read", "scope:x", "read"]), reserved),
        (json!(["scope:", "x", "y"]), reserved),
        (json!(["scope", "x", "y"]), "deny"),
        // Another graph has no such prefix.
        (json!(["alice", "scope:x", "read"]), "deny"),
    ];
    check_all(table.map(|(args, expected)| {
        (
            args.to_string(),
            decide(&engine, &args),
            expected.to_owned(),
        )
    }));
    assert_eq!(
        with_roles(
            &engine,
            &json!(["alice", "scope:x", "read"]),
            &[("alice", "scope:read")]
        ),
        "allow by p, scope:read, scope:x, read"
    );
    // Also where the subject is a field, is put together, or stands in a rule.
    for (matcher, policy, sub) in [
        (
            "r.act == 'x' && g(r.sub.name, p.sub)",
            "p, a, b, c\n",
            json!({"name": "scope:a"}),
        ),
        ("g('scope' + r.sub, p.sub)", "p, a, b, c\n", json!(":a")),
        (
            "eval(p.obj)",
            "p, a, \"g(r.sub, p.sub)\", c\n",
            json!("scope:a"),
        ),
    ] {
        let engine = Setup {
            m: matcher,
            ..setup
        }
        .engine_with(policy, &settings);
        let found = decide(&engine, &json!([sub, "b", "c"]));
        assert!(found.starts_with(reserved), "{matcher}: {found}");
    }
}

#[test]
fn a_role_question_needs_text() {
    let engine = LINK.engine("g, a, b\n");
    let table = [
        (json!([["a"], "b"]), "error: g: argument 1 must be text"),
        (json!(["a", 1]), "error: g: argument 2 must be text"),
        (json!([null, "b"]), "error: g: argument 1 must be text"),
    ];
    check_all(table.map(|(args, expected)| {
        (
            args.to_string(),
            decide(&engine, &args),
            expected.to_owned(),
        )
    }));
}

/// Two terms that are one lookup where the domains are equal stay two terms
/// where the lookup cannot be made.
#[test]
fn a_domain_known_in_one_branch_is_not_known_in_another() {
    let setup = Setup {
        r: "sub, dom",
        p: "sub, dom",
        g: &["_, _, _"],
        m: "(r.dom == p.dom && g(r.sub, p.sub, p.dom)) || g(r.sub, p.sub, r.dom)",
        ..Setup::default()
    };
    let engine = setup.engine("p, admin, one\ng, alice, admin, one\n");
    let table = [
        (json!(["alice", "one"]), "allow by p, admin, one"),
        (json!(["alice", "two"]), "deny"),
        (
            json!(["alice", 7]),
            "error: g: argument 3 must be text by p, admin, one",
        ),
    ];
    check_all(table.map(|(args, expected)| {
        let found = decide(&engine, &args);
        (args.to_string(), found, expected.to_owned())
    }));
    let settings = Settings {
        role_matching: vec![RoleMatching {
            graph: "g".to_owned(),
            role: Some(MatchFunction::IpMatch),
            domain: None,
        }],
        ..Settings::default()
    };
    let policy = "p, 10.0.0.0/8, one\ng, 192.168.0.1, 10.1.1.1, one\n";
    let engine = setup.engine_with(policy, &settings);
    let table = [
        (json!(["192.168.0.1", "one"]), "allow by p, 10.0.0.0/8, one"),
        (json!(["192.168.0.1", "two"]), "deny"),
    ];
    check_all(table.map(|(args, expected)| {
        let found = decide(&engine, &args);
        (args.to_string(), found, expected.to_owned())
    }));
    // Nor does one of two such terms stand for both in one branch.
    let setup = Setup {
        r: "sub, x",
        m: "g(r.sub, p.sub, r.x.dom) && g(r.sub, p.sub, p.dom) && p.dom == r.x.dom",
        ..setup
    };
    let engine = setup.engine("p, admin, one\ng, alice, admin, two\n");
    assert_eq!(decide(&engine, &json!(["alice", {}])), "deny");
}
