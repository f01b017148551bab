//! This project's engine.

use super::{Engine, Loaded, Meter, PerRequest};
use crate::casbin_text;
use crate::workload::{Ask, Case, Subject, Workload};
use anyhow::{Context, Result, bail};
use doorward_engine::{
    Engine as Compiled, MatchFunction, Model, Outcome, Policy, Request, RoleMatching, Settings,
    Value,
};
use serde_json::{Value as Json, json};

/// The values of a request: three, or four with a domain.
struct Values<'w> {
    values: [Value<'w>; 4],
    count: usize,
}

struct Doorward<'w> {
    engine: Compiled,
    requests: PerRequest<Values<'w>>,
    /// Subjects by age, in conditions.
    subjects: Vec<Json>,
}

/// Ages that requests can have.
const AGES: u32 = 128;

pub(super) fn load<'w>(workload: &'w Workload, meter: &mut Meter<'_>) -> Loaded<'w> {
    let model = casbin_text::model(workload.shape);
    let policy = casbin_text::policy(workload);
    let mut settings = Settings::default();
    if workload.shape.subject == Subject::RolePattern {
        settings.role_matching.push(RoleMatching {
            graph: "g".to_owned(),
            role: Some(MatchFunction::KeyMatch2),
            domain: None,
        });
    }
    let mut compiled = None;
    meter(&mut || compiled = Some(compile(&model, &policy, &settings)));
    let engine = compiled.context("doorward was not loaded")??;
    let requests = PerRequest::new(workload, |ask| Ok(values(workload, ask)))?;
    let subjects = (0..AGES).map(|age| json!({"Age": age})).collect();
    Ok(Ok(Box::new(Doorward {
        engine,
        requests,
        subjects,
    })))
}

fn compile(model: &str, policy: &str, settings: &Settings) -> Result<Compiled> {
    let model = Model::parse(model).context("doorward refuses the model")?;
    let policy = Policy::parse_csv(policy).context("doorward refuses the policy's text")?;
    Compiled::compile(&model, &policy, settings).context("doorward refuses the policy")
}

fn values<'w>(workload: &Workload, ask: &'w Ask) -> Values<'w> {
    let (sub, dom) = (Value::Text(&ask.sub), Value::Text(&ask.dom));
    let (obj, act) = (Value::Text(&ask.obj), Value::Text(&ask.act));
    match workload.shape.subject {
        Subject::RoleInDomain => Values {
            values: [sub, dom, obj, act],
            count: 4,
        },
        // The age stands in for the object that `with` puts there.
        Subject::Condition => Values {
            values: [Value::Number(f64::from(ask.age)), obj, act, Value::Null],
            count: 3,
        },
        _ => Values {
            values: [sub, obj, act, Value::Null],
            count: 3,
        },
    }
}

impl Doorward<'_> {
    fn decide(&self, case: Case, number: usize) -> doorward_engine::Decision {
        let Values { mut values, count } = *self.requests.get(case, number);
        if let Value::Number(age) = values[0] {
            values[0] = Value::Json(&self.subjects[age as usize]);
        }
        self.engine.decide(&Request::new(&values[..count]))
    }
}

impl Engine for Doorward<'_> {
    fn allows(&mut self, case: Case, number: usize) -> Result<bool> {
        match self.decide(case, number).outcome {
            Outcome::Allow => Ok(true),
            Outcome::Deny => Ok(false),
            Outcome::Error(error) => bail!("doorward cannot evaluate the request: {error}"),
        }
    }

    fn rows_examined(&mut self, case: Case, number: usize) -> Option<u32> {
        Some(self.decide(case, number).rows_examined)
    }
}
