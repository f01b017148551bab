//! `doorward function`: one built-in function, called directly.

use std::path::PathBuf;
use std::process::ExitCode;

use doorward_engine::{FunctionResult, Value, call_function};
use serde::Serialize;
use serde_json::Value as Json;

use crate::lines::{self, Failure};
use crate::{clock, json};

/// Call one of Casbin's built-in functions
///
/// Prints the function's result: true, false, or the text it gives. A call
/// that fails prints {"error":"..."} and exits with status 1.
///
/// With --requests, each line is a JSON array of arguments and is answered by
/// a line {"result":true}, {"result":"text"} or {"error":"..."}, in order;
/// the exit status is 1 if any line was an error.
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// keyMatch, keyMatch2 to keyMatch5, keyGet, keyGet2, keyGet3,
    /// regexMatch, ipMatch, globMatch or timeMatch.
    name: String,
    /// The arguments, all text.
    #[arg(
        value_name = "ARG",
        required_unless_present = "requests",
        allow_negative_numbers = true
    )]
    args: Vec<String>,
    /// Calls to make, one a line; - is standard input.
    #[arg(long, value_name = "FILE.jsonl", conflicts_with = "args")]
    requests: Option<PathBuf>,
    /// The time for timeMatch in seconds since 1970-01-01 UTC. Default: the
    /// system clock.
    #[arg(long, value_name = "UNIX", allow_negative_numbers = true)]
    now: Option<i64>,
}

#[derive(Serialize)]
struct Answer {
    result: Json,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let now = clock::now(arguments.now);
    let name = &arguments.name;
    if let Some(path) = &arguments.requests {
        return lines::answer(path, |line| {
            let args = match json::parse(line) {
                Ok(Json::Array(args)) => args,
                Ok(_) => return Err("a call is a JSON array of arguments".to_owned()),
                Err(error) => return Err(format!("not JSON: {error}")),
            };
            let values: Vec<Value<'_>> = args.iter().map(Value::from).collect();
            let result = match call(name, &values, now)? {
                FunctionResult::Bool(value) => value.into(),
                FunctionResult::Text(text) => text.into(),
            };
            Ok(Answer { result })
        });
    }
    let values: Vec<Value<'_>> = arguments.args.iter().map(Value::from).collect();
    match call(name, &values, now) {
        Ok(FunctionResult::Bool(value)) => println!("{value}"),
        Ok(FunctionResult::Text(text)) => println!("{text}"),
        Err(error) => return lines::print::<Answer>(&Err(Failure::new(error))),
    }
    ExitCode::SUCCESS
}

fn call(name: &str, values: &[Value<'_>], now: i64) -> Result<FunctionResult, String> {
    call_function(name, values, now).map_err(|error| error.to_string())
}
