//! Where our engine departs from Go, and where it follows although that
//! surprises: one example each, asked of both sides.
//!
//! The generated cases leave most of these out, so this is where each is
//! shown to be as documented.

mod examples;

use crate::crate_faults;
use crate::go::Go;
use crate::ours;
use crate::report::Report;
use crate::wire::{Answer, Matching, Question, Request};
use anyhow::{Context, Result};
use serde_json::Value as Json;
use std::fmt;

/// What comes of an example.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// The request is allowed.
    Allow,
    /// The request is denied.
    Deny,
    /// The request is an error.
    Error,
    /// The model or the policy does not load.
    Refused,
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
            Self::Error => "error",
            Self::Refused => "refused when loaded",
        })
    }
}

impl From<&Answer> for Expect {
    fn from(answer: &Answer) -> Self {
        match answer {
            Answer::Decided { allow: true, .. } => Self::Allow,
            Answer::Decided { allow: false, .. } => Self::Deny,
            Answer::Value(_) | Answer::Failed(_) => Self::Error,
        }
    }
}

/// One request to one model and policy, and what each side makes of it.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    /// What it shows.
    pub name: &'static str,
    /// The request definition.
    pub r: &'static str,
    /// The policy definition.
    pub p: &'static str,
    /// The role definition; empty for none.
    pub g: &'static str,
    /// The function that matches names of role rows; empty for none.
    pub matching: &'static str,
    /// The policy effect.
    pub e: &'static str,
    /// The matcher.
    pub m: &'static str,
    /// The policy.
    pub policy: &'static str,
    /// The request, as JSON.
    pub args: &'static str,
    /// What Go gives.
    pub go: Expect,
    /// What our engine gives.
    pub ours: Expect,
}

impl Example {
    /// The example as both sides are asked.
    ///
    /// # Errors
    ///
    /// When the request is not a JSON list.
    pub fn question(&self) -> Result<Question> {
        let roles = match self.g {
            "" => String::new(),
            g => format!("[role_definition]\ng = {g}\n"),
        };
        let model = format!(
            "[request_definition]\nr = {}\n[policy_definition]\np = {}\n{roles}\
             [policy_effect]\ne = {}\n[matchers]\nm = {}\n",
            self.r, self.p, self.e, self.m
        );
        let args: Vec<Json> = serde_json::from_str(self.args)
            .with_context(|| format!("the request of \"{}\"", self.name))?;
        let matching = Matching {
            role: self.matching,
            domain: "",
        };
        let used = !self.matching.is_empty();
        Ok(Question {
            model,
            policy: self.policy.to_owned(),
            role_matching: used
                .then(|| ("g".to_owned(), matching))
                .into_iter()
                .collect(),
            requests: vec![Request {
                args,
                context: Vec::new(),
            }],
            ..Question::default()
        })
    }
}

/// Asks both sides about every example.
///
/// # Errors
///
/// When the Go program cannot be asked.
pub fn run(go: &mut Go, report: &mut Report) -> Result<()> {
    let faults = crate_faults::all().into_iter().map(|fault| fault.example);
    for example in examples::all().chain(faults) {
        let question = example.question()?;
        let replies = go.ask(std::slice::from_ref(&question))?;
        let reply = replies.first().context("Go gave no reply")?;
        let theirs = match reply.answers.first() {
            Some(answer) => Expect::from(&Answer::from(answer)),
            None => Expect::Refused,
        };
        let ours = match (ours::load(&question), question.requests.first()) {
            (Ok(engine), Some(request)) => Expect::from(&ours::decide(&engine, request)),
            _ => Expect::Refused,
        };
        if theirs != example.go || ours != example.ours {
            let what = format!(
                "{}: documented are {} for Go and {} for us\n{}--\n{}-- request {}",
                example.name,
                example.go,
                example.ours,
                question.model,
                question.policy,
                example.args
            );
            report.disagreed(&what, "", &theirs, &ours);
        } else if theirs == ours {
            report.agreed("the same, as documented");
        } else {
            report.agreed("departures, as documented on both sides");
        }
    }
    Ok(())
}
