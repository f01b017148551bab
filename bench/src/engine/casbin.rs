//! The casbin crate, with the same model and policy.

use super::{Engine, Loaded, Meter, PerRequest};
use crate::casbin_text;
use crate::workload::{Ask, Case, Subject, Workload};
use anyhow::{Context, Result};
use casbin::function_map::key_match2;
use casbin::{CoreApi, DefaultModel, Enforcer, StringAdapter};
use serde::Serialize;

/// A subject with an attribute, as `eval` rules read it.
#[derive(Serialize, Hash, Clone, Copy)]
#[serde(rename_all = "PascalCase")]
struct Person {
    age: u32,
}

struct Casbin<'w> {
    enforcer: Enforcer,
    subject: Subject,
    requests: PerRequest<&'w Ask>,
}

pub(super) fn load<'w>(workload: &'w Workload, meter: &mut Meter<'_>) -> Loaded<'w> {
    let model = casbin_text::model(workload.shape);
    let policy = casbin_text::policy(workload);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .context("the runtime that casbin loads in cannot be made")?;
    let subject = workload.shape.subject;
    let mut loaded = None;
    meter(&mut || loaded = Some(runtime.block_on(enforcer(&model, &policy, subject))));
    let enforcer = loaded.context("casbin was not loaded")??;
    let requests = PerRequest::new(workload, Ok)?;
    Ok(Ok(Box::new(Casbin {
        enforcer,
        subject,
        requests,
    })))
}

async fn enforcer(model: &str, policy: &str, subject: Subject) -> Result<Enforcer> {
    let model = DefaultModel::from_str(model)
        .await
        .context("casbin refuses the model")?;
    let adapter = StringAdapter::new(policy);
    let mut enforcer = Enforcer::new(model, adapter)
        .await
        .context("casbin refuses the policy")?;
    if subject == Subject::RolePattern {
        let roles = enforcer.get_role_manager();
        roles.write().matching_fn(Some(key_match2), None);
        enforcer
            .build_role_links()
            .context("casbin refuses the role links")?;
    }
    Ok(enforcer)
}

impl Engine for Casbin<'_> {
    fn allows(&mut self, case: Case, number: usize) -> Result<bool> {
        let Ask {
            sub,
            age,
            dom,
            obj,
            act,
            ..
        } = self.requests.get(case, number);
        let answer = match self.subject {
            Subject::RoleInDomain => self.enforcer.enforce((sub, dom, obj, act)),
            Subject::Condition => self.enforcer.enforce((Person { age: *age }, obj, act)),
            _ => self.enforcer.enforce((sub, obj, act)),
        };
        answer.context("casbin cannot evaluate the request")
    }
}
