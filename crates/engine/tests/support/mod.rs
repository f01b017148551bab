//! Models and requests in few words.

#![allow(dead_code, reason = "every test file uses its own part")]

use doorward_engine::{
    Context, Engine, Model, Outcome, Policy, Request, RoleLink, Settings, Value,
};
use serde_json::Value as Json;

/// The definitions of a model; only what a test is about is said.
#[derive(Clone, Copy)]
pub(crate) struct Setup<'a> {
    pub(crate) r: &'a str,
    pub(crate) p: &'a str,
    pub(crate) g: &'a [&'a str],
    pub(crate) e: &'a str,
    pub(crate) m: &'a str,
}

pub(crate) const ALLOW_OVERRIDE: &str = "some(where (p.eft == allow))";
pub(crate) const DENY_OVERRIDE: &str = "!some(where (p.eft == deny))";
pub(crate) const ALLOW_AND_DENY: &str =
    "some(where (p.eft == allow)) && !some(where (p.eft == deny))";
pub(crate) const PRIORITY: &str = "priority(p.eft) || deny";
pub(crate) const SUBJECT_PRIORITY: &str = "subjectPriority(p.eft) || deny";

impl Default for Setup<'_> {
    fn default() -> Self {
        Self {
            r: "sub, obj, act",
            p: "sub, obj, act",
            g: &[],
            e: ALLOW_OVERRIDE,
            m: "r.sub == p.sub && r.obj == p.obj && r.act == p.act",
        }
    }
}

impl Setup<'_> {
    /// The model as a file.
    pub(crate) fn text(&self) -> String {
        let mut text = format!(
            "[request_definition]\nr = {}\n[policy_definition]\np = {}\n",
            self.r, self.p
        );
        if !self.g.is_empty() {
            text.push_str("[role_definition]\n");
        }
        for (definition, number) in self.g.iter().zip(1..) {
            let suffix = if number == 1 {
                String::new()
            } else {
                number.to_string()
            };
            text.push_str(&format!("g{suffix} = {definition}\n"));
        }
        text.push_str(&format!(
            "[policy_effect]\ne = {}\n[matchers]\nm = {}\n",
            self.e, self.m
        ));
        text
    }

    pub(crate) fn model(&self) -> Model {
        let text = self.text();
        Model::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    /// What the model or the policy is refused with, and by which of them.
    pub(crate) fn refusal(&self, policy: &str, settings: &Settings) -> String {
        let model = match Model::parse(&self.text()) {
            Ok(model) => model,
            Err(error) => return format!("model: {error}"),
        };
        match Engine::compile(&model, &csv(policy), settings) {
            Ok(_) => "accepted".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    pub(crate) fn engine_with(&self, policy: &str, settings: &Settings) -> Engine {
        Engine::compile(&self.model(), &csv(policy), settings)
            .unwrap_or_else(|error| panic!("{error}\n{policy}"))
    }

    pub(crate) fn engine(&self, policy: &str) -> Engine {
        self.engine_with(policy, &Settings::default())
    }
}

pub(crate) fn csv(policy: &str) -> Policy {
    Policy::parse_csv(policy).unwrap()
}

/// A request beyond its values.
#[derive(Default, Clone, Copy)]
pub(crate) struct Extra<'a> {
    pub(crate) roles: &'a [RoleLink<'a>],
    pub(crate) now: i64,
    pub(crate) context: Context,
}

/// The decision in words: `allow`, `deny` or `error: ...`, then `by` and the
/// row where one decided.
pub(crate) fn decide_with(engine: &Engine, args: &Json, extra: Extra<'_>) -> String {
    let values: Vec<Value<'_>> = args.as_array().unwrap().iter().map(Value::from).collect();
    let decision = engine.decide(&Request {
        values: &values,
        roles: extra.roles,
        now: extra.now,
        context: extra.context,
    });
    let outcome = match decision.outcome {
        Outcome::Allow => "allow".to_owned(),
        Outcome::Deny => "deny".to_owned(),
        Outcome::Error(error) => format!("error: {error}"),
    };
    match decision.rule.and_then(|rule| engine.rule(rule)) {
        Some(rule) => format!("{outcome} by {rule}"),
        None => outcome,
    }
}

pub(crate) fn decide(engine: &Engine, args: &Json) -> String {
    decide_with(engine, args, Extra::default())
}

/// Only the outcome, without the row.
pub(crate) fn outcome(engine: &Engine, args: &Json) -> String {
    let words = decide(engine, args);
    words.split(" by ").next().unwrap().to_owned()
}

/// Compares all rows of a table and tells every difference at once.
pub(crate) fn check_all(rows: impl IntoIterator<Item = (String, String, String)>) {
    let faults: Vec<String> = rows
        .into_iter()
        .filter(|(_, found, expected)| found != expected)
        .map(|(what, found, expected)| {
            format!("{what}\n   found    {found}\n   expected {expected}")
        })
        .collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}
