//! Casbin's own tests as data: every case and every function check in
//! `shared/conformance/casbin`, where that folder is at hand.
//!
//! The folder is looked for under `DOORWARD_SHARED`, else beside the
//! workspace as `../shared`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use doorward_engine::{
    Engine, FieldIndex, FunctionResult, LinkCondition, LinkConditionFunction, MatchFunction, Model,
    Outcome, Policy, Request, RoleMatching, Settings, Value, call_function,
};
use serde::Deserialize;
use serde_json::Value as Json;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(rename = "source")]
    _source: Json,
    #[serde(rename = "features")]
    _features: Json,
    #[serde(rename = "derived", default)]
    _derived: Json,
    #[serde(rename = "notes", default)]
    _notes: Json,
    model: String,
    policy: Option<String>,
    #[serde(default)]
    role_matching: BTreeMap<String, Json>,
    #[serde(default)]
    link_condition: BTreeMap<String, String>,
    #[serde(default)]
    options: Options,
    #[serde(default)]
    extra_policies: Vec<Vec<String>>,
    #[serde(default)]
    removed: Vec<Vec<String>>,
    #[serde(default)]
    expect_error: bool,
    error_stage: Option<String>,
    requests: Vec<Asked>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Options {
    enabled: Option<bool>,
    #[serde(default)]
    accept_json_request: bool,
    #[serde(default)]
    field_index: BTreeMap<String, BTreeMap<String, usize>>,
    max_hierarchy_level: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    args: Vec<Json>,
    allow: Option<bool>,
    #[serde(default)]
    error: bool,
    context: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FunctionFile {
    function: String,
    #[serde(rename = "source")]
    _source: Json,
    checks: Vec<Check>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Check {
    args: Vec<Json>,
    expect: Option<Json>,
    #[serde(default)]
    error: bool,
}

fn folder() -> Option<PathBuf> {
    let shared = std::env::var_os("DOORWARD_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let folder = shared.join("conformance/casbin");
    folder.is_dir().then_some(folder)
}

fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .collect();
    files.sort();
    files
}

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_secs()).unwrap()
}

fn match_function(name: &Json) -> Option<MatchFunction> {
    name.as_str()
        .map(|name| MatchFunction::from_name(name).unwrap())
}

fn settings(case: &Case) -> Settings {
    let mut settings = Settings::default();
    for (graph, matching) in &case.role_matching {
        let (role, domain) = match matching {
            Json::Object(both) => (
                both.get("role").and_then(match_function),
                both.get("domain").and_then(match_function),
            ),
            role => (match_function(role), None),
        };
        settings.role_matching.push(RoleMatching {
            graph: graph.clone(),
            role,
            domain,
        });
    }
    for (graph, function) in &case.link_condition {
        settings.link_conditions.push(LinkCondition {
            graph: graph.clone(),
            function: LinkConditionFunction::from_name(function).unwrap(),
        });
    }
    for (policy, fields) in &case.options.field_index {
        for (field, index) in fields {
            settings.field_index.push(FieldIndex {
                policy: policy.clone(),
                field: field.clone(),
                index: *index,
            });
        }
    }
    if let Some(level) = case.options.max_hierarchy_level {
        settings.max_hierarchy_level = level;
    }
    settings
}

/// The policy with rows added and removed, as text does not hold them.
fn policy(text: &str, extra: &[Vec<String>], removed: &[Vec<String>]) -> Policy {
    let parsed = Policy::parse_csv(text).unwrap();
    let mut rows: Vec<Vec<String>> = parsed
        .rows()
        .map(|row| {
            let mut all = vec![row.kind().to_owned()];
            all.extend(row.fields().map(str::to_owned));
            all
        })
        .collect();
    rows.extend(extra.iter().cloned());
    rows.retain(|row| !removed.contains(row));
    let mut policy = Policy::default();
    for (row, line) in rows.iter().zip(1..) {
        let fields: Vec<&str> = row.iter().skip(1).map(String::as_str).collect();
        policy.push_row(&row[0], &fields, line);
    }
    policy
}

