//! The regorus crate: one small Rego policy, with the rows as data nested by
//! every column that is compared for equality, which is how Rego is made fast.
//! It runs on the crate's bytecode machine, the faster of its two ways.

use super::{Engine, Loaded, Meter, PerRequest};
use crate::key_pattern;
use crate::workload::{Ask, Case, Effect, Object, Rule, Shape, Subject, Workload};
use anyhow::{Context, Result};
use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::RegoVM;
use serde_json::{Map, Value as Json, json};

const ALLOW: &str = "data.bench.allow";

/// Enough for every row's pattern; the default of 256 would compile anew.
const PATTERNS: usize = 200_000;

struct Regorus {
    machine: RegoVM,
    requests: PerRequest<regorus::Value>,
}

pub(super) fn load<'w>(workload: &'w Workload, meter: &mut Meter<'_>) -> Loaded<'w> {
    regorus::cache::configure(regorus::cache::Config {
        regex: PATTERNS,
        ..regorus::cache::Config::default()
    });
    let module = module(workload.shape);
    let data = data(workload).to_string();
    let mut loaded = None;
    meter(&mut || loaded = Some(machine(&module, &data)));
    let machine = loaded.context("regorus was not loaded")??;
    let requests = PerRequest::new(workload, input)?;
    Ok(Ok(Box::new(Regorus { machine, requests })))
}

fn machine(module: &str, data: &str) -> Result<RegoVM> {
    let data = regorus::Value::from_json_str(data).context("regorus refuses the data")?;
    let mut engine = regorus::Engine::new();
    engine
        .add_policy("bench.rego".to_owned(), module.to_owned())
        .context("regorus refuses the policy")?;
    let compiled = engine
        .compile_with_entrypoint(&ALLOW.into())
        .context("regorus does not compile the policy")?;
    let program = Compiler::compile_from_policy(&compiled, &[ALLOW])
        .context("regorus does not make a program of the policy")?;
    let mut machine = RegoVM::new();
    machine.load_program(program);
    machine.set_max_instructions(usize::MAX);
    machine
        .set_data(data)
        .context("regorus refuses the data beside the policy")?;
    Ok(machine)
}

fn input(ask: &Ask) -> Result<regorus::Value> {
    let input = json!({
        "sub": ask.sub, "age": ask.age, "dom": ask.dom, "obj": ask.obj, "act": ask.act,
    });
    regorus::Value::from_json_str(&input.to_string()).context("regorus refuses the input")
}

fn module(shape: Shape) -> String {
    let (allowed, denied) = (matches(shape, "allow"), matches(shape, "deny"));
    let rules = match shape.effect {
        Effect::AllowOverride => format!("allow if {{\n{allowed}}}\n"),
        Effect::DenyOverride => {
            format!("denied if {{\n{denied}}}\nallow if {{\n  not denied\n}}\n")
        }
        Effect::AllowAndDeny => {
            format!("denied if {{\n{denied}}}\nallow if {{\n  not denied\n{allowed}}}\n")
        }
        Effect::Priority => "allow if {\n  \
             rows := data.rows[input.sub][input.obj][input.act]\n  \
             best := min([row.priority | some row in rows])\n  \
             some row in rows\n  row.priority == best\n  row.allow\n}\n"
            .to_owned(),
    };
    format!("package bench\n\nimport rego.v1\n\ndefault allow := false\n\n{rules}")
}

/// The lines that hold when a row of this effect matches.
fn matches(shape: Shape, effect: &str) -> String {
    let subject = match shape.subject {
        Subject::Equal => format!("  grants := data.{effect}[input.sub]\n"),
        Subject::Role => {
            format!("  some name in data.roles[input.sub]\n  grants := data.{effect}[name]\n")
        }
        Subject::RoleInDomain => format!(
            "  some name in data.roles[input.dom][input.sub]\n  \
             grants := data.{effect}[input.dom][name]\n"
        ),
        Subject::RolePattern => format!(
            "  some link in data.links\n  regex.match(link.pattern, input.sub)\n  \
             grants := data.{effect}[link.role]\n"
        ),
        Subject::Condition => {
            return format!(
                "  some ages in data.{effect}[input.obj][input.act]\n  \
                 input.age > ages.over\n  input.age < ages.under\n"
            );
        }
    };
    let object = match shape.object {
        Object::Equal => "  grants[input.obj][input.act]\n",
        Object::KeyMatch => "  some prefix in grants[input.act]\n  startswith(input.obj, prefix)\n",
        Object::KeyMatch2 | Object::Regex => {
            "  some pattern in grants[input.act]\n  regex.match(pattern, input.obj)\n"
        }
    };
    format!("{subject}{object}")
}

fn data(workload: &Workload) -> Json {
    let mut data = json!({"allow": {}, "deny": {}, "rows": {}, "roles": {}, "links": []});
    let shape = workload.shape;
    for (index, rule) in workload.rules.iter().enumerate() {
        add_rule(&mut data, shape, index, rule);
    }
    for link in &workload.links {
        if shape.subject == Subject::RolePattern {
            let pattern = key_pattern::regex(&link.member);
            push(
                &mut data["links"],
                json!({"pattern": pattern, "role": link.role}),
            );
        } else if shape.subject == Subject::RoleInDomain {
            let roles = at(&mut data["roles"], &[&link.dom, &link.member]);
            push(roles, json!(link.role));
        } else {
            push(at(&mut data["roles"], &[&link.member]), json!(link.role));
        }
    }
    data
}

fn add_rule(data: &mut Json, shape: Shape, index: usize, rule: &Rule) {
    let Rule {
        sub,
        dom,
        obj,
        act,
        deny,
        ages: (over, under),
    } = rule;
    if shape.effect == Effect::Priority {
        let rows = at(&mut data["rows"], &[sub, obj, act]);
        return push(rows, json!({"priority": index + 1, "allow": !deny}));
    }
    let tree = &mut data[if *deny { "deny" } else { "allow" }];
    if shape.subject == Subject::Condition {
        let ages = at(tree, &[obj, act]);
        return push(ages, json!({"over": over, "under": under}));
    }
    let grants = match shape.subject {
        Subject::RoleInDomain => at(tree, &[dom, sub]),
        _ => at(tree, &[sub]),
    };
    match shape.object {
        Object::Equal => *at(grants, &[obj, act]) = Json::Bool(true),
        // keyMatch compares what is before the first `*`.
        Object::KeyMatch => push(at(grants, &[act]), json!(obj.trim_end_matches('*'))),
        Object::KeyMatch2 => push(at(grants, &[act]), json!(key_pattern::regex(obj))),
        Object::Regex => push(at(grants, &[act]), json!(obj)),
    }
}

/// The place under these keys, made when it is not there.
fn at<'j>(mut json: &'j mut Json, keys: &[&str]) -> &'j mut Json {
    for key in keys {
        if json.is_null() {
            *json = Json::Object(Map::new());
        }
        json = &mut json[*key];
    }
    json
}

fn push(list: &mut Json, value: Json) {
    match list {
        Json::Array(values) => values.push(value),
        other => *other = Json::Array(vec![value]),
    }
}

impl Engine for Regorus {
    fn allows(&mut self, case: Case, number: usize) -> Result<bool> {
        let input = self.requests.get(case, number).clone();
        self.machine.set_input(input);
        let answer = self
            .machine
            .execute_entry_point_by_index(0)
            .context("regorus cannot evaluate the request")?;
        Ok(matches!(answer, regorus::Value::Bool(true)))
    }
}
