//! The Rego policy, on regorus' bytecode machine, the faster of its two ways.

use anyhow::{Context, Result, bail};
use regorus::Value;
use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::RegoVM;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;

const TEXT: &str = include_str!("policy.rego");

const ALLOW: &str = "data.authz.allow";

/// One rule: this scope may use this method below this path.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// A scope of the token.
    pub scope: String,
    /// The method.
    pub method: String,
    /// What the path starts with.
    pub prefix: String,
}

/// The policy, loaded.
pub struct Policy {
    machine: RegoVM,
    names: Names,
}

/// The names of the input's members, made once.
struct Names {
    method: Value,
    path: Value,
    segment: Value,
    scopes: Value,
}

impl Policy {
    /// Compiles the policy, with the rules as its data.
    ///
    /// # Errors
    ///
    /// When a prefix is no path, or regorus refuses the policy or the data.
    pub fn load(rules: &[Rule]) -> Result<Self> {
        let mut engine = regorus::Engine::new();
        engine
            .add_policy("policy.rego".to_owned(), TEXT.to_owned())
            .context("regorus refuses the policy")?;
        let compiled = engine
            .compile_with_entrypoint(&ALLOW.into())
            .context("regorus does not compile the policy")?;
        let program = Compiler::compile_from_policy(&compiled, &[ALLOW])
            .context("regorus does not make a program of the policy")?;
        let mut machine = RegoVM::new();
        machine.load_program(program);
        machine.set_max_instructions(usize::MAX);
        let data = Value::from(json!({"rules": nested(rules)?}));
        machine
            .set_data(data)
            .context("regorus refuses the rules")?;
        Ok(Self {
            machine,
            names: Names {
                method: Value::from("method"),
                path: Value::from("path"),
                segment: Value::from("segment"),
                scopes: Value::from("scopes"),
            },
        })
    }

    /// Whether one of the scopes, a list, may use the method at the target,
    /// which is a path with or without a query.
    ///
    /// # Errors
    ///
    /// When regorus cannot evaluate the policy.
    pub fn allows(&mut self, method: &str, target: &str, scopes: Value) -> Result<bool> {
        let path = target.split_once('?').map_or(target, |(path, _)| path);
        let names = &self.names;
        let input = BTreeMap::from([
            (names.method.clone(), Value::from(method)),
            (names.path.clone(), Value::from(path)),
            (names.segment.clone(), Value::from(first_segment(path).0)),
            (names.scopes.clone(), scopes),
        ]);
        self.machine.set_input(Value::from(input));
        let answer = self
            .machine
            .execute_entry_point_by_index(0)
            .context("regorus cannot evaluate the policy")?;
        Ok(answer == Value::Bool(true))
    }
}

/// The rules by scope, method and first segment.
fn nested(rules: &[Rule]) -> Result<Json> {
    let mut nested = json!({});
    for rule in rules {
        if !rule.prefix.starts_with('/') {
            bail!("prefix {:?} does not start with /", rule.prefix);
        }
        let (segment, is_whole) = first_segment(&rule.prefix);
        let under = at(at(&mut nested, &rule.scope), &rule.method);
        let list = if is_whole {
            at(at(under, "segments"), segment)
        } else {
            at(under, "others")
        };
        match list {
            Json::Array(prefixes) => prefixes.push(json!(rule.prefix)),
            other => *other = json!([rule.prefix]),
        }
    }
    Ok(nested)
}

/// The place under a key, made when it is not there.
fn at<'j>(json: &'j mut Json, key: &str) -> &'j mut Json {
    if json.is_null() {
        *json = Json::Object(Map::new());
    }
    &mut json[key]
}

/// The first segment of a path, and whether another one begins behind it.
fn first_segment(path: &str) -> (&str, bool) {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.split_once('/')
        .map_or((path, false), |(segment, _)| (segment, true))
}
