//! The pipeline: from a request to a [`Step`].

use std::cell::RefCell;
use std::rc::Rc;

use doorward_bundle::Bundle;
use doorward_engine::{Context, Outcome, Request, RoleLink, RuleId, Value};
use doorward_request::{
    CanonicalPath, Derived, Facts, HeaderSnapshot, HeaderValue, PathError, PathNormalization,
    ResolveError, Scope, host_to_write,
};
use doorward_token::TokenVerifier;
use doorward_token::remote::{KeyStore, SharedKeys};
use smallvec::SmallVec;

use crate::answer::Answer;
use crate::credentials::{Identity, Mark, Subject, authenticate};
use crate::denial::Denial;
use crate::forwarding;
use crate::grants::{Grant, Grants};
use crate::json;
use crate::keys::{Patience, ProviderKeys, Unverified};
use crate::missing_scope;
use crate::outcome::{Awaiting, Denied, Permitted, Step};
use crate::preflight::is_preflight;
use crate::reading::{NodeFacts, ReadOnce};
use crate::record::{Record, Verdict};
use crate::tokens;

/// One bundle, deciding requests. Immutable; a push makes a new one.
#[derive(Debug)]
pub struct Authorizer {
    bundle: Bundle,
    keys: ProviderKeys,
    revision: String,
    mark: Rc<Mark>,
    grants: RefCell<Grants>,
    node: NodeFacts,
}

/// A refusal on its way out.
struct Refusal {
    denial: Denial,
    rule: Option<String>,
    has_token: bool,
    ignored: Option<&'static str>,
}

impl Refusal {
    /// Before the policy was asked.
    fn early(denial: Denial, has_token: bool) -> Self {
        Self {
            denial,
            rule: None,
            has_token,
            ignored: None,
        }
    }
}

impl Authorizer {
    /// An authorizer that decides by `bundle`. Keys that are fetched are its
    /// own; see [`Self::with_store`].
    #[must_use]
    pub fn new(bundle: Bundle) -> Self {
        Self::with_store(bundle, &mut KeyStore::default())
    }

    /// As [`Self::new`], with the fetched keys of a store: two bundles that
    /// fetch alike share the keys.
    #[must_use]
    pub fn with_store(bundle: Bundle, store: &mut KeyStore) -> Self {
        let revision = format!("{}@{}", bundle.name(), bundle.revision());
        let keys = ProviderKeys::new(&bundle, store);
        Self {
            bundle,
            keys,
            revision,
            mark: Rc::new(Mark),
            grants: RefCell::default(),
            node: NodeFacts::default(),
        }
    }

    /// The key sources that the bundle needs. Whoever holds the authorizer has
    /// to poll them and to bring what they ask for.
    pub fn key_sources(&self) -> impl Iterator<Item = &SharedKeys> {
        self.keys.shared()
    }

    /// The bundle's name and revision, such as `orders@2026-11-21.1`.
    #[must_use]
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// The bundle that decides.
    #[must_use]
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// Decides one request: its headers as the host gave them, the time in
    /// seconds since 1970-01-01 UTC, and the host for everything else.
    #[must_use]
    pub fn begin(
        &self,
        mut headers: HeaderSnapshot,
        facts: &dyn Facts,
        now_unix_seconds: i64,
        tokens: &dyn TokenVerifier,
    ) -> Step {
        let identity = self.bundle.identity_headers();
        headers.hide(|name| identity.is_forged(name));
        self.run(headers, facts, now_unix_seconds, tokens, Patience::New)
    }

    /// Decides a request that waited for keys, by the same bundle and the
    /// headers with which it came. It may have to wait on; with `ends` it is
    /// answered now.
    #[must_use]
    pub fn resume(
        &self,
        awaiting: Awaiting,
        facts: &dyn Facts,
        now_unix_seconds: i64,
        tokens: &dyn TokenVerifier,
        ends: bool,
    ) -> Step {
        let Awaiting { headers, wait } = awaiting;
        let patience = if ends {
            Patience::Ends(wait)
        } else {
            Patience::Waits(wait)
        };
        self.run(headers, facts, now_unix_seconds, tokens, patience)
    }

