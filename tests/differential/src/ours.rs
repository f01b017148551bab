//! Our engine, asked as the Go program is.

use crate::wire::{Answer, Call, Question, Request};
use doorward_engine as engine;
use engine::{Engine, FunctionResult, MatchFunction, Model, Outcome, Policy, Settings, Value};
use serde_json::Value as Json;

/// A question's model and policy, compiled.
///
/// # Errors
///
/// The words of the refusal.
pub fn load(question: &Question) -> Result<Engine, String> {
    let model = Model::parse(&question.model).map_err(|error| format!("model: {error}"))?;
    let policy = Policy::parse_csv(&question.policy).map_err(|error| error.to_string())?;
    Engine::compile(&model, &policy, &settings(question)).map_err(|error| error.to_string())
}

fn settings(question: &Question) -> Settings {
    let role_matching =
        question
            .role_matching
            .iter()
            .map(|(graph, functions)| engine::RoleMatching {
                graph: graph.clone(),
                role: MatchFunction::from_name(functions.role),
                domain: MatchFunction::from_name(functions.domain),
            });
    Settings {
        role_matching: role_matching.collect(),
        ..Settings::default()
    }
}

/// The decision of one request.
#[must_use]
pub fn decide(engine: &Engine, request: &Request) -> Answer {
    let values: Vec<Value<'_>> = request.args.iter().map(Value::from).collect();
    let context = match request.context.as_slice() {
        [r, p, e, m] => match engine.context(r, p, e, m) {
            Some(context) => context,
            None => return Answer::Failed("the model lacks a definition".to_owned()),
        },
        _ => engine::Context::default(),
    };
    let decision = engine.decide(&engine::Request {
        context,
        ..engine::Request::new(&values)
    });
    let rule = decision.rule.and_then(|id| engine.rule(id));
    match decision.outcome {
        Outcome::Error(error) => Answer::Failed(error.to_string()),
        outcome => Answer::Decided {
            allow: outcome.is_allow(),
            rule: rule
                .map(|rule| rule.fields().map(str::to_owned).collect())
                .unwrap_or_default(),
        },
    }
}

/// What a built-in function gives.
#[must_use]
pub fn call(call: &Call) -> Answer {
    let args: Vec<Value<'_>> = call.args.iter().map(Value::from).collect();
    match engine::call_function(call.function, &args, 0) {
        Ok(FunctionResult::Bool(value)) => Answer::Value(Json::Bool(value)),
        Ok(FunctionResult::Text(text)) => Answer::Value(Json::String(text)),
        Err(error) => Answer::Failed(error.to_string()),
    }
}
