//! What is refused when a model or a policy loads, and in which words.

mod support;

use doorward_engine::{
    FieldIndex, LinkCondition, LinkConditionFunction, MatchFunction, Model, Policy, Position,
    ReservedPrefix, RoleMatching, Settings,
};
use support::{SUBJECT_PRIORITY, Setup, check_all};

const EFFECT: &str = "[policy_effect]\ne = some(where (p.eft == allow))\n";
const REST: &str =
    "[request_definition]\nr = a\n[policy_definition]\np = a\n[matchers]\nm = true\n";

fn refusal(text: &str) -> String {
    match Model::parse(text) {
        Ok(_) => "accepted".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn matchers() {
    let g = "there is no function g2, define it under [role_definition]";
    let table = [
        ("r.sub == p.sub &&", 22, "a value is missing at the end"),
        ("r.sub in", 13, "a value is missing at the end"),
        ("r.sub = p.sub", 11, "unexpected '=', use == to compare"),
        (
            "(r.sub == p.sub",
            5,
            "the bracket that opens here has no closing )",
        ),
        ("r.sub == p.sub)", 19, "unexpected \")\""),
        (
            "(r.sub == p.sub) r.obj == p.obj",
            22,
            "unexpected \"r.obj\"",
        ),
        (
            "r.sub == 'a",
            14,
            "the text that starts here has no closing '",
        ),
        (
            "r.sub == \"a'",
            14,
            "the text that starts here has no closing \"",
        ),
        (
            "r.foo == p.sub",
            5,
            "there is no r.foo, r has sub, obj, act",
        ),
        (
            "p_foo == p.sub",
            5,
            "there is no p_foo, p has sub, obj, act",
        ),
        (
            "p.eft == 'allow'",
            5,
            "there is no p.eft, p has sub, obj, act",
        ),
        ("x == 1", 5, "there is no x, the definitions are r, p"),
        (
            "r2.sub == 1",
            5,
            "there is no r2.sub, the definitions are r, p",
        ),
        ("g2(r.sub, p.sub)", 5, g),
        ("foo(r.sub)", 5, "there is no function foo"),
        (
            "r.sub.Name()",
            5,
            "r.sub.Name is a value and cannot be called",
        ),
        (
            "keyMatch",
            5,
            "keyMatch is a function and needs its arguments in brackets",
        ),
        (
            "g == 1",
            5,
            "g is a function and needs its arguments in brackets",
        ),
        ("keyMatch(r.sub)", 5, "keyMatch takes 2 arguments, 1 given"),
        ("g(r.sub, p.sub, r.obj)", 5, "g takes 2 arguments, 3 given"),
        ("eval(p.sub, r.sub)", 5, "eval takes 1 argument, 2 given"),
        ("r.sub == ('a', 'b')", 14, "a list can only stand after in"),
        ("keyMatch(('a', 'b'))", 14, "a list can only stand after in"),
        ("('a', 'b') in r.sub", 5, "a list can only stand after in"),
        (
            "r.sub in (('a', 'b'), 'c')",
            15,
            "a list can only stand after in",
        ),
        ("r.sub in ['a', 'b')", 23, "unexpected \")\""),
        ("r.sub in ()", 14, "nothing stands in the brackets"),
        ("1.2.3 == 1", 5, "1.2.3 is not a number"),
        ("0xg == 1", 5, "0x is not a number"),
        ("r.sub..x == 1", 5, "r.sub..x lacks a name after a dot"),
        ("r.sub. == 1", 5, "r.sub. lacks a name after a dot"),
        ("!!true", 6, "unexpected \"!\""),
        ("-'a' == 'a' 'b'", 17, "unexpected the text 'b'"),
        ("true 5", 10, "unexpected the number 5"),
        ("r.sub , p.sub", 11, "unexpected \",\""),
        ("a[b", 6, "the name that starts here has no closing ]"),
        ("[r.foo] == 1", 5, "there is no r.foo, r has sub, obj, act"),
        ("true [r_sub]", 10, "unexpected \"[r_sub]\""),
        ("@", 5, "unexpected '@'"),
        (
            "regexMatch(r.sub, '(')",
            23,
            "malformed pattern '(': a parenthesis is not closed",
        ),
        (
            "r.sub =~ '['",
            14,
            "malformed pattern '[': a class is not closed",
        ),
        (
            "keyMatch2(r.obj, '/foo**')",
            22,
            "malformed pattern '/foo**': a repetition is itself repeated",
        ),
        (
            "keyMatch4(r.obj, '/{a}/(b)')",
            22,
            "malformed pattern '/{a}/(b)': groups in parentheses do not go together with {name} in keyMatch4",
        ),
        (
            "ipMatch(r.obj, '10.0.0.0/33')",
            20,
            "malformed pattern '10.0.0.0/33': neither an ip address nor an address block such as 10.0.0.0/8",
        ),
        (
            "globMatch(r.obj, '{a')",
            22,
            "malformed pattern '{a': a brace is not closed",
        ),
        (
            "r.sub == p.sub \\\n   || r.foo",
            0,
            "line 11, column 7: there is no r.foo, r has sub, obj, act",
        ),
    ];
    check_all(table.map(|(matcher, column, message)| {
        let setup = Setup {
            g: &["_, _"],
            m: matcher,
            ..Setup::default()
        };
        let expected = match column {
            0 => message.to_owned(),
            column => format!("line 10, column {column}: {message}"),
        };
        (matcher.to_owned(), refusal(&setup.text()), expected)
    }));
}

#[test]
fn model_files() {
    let roles = "is not a role definition, use \"_, _\", \"_, _, _\" with a domain, \
                 and \"(_, _)\" after that for the parameters of a condition";
    let table = [
        (String::new(),
         "the model lacks [request_definition], [policy_definition], [policy_effect], [matchers]".to_owned()),
        (format!("{REST}[role_definition]\ng = _, _\n"), "the model lacks [policy_effect]".to_owned()),
        ("r = sub".to_owned(),
         "line 1, column 1: \"r\" stands before any section, put it under one such as [matchers]".to_owned()),
        ("  junk".to_owned(),
         "line 1, column 3: expected a section in brackets or key = value, found \"junk\"".to_owned()),
        ("[matchers\nm = 1".to_owned(),
         "line 1, column 1: expected a section in brackets or key = value, found \"[matchers\"".to_owned()),
        (format!("{REST}{EFFECT}[matcher]\n"),
         "line 9, column 1: there is no section [matcher], the sections are request_definition, \
          policy_definition, role_definition, policy_effect, matchers, constraint_definition".to_owned()),
        (format!("{REST}n = 1\n"),
         "line 7, column 1: there is no key \"n\" under [matchers], the keys are m, m2, m3".to_owned()),
        (format!("{REST}m1 = 1\n"),
         "line 7, column 1: there is no key \"m1\" under [matchers], the keys are m, m2, m3".to_owned()),
        (format!("{REST}m = 1\n"), "line 7, column 1: m is defined twice, first in line 6".to_owned()),
        (format!("{REST}m3 = 1\n{EFFECT}"), "line 7, column 1: m3 needs m2 before it".to_owned()),
        (format!("{REST}m65 = 1\n"), "line 7, column 1: m65 is over the limit of 64 definitions".to_owned()),
        (format!("{REST}m2 =\n"), "line 7, column 1: m2 has no value".to_owned()),
        (format!("{REST}{EFFECT}[request_definition]\nr2 = a,,b\n"),
         "line 10, column 8: \"\" is not a name, use letters, digits and _".to_owned()),
        (format!("{REST}{EFFECT}[request_definition]\nr2 = a, b c\n"),
         "line 10, column 9: \"b c\" is not a name, use letters, digits and _".to_owned()),
        (format!("{REST}{EFFECT}[policy_definition]\np2 = a, b, a\n"),
         "line 10, column 12: p2 has the name a twice".to_owned()),
        (format!("{REST}{EFFECT}[role_definition]\ng = _\n"), format!("line 10, column 5: g {roles}")),
        (format!("{REST}{EFFECT}[role_definition]\ng = _, _, _, _\n"), format!("line 10, column 5: g {roles}")),
        (format!("{REST}{EFFECT}[role_definition]\ng = _, _, (_, _\n"), format!("line 10, column 5: g {roles}")),
        (format!("{REST}{EFFECT}[role_definition]\ng = _, _, ()\n"), format!("line 10, column 5: g {roles}")),
        (format!("{REST}{EFFECT}[role_definition]\ng = a, b\n"), format!("line 10, column 5: g {roles}")),
        (format!("{REST}[policy_effect]\ne = some(where (p.eft==allow))\n"),
         "line 8, column 5: \"some(where (p.eft==allow))\" is not an effect, the effects are, to the letter: \
          some(where (p.eft == allow)); !some(where (p.eft == deny)); \
          some(where (p.eft == allow)) && !some(where (p.eft == deny)); \
          priority(p.eft) || deny; subjectPriority(p.eft) || deny".to_owned()),
        (format!("{REST}{EFFECT}[role_definition]\ng = _, _\n[constraint_definition]\nc = sod(\"a\")\n"),
         "line 12, column 5: \"sod(\"a\")\" is not a constraint, use sod(\"a\", \"b\"), sodMax([\"a\", \"b\"], 1), \
          roleMax(\"a\", 1) or rolePre(\"a\", \"b\")".to_owned()),
        (format!("{REST}{EFFECT}[constraint_definition]\nc = sod(\"a\", \"b\")\n"),
         "line 10, column 1: constraints are about roles, define g under [role_definition]".to_owned()),
    ];
    check_all(table.map(|(text, expected)| (text.clone(), refusal(&text), expected)));
}

#[test]
fn places_are_given_as_numbers_too() {
    let error = Model::parse("[x]\n").unwrap_err();
    assert_eq!(error.position(), Some(Position { line: 1, column: 1 }));
    assert!(error.message().starts_with("there is no section [x]"));
    assert_eq!(Model::parse("").unwrap_err().position(), None);
    let error = Policy::parse_csv("p, a\n  p, é, \"b").unwrap_err();
    assert_eq!(error.position(), Position { line: 2, column: 9 });
    assert_eq!(error.message(), "the quote that opens here is not closed");
}

#[test]
fn csv_lines() {
    let table = [
        (
            "# c\n\n p, \"a",
            "line 3, column 5: the quote that opens here is not closed",
        ),
        (
            "p, a\"b",
            "line 1, column 5: a quote inside a field, put the whole field in quotes and double the quote",
        ),
        (
            "p, \"a\" , b",
            "line 1, column 7: text after the closing quote, expected a comma or the end of the line",
        ),
    ];
    check_all(table.map(|(text, expected)| {
        let found = Policy::parse_csv(text).unwrap_err().to_string();
        (text.to_owned(), found, expected.to_owned())
    }));
}

#[test]
fn rows() {
    let setup = Setup {
        p: "sub, obj, act, eft",
        g: &["_, _", "_, _, _"],
        m: "g(r.sub, p.sub) && keyMatch2(r.obj, p.obj) && r.act == p.act",
        ..Setup::default()
    };
    let table = [
        (
            "\np, a, b, c\n",
            "line 2: a row of p needs 4 fields, this one has 3",
        ),
        (
            "p, a, b, c, allow, x\n",
            "line 1: a row of p needs 4 fields, this one has 5",
        ),
        ("p\n", "line 1: a row of p needs 4 fields, this one has 0"),
        (
            "g, a\n",
            "line 1: a row of g needs 2 fields, this one has 1",
        ),
        (
            "g2, a, b\n",
            "line 1: a row of g2 needs 3 fields, this one has 2",
        ),
        (
            "p2, a\n",
            "line 1: the model does not define \"p2\", rows are p, g, g2",
        ),
        (
            "p , a, b, c, allow\n",
            "line 1: the model does not define \"p \", rows are p, g, g2",
        ),
        (
            "p, a, b, c, Deny\n",
            "line 1: the effect \"Deny\" is not allow, deny or indeterminate",
        ),
        (
            "p, a, b, c, \n",
            "line 1: the effect \"\" is not allow, deny or indeterminate",
        ),
        (
            "p, a, (b, c, allow\n",
            "line 1: field obj of p is not a pattern for keyMatch2: a parenthesis is not closed",
        ),
        (
            "g, a, b\ng, b, c\ng, c, a\n",
            "line 3: the roles run in a circle: a -> b -> c -> a",
        ),
        ("g, a, a\n", "line 1: the roles run in a circle: a -> a"),
        (
            "g2, a, b, one\ng2, b, a, one\n",
            "line 2: the roles run in a circle in domain one: a -> b -> a",
        ),
        ("g2, a, b, one\ng2, b, a, two\n", "accepted"),
        ("g, a, b\ng, a, c\ng, b, d\ng, c, d\n", "accepted"),
    ];
    check_all(table.map(|(policy, expected)| {
        let found = setup.refusal(policy, &Settings::default());
        (policy.to_owned(), found, expected.to_owned())
    }));
}

#[test]
fn priorities() {
    let setup = Setup {
        p: "sub, priority",
        m: "r.sub == p.sub",
        ..Setup::default()
    };
    let table = [
        (
            "p, a, 1\np, a, x\n",
            "line 2: the priority \"x\" in field priority of p is not a whole number",
        ),
        (
            "p, a, 1.5\n",
            "line 1: the priority \"1.5\" in field priority of p is not a whole number",
        ),
        (
            "p, a, 1 ,\n",
            "line 1: a row of p needs 2 fields, this one has 3",
        ),
        (
            "p, a, 99999999999999999999\n",
            "line 1: the priority \"99999999999999999999\" in field priority of p is not a whole number",
        ),
    ];
    check_all(table.map(|(policy, expected)| {
        let found = setup.refusal(policy, &Settings::default());
        (policy.to_owned(), found, expected.to_owned())
    }));
    let lone = Setup {
        e: SUBJECT_PRIORITY,
        ..Setup::default()
    };
    assert_eq!(
        lone.refusal("", &Settings::default()),
        "subjectPriority orders rows by the roles of g, define g under [role_definition]"
    );
}

#[test]
fn constraints() {
    let text = |constraints: &str| {
        format!(
            "{REST}{EFFECT}[role_definition]\ng = _, _\n[constraint_definition]\n{constraints}\n"
        )
    };
    let found = |constraints: &str, policy: &str| {
        let model = Model::parse(&text(constraints)).unwrap();
        let policy = support::csv(policy);
        match doorward_engine::Engine::compile(&model, &policy, &Settings::default()) {
            Ok(_) => "accepted".to_owned(),
            Err(error) => error.to_string(),
        }
    };
    let table = [
        ("c = sod(\"a\", \"b\")", "g, x, a\ng, y, b\n", "accepted"),
        (
            "c = sod(\"a\", \"b\")",
            "g, x, a\ng, y, a\ng, x, b\n",
            "line 3: constraint c is broken: x has a and b, of a, b at most 1",
        ),
        // Only the roles given by rows count, not the inherited ones.
        ("c = sod(\"a\", \"b\")", "g, x, a\ng, a, b\n", "accepted"),
        (
            "c = sodMax([\"a\", \"b\", \"c\"], 2)",
            "g, x, a\ng, x, b\n",
            "accepted",
        ),
        (
            "c = sodMax([\"a\", \"b\", \"c\"], 2)",
            "g, x, a\ng, x, b\ng, x, c\n",
            "line 3: constraint c is broken: x has a and b and c, of a, b, c at most 2",
        ),
        (
            "c = sodMax ( [ \"a\" , \"b\" ] , 0 )",
            "g, x, b\n",
            "line 1: constraint c is broken: x has b, of a, b at most 0",
        ),
        ("c = roleMax(\"a\", 1)", "g, x, a\ng, y, b\n", "accepted"),
        (
            "c = roleMax(\"a\", 1)",
            "g, x, a\ng, y, a\n",
            "line 2: constraint c is broken: a is given 2 times, at most 1",
        ),
        (
            "c = rolePre(\"a\", \"b\")",
            "g, x, a\ng, x, b\n",
            "accepted",
        ),
        (
            "c = sod(\"q\", \"r\")\nc2 = rolePre(\"a\", \"b\")",
            "g, y, b\ng, x, a\n",
            "line 2: constraint c2 is broken: x has a but not b",
        ),
    ];
    check_all(table.map(|(constraints, policy, expected)| {
        (
            format!("{constraints}: {policy}"),
            found(constraints, policy),
            expected.to_owned(),
        )
    }));
}

#[test]
fn settings() {
    let setup = Setup {
        g: &["_, _", "_, _, _", "_, _, (_, _)", "_, _, (_)"],
        ..Setup::default()
    };
    let matching = |graph: &str, role, domain| RoleMatching {
        graph: graph.to_owned(),
        role,
        domain,
    };
    let key_match = Some(MatchFunction::KeyMatch);
    let condition = |graph: &str| LinkCondition {
        graph: graph.to_owned(),
        function: LinkConditionFunction::TimeMatch,
    };
    let index = |policy: &str, field: &str, index| FieldIndex {
        policy: policy.to_owned(),
        field: field.to_owned(),
        index,
    };
    let reserved = |graph: &str, prefix: &str| ReservedPrefix {
        graph: graph.to_owned(),
        prefix: prefix.to_owned(),
    };
    let base = Settings::default();
    let role = |entries: Vec<RoleMatching>| Settings {
        role_matching: entries,
        ..base.clone()
    };
    let link = |entries: Vec<LinkCondition>| Settings {
        link_conditions: entries,
        ..base.clone()
    };
    let fields = |entries: Vec<FieldIndex>| Settings {
        field_index: entries,
        ..base.clone()
    };
    let prefixes = |entries: Vec<ReservedPrefix>| Settings {
        reserved: entries,
        ..base.clone()
    };
    let table = [
        (
            role(vec![matching("g9", key_match, None)]),
            "settings, role_matching: the model has no role definition g9",
        ),
        (
            role(vec![
                matching("g", key_match, None),
                matching("g", None, None),
            ]),
            "settings, role_matching: g has two entries",
        ),
        (
            role(vec![matching("g", None, key_match)]),
            "settings, role_matching: g has no domain to match",
        ),
        (
            link(vec![condition("g9")]),
            "settings, link_condition: the model has no role definition g9",
        ),
        (
            link(vec![condition("g")]),
            "settings, link_condition: g has no parameters for a condition, add \"(_, _)\" to it",
        ),
        (
            link(Vec::new()),
            "settings, link_condition: g3 has parameters but no condition, its links would hold for ever",
        ),
        (
            link(vec![condition("g3"), condition("g4")]),
            "settings, link_condition: g4 has 1 parameters, timeMatch takes 2",
        ),
        (
            fields(vec![index("p9", "priority", 0)]),
            "settings, field_index: the model has no policy definition p9",
        ),
        (
            fields(vec![index("p", "prio", 0)]),
            "settings, field_index: prio has no meaning, the fields are priority, dom, sub, obj, act",
        ),
        (
            fields(vec![index("p", "priority", 3)]),
            "settings, field_index: priority of p is at 3, its fields are 0 to 2",
        ),
        (
            fields(vec![index("p", "priority", 1), index("p", "priority", 1)]),
            "settings, field_index: priority of p has two entries",
        ),
        (
            prefixes(vec![reserved("g9", "x:")]),
            "settings, reserved: the model has no role definition g9",
        ),
        (
            prefixes(vec![reserved("g", "")]),
            "settings, reserved: the prefix for g is empty, it would be every subject",
        ),
    ];
    check_all(table.map(|(settings, expected)| {
        (
            format!("{settings:?}"),
            setup.refusal("", &settings),
            expected.to_owned(),
        )
    }));
}

#[test]
fn names_and_times_of_role_rows() {
    let setup = Setup {
        g: &["_, _, (_, _)", "_, _, _"],
        ..Setup::default()
    };
    let settings = Settings {
        role_matching: vec![
            RoleMatching {
                graph: "g".to_owned(),
                role: Some(MatchFunction::KeyMatch2),
                domain: None,
            },
            RoleMatching {
                graph: "g2".to_owned(),
                role: None,
                domain: Some(MatchFunction::RegexMatch),
            },
        ],
        link_conditions: vec![LinkCondition {
            graph: "g".to_owned(),
            function: LinkConditionFunction::TimeMatch,
        }],
        ..Settings::default()
    };
    let table = [
        (
            "g, a, b, _, tomorrow\n",
            "line 1: \"_\" and \"tomorrow\" are no times for timeMatch, use YYYY-MM-DD hh:mm:ss or _",
        ),
        (
            "g, a, b, _\n",
            "line 1: a row of g needs 4 fields, this one has 3",
        ),
        (
            "g, a, /b(, _, _\n",
            "line 1: \"/b(\" is not a pattern for keyMatch2: a parenthesis is not closed",
        ),
        (
            "g2, a, b, [\n",
            "line 1: \"[\" is not a pattern for regexMatch: a class is not closed",
        ),
        // The links of a domain pattern hold in every domain it matches.
        (
            "g2, a, b, one\ng2, b, a, on.\n",
            "line 2: the roles run in a circle in domain one: a -> b -> a",
        ),
    ];
    check_all(table.map(|(policy, expected)| {
        (
            policy.to_owned(),
            setup.refusal(policy, &settings),
            expected.to_owned(),
        )
    }));
}
