//! A workload as a Casbin model and policy: what the engine and the casbin
//! crate both read.

use crate::workload::{Effect, Object, Rule, Shape, Subject, Workload};
use std::fmt::Write;

/// The model.
#[must_use]
pub fn model(shape: Shape) -> String {
    let domain = if shape.subject == Subject::RoleInDomain {
        "dom, "
    } else {
        ""
    };
    let subject = match shape.subject {
        Subject::Condition => "sub_rule",
        _ => "sub",
    };
    let (before, after) = match shape.effect {
        Effect::AllowOverride => ("", ""),
        Effect::DenyOverride | Effect::AllowAndDeny => ("", ", eft"),
        Effect::Priority => ("priority, ", ", eft"),
    };
    let roles = match shape.subject {
        Subject::Equal | Subject::Condition => "",
        Subject::Role | Subject::RolePattern => "[role_definition]\ng = _, _\n",
        Subject::RoleInDomain => "[role_definition]\ng = _, _, _\n",
    };
    format!(
        "[request_definition]\nr = sub, {domain}obj, act\n\
         [policy_definition]\np = {before}{subject}, {domain}obj, act{after}\n\
         {roles}[policy_effect]\ne = {}\n\
         [matchers]\nm = {} && {} && r.act == p.act\n",
        effect(shape.effect),
        subject_term(shape.subject),
        object_term(shape.object),
    )
}

fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::AllowOverride => "some(where (p.eft == allow))",
        Effect::DenyOverride => "!some(where (p.eft == deny))",
        Effect::AllowAndDeny => "some(where (p.eft == allow)) && !some(where (p.eft == deny))",
        Effect::Priority => "priority(p.eft) || deny",
    }
}

fn subject_term(subject: Subject) -> &'static str {
    match subject {
        Subject::Equal => "r.sub == p.sub",
        Subject::Role | Subject::RolePattern => "g(r.sub, p.sub)",
        Subject::RoleInDomain => "g(r.sub, p.sub, r.dom) && r.dom == p.dom",
        Subject::Condition => "eval(p.sub_rule)",
    }
}

fn object_term(object: Object) -> &'static str {
    match object {
        Object::Equal => "r.obj == p.obj",
        Object::KeyMatch => "keyMatch(r.obj, p.obj)",
        Object::KeyMatch2 => "keyMatch2(r.obj, p.obj)",
        Object::Regex => "regexMatch(r.obj, p.obj)",
    }
}

/// The policy, one row a line. Its values hold no comma and no quote.
#[must_use]
pub fn policy(workload: &Workload) -> String {
    let mut text = String::new();
    for (index, rule) in workload.rules.iter().enumerate() {
        row(&mut text, workload.shape, index, rule);
    }
    for link in &workload.links {
        text.push_str("g, ");
        text.push_str(&link.member);
        text.push_str(", ");
        text.push_str(&link.role);
        if !link.dom.is_empty() {
            text.push_str(", ");
            text.push_str(&link.dom);
        }
        text.push('\n');
    }
    text
}

fn row(text: &mut String, shape: Shape, index: usize, rule: &Rule) {
    text.push_str("p, ");
    if shape.effect == Effect::Priority {
        // Writing to a string cannot fail.
        let _ = write!(text, "{}, ", index + 1);
    }
    if shape.subject == Subject::Condition {
        let (over, under) = rule.ages;
        let _ = write!(text, "r.sub.Age > {over} && r.sub.Age < {under}, ");
    } else {
        let _ = write!(text, "{}, ", rule.sub);
    }
    if shape.subject == Subject::RoleInDomain {
        let _ = write!(text, "{}, ", rule.dom);
    }
    let _ = write!(text, "{}, {}", rule.obj, rule.act);
    if shape.effect != Effect::AllowOverride {
        text.push_str(if rule.deny { ", deny" } else { ", allow" });
    }
    text.push('\n');
}
