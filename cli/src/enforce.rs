//! `doorward enforce`: requests decided by a model and a policy.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use doorward_engine::{Context, Outcome, Request, Value};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::lines::{self, Failure};
use crate::load::{Files, Loaded};
use crate::{clock, json};

/// Decide requests by a Casbin model and policy
///
/// Prints {"allow":true,"explain":["alice","data1","read"]}: the decision, and
/// the fields of the rule that decided, [] where none did. A request that
/// cannot be evaluated is {"error":"..."} and denied, with exit status 1.
///
/// With --requests, each line is a request: a JSON array of values, or
///   {"args":[...],"context":{"r":"r2","p":"p2","e":"e","m":"m2"}}
/// where context names the definitions to use. Each is answered by one line,
/// in order; the exit status is 1 if any was an error.
///
/// A model, policy or settings file that does not load prints
/// {"error":"...","stage":"model"}, "policy" or "settings", exit status 1.
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    #[command(flatten)]
    files: Files,
    /// The time for conditions of role links in seconds since 1970-01-01 UTC.
    /// Default: the system clock.
    #[arg(long, value_name = "UNIX", allow_negative_numbers = true)]
    now: Option<i64>,
    /// Requests to decide, one a line; - is standard input.
    #[arg(long, value_name = "FILE.jsonl", conflicts_with = "args")]
    requests: Option<PathBuf>,
    /// The request's values, all text; with accept_json_request, those that
    /// start with { or [ are JSON.
    #[arg(
        value_name = "ARG",
        required_unless_present = "requests",
        allow_negative_numbers = true
    )]
    args: Vec<String>,
}

/// A request with a context.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    args: Vec<Json>,
    context: Option<Names>,
}

/// The names of the definitions to use.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Names {
    r: Option<String>,
    p: Option<String>,
    e: Option<String>,
    m: Option<String>,
}

#[derive(Serialize)]
struct Answer<'a> {
    allow: bool,
    explain: Vec<&'a str>,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let loaded = match arguments.files.load() {
        Ok(loaded) => loaded,
        Err(failure) => return lines::print::<Answer<'_>>(&Err(failure)),
    };
    let enforcer = Enforcer {
        loaded,
        policy: arguments.files.policy(),
        now: clock::now(arguments.now),
    };
    if let Some(path) = &arguments.requests {
        return lines::answer(path, |line| enforcer.answer(read(line)?));
    }
    let args = arguments.args.iter().cloned().map(Json::String).collect();
    let asked = Asked {
        args,
        context: None,
    };
    lines::print(&enforcer.answer(asked).map_err(Failure::new))
}

/// Reads one line of a file of requests.
fn read(line: &[u8]) -> Result<Asked, String> {
    match json::parse(line) {
        Ok(Json::Array(args)) => Ok(Asked {
            args,
            context: None,
        }),
        Ok(object @ Json::Object(_)) => {
            serde_json::from_value(object).map_err(|error| format!("not a request: {error}"))
        }
        Ok(_) => {
            Err("a request is a JSON array of values, or an object with args and context".into())
        }
        Err(error) => Err(format!("not JSON: {error}")),
    }
}

struct Enforcer<'a> {
    loaded: Loaded,
    /// The policy's file, for errors.
    policy: Option<&'a Path>,
    now: i64,
}

impl Enforcer<'_> {
    fn answer(&self, mut asked: Asked) -> Result<Answer<'_>, String> {
        if self.loaded.accept_json_request {
            for (argument, number) in asked.args.iter_mut().zip(1..) {
                parse_text(argument).map_err(|error| {
                    format!("value {number} starts as JSON does, and is not: {error}")
                })?;
            }
        }
        let values: Vec<Value<'_>> = asked.args.iter().map(Value::from).collect();
        let decision = self.loaded.engine.decide(&Request {
            values: &values,
            roles: &[],
            now: self.now,
            context: self.context(&asked.context.unwrap_or_default())?,
        });
        let rule = decision.rule.and_then(|rule| self.loaded.engine.rule(rule));
        match (decision.outcome, rule, self.policy) {
            (Outcome::Error(error), Some(rule), Some(path)) => {
                Err(format!("{}: line {}: {error}", path.display(), rule.line()))
            }
            (Outcome::Error(error), _, _) => Err(error.to_string()),
            (outcome, rule, _) => Ok(Answer {
                allow: outcome.is_allow(),
                explain: rule.map_or_else(Vec::new, |rule| rule.fields().collect()),
            }),
        }
    }

    fn context(&self, names: &Names) -> Result<Context, String> {
        let r = names.r.as_deref().unwrap_or("r");
        let p = names.p.as_deref().unwrap_or("p");
        let e = names.e.as_deref().unwrap_or("e");
        let m = names.m.as_deref().unwrap_or("m");
        let engine = &self.loaded.engine;
        engine.context(r, p, e, m).ok_or_else(|| {
            let (what, name) = if engine.context(r, "p", "e", "m").is_none() {
                ("request", r)
            } else if engine.context("r", p, "e", "m").is_none() {
                ("policy", p)
            } else if engine.context("r", "p", e, "m").is_none() {
                ("effect", e)
            } else {
                ("matcher", m)
            };
            format!("context: the model has no {what} definition {name}")
        })
    }
}

/// Replaces text that starts with `{` or `[` by the JSON it holds.
fn parse_text(argument: &mut Json) -> Result<(), serde_json::Error> {
    let Json::String(text) = argument else {
        return Ok(());
    };
    if text.starts_with(['{', '[']) {
        *argument = json::parse(text.as_bytes())?;
    }
    Ok(())
}
