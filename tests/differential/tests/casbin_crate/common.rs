//! Models of what the casbin crate does right, with policies and requests.

use doorward_differential::dice::Dice;
use doorward_differential::generate::{ALLOW_AND_DENY, ALLOW_OVERRIDE, DENY_OVERRIDE, PRIORITY};
use doorward_differential::wire::{Question, Request};
use serde_json::{Value as Json, json};

/// One kind of model.
#[derive(Debug)]
pub(crate) struct Family {
    pub(crate) name: &'static str,
    r: &'static str,
    p: &'static str,
    g: &'static str,
    e: &'static str,
    m: &'static str,
}

const fn family(name: &'static str, e: &'static str, m: &'static str) -> Family {
    Family {
        name,
        r: "sub, obj, act",
        p: "sub, obj, act",
        g: "",
        e,
        m,
    }
}

const PLAIN: &str = "r.sub == p.sub && r.obj == p.obj && r.act == p.act";
const ROLES: &str = "g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act";

pub(crate) const FAMILIES: &[Family] = &[
    family("acl", ALLOW_OVERRIDE, PLAIN),
    family(
        "acl with a superuser",
        ALLOW_OVERRIDE,
        "r.sub == p.sub && r.obj == p.obj && r.act == p.act || r.sub == \"root\"",
    ),
    Family {
        g: "_, _",
        ..family("rbac", ALLOW_OVERRIDE, ROLES)
    },
    Family {
        g: "_, _, _",
        r: "sub, dom, obj, act",
        p: "sub, dom, obj, act",
        ..family(
            "rbac with domains",
            ALLOW_OVERRIDE,
            "g(r.sub, p.sub, r.dom) && r.dom == p.dom && r.obj == p.obj && r.act == p.act",
        )
    },
    family(
        "keyMatch",
        ALLOW_OVERRIDE,
        "r.sub == p.sub && keyMatch(r.obj, p.obj) && r.act == p.act",
    ),
    family(
        "keyMatch2 and regexMatch",
        ALLOW_OVERRIDE,
        "r.sub == p.sub && keyMatch2(r.obj, p.obj) && regexMatch(r.act, p.act)",
    ),
    family(
        "keyMatch3",
        ALLOW_OVERRIDE,
        "r.sub == p.sub && keyMatch3(r.obj, p.obj) && r.act == p.act",
    ),
    family(
        "keyMatch4",
        ALLOW_OVERRIDE,
        "r.sub == p.sub && keyMatch4(r.obj, p.obj) && r.act == p.act",
    ),
    Family {
        p: "sub, obj, act, eft",
        g: "_, _",
        ..family("deny-override", DENY_OVERRIDE, ROLES)
    },
    Family {
        p: "sub, obj, act, eft",
        g: "_, _",
        ..family("allow-and-deny", ALLOW_AND_DENY, ROLES)
    },
    Family {
        p: "sub, obj, act, eft",
        g: "_, _",
        ..family("implicit priority", PRIORITY, ROLES)
    },
    family(
        "attributes",
        ALLOW_OVERRIDE,
        "r.sub.Age >= 18 && r.sub.Name == p.sub && r.obj == p.obj && !(r.act != p.act)",
    ),
    Family {
        p: "rule, obj, act",
        ..family(
            "eval",
            ALLOW_OVERRIDE,
            "eval(p.rule) && r.obj == p.obj && r.act == p.act",
        )
    },
];

const SUBJECTS: [&str; 6] = ["alice", "bob", "carol", "editor", "admin", "root"];
const OBJECTS: [&str; 7] = ["data1", "/a", "/a/1", "/a/1/b", "/a/*", "/a/:id", "/a/1/1"];
/// Patterns for keyMatch3 and keyMatch4 only: keyMatch2 panics on them.
const BRACES: [&str; 2] = ["/a/{id}", "/a/{id}/{id}"];
const ACTIONS: [&str; 3] = ["read", "write", "read|write"];
const DOMAINS: [&str; 2] = ["one", "two"];
const RULES: [&str; 4] = [
    "r.sub.Age > 18",
    "r.sub.Age < 18 && r.sub.Name != r.obj",
    "!(r.sub.Name == r.obj) && r.sub.Age <= 18",
    "r.sub.Age == 18 || r.sub.Age == 30",
];

/// A model of the family with a generated policy, and requests.
pub(crate) fn question(dice: &mut Dice, family: &Family, requests: usize) -> Question {
    let roles = match family.g {
        "" => String::new(),
        g => format!("[role_definition]\ng = {g}\n"),
    };
    let rows: Vec<Vec<String>> = (0..dice.between(3, 12))
        .map(|_| row(dice, family))
        .collect();
    let mut policy: String = rows
        .iter()
        .map(|row| format!("p, {}\n", row.join(", ")))
        .collect();
    if !family.g.is_empty() {
        for _ in 0..dice.between(1, 6) {
            policy.push_str(&link(dice, family));
        }
    }
    Question {
        model: format!(
            "[request_definition]\nr = {}\n[policy_definition]\np = {}\n{roles}\
             [policy_effect]\ne = {}\n[matchers]\nm = {}\n",
            family.r, family.p, family.e, family.m
        ),
        policy,
        requests: (0..requests)
            .map(|_| request(dice, family, &rows))
            .collect(),
        ..Question::default()
    }
}

fn row(dice: &mut Dice, family: &Family) -> Vec<String> {
    let columns = family.p.split(", ").map(|column| match column {
        "eft" => dice.pick(&["allow", "allow", "deny"]).to_owned(),
        // No literals: the crate keeps the quotes around a field with quotes.
        "rule" => dice.pick(&RULES).to_owned(),
        _ => value(dice, family, column).to_owned(),
    });
    columns.collect()
}

fn value(dice: &mut Dice, family: &Family, name: &str) -> &'static str {
    let braces = family.m.contains("keyMatch3") || family.m.contains("keyMatch4");
    match name {
        "obj" if braces && dice.percent(30) => dice.pick(&BRACES),
        "sub" => dice.pick(&SUBJECTS),
        "obj" => dice.pick(&OBJECTS),
        "dom" => dice.pick(&DOMAINS),
        _ => dice.pick(&ACTIONS),
    }
}

/// A link from an earlier to a later name, so that there is no circle.
fn link(dice: &mut Dice, family: &Family) -> String {
    let role = dice.between(1, SUBJECTS.len() - 1);
    let name = dice.between(0, role - 1);
    let link = format!("g, {}, {}", SUBJECTS[name], SUBJECTS[role]);
    if family.g == "_, _, _" {
        format!("{link}, {}\n", dice.pick(&DOMAINS))
    } else {
        link + "\n"
    }
}

/// Mostly like a row.
fn request(dice: &mut Dice, family: &Family, rows: &[Vec<String>]) -> Request {
    let row = dice.pick(rows);
    let columns: Vec<&str> = family.p.split(", ").collect();
    let object = family.m.contains("r.sub.Age") || family.m.contains("eval(");
    let args = family.r.split(", ").map(|name| {
        let column = columns.iter().position(|column| *column == name);
        let like = column.map(|column| row[column].clone());
        let text = match like {
            Some(like) if dice.percent(70) => like,
            _ => value(dice, family, name).to_owned(),
        };
        if name == "sub" && object {
            json!({"Name": text, "Age": dice.pick(&[5, 17, 18, 30])})
        } else {
            Json::String(text)
        }
    });
    Request {
        args: args.collect(),
        context: Vec::new(),
    }
}
