//! Effects other than "some row allows", and conditions.

use super::names::{PLAIN, asked, near};
use super::{Family, SIZES};
use crate::workload::{Ages, Ask, Content, Effect, Rule, Shape, Subject};

pub(super) fn families() -> Vec<Family> {
    let effect = |effect| Shape { effect, ..PLAIN };
    vec![
        Family {
            name: "deny-override",
            about: "user%d, data%d, read, deny: all is allowed that no row denies",
            budget: false,
            sizes: SIZES,
            shape: effect(Effect::DenyOverride),
            content: Box::new(|rows| content(rows, |_| true, true)),
        },
        Family {
            name: "allow-and-deny",
            about: "user%d, data%d, read; every tenth row denies",
            budget: false,
            sizes: SIZES,
            shape: effect(Effect::AllowAndDeny),
            content: Box::new(|rows| content(rows, |at| at % 10 == 9, false)),
        },
        Family {
            name: "priority",
            about: "two rows to a user and object, one of which denies; an explicit priority, \
                    in whose order the rows come, since the casbin crate does not sort them",
            budget: false,
            sizes: SIZES,
            shape: effect(Effect::Priority),
            content: Box::new(priority),
        },
        Family {
            name: "abac-eval",
            about: "one of ten conditions on the age, data%d, read",
            budget: false,
            sizes: SIZES,
            shape: Shape {
                subject: Subject::Condition,
                ..PLAIN
            },
            content: Box::new(conditions),
        },
    ]
}

fn rule(name: usize, deny: bool) -> Rule {
    Rule {
        sub: format!("user{name}"),
        obj: format!("data{name}"),
        act: "read".to_owned(),
        deny,
        ..Rule::default()
    }
}

/// `miss` is the answer where no row matches.
fn content(rows: usize, denies: fn(usize) -> bool, miss: bool) -> Content {
    Content {
        rules: (0..rows).map(|at| rule(at, denies(at))).collect(),
        links: Vec::new(),
        hit: Box::new(move |at, _| asked(&rule(at, false), !denies(at))),
        miss: Box::new(move |at, rng| Ask {
            allow: miss,
            ..near(&rule(at, false), rows, rng)
        }),
    }
}

/// Rows at and at + 1, for even at, are of one user; which of them allows
/// takes turns. The first decides.
fn priority(rows: usize) -> Content {
    let denies = |at: usize| (at / 2 + at) % 2 == 1;
    Content {
        rules: (0..rows).map(|at| rule(at / 2, denies(at))).collect(),
        links: Vec::new(),
        hit: Box::new(move |at, _| asked(&rule(at / 2, false), !denies(at - at % 2))),
        miss: Box::new(move |at, rng| near(&rule(at / 2, false), rows, rng)),
    }
}

fn ages(row: usize) -> Ages {
    let over = u32::try_from(row % 10).unwrap_or(0);
    (18 + over, 60 + over)
}

fn conditions(rows: usize) -> Content {
    let rule = |at: usize| Rule {
        sub: String::new(),
        ages: ages(at),
        ..rule(at, false)
    };
    Content {
        rules: (0..rows).map(rule).collect(),
        links: Vec::new(),
        hit: Box::new(move |at, rng| {
            let (over, under) = ages(at);
            Ask {
                age: rng.u32(over + 1..under),
                ..asked(&rule(at), true)
            }
        }),
        miss: Box::new(move |at, rng| {
            let mut ask = asked(&rule(at), false);
            let (over, under) = ages(at);
            match rng.u8(..3) {
                0 => ask.age = rng.u32(..=over),
                1 => ask.age = rng.u32(under..100),
                _ => {
                    ask.age = over + 1;
                    ask.obj = format!("data{}", rows + rng.usize(..1_000_000));
                }
            }
            ask
        }),
    }
}