fn decide(engine: &Engine, case: &Case, asked: &Asked) -> Outcome {
    let args: Vec<Json> = asked
        .args
        .iter()
        .map(|arg| match arg.as_str() {
            Some(text) if case.options.accept_json_request && text.starts_with(['{', '[']) => {
                serde_json::from_str(text).unwrap()
            }
            _ => arg.clone(),
        })
        .collect();
    let values: Vec<Value<'_>> = args.iter().map(Value::from).collect();
    let mut request = Request::new(&values);
    request.now = now();
    if let Some(names) = &asked.context {
        let name = |key: &'static str| names.get(key).map_or(key, String::as_str);
        request.context = engine
            .context(name("r"), name("p"), name("e"), name("m"))
            .unwrap();
    }
    engine.decide(&request).outcome
}

fn check_case(folder: &Path, case: &Case, faults: &mut Vec<String>) {
    let mut fault = |what: String| faults.push(format!("{}: {what}", case.name));
    let read = |path: &str| fs::read_to_string(folder.join(path)).unwrap();
    let model = match (
        Model::parse(&read(&case.model)),
        case.error_stage.as_deref(),
    ) {
        (Err(_), Some("model")) => return,
        (Ok(_), Some("model")) => return fault("the model must not load".to_owned()),
        (Err(error), _) => return fault(format!("the model does not load: {error}")),
        (Ok(model), _) => model,
    };
    let text = case.policy.as_deref().map(read).unwrap_or_default();
    let settings = settings(case);
    let compile = |extra: &[Vec<String>], removed: &[Vec<String>]| {
        Engine::compile(&model, &policy(&text, extra, removed), &settings)
    };
    if case.expect_error {
        let all = case.extra_policies.len();
        let (accepted, refused) = match case.error_stage.as_deref() {
            Some("policy") => (None, compile(&[], &[])),
            _ => (
                Some(compile(&case.extra_policies[..all - 1], &[])),
                compile(&case.extra_policies, &[]),
            ),
        };
        if let Some(Err(error)) = accepted {
            fault(format!("the rows before the last must load: {error}"));
        }
        if refused.is_ok() {
            fault("the policy must not load".to_owned());
        }
        return;
    }
    let engine = match compile(&case.extra_policies, &case.removed) {
        Ok(engine) => engine,
        Err(error) => return fault(format!("the policy does not load: {error}")),
    };
    for asked in &case.requests {
        let outcome = decide(&engine, case, asked);
        let right = match outcome {
            Outcome::Allow => asked.allow == Some(true),
            Outcome::Deny => asked.allow == Some(false),
            Outcome::Error(_) => asked.error,
        };
        if !right {
            let args = &asked.args;
            fault(format!(
                "{args:?}: {outcome:?}, expected allow {:?}",
                asked.allow
            ));
        }
    }
}

fn check_function(function: &str, check: &Check) -> Result<(), String> {
    let values: Vec<Value<'_>> = check.args.iter().map(Value::from).collect();
    let result = call_function(function, &values, now());
    let right = match &result {
        Ok(FunctionResult::Bool(value)) => check.expect == Some(Json::Bool(*value)),
        Ok(FunctionResult::Text(text)) => check.expect == Some(Json::String(text.clone())),
        Err(_) => check.error,
    };
    if right {
        Ok(())
    } else {
        let args = &check.args;
        Err(format!(
            "{function} {args:?}: {result:?}, expected {:?}",
            check.expect
        ))
    }
}

#[test]
fn casbin_conformance() {
    let Some(folder) = folder() else {
        println!("conformance: the folder shared/conformance/casbin is absent, nothing checked");
        return;
    };
    let mut faults = Vec::new();
    let (mut cases, mut requests, mut checks) = (0, 0, 0);
    for path in yaml_files(&folder.join("cases")) {
        let text = fs::read_to_string(&path).unwrap();
        let case: Case = serde_saphyr::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        // A switch of the Go interface, not of the language.
        if case.options.enabled == Some(false) {
            continue;
        }
        cases += 1;
        requests += case.requests.len();
        check_case(&folder, &case, &mut faults);
    }
    for path in yaml_files(&folder.join("functions")) {
        let text = fs::read_to_string(&path).unwrap();
        let file: FunctionFile = serde_saphyr::from_str(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        checks += file.checks.len();
        for check in &file.checks {
            faults.extend(check_function(&file.function, check).err());
        }
    }
    println!("conformance: {cases} cases, {requests} requests, {checks} function checks");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(cases > 0 && requests > 0 && checks > 0);
}
