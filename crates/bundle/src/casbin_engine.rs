//! The casbin crate in the engine's place, for `cargo xtask bench envoy` alone:
//! what the module would cost if it decided as that crate does.

use std::fmt;
use std::ops::Deref;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use casbin::{
    CoreApi, DefaultModel, DefaultRoleManager, Enforcer, MatchingFn, RoleManager, StringAdapter,
};
use doorward_engine::{Decision, Engine, EvaluationError, Outcome, Request, Value};
use parking_lot::RwLock;

use crate::error::BundleError;
use crate::manifest::Manifest;

/// Links that a name may be away from its role, as in the crate's own manager.
const MAX_LEVEL: usize = 10;

/// Decides by the casbin crate; everything else that is asked of an engine,
/// the engine beside it answers.
///
/// It takes text values alone, has one graph for the roles of all definitions,
/// and names no rule. Nothing to deploy: malformed patterns panic in the crate.
pub struct CasbinEngine {
    enforcer: Enforcer,
    roles: Arc<RwLock<Roles>>,
    engine: Engine,
}

impl CasbinEngine {
    /// Loads the manifest's model and policy, which `engine` was compiled from.
    pub(crate) fn beside(engine: Engine, manifest: &Manifest) -> Result<Self, BundleError> {
        let model = manifest.model.as_deref().unwrap_or_default();
        let policy = manifest.policy.as_deref().unwrap_or_default();
        let roles = Arc::new(RwLock::new(Roles {
            policy: DefaultRoleManager::new(MAX_LEVEL),
            token: Vec::new(),
        }));
        let manager = Arc::clone(&roles);
        let loaded = at_once(async {
            let model = DefaultModel::from_str(model).await?;
            let mut enforcer = Enforcer::new(model, StringAdapter::new(policy)).await?;
            enforcer.set_role_manager(manager)?;
            Ok::<_, casbin::Error>(enforcer)
        });
        let problem = match loaded {
            Some(Ok(enforcer)) => {
                return Ok(Self {
                    enforcer,
                    roles,
                    engine,
                });
            }
            Some(Err(error)) => format!("the casbin crate refuses it: {error}"),
            None => "the casbin crate waits while it loads".to_owned(),
        };
        Err(BundleError::field("policy", problem))
    }

    /// Decides a request, with the roles of its token beside the policy's.
    #[must_use]
    pub fn decide(&self, request: &Request<'_>) -> Decision {
        let links = request.roles.iter();
        self.roles.write().token = links
            .map(|link| (link.subject.to_owned(), link.role.to_owned()))
            .collect();
        let texts: Option<Vec<String>> = request
            .values
            .iter()
            .map(|value| match value {
                Value::Text(text) => Some((*text).to_owned()),
                _ => None,
            })
            .collect();
        let outcome = match texts.map(|texts| self.enforcer.enforce(texts)) {
            Some(Ok(true)) => Outcome::Allow,
            Some(Ok(false)) => Outcome::Deny,
            Some(Err(_)) | None => Outcome::Error(EvaluationError::MatcherResult),
        };
        Decision {
            outcome,
            rule: None,
            rows_examined: 0,
        }
    }
}

impl Deref for CasbinEngine {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        &self.engine
    }
}

impl fmt::Debug for CasbinEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CasbinEngine").finish_non_exhaustive()
    }
}

/// The policy's role links, and those of the token that is decided on: adding
/// them to the policy's would make its graph grow with every principal.
struct Roles {
    policy: DefaultRoleManager,
    token: Vec<(String, String)>,
}

impl RoleManager for Roles {
    fn clear(&mut self) {
        self.policy.clear();
    }

    fn add_link(&mut self, name1: &str, name2: &str, domain: Option<&str>) {
        self.policy.add_link(name1, name2, domain);
    }

    fn matching_fn(&mut self, roles: Option<MatchingFn>, domains: Option<MatchingFn>) {
        self.policy.matching_fn(roles, domains);
    }

    fn delete_link(
        &mut self,
        name1: &str,
        name2: &str,
        domain: Option<&str>,
    ) -> casbin::Result<()> {
        self.policy.delete_link(name1, name2, domain)
    }

    fn has_link(&self, name1: &str, name2: &str, domain: Option<&str>) -> bool {
        let mut token = self.token.iter();
        self.policy.has_link(name1, name2, domain)
            || token.any(|(subject, role)| {
                subject == name1 && self.policy.has_link(role, name2, domain)
            })
    }

    fn get_roles(&self, name: &str, domain: Option<&str>) -> Vec<String> {
        self.policy.get_roles(name, domain)
    }

    fn get_users(&self, name: &str, domain: Option<&str>) -> Vec<String> {
        self.policy.get_users(name, domain)
    }
}

/// What a future gives when it is asked once: texts are loaded without waiting.
fn at_once<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}
