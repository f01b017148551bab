//! The cedar-policy crate: a policy for each `p` row, an entity with its
//! parents for each member of a role. What Cedar compares that is no entity
//! goes into the request's context.

use super::{Engine, Loaded, Meter, PerRequest};
use crate::workload::{Ask, Case, Effect, Object, Rule, Shape, Subject, Workload};
use anyhow::{Context as _, Result, ensure};
use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid,
    PolicySet, Request, RestrictedExpression,
};
use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::str::FromStr;

struct Cedar {
    authorizer: Authorizer,
    policies: PolicySet,
    entities: Entities,
    requests: PerRequest<Request>,
}

pub(super) fn load<'w>(workload: &'w Workload, meter: &mut Meter<'_>) -> Loaded<'w> {
    if let Some(reason) = cannot(workload.shape) {
        return Ok(Err(reason));
    }
    let text = policies(workload);
    let mut parents: HashMap<String, Vec<String>> = HashMap::new();
    for link in &workload.links {
        let role = role(&link.dom, &link.role);
        parents.entry(link.member.clone()).or_default().push(role);
    }
    let mut loaded = None;
    meter(&mut || loaded = Some(set(&text, &parents)));
    let (policies, entities) = loaded.context("cedar was not loaded")??;
    let requests = PerRequest::new(workload, |ask| request(workload.shape, ask))?;
    Ok(Ok(Box::new(Cedar {
        authorizer: Authorizer::new(),
        policies,
        entities,
        requests,
    })))
}

fn cannot(shape: Shape) -> Option<&'static str> {
    match shape {
        Shape {
            object: Object::KeyMatch2,
            ..
        } => {
            Some("the `*` of its `like` crosses `/`, so a pattern for one segment is not to be had")
        }
        Shape {
            object: Object::Regex,
            ..
        } => Some("it has no regular expressions"),
        Shape {
            subject: Subject::RolePattern,
            ..
        } => Some("members of a role are entities, never patterns"),
        Shape {
            effect: Effect::Priority,
            ..
        } => Some("policies have no order"),
        _ => None,
    }
}

/// Roles of different domains are different entities.
fn role(domain: &str, role: &str) -> String {
    if domain.is_empty() {
        role.to_owned()
    } else {
        format!("{domain}/{role}")
    }
}

fn policies(workload: &Workload) -> String {
    let mut text = String::new();
    if workload.shape.effect == Effect::DenyOverride {
        text.push_str("permit(principal, action, resource);\n");
    }
    for rule in &workload.rules {
        policy(&mut text, workload.shape, rule);
    }
    text
}

fn policy(text: &mut String, shape: Shape, rule: &Rule) {
    let effect = if rule.deny { "forbid" } else { "permit" };
    let principal = match shape.subject {
        Subject::Equal => format!("principal == User::\"{}\"", rule.sub),
        Subject::Role | Subject::RoleInDomain | Subject::RolePattern => {
            format!("principal in Role::\"{}\"", role(&rule.dom, &rule.sub))
        }
        Subject::Condition => "principal".to_owned(),
    };
    let resource = match shape.object {
        Object::Equal => format!("resource == Data::\"{}\"", rule.obj),
        _ => "resource".to_owned(),
    };
    let mut conditions = Vec::new();
    if shape.subject == Subject::RoleInDomain {
        conditions.push(format!("context.dom == \"{}\"", rule.dom));
    }
    if shape.subject == Subject::Condition {
        let (over, under) = rule.ages;
        conditions.push(format!("context.age > {over} && context.age < {under}"));
    }
    if shape.object == Object::KeyMatch {
        conditions.push(format!("context.path like \"{}\"", rule.obj));
    }
    let when = if conditions.is_empty() {
        String::new()
    } else {
        format!(" when {{ {} }}", conditions.join(" && "))
    };
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{effect}({principal}, action == Action::\"{}\", {resource}){when};",
        rule.act
    );
}

fn set(text: &str, parents: &HashMap<String, Vec<String>>) -> Result<(PolicySet, Entities)> {
    let policies = PolicySet::from_str(text).context("cedar refuses the policies")?;
    let mut entities = Vec::with_capacity(parents.len());
    let mut roles = HashSet::new();
    for (member, of) in parents {
        let mut uids = HashSet::with_capacity(of.len());
        for role in of {
            uids.insert(uid("Role", role)?);
            roles.insert(role);
        }
        entities.push(Entity::new_no_attrs(uid("User", member)?, uids));
    }
    for role in roles {
        entities.push(Entity::new_no_attrs(uid("Role", role)?, HashSet::new()));
    }
    let entities = Entities::from_entities(entities, None).context("cedar refuses the entities")?;
    Ok((policies, entities))
}

fn uid(kind: &str, name: &str) -> Result<EntityUid> {
    let kind = EntityTypeName::from_str(kind).context("cedar refuses the type's name")?;
    Ok(EntityUid::from_type_name_and_id(kind, EntityId::new(name)))
}

fn request(shape: Shape, ask: &Ask) -> Result<Request> {
    let mut pairs = Vec::new();
    if shape.subject == Subject::RoleInDomain {
        let domain = RestrictedExpression::new_string(ask.dom.clone());
        pairs.push(("dom".to_owned(), domain));
    }
    if shape.subject == Subject::Condition {
        let age = RestrictedExpression::new_long(i64::from(ask.age));
        pairs.push(("age".to_owned(), age));
    }
    let mut object = ask.obj.as_str();
    if shape.object == Object::KeyMatch {
        let path = RestrictedExpression::new_string(ask.obj.clone());
        pairs.push(("path".to_owned(), path));
        object = "any";
    }
    let context = Context::from_pairs(pairs).context("cedar refuses the context")?;
    let (principal, action) = (uid("User", &ask.sub)?, uid("Action", &ask.act)?);
    Request::new(principal, action, uid("Data", object)?, context, None)
        .context("cedar refuses the request")
}

impl Engine for Cedar {
    fn allows(&mut self, case: Case, number: usize) -> Result<bool> {
        let request = self.requests.get(case, number);
        let answer = self
            .authorizer
            .is_authorized(request, &self.policies, &self.entities);
        let mut errors = answer.diagnostics().errors();
        ensure!(
            errors.next().is_none(),
            "cedar cannot evaluate some policies"
        );
        Ok(answer.decision() == Decision::Allow)
    }
}