    /// Answers a request that would have to wait, where too many do. Where its
    /// token may count as none, it is decided so; otherwise it is refused.
    #[must_use]
    pub fn answer_now(
        &self,
        awaiting: Awaiting,
        facts: &dyn Facts,
        now_unix_seconds: i64,
        tokens: &dyn TokenVerifier,
    ) -> Step {
        if awaiting.wait.may_ignore {
            return self.resume(awaiting, facts, now_unix_seconds, tokens, true);
        }
        let refusal = Refusal::early(Denial::KeysQueueFull, true);
        Step::Deny(self.denied(refusal, &awaiting.headers))
    }

    /// The refusal of a request that a host could not bring here, or for which
    /// it could not do what was decided.
    #[must_use]
    pub fn failed(&self) -> Denied {
        let refusal = Refusal::early(Denial::Filter, false);
        self.denied(refusal, &HeaderSnapshot::default())
    }

    // Once in the module, though two call it.
    #[inline(never)]
    fn run(
        &self,
        headers: HeaderSnapshot,
        facts: &dyn Facts,
        now: i64,
        tokens: &dyn TokenVerifier,
        patience: Patience,
    ) -> Step {
        let refused = |denial, has_token| {
            Step::Deny(self.denied(Refusal::early(denial, has_token), &headers))
        };
        let (bundle, keys) = (&self.bundle, &self.keys);
        let path = canonical_path(&headers, bundle.path_normalization())
            .and_then(|path| self.routed(&path).map(|()| path));
        let path = match path {
            Ok(path) => path,
            Err(error) => return refused(Denial::Path(error), false),
        };
        let host = match self.host_to_write(&headers) {
            Ok(host) => host,
            Err(error) => return refused(Denial::Attribute(error), false),
        };
        if headers.hidden().next().is_some() && bundle.mapping().reads_what_rewriting_changes() {
            return refused(Denial::HeaderForged, false);
        }
        let found = tokens::find(bundle, &headers, &path);
        let is_preflight = bundle.answers().allow_cors_preflight()
            && matches!(found, Ok(None))
            && is_preflight(&headers);
        let identity = found.map_err(Unverified::Refused).and_then(|found| {
            if is_preflight {
                return Ok(Identity::default());
            }
            authenticate(bundle, &self.mark, keys, found, now, tokens, patience)
        });
        let identity = match identity {
            Ok(identity) => identity,
            Err(Unverified::Refused(denial)) => {
                let has_token = !matches!(denial, Denial::TokenMissing);
                return refused(denial, has_token);
            }
            Err(Unverified::Awaits(wait)) => {
                return Step::AwaitKeys(Awaiting { headers, wait });
            }
        };
        let shorter = forwarding::path_without_token(&path, &identity);
        let path = shorter.as_ref().unwrap_or(&path);
        if let Err(error) = self.routed(path) {
            return refused(Denial::Path(error), true);
        }
        let decided = if is_preflight {
            Ok(Rc::new(self.new_grant("cors_preflight", None, None)))
        } else {
            self.decide(&headers, path, facts, now, &identity)
        };
        match decided {
            Ok(grant) => {
                let edits = forwarding::edits(&headers, path, host, &identity);
                Step::Permit(Permitted::new(edits, grant))
            }
            Err((denial, rule)) => {
                let refusal = Refusal {
                    denial,
                    rule,
                    has_token: identity.credentials.is_some(),
                    ignored: identity.ignored,
                };
                Step::Deny(self.denied(refusal, &headers))
            }
        }
    }

    /// Refuses a rewritten path where the policy reads facts of the route, or of
    /// filters before this one: the proxy would choose a route anew, after its
    /// facts were read.
    fn routed(&self, path: &CanonicalPath<'_>) -> Result<(), PathError> {
        if path.is_rewritten() && self.bundle.mapping().reads_what_rewriting_changes() {
            return Err(PathError::NotCanonical);
        }
        Ok(())
    }

    /// The host that the policy sees, where the policy looks at it and the
    /// request has another spelling of it. It is rewritten as paths are, and
    /// refused where they are.
    fn host_to_write(&self, headers: &HeaderSnapshot) -> Result<Option<String>, ResolveError> {
        let mapping = self.bundle.mapping();
        if !mapping.reads_host() {
            return Ok(None);
        }
        let host = host_to_write(headers);
        if host.is_some() && mapping.reads_what_rewriting_changes() {
            return Err(ResolveError::Invalid("request.host".to_owned()));
        }
        Ok(host)
    }

