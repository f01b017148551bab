//! Casbin models and policies, compiled and decided: no HTTP, no JWT, no Wasm.
//!
//! A [`Model`] and a [`Policy`] are parsed from their texts, compiled once
//! into an immutable [`Engine`], and then decide any number of requests:
//!
//! ```
//! use doorward_engine::{Engine, Model, Outcome, Policy, Request, Settings, Value};
//!
//! let model = Model::parse(
//!     "[request_definition]\nr = sub, obj, act\n\
//!      [policy_definition]\np = sub, obj, act\n\
//!      [policy_effect]\ne = some(where (p.eft == allow))\n\
//!      [matchers]\nm = r.sub == p.sub && keyMatch(r.obj, p.obj) && r.act == p.act\n",
//! )?;
//! let policy = Policy::parse_csv("p, alice, /orders/*, GET\n")?;
//! let engine = Engine::compile(&model, &policy, &Settings::default())?;
//!
//! let values = [Value::Text("alice"), Value::Text("/orders/7"), Value::Text("GET")];
//! let decision = engine.decide(&Request::new(&values));
//! assert_eq!(decision.outcome, Outcome::Allow);
//! let rule = decision.rule.and_then(|id| engine.rule(id)).unwrap();
//! assert_eq!(rule.to_string(), "p, alice, /orders/*, GET");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The meaning of models and policies is that of Casbin's Go implementation,
//! except where that could allow more than the text of the policy says, or
//! where its answer depends on chance. There the narrower reading is taken,
//! or the policy is refused when it loads.

#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "this code runs in the proxy, where a panic is a trap"
)]

mod budget;
mod bytes;
mod decide;
mod decision;
mod effect;
mod engine;
mod error;
mod evaluate;
mod function;
mod hash;
mod index;
mod load;
mod patterns;
mod place;
mod plan;
mod request;
mod roles;
mod settings;
mod sorting;
mod symbols;
mod table;
mod types;

pub use decision::{Decision, EvaluationError, Outcome, RuleId};
pub use doorward_syntax::{
    Limits, MatchFunction, Model, ModelError, Policy, PolicyError, Position, Rule,
};
pub use engine::Engine;
pub use error::CompileError;
pub use function::{FunctionError, FunctionResult, call_function};
pub use plan::{BranchPlan, LookupPlan, MatcherPlan};
pub use request::{Context, GraphId, Object, Request, RoleLink, Value};
pub use settings::{
    FieldIndex, LinkCondition, LinkConditionFunction, ReservedPrefix, RoleMatching, Settings,
};
pub use types::{Kinds, TypeError, ValueType};
