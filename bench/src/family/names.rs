//! Rows of plain names.

use super::{Family, SIZES};
use crate::workload::{Ask, Content, Effect, Object, Rule, Shape, Subject};
use fastrand::Rng;

/// The shape of plain rows: three columns compared for equality.
pub(super) const PLAIN: Shape = Shape {
    subject: Subject::Equal,
    object: Object::Equal,
    effect: Effect::AllowOverride,
};

pub(super) fn families() -> Vec<Family> {
    vec![
        Family {
            name: "acl",
            about: "user%d, data%d, read or write: equality of all columns",
            budget: true,
            sizes: SIZES,
            shape: PLAIN,
            content: Box::new(|rows| content(rows, |at| (at, at), action)),
        },
        Family {
            name: "same-subject",
            about: "alice, data%d, read or write: all rows share the subject",
            budget: true,
            sizes: SIZES,
            shape: PLAIN,
            content: Box::new(|rows| content(rows, |at| (0, at), action)),
        },
        Family {
            name: "same-action",
            about: "user%d, data%d, read: all rows share the action, ten share a user",
            budget: true,
            sizes: SIZES,
            shape: PLAIN,
            content: Box::new(|rows| content(rows, |at| (at / 10, at), |_| "read")),
        },
        Family {
            name: "grid",
            about: "every user%d with every data%d, as many of one as of the other",
            budget: true,
            sizes: SIZES,
            shape: PLAIN,
            content: Box::new(|rows| {
                let side = side(rows);
                content(rows, move |at| (at / side, at % side), |_| "read")
            }),
        },
    ]
}

/// The smallest square that has room for so many rows has this side.
fn side(rows: usize) -> usize {
    (1..).find(|side| side * side >= rows).unwrap_or(rows)
}

fn action(row: usize) -> &'static str {
    ["read", "write"][row % 2]
}

fn content(
    rows: usize,
    names: impl Fn(usize) -> (usize, usize) + 'static,
    action: fn(usize) -> &'static str,
) -> Content {
    let rule = move |at: usize| {
        let (user, data) = names(at);
        Rule {
            sub: format!("user{user}"),
            obj: format!("data{data}"),
            act: action(at).to_owned(),
            ..Rule::default()
        }
    };
    let rules: Vec<Rule> = (0..rows).map(&rule).collect();
    let known = rules.clone();
    Content {
        hit: Box::new(move |at, _| asked(&known[at], true)),
        miss: Box::new(move |at, rng| near(&rule(at), rows, rng)),
        rules,
        links: Vec::new(),
    }
}

/// The request that a row of plain names matches.
pub(super) fn asked(rule: &Rule, allow: bool) -> Ask {
    Ask {
        sub: rule.sub.clone(),
        obj: rule.obj.clone(),
        act: rule.act.clone(),
        allow,
        ..Ask::default()
    }
}

/// A request with one value of the row changed to one that no row has there.
pub(super) fn near(rule: &Rule, rows: usize, rng: &mut Rng) -> Ask {
    let mut ask = asked(rule, false);
    let other = rows + rng.usize(..1_000_000);
    match rng.u8(..4) {
        0 => ask.sub = format!("user{other}"),
        1 => ask.act = format!("act{other}"),
        _ => ask.obj = format!("data{other}"),
    }
    ask
}
