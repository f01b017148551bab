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

/// The texts of a request: three, or four with a domain. They stand in one
/// string, in the order of asking: a proxy has just read what it asks about,
/// so fetching it from memory is not the engine's part.
struct Texts {
    ends: [usize; 5],
    /// In conditions, the subject's age in place of a first text.
    age: Option<u32>,
}

struct Doorward {
    engine: Compiled,
    texts: String,
    requests: PerRequest<Texts>,
    /// Fields of a request.
    fields: usize,
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
    let mut texts = String::new();
    let requests = PerRequest::new(workload, |ask| Ok(add(&mut texts, workload, ask)))?;
    let with_domain = workload.shape.subject == Subject::RoleInDomain;
    let fields = if with_domain { 4 } else { 3 };
    let subjects = (0..AGES).map(|age| json!({"Age": age})).collect();
    Ok(Ok(Box::new(Doorward {
        engine,
        texts,
        requests,
        fields,
        subjects,
    })))
}

fn compile(model: &str, policy: &str, settings: &Settings) -> Result<Compiled> {
    let model = Model::parse(model).context("doorward refuses the model")?;
    let policy = Policy::parse_csv(policy).context("doorward refuses the policy's text")?;
    Compiled::compile(&model, &policy, settings).context("doorward refuses the policy")
}

fn add(texts: &mut String, workload: &Workload, ask: &Ask) -> Texts {
    let subject = workload.shape.subject;
    let (sub, dom, obj, act) = (&*ask.sub, &*ask.dom, &*ask.obj, &*ask.act);
    let all: &[&str] = match subject {
        Subject::RoleInDomain => &[sub, dom, obj, act],
        Subject::Condition => &["", obj, act],
        _ => &[sub, obj, act],
    };
    let mut ends = [texts.len(); 5];
    for (number, text) in all.iter().enumerate() {
        texts.push_str(text);
        ends[number + 1..].fill(texts.len());
    }
    let age = (subject == Subject::Condition).then_some(ask.age);
    Texts { ends, age }
}

impl Doorward {
    fn decide(&self, case: Case, number: usize) -> doorward_engine::Decision {
        let Texts { ends, age } = self.requests.get(case, number);
        let text = |at: usize| Value::Text(&self.texts[ends[at]..ends[at + 1]]);
        let mut values = [text(0), text(1), text(2), text(3)];
        if let Some(age) = age {
            values[0] = Value::Json(&self.subjects[*age as usize]);
        }
        self.engine.decide(&Request::new(&values[..self.fields]))
    }
}

impl Engine for Doorward {
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
