//! `doorward enforce`: requests decided by a model and a policy.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use doorward_bundle::CasbinSettings;
use doorward_engine::{CompileError, Context, Engine, Model, Outcome, Policy, Request, Value};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::lines::{self, Failure};
use crate::{clock, json, settings};

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
    /// The model, in Casbin's format.
    #[arg(short, long)]
    model: PathBuf,
    /// The policy, in Casbin's CSV. Without it there are no rules.
    #[arg(short, long)]
    policy: Option<PathBuf>,
    /// What Casbin sets in code, in YAML: role_matching, link_condition,
    /// field_index, max_hierarchy_level, accept_json_request.
    #[arg(long, value_name = "FILE.yaml")]
    settings: Option<PathBuf>,
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
    let enforcer = match Enforcer::load(arguments) {
        Ok(enforcer) => enforcer,
        Err(failure) => return lines::print::<Answer<'_>>(&Err(failure)),
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

struct Enforcer {
    engine: Engine,
    /// The policy's file, for errors.
    policy: Option<PathBuf>,
    accept_json_request: bool,
    now: i64,
}

impl Enforcer {
    fn load(arguments: &Arguments) -> Result<Self, Failure> {
        let model_path = arguments.model.as_path();
        let policy_path = arguments.policy.as_deref();
        let settings_path = arguments.settings.as_deref();
        let model = Model::parse(&text(model_path, "model")?)
            .map_err(|error| failure(Some(model_path), "model", &error.to_string()))?;
        let file = match settings_path {
            Some(path) => settings::parse(&text(path, "settings")?)
                .map_err(|error| failure(Some(path), "settings", &error))?,
            None => CasbinSettings::default(),
        };
        let policy = match policy_path {
            Some(path) => Policy::parse_csv(&text(path, "policy")?)
                .map_err(|error| failure(Some(path), "policy", &error.to_string()))?,
            None => Policy::default(),
        };
        let settings = file
            .settings()
            .map_err(|error| failure(settings_path, "settings", &error.to_string()))?;
        let engine = Engine::compile(&model, &policy, &settings).map_err(|error| {
            let (path, stage) = match (&error, settings_path) {
                (CompileError::Settings { .. }, Some(path)) => (Some(path), "settings"),
                // The model wants a setting, and no file says any.
                (CompileError::Settings { .. }, None) | (CompileError::Model(_), _) => {
                    (Some(model_path), "model")
                }
                (CompileError::Row { .. } | CompileError::Policy { .. }, _) => {
                    (policy_path, "policy")
                }
            };
            let text = match (error, settings_path) {
                (CompileError::Settings { field, message }, Some(_)) => {
                    format!("{field}: {message}")
                }
                (error, _) => error.to_string(),
            };
            failure(path, stage, &text)
        })?;
        Ok(Self {
            engine,
            policy: arguments.policy.clone(),
            accept_json_request: file.accept_json_request,
            now: clock::now(arguments.now),
        })
    }

    fn answer(&self, mut asked: Asked) -> Result<Answer<'_>, String> {
        if self.accept_json_request {
            for (argument, number) in asked.args.iter_mut().zip(1..) {
                parse_text(argument).map_err(|error| {
                    format!("value {number} starts as JSON does, and is not: {error}")
                })?;
            }
        }
        let values: Vec<Value<'_>> = asked.args.iter().map(Value::from).collect();
        let decision = self.engine.decide(&Request {
            values: &values,
            roles: &[],
            now: self.now,
            context: self.context(&asked.context.unwrap_or_default())?,
        });
        let rule = decision.rule.and_then(|rule| self.engine.rule(rule));
        match (decision.outcome, rule, &self.policy) {
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
        let engine = &self.engine;
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

fn text(path: &Path, stage: &'static str) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| failure(Some(path), stage, &error.to_string()))
}

fn failure(path: Option<&Path>, stage: &'static str, error: &str) -> Failure {
    let error = match path {
        Some(path) => format!("{}: {error}", path.display()),
        None => error.to_owned(),
    };
    Failure {
        error,
        stage: Some(stage),
    }
}
