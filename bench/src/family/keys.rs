//! Rows whose objects are path patterns.

use super::names::PLAIN;
use super::routes::Route;
use super::{Family, Routes, SIZES};
use crate::key_pattern;
use crate::workload::{Ask, Content, Object, Rule, Shape};
use fastrand::Rng;
use std::rc::Rc;

const KEY_MATCH_2: Shape = Shape {
    object: Object::KeyMatch2,
    ..PLAIN
};

pub(super) fn families(routes: &Routes) -> Vec<Family> {
    vec![
        Family {
            name: "keymatch",
            about: "one of ten teams, /service%d/orders/*, GET: a prefix each",
            budget: true,
            sizes: SIZES,
            shape: Shape {
                object: Object::KeyMatch,
                ..PLAIN
            },
            content: Box::new(|rows| content(rows, |at| format!("/service{at}/orders/*"))),
        },
        Family {
            name: "keymatch2",
            about: "one of ten teams, /service%d/orders/:id, GET",
            budget: true,
            sizes: SIZES,
            shape: KEY_MATCH_2,
            content: Box::new(|rows| content(rows, |at| format!("/service{at}/orders/:id"))),
        },
        Family {
            name: "same-pattern",
            about: "team0, /a/:id/b%d/*, GET: distinct in the third segment alone",
            budget: true,
            sizes: SIZES,
            shape: KEY_MATCH_2,
            content: Box::new(|rows| {
                let rule = |at: usize| Rule {
                    sub: "team0".to_owned(),
                    ..pattern_rule(at, format!("/a/:id/b{at}/*"), "GET")
                };
                of_rules((0..rows).map(rule).collect())
            }),
        },
        restful(
            "restful-github",
            "one of ten teams, a route of the GitHub API, its method",
            true,
            &routes.github,
        ),
        restful(
            "restful-kubernetes",
            "the same with the Kubernetes API, where a dot in a name is any character to keyMatch2",
            false,
            &routes.kubernetes,
        ),
    ]
}

/// Each route again under /s1, /s2, ... until there are rows enough.
fn restful(name: &'static str, about: &'static str, budget: bool, routes: &[Route]) -> Family {
    let routes: Rc<[Route]> = routes.into();
    let rule = move |at: usize| {
        let (method, path) = &routes[at % routes.len()];
        let pattern = match at / routes.len() {
            0 => path.clone(),
            again => format!("/s{again}{path}"),
        };
        pattern_rule(at, pattern, method)
    };
    Family {
        name,
        about,
        budget,
        sizes: SIZES,
        shape: KEY_MATCH_2,
        content: Box::new(move |rows| of_rules((0..rows).map(&rule).collect())),
    }
}

fn pattern_rule(at: usize, pattern: String, method: &str) -> Rule {
    Rule {
        sub: format!("team{}", at % 10),
        obj: pattern,
        act: method.to_owned(),
        ..Rule::default()
    }
}

fn content(rows: usize, pattern: fn(usize) -> String) -> Content {
    of_rules(
        (0..rows)
            .map(|at| pattern_rule(at, pattern(at), "GET"))
            .collect(),
    )
}

fn of_rules(rules: Vec<Rule>) -> Content {
    let known: Rc<[Rule]> = rules.as_slice().into();
    let again = Rc::clone(&known);
    Content {
        rules,
        links: Vec::new(),
        hit: Box::new(move |at, rng| asked(&known[at], true, rng)),
        miss: Box::new(move |at, rng| missed(&again[at], rng)),
    }
}

fn asked(rule: &Rule, allow: bool, rng: &mut Rng) -> Ask {
    Ask {
        sub: rule.sub.clone(),
        obj: key_pattern::path(&rule.obj, || format!("x{}", rng.u32(..1_000_000))),
        act: rule.act.clone(),
        allow,
        ..Ask::default()
    }
}

/// Another method, another team, or a path that no route has.
fn missed(rule: &Rule, rng: &mut Rng) -> Ask {
    let mut ask = asked(rule, false, rng);
    let number = rng.usize(..1_000_000);
    match rng.u8(..4) {
        0 => ask.sub = format!("guest{number}"),
        1 => ask.act = "TRACE".to_owned(),
        _ => ask.obj = format!("/none/x{number}{}/y/z/y/z", ask.obj),
    }
    ask
}
