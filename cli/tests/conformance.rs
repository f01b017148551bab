//! Casbin's own tests as data, asked through the command: every case and
//! every function file of `shared/conformance/casbin`, where that folder is
//! at hand.
//!
//! The folder is looked for under `DOORWARD_SHARED`, else beside the
//! workspace as `../shared`.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value as Json, json};
use support::Folder;

/// What of a case concerns the command; the engine's suite reads all of it.
#[derive(Deserialize)]
struct Case {
    name: String,
    model: String,
    policy: Option<String>,
    role_matching: Option<Json>,
    link_condition: Option<Json>,
    #[serde(default)]
    options: serde_json::Map<String, Json>,
    #[serde(default)]
    extra_policies: Vec<Vec<String>>,
    #[serde(default)]
    removed: Vec<Vec<String>>,
    error_stage: Option<String>,
    requests: Vec<Json>,
}

#[derive(Deserialize)]
struct FunctionFile {
    function: String,
    checks: Vec<Json>,
}

fn shared() -> Option<PathBuf> {
    let shared = std::env::var_os("DOORWARD_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
        PathBuf::from,
    );
    let folder = shared.join("conformance/casbin");
    folder.is_dir().then_some(folder)
}

/// The YAML files of a folder, parsed.
fn all<T: for<'de> Deserialize<'de>>(folder: &Path) -> Vec<T> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .collect();
    paths.sort();
    let parse = |path: &PathBuf| {
        serde_saphyr::from_str(&fs::read_to_string(path).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    paths.iter().map(parse).collect()
}

/// The policy's text with rows added and removed. The files of the suite have
/// no quotes, so that a row is its fields between commas.
fn policy(text: &str, extra: &[Vec<String>], removed: &[Vec<String>]) -> String {
    let row = |line: &str| -> Vec<String> {
        line.split(',')
            .map(|field| field.trim().to_owned())
            .collect()
    };
    let mut rows: Vec<(Vec<String>, String)> = text
        .lines()
        .map(|line| (row(line), line.to_owned()))
        .collect();
    rows.extend(extra.iter().map(|row| {
        let quoted: Vec<String> = row
            .iter()
            .map(|field| format!("\"{}\"", field.replace('"', "\"\"")))
            .collect();
        (row.clone(), quoted.join(", "))
    }));
    rows.retain(|(row, _)| !removed.contains(row));
    let lines: Vec<String> = rows.into_iter().map(|(_, line)| line + "\n").collect();
    lines.concat()
}

/// One JSON value a line.
fn lines(values: impl Iterator<Item = Json>) -> String {
    values.map(|value| format!("{value}\n")).collect()
}

fn check_case(shared: &Path, case: &Case, faults: &mut Vec<String>) {
    let read = |path: &String| fs::read_to_string(shared.join(path)).unwrap();
    let mut settings = case.options.clone();
    settings.extend(
        case.role_matching
            .clone()
            .map(|value| ("role_matching".to_owned(), value)),
    );
    settings.extend(
        case.link_condition
            .clone()
            .map(|value| ("link_condition".to_owned(), value)),
    );
    let rows = case.policy.as_ref().map(read).unwrap_or_default();
    let asked = case
        .requests
        .iter()
        .map(|request| match request.get("context") {
            Some(context) => json!({"args": request["args"], "context": context}),
            None => request["args"].clone(),
        });
    let folder = Folder::new(
        &format!("conformance-{}", case.name),
        &[
            ("m.conf", &read(&case.model)),
            ("p.csv", &policy(&rows, &case.extra_policies, &case.removed)),
            // JSON is YAML.
            ("s.yaml", &Json::Object(settings).to_string()),
            ("r.jsonl", &lines(asked)),
        ],
    );
    let (output, status) = folder.run(&[
        "enforce",
        "-m",
        "m.conf",
        "-p",
        "p.csv",
        "--settings",
        "s.yaml",
        "--requests",
        "r.jsonl",
    ]);
    let mut fault = |what: String| faults.push(format!("{}: {what}", case.name));
    let answers: Vec<Json> = output
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    if let Some(stage) = &case.error_stage {
        // The command is given all rows at once: they are its policy.
        let stage = if stage == "model" { "model" } else { "policy" };
        let right = matches!(&answers[..], [answer] if answer["stage"] == stage);
        if !right || status != 1 {
            fault(format!("expected a failure at {stage}: {output}"));
        }
        return;
    }
    if answers.len() != case.requests.len() {
        return fault(format!("{} requests: {output}", case.requests.len()));
    }
    let mut errors = false;
    for (answer, request) in answers.iter().zip(&case.requests) {
        let error = request["error"] == true;
        errors |= error;
        let right = if error {
            answer["error"].is_string()
        } else {
            answer["allow"] == request["allow"] && answer["explain"].is_array()
        };
        if !right {
            fault(format!("{request} gives {answer}"));
        }
    }
    if status != i32::from(errors) {
        fault(format!("exit status {status}"));
    }
}

#[test]
fn cases() {
    let Some(shared) = shared() else {
        println!("conformance: the folder shared/conformance/casbin is absent, nothing checked");
        return;
    };
    let mut cases: Vec<Case> = all(&shared.join("cases"));
    // A switch of the Go interface, not of the language.
    cases.retain(|case| case.options.get("enabled") != Some(&Json::Bool(false)));
    let mut faults = Vec::new();
    for case in &cases {
        check_case(&shared, case, &mut faults);
    }
    let requests: usize = cases.iter().map(|case| case.requests.len()).sum();
    println!(
        "conformance: {} cases, {requests} requests through the command",
        cases.len()
    );
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    assert!(!cases.is_empty() && requests > 0);
}

#[test]
fn function_files() {
    let Some(shared) = shared() else {
        println!("conformance: the folder shared/conformance/casbin is absent, nothing checked");
        return;
    };
    let files: Vec<FunctionFile> = all(&shared.join("functions"));
    let folder = Folder::new("conformance-functions", &[]);
    let mut faults = Vec::new();
    let mut checks = 0;
    for file in &files {
        let input = lines(file.checks.iter().map(|check| check["args"].clone()));
        let args = ["function", &file.function, "--requests", "-"];
        let (output, _) = folder.ask(&args, input.as_bytes());
        let answers: Vec<&str> = output.lines().collect();
        assert_eq!(answers.len(), file.checks.len(), "{}", file.function);
        for (answer, check) in answers.iter().zip(&file.checks) {
            checks += 1;
            let found: Json = serde_json::from_str(answer).unwrap();
            let right = if check["error"] == true {
                found["error"].is_string()
            } else {
                found == json!({"result": check["expect"]})
            };
            if !right {
                faults.push(format!("{} {check} gives {answer}", file.function));
            }
        }
    }
    println!("conformance: {checks} function checks through the command");
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    assert!(checks > 0);
}
