//! Roles within domains.

use super::names::{PLAIN, near};
use super::{Family, SIZES};
use crate::workload::{Ask, Asker, Content, Link, Rule, Shape, Subject};

pub(super) fn families() -> Vec<Family> {
    vec![Family {
        name: "domains",
        about: "five rows of the role admin and five members in each domain%d",
        budget: true,
        sizes: SIZES,
        shape: Shape {
            subject: Subject::RoleInDomain,
            ..PLAIN
        },
        content: Box::new(content),
    }]
}

fn content(rows: usize) -> Content {
    let domains = rows.div_ceil(10);
    // About ten domains to a user.
    let users = (rows / 20).max(5);
    let user = move |domain: usize, member: usize| (domain * 5 + member) % users;
    let mut rules = Vec::with_capacity(rows);
    let mut links = Vec::with_capacity(rows);
    for domain in 0..domains {
        for at in 0..5 {
            rules.push(rule(domain, at));
            links.push(Link {
                member: format!("user{}", user(domain, at)),
                role: "admin".to_owned(),
                dom: format!("domain{domain}"),
            });
        }
    }
    // Both kinds lose alike what is over, so each domain keeps a member.
    let (half, rest) = (rows / 2, rows - rows / 2);
    rules.truncate(half);
    links.truncate(rest);
    let hit: Asker = Box::new(move |at, rng| {
        let domain = at / 5;
        let members = (rest - domain * 5).min(5);
        asked(at, user(domain, rng.usize(..members)), true)
    });
    let miss: Asker = Box::new(move |at, rng| {
        let mut ask = asked(at, user(at / 5, 0), false);
        if rng.bool() {
            // The same user and object, in a domain that is not theirs.
            ask.dom = format!("domain{}", domains + rng.usize(..1_000_000));
            return ask;
        }
        let known = Rule {
            sub: ask.sub.clone(),
            ..rule(at / 5, at % 5)
        };
        let other = near(&known, 1_000_000, rng);
        Ask {
            dom: ask.dom,
            ..other
        }
    });
    Content {
        rules,
        links,
        hit,
        miss,
    }
}

fn rule(domain: usize, at: usize) -> Rule {
    Rule {
        sub: "admin".to_owned(),
        dom: format!("domain{domain}"),
        obj: format!("data{at}"),
        act: "read".to_owned(),
        ..Rule::default()
    }
}

fn asked(row: usize, user: usize, allow: bool) -> Ask {
    let rule = rule(row / 5, row % 5);
    Ask {
        sub: format!("user{user}"),
        dom: rule.dom,
        obj: rule.obj,
        act: rule.act,
        allow,
        ..Ask::default()
    }
}