    /// Asks the policy. A refusal is the reason, and the rule if one decided.
    fn decide(
        &self,
        headers: &HeaderSnapshot,
        path: &CanonicalPath<'_>,
        facts: &dyn Facts,
        now: i64,
        identity: &Identity<'_>,
    ) -> Result<Rc<Grant>, (Denial, Option<String>)> {
        let credentials = identity.credentials.as_ref();
        let facts = ReadOnce::new(facts, &self.node);
        let scope = Scope {
            headers,
            path,
            claims: credentials.map(|known| known.verified.claims().members()),
            principal: credentials.and_then(|known| known.subject.principal.as_deref()),
            derived: &Derived::new(self.bundle.derived_settings(), now),
            facts: &facts,
        };
        let mut resolved = self
            .bundle
            .mapping()
            .resolve(&scope)
            .map_err(|error| (Denial::Attribute(error), None))?;
        if self.bundle.accept_json_request() {
            let names = self.bundle.engine().request_definition(Context::default());
            json::expand(&mut resolved, names.unwrap_or_default())
                .map_err(|denial| (denial, None))?;
        }
        let values: SmallVec<[Value<'_>; 4]> = resolved.iter().map(|value| value.value()).collect();
        let roles = credentials
            .map(|known| role_links(&known.subject))
            .unwrap_or_default();
        let request = Request {
            values: &values,
            roles: &roles,
            now,
            context: Context::default(),
        };
        let decision = self.bundle.engine().decide(&request);
        match decision.outcome {
            Outcome::Allow => Ok(self.grant(decision.rule, identity.ignored)),
            Outcome::Deny => Err(match self.rule_text(decision.rule) {
                None => {
                    let missing_scope = missing_scope::find(&self.bundle, credentials, &request);
                    (Denial::NoRule { missing_scope }, None)
                }
                rule => (Denial::DenyRule, rule),
            }),
            Outcome::Error(error) => {
                Err((Denial::Evaluation(error), self.rule_text(decision.rule)))
            }
        }
    }

    fn rule_text(&self, rule: Option<RuleId>) -> Option<String> {
        let rule = self.bundle.engine().rule(rule?)?;
        Some(rule.to_string())
    }

    /// What says that a rule allowed, or the policy without one; and why the
    /// request's token counted as none, where it did.
    fn grant(&self, rule: Option<RuleId>, ignored: Option<&'static str>) -> Rc<Grant> {
        let make = || {
            let text = self.rule_text(rule);
            let reason = if text.is_some() {
                "allow_rule"
            } else {
                "policy"
            };
            self.new_grant(reason, text, ignored)
        };
        match self.grants.try_borrow_mut() {
            Ok(mut grants) => grants.get((rule, ignored), make),
            Err(_) => Rc::new(make()),
        }
    }

    fn new_grant(
        &self,
        reason: &str,
        rule: Option<String>,
        ignored: Option<&'static str>,
    ) -> Grant {
        let record = Record {
            decision: Verdict::Allow,
            reason: reason.to_owned(),
            rule,
            revision: self.revision.clone(),
            ignored_token: ignored,
        };
        Grant::new(record, self.bundle.records_allowed_requests())
    }

    fn denied(&self, refusal: Refusal, headers: &HeaderSnapshot) -> Denied {
        let Refusal {
            denial,
            rule,
            has_token,
            ignored,
        } = refusal;
        let answer = Answer::new(&denial, &self.bundle, headers, has_token);
        let record = Record {
            decision: denial.verdict(),
            reason: denial.reason(),
            rule,
            revision: self.revision.clone(),
            ignored_token: ignored,
        };
        Denied::new(denial.code(), answer, record)
    }
}

/// The token's roles as links of its principal; none without a principal, since
/// a role belongs to somebody.
fn role_links(known: &Subject) -> SmallVec<[RoleLink<'_>; 6]> {
    let Some(subject) = known.principal.as_deref() else {
        return SmallVec::new();
    };
    let roles = known.roles.iter();
    roles
        .map(|(graph, role)| RoleLink {
            graph: *graph,
            subject,
            role,
        })
        .collect()
}

fn canonical_path(
    headers: &HeaderSnapshot,
    mode: PathNormalization,
) -> Result<CanonicalPath<'_>, PathError> {
    match headers.get(":path") {
        HeaderValue::One(target) => CanonicalPath::normalized(target, mode),
        HeaderValue::Absent | HeaderValue::Joined(_) => Err(PathError::Missing),
    }
}
