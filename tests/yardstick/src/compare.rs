//! One case, answered by the engine and by the yardstick.

use std::collections::BTreeSet;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::Context as _;
use doorward_engine::{Decision, Engine, Model, Policy, Request, RoleLink, Value};
use serde_json::Value as Json;

use crate::case::{Ask, Case, settings_to_json};
use crate::evaluator::{Answer, Outcome, Place, Yardstick};

/// A case whose model and policy were accepted.
#[derive(Debug)]
pub struct Compiled<'a> {
    case: &'a Case,
    model: Model,
    policy: Policy,
    /// None if it panicked.
    engine: Option<Engine>,
}

/// Two answers that differ, to one request.
#[derive(Debug, Clone)]
pub struct Disagreement {
    /// The seed of the case.
    pub seed: u64,
    /// The model, the policy, and this one request.
    pub case: Case,
    /// What the engine says; none if it panicked.
    pub engine: Option<Answer>,
    /// What the yardstick says.
    pub yardstick: Answer,
}

/// Compiles a case.
///
/// # Errors
///
/// What the model, the policy or both together are refused with.
pub fn compile(case: &Case) -> anyhow::Result<Compiled<'_>> {
    let model = Model::parse(&case.model).context("the model is refused")?;
    let policy = Policy::parse_csv(&case.policy).context("the policy is not read")?;
    let compiled = catch_unwind(AssertUnwindSafe(|| {
        Engine::compile(&model, &policy, &case.settings)
    }));
    let engine = match compiled {
        Ok(engine) => Some(engine.context("the policy is refused")?),
        Err(_) => None,
    };
    Ok(Compiled {
        case,
        model,
        policy,
        engine,
    })
}

impl Compiled<'_> {
    /// The yardstick of the case.
    #[must_use]
    pub fn yardstick(&self) -> Yardstick<'_> {
        Yardstick::new(&self.model, &self.policy, &self.case.settings)
    }

    /// What the engine says; none if it panics.
    #[must_use]
    pub fn engine(&self, ask: &Ask) -> Option<Answer> {
        let engine = self.engine.as_ref()?;
        let decision = catch_unwind(AssertUnwindSafe(|| decide(engine, ask))).ok()?;
        let Some(decision) = decision else {
            return Some(Answer {
                outcome: Outcome::Error,
                row: None,
            });
        };
        let rule = decision.rule.and_then(|id| engine.rule(id));
        Some(Answer {
            outcome: match decision.outcome {
                doorward_engine::Outcome::Allow => Outcome::Allow,
                doorward_engine::Outcome::Deny => Outcome::Deny,
                doorward_engine::Outcome::Error(_) => Outcome::Error,
            },
            row: rule.map(|rule| Place {
                kind: rule.kind().to_owned(),
                line: rule.line(),
            }),
        })
    }

    /// Both answers.
    #[must_use]
    pub fn both(
        &self,
        yardstick: &Yardstick<'_>,
        ask: &Ask,
        touched: &mut BTreeSet<&'static str>,
    ) -> (Option<Answer>, Answer) {
        (self.engine(ask), yardstick.decide(ask, touched))
    }
}

/// None if the model lacks a definition that the request names.
fn decide(engine: &Engine, ask: &Ask) -> Option<Decision> {
    let names = &ask.context;
    let context = engine.context(&names.request, &names.policy, &names.effect, &names.matcher)?;
    let values: Vec<Value<'_>> = ask.values.iter().map(Value::from).collect();
    let roles: Option<Vec<RoleLink<'_>>> = ask
        .roles
        .iter()
        .map(|link| {
            Some(RoleLink {
                graph: engine.graph(&link.graph)?,
                subject: &link.subject,
                role: &link.role,
            })
        })
        .collect();
    Some(engine.decide(&Request {
        values: &values,
        roles: &roles?,
        now: ask.now,
        context,
    }))
}

/// Both answers to the only request of a case, if they differ.
#[must_use]
pub fn differ(case: &Case) -> Option<(Option<Answer>, Answer)> {
    let compiled = compile(case).ok()?;
    let ask = case.requests.first()?;
    let (engine, yardstick) = compiled.both(&compiled.yardstick(), ask, &mut BTreeSet::new());
    (engine.as_ref() != Some(&yardstick)).then_some((engine, yardstick))
}

impl fmt::Display for Disagreement {
    /// The case as JSON, with nothing left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let requests: Vec<Json> = self.case.requests.iter().map(Ask::to_json).collect();
        writeln!(
            f,
            "the engine and the yardstick disagree, case {}",
            self.seed
        )?;
        writeln!(
            f,
            "--- model\n{}--- policy\n{}",
            self.case.model, self.case.policy
        )?;
        writeln!(f, "--- settings\n{}", settings_to_json(&self.case.settings))?;
        writeln!(f, "--- request\n{}", Json::from(requests))?;
        match &self.engine {
            Some(answer) => writeln!(f, "--- engine     {answer}")?,
            None => writeln!(f, "--- engine     panics")?,
        }
        writeln!(f, "--- yardstick  {}", self.yardstick)
    }
}

impl fmt::Display for Answer {
    /// `allow by p, line 3`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.outcome {
            Outcome::Allow => "allow",
            Outcome::Deny => "deny",
            Outcome::Error => "error",
        })?;
        match &self.row {
            Some(place) => write!(f, " by {}, line {}", place.kind, place.line),
            None => Ok(()),
        }
    }
}
