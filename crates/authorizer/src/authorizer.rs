//! The pipeline: from a request to a [`Step`].

use doorward_bundle::Bundle;
use doorward_engine::{Context, Outcome, Request, RoleLink, Value};
use doorward_request::{CanonicalPath, Facts, HeaderSnapshot, HeaderValue, PathError, Scope};
use doorward_token::TokenVerifier;

use crate::answer::Answer;
use crate::credentials::{Credentials, authenticate, is_identity_header};
use crate::denial::Denial;
use crate::json;
use crate::outcome::{Denied, HeaderEdit, Permitted, Step};
use crate::record::{Record, Verdict};

/// One bundle, deciding requests. Immutable; a push makes a new one.
#[derive(Debug)]
pub struct Authorizer {
    bundle: Bundle,
    revision: String,
}

/// What an allowed request is allowed by.
struct Grant {
    reason: &'static str,
    rule: Option<String>,
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

impl Authorizer {
    /// An authorizer that decides by `bundle`.
    #[must_use]
    pub fn new(bundle: Bundle) -> Self {
        let revision = format!("{}@{}", bundle.name(), bundle.revision());
        Self { bundle, revision }
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
        let path = match canonical_path(&headers) {
            Ok(path) => path,
            Err(error) => return self.deny(Refusal::before_token(Denial::Path(error))),
        };
        match self.decide(&headers, &path, facts, now_unix_seconds, tokens) {
            Ok(grant) => self.permit(forged, &path, grant),
            Err(refusal) => self.deny(refusal),
        }
    }

    fn decide(
        &self,
        headers: &HeaderSnapshot,
        path: &CanonicalPath<'_>,
        facts: &dyn Facts,
        now: i64,
        tokens: &dyn TokenVerifier,
    ) -> Result<Grant, Refusal> {
        let credentials =
            authenticate(&self.bundle, headers, now, tokens).map_err(|denial| Refusal {
                has_token: !matches!(denial, Denial::TokenMissing),
                denial,
                rule: None,
            })?;
        let has_token = credentials.is_some();
        let refuse = |denial, rule| Refusal {
            denial,
            rule,
            has_token,
        };
        let scope = Scope {
            headers,
            path,
            claims: credentials
                .as_ref()
                .map(|known| known.verified.claims().members()),
            principal: credentials
                .as_ref()
                .and_then(|known| known.principal.as_deref()),
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
            .map(|known| self.role_links(known))
            .unwrap_or_default();
        let decision = self.bundle.engine().decide(&Request {
            values: &values,
            roles: &roles,
            now,
            context: Context::default(),
        });
        let rule = decision
            .rule
            .and_then(|id| self.bundle.engine().rule(id))
            .map(|rule| rule.to_string());
        match decision.outcome {
            Outcome::Allow if rule.is_some() => Ok(Grant {
                reason: "allow_rule",
                rule,
            }),
            Outcome::Allow => Ok(Grant {
                reason: "policy",
                rule,
            }),
            Outcome::Deny if rule.is_some() => Err(refuse(Denial::DenyRule, rule)),
            Outcome::Deny => Err(refuse(Denial::NoRule, None)),
            Outcome::Error(error) => Err(refuse(Denial::Evaluation(error), rule)),
        }
    }

    /// The token's roles as links of its principal; none without a principal,
    /// since a role belongs to somebody.
    fn role_links<'c>(&self, credentials: &'c Credentials) -> Vec<RoleLink<'c>> {
        let Some(subject) = credentials.principal.as_deref() else {
            return Vec::new();
        };
        credentials
            .roles
            .iter()
            .filter_map(|(graph, role)| {
                let graph = self.bundle.engine().graph(graph)?;
                Some(RoleLink {
                    graph,
                    subject,
                    role,
                })
            })
            .collect()
    }

    fn permit(&self, forged: Vec<Vec<u8>>, path: &CanonicalPath<'_>, grant: Grant) -> Step {
        let mut edits: Vec<HeaderEdit> = forged.into_iter().map(HeaderEdit::Remove).collect();
        if path.is_rewritten() {
            edits.push(HeaderEdit::Replace(":path", path.target().to_owned()));
        }
        let record = Record {
            decision: Verdict::Allow,
            reason: grant.reason.to_owned(),
            rule: grant.rule,
            revision: self.revision.clone(),
        };
        Step::Permit(Permitted::new(edits, record))
    }

    fn deny(&self, refusal: Refusal) -> Step {
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
        Step::Deny(Denied::new(denial.code(), answer, record))
    }
}

fn canonical_path(headers: &HeaderSnapshot) -> Result<CanonicalPath<'_>, PathError> {
    match headers.get(":path") {
        HeaderValue::One(target) => CanonicalPath::new(target),
        HeaderValue::Absent | HeaderValue::Joined(_) => Err(PathError::Missing),
    }
}
