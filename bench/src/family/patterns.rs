//! Columns of regular expressions, and roles whose members are patterns.

use super::names::{PLAIN, asked, near};
use super::{Family, SIZES};
use crate::workload::{Ask, Content, Link, Object, Rule, Shape, Subject};
use fastrand::Rng;

/// Every pattern is another, so every row has a regular expression of its own,
/// and at 100,000 the engine's limit on them is reached.
const DISTINCT: &[usize] = &[5, 10, 100, 1_000, 10_000];

pub(super) fn families() -> Vec<Family> {
    let regex = Shape {
        object: Object::Regex,
        ..PLAIN
    };
    vec![
        Family {
            name: "regex-few",
            about: "user%d, one of ten regular expressions, GET",
            budget: false,
            sizes: SIZES,
            shape: regex,
            content: Box::new(|rows| of_regexes(rows, usize::MAX, 10)),
        },
        Family {
            name: "regex-distinct",
            about: "one of ten teams, a regular expression of its own, GET",
            budget: false,
            sizes: DISTINCT,
            shape: regex,
            content: Box::new(|rows| of_regexes(rows, 10, usize::MAX)),
        },
        Family {
            name: "role-patterns",
            about: "group%d, data%d, read; /service%d/:id has the group (keyMatch2 in role matching)",
            budget: false,
            sizes: SIZES,
            shape: Shape {
                subject: Subject::RolePattern,
                ..PLAIN
            },
            content: Box::new(role_patterns),
        },
    ]
}

/// So many distinct subjects and patterns at most.
fn of_regexes(rows: usize, subjects: usize, patterns: usize) -> Content {
    let rule = move |at: usize| Rule {
        sub: format!("user{}", at % subjects),
        obj: format!("^/service{}/v[0-9]+/[a-z]+-[0-9]+$", at % patterns),
        act: "GET".to_owned(),
        ..Rule::default()
    };
    let path = move |at: usize, rng: &mut Rng| {
        let (version, number) = (rng.u8(1..20), rng.u32(..1_000_000));
        format!("/service{}/v{version}/item-{number}", at % patterns)
    };
    Content {
        rules: (0..rows).map(rule).collect(),
        links: Vec::new(),
        hit: Box::new(move |at, rng| Ask {
            obj: path(at, rng),
            ..asked(&rule(at), true)
        }),
        miss: Box::new(move |at, rng| {
            let mut ask = asked(&rule(at), false);
            ask.obj = path(at, rng);
            match rng.u8(..3) {
                0 => ask.sub = format!("guest{}", rng.u32(..1_000_000)),
                1 => ask.act = "TRACE".to_owned(),
                _ => ask.obj.push('!'),
            }
            ask
        }),
    }
}

fn role_patterns(rows: usize) -> Content {
    let groups = rows / 2;
    let rule = |group: usize| Rule {
        sub: format!("group{group}"),
        obj: format!("data{group}"),
        act: "read".to_owned(),
        ..Rule::default()
    };
    let request = move |group: usize, allow, rng: &mut Rng| {
        let mut ask = asked(&rule(group), allow);
        ask.sub = format!("/service{group}/x{}", rng.u32(..1_000_000));
        ask
    };
    Content {
        rules: (0..groups).map(rule).collect(),
        links: (0..rows - groups)
            .map(|at| Link {
                member: format!("/service{at}/:id"),
                role: format!("group{}", at % groups),
                dom: String::new(),
            })
            .collect(),
        hit: Box::new(move |group, rng| request(group, true, rng)),
        miss: Box::new(move |group, rng| {
            let known = request(group, false, rng);
            let rule = Rule {
                sub: known.sub,
                ..rule(group)
            };
            near(&rule, 1_000_000, rng)
        }),
    }
}
