//! The pipeline: from a request to a [`Step`].

use std::cell::RefCell;
use std::rc::Rc;

use doorward_bundle::Bundle;
use doorward_engine::{Context, Outcome, Request, RoleLink, RuleId, Value};
use doorward_request::{CanonicalPath, Facts, HeaderSnapshot, HeaderValue, PathError, Scope};
use doorward_token::TokenVerifier;
use doorward_token::remote::{KeyStore, SharedKeys};

use crate::answer::Answer;
use crate::credentials::{Identity, Mark, authenticate, is_identity_header};
use crate::denial::Denial;
use crate::grants::{Grant, Grants};
use crate::json;
use crate::keys::{Patience, ProviderKeys, Unverified, Wait};
use crate::outcome::{Awaiting, Denied, HeaderEdit, Permitted, Step};
use crate::record::{Record, Verdict};

/// One bundle, deciding requests. Immutable; a push makes a new one.
#[derive(Debug)]
pub struct Authorizer {
    bundle: Bundle,
    keys: ProviderKeys,
    revision: String,
    mark: Rc<Mark>,
    grants: RefCell<Grants>,
}

/// Why a request does not go on now.
enum Stop {
    Refused(Refusal),
    Awaits(Wait),
}

/// A refusal on its way out.
struct Refusal {
    denial: Denial,
    rule: Option<String>,
    has_token: bool,
}

impl Refusal {
    fn before_token(denial: Denial) -> Self {
        Self {
            denial,
            rule: None,
            has_token: false,
        }
    }
}

