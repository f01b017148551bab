//! Rows for roles, and who has them.

use super::names::{PLAIN, asked, near};
use super::{Family, SIZES};
use crate::workload::{Ask, Asker, Content, Link, Rule, Shape, Subject};

const ROLES: Shape = Shape {
    subject: Subject::Role,
    ..PLAIN
};

pub(super) fn families() -> Vec<Family> {
    let mut families = vec![
        Family {
            name: "rbac",
            about: "group%d, data%d, read; ten users to a group, each in one",
            budget: true,
            sizes: SIZES,
            shape: ROLES,
            content: Box::new(one_each),
        },
        Family {
            name: "rbac-10-roles",
            about: "group%d, data%d, read; as many links, a user has 1 to 10 groups",
            budget: true,
            sizes: SIZES,
            shape: ROLES,
            content: Box::new(ten_each),
        },
        Family {
            name: "many-roles",
            about: "group%d, data%d, read; one user is in every group",
            budget: false,
            sizes: SIZES,
            shape: ROLES,
            content: Box::new(all_to_one),
        },
    ];
    let benchmarks: [(&str, &'static [usize]); 3] = [
        ("rbac-small", &[1_100]),
        ("rbac-medium", &[11_000]),
        ("rbac-large", &[110_000]),
    ];
    families.extend(benchmarks.map(|(name, sizes)| Family {
        name,
        about: "Casbin's own: 100, 1,000 or 10,000 groups, ten times the users",
        budget: true,
        sizes,
        shape: ROLES,
        content: Box::new(one_each),
    }));
    families
}

/// The row of a group. Ten groups share an object, as in Casbin's benchmark.
fn rule(group: usize) -> Rule {
    Rule {
        sub: format!("group{group}"),
        obj: format!("data{}", group / 10),
        act: "read".to_owned(),
        ..Rule::default()
    }
}

fn link(user: usize, group: usize) -> Link {
    Link {
        member: format!("user{user}"),
        role: format!("group{group}"),
        dom: String::new(),
    }
}

fn one_each(rows: usize) -> Content {
    let groups = (rows / 11).max(1);
    let users = rows - groups;
    let links = (0..users).map(|user| link(user, user % groups)).collect();
    content(groups, links, move |group, rng| {
        let of_group = (users - group).div_ceil(groups);
        group + groups * rng.usize(..of_group)
    })
}

/// User number u has the next 1 + u % 10 groups, over and over until the links
/// are used up. There are as many links as groups, so each group has a member.
fn ten_each(rows: usize) -> Content {
    let groups = rows / 2;
    let mut links = Vec::with_capacity(rows - groups);
    let mut members = vec![Vec::new(); groups];
    for user in 0.. {
        let wanted = (1 + user % 10).min(groups).min(rows - groups - links.len());
        for _ in 0..wanted {
            let group = links.len() % groups;
            links.push(link(user, group));
            members[group].push(user);
        }
        if links.len() == rows - groups {
            break;
        }
    }
    content(groups, links, move |group, rng| {
        let of_group = &members[group];
        of_group[rng.usize(..of_group.len())]
    })
}

fn all_to_one(rows: usize) -> Content {
    let groups = rows / 2;
    let links = (0..rows - groups)
        .map(|at| if at < groups { link(0, at) } else { link(1, 0) })
        .collect();
    content(groups, links, |_, _| 0)
}

/// `member` names a user who is in the group.
fn content(
    groups: usize,
    links: Vec<Link>,
    member: impl Fn(usize, &mut fastrand::Rng) -> usize + Clone + 'static,
) -> Content {
    let request = |member: usize, group: usize, allow| {
        let mut ask = asked(&rule(group), allow);
        ask.sub = format!("user{member}");
        ask
    };
    let of = member.clone();
    let hit: Asker = Box::new(move |group, rng| request(of(group, rng), group, true));
    let miss: Asker = Box::new(move |group, rng| {
        let known: Ask = request(member(group, rng), group, false);
        let rule = Rule {
            sub: known.sub,
            ..rule(group)
        };
        near(&rule, 1_000_000, rng)
    });
    Content {
        rules: (0..groups).map(rule).collect(),
        links,
        hit,
        miss,
    }
}