impl Stop {
    fn before_decision(unverified: Unverified) -> Self {
        match unverified {
            Unverified::Refused(denial) => Self::Refused(Refusal {
                has_token: !matches!(denial, Denial::TokenMissing),
                denial,
                rule: None,
            }),
            Unverified::Awaits(wait) => Self::Awaits(wait),
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
        let forged = headers.remove_forged(is_identity_header);
        let time = now_unix_seconds;
        self.run(headers, forged, facts, time, tokens, Patience::New)
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
        let Awaiting {
            headers,
            forged,
            wait,
        } = awaiting;
        let patience = if ends {
            Patience::Ends(wait)
        } else {
            Patience::Waits(wait)
        };
        self.run(headers, forged, facts, now_unix_seconds, tokens, patience)
    }

    /// The refusal of a request that would have to wait, where too many do.
    #[must_use]
    pub fn refuse_to_wait(&self) -> Denied {
        self.denied(Refusal {
            denial: Denial::KeysQueueFull,
            rule: None,
            has_token: true,
        })
    }

    // Once in the module, though two call it.
    #[inline(never)]
    fn run(
        &self,
        headers: HeaderSnapshot,
        forged: Vec<Vec<u8>>,
        facts: &dyn Facts,
        now: i64,
        tokens: &dyn TokenVerifier,
        patience: Patience,
    ) -> Step {
        let path = match canonical_path(&headers) {
            Ok(path) => path,
            Err(error) => {
                return Step::Deny(self.denied(Refusal::before_token(Denial::Path(error))));
            }
        };
        match self.decide(&headers, &path, facts, now, tokens, patience) {
            Ok(grant) => Self::permit(forged, &path, grant),
            Err(Stop::Refused(refusal)) => Step::Deny(self.denied(refusal)),
            Err(Stop::Awaits(wait)) => Step::AwaitKeys(Awaiting {
                headers,
                forged,
                wait,
            }),
        }
    }

    fn decide(
        &self,
        headers: &HeaderSnapshot,
        path: &CanonicalPath<'_>,
        facts: &dyn Facts,
        now: i64,
        tokens: &dyn TokenVerifier,
        patience: Patience,
    ) -> Result<Rc<Grant>, Stop> {
        let (bundle, keys) = (&self.bundle, &self.keys);
        let credentials = authenticate(bundle, &self.mark, keys, headers, now, tokens, patience)
            .map_err(Stop::before_decision)?;
        let has_token = credentials.is_some();
        let refuse = |denial, rule| {
            Stop::Refused(Refusal {
                denial,
                rule,
                has_token,
            })
        };
        let scope = Scope {
            headers,
            path,
            claims: credentials
                .as_ref()
                .map(|known| known.verified.claims().members()),
            principal: credentials
                .as_ref()
                .and_then(|known| known.identity.principal.as_deref()),
            facts,
        };
        let mut resolved = self
            .bundle
            .mapping()
            .resolve(&scope)
            .map_err(|error| refuse(Denial::Attribute(error), None))?;
        if self.bundle.accept_json_request() {
            let names = self.bundle.engine().request_definition(Context::default());
            json::expand(&mut resolved, names.unwrap_or_default())
                .map_err(|denial| refuse(denial, None))?;
        }
        let values: Vec<Value<'_>> = resolved.iter().map(|value| value.value()).collect();
        let roles = credentials
            .as_ref()
            .map(|known| role_links(&known.identity))
            .unwrap_or_default();
        let decision = self.bundle.engine().decide(&Request {
            values: &values,
            roles: &roles,
            now,
            context: Context::default(),
        });
        match decision.outcome {
            Outcome::Allow => Ok(self.grant(decision.rule)),
            Outcome::Deny => Err(match self.rule_text(decision.rule) {
                None => refuse(Denial::NoRule, None),
                rule => refuse(Denial::DenyRule, rule),
            }),
            Outcome::Error(error) => Err(refuse(
                Denial::Evaluation(error),
                self.rule_text(decision.rule),
            )),
        }
    }

    fn rule_text(&self, rule: Option<RuleId>) -> Option<String> {
        let rule = self.bundle.engine().rule(rule?)?;
        Some(rule.to_string())
    }

    /// What says that a rule allowed, or the policy without one.
    fn grant(&self, rule: Option<RuleId>) -> Rc<Grant> {
        let make = || {
            let text = self.rule_text(rule);
            let reason = if text.is_some() {
                "allow_rule"
            } else {
                "policy"
            };
            Grant::new(Record {
                decision: Verdict::Allow,
                reason: reason.to_owned(),
                rule: text,
                revision: self.revision.clone(),
            })
        };
        match self.grants.try_borrow_mut() {
            Ok(mut grants) => grants.get(rule, make),
            Err(_) => Rc::new(make()),
        }
    }

    fn permit(forged: Vec<Vec<u8>>, path: &CanonicalPath<'_>, grant: Rc<Grant>) -> Step {
        let mut edits: Vec<HeaderEdit> = forged.into_iter().map(HeaderEdit::Remove).collect();
        if path.is_rewritten() {
            edits.push(HeaderEdit::Replace(":path", path.target().to_owned()));
        }
        Step::Permit(Permitted::new(edits, grant))
    }

    fn denied(&self, refusal: Refusal) -> Denied {
        let Refusal {
            denial,
            rule,
            has_token,
        } = refusal;
        let looks_for_tokens = !self.bundle.providers().is_empty();
        let answer = Answer::new(&denial, self.bundle.name(), has_token, looks_for_tokens);
        let record = Record {
            decision: denial.verdict(),
            reason: denial.reason(),
            rule,
            revision: self.revision.clone(),
        };
        Denied::new(denial.code(), answer, record)
    }
}

/// The token's roles as links of its principal; none without a principal, since
/// a role belongs to somebody.
fn role_links(identity: &Identity) -> Vec<RoleLink<'_>> {
    let Some(subject) = identity.principal.as_deref() else {
        return Vec::new();
    };
    let roles = identity.roles.iter();
    roles
        .map(|(graph, role)| RoleLink {
            graph: *graph,
            subject,
            role,
        })
        .collect()
}

fn canonical_path(headers: &HeaderSnapshot) -> Result<CanonicalPath<'_>, PathError> {
    match headers.get(":path") {
        HeaderValue::One(target) => CanonicalPath::new(target),
        HeaderValue::Absent | HeaderValue::Joined(_) => Err(PathError::Missing),
    }
}
