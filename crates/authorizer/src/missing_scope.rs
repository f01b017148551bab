//! Which scope a refused token lacks, where it lacks nothing else.

use doorward_bundle::{Bundle, RoleClaim};
use doorward_engine::{Request, RoleLink};

use crate::credentials::Credentials;

/// The scope that would have let the request through, if one row alone is
/// missed by a role alone, and that role is one of the token's issuer for a
/// scope. The bundle has to ask for it; it costs two more decisions.
pub(crate) fn find(
    bundle: &Bundle,
    known: Option<&Credentials>,
    request: &Request<'_>,
) -> Option<String> {
    if !bundle.answers().name_missing_scope() {
        return None;
    }
    let subject = &known?.subject;
    let principal = subject.principal.as_deref()?;
    let claims = bundle.providers().get(subject.provider())?.roles();
    let engine = bundle.engine();
    let row = engine.near_miss(request)?;
    let rule = engine.rule(row)?;
    let mut scopes = rule.fields().flat_map(|field| {
        let claims = claims.iter().filter(|claim| claim.is_scope());
        claims.filter_map(move |claim| Some((claim, field.strip_prefix(claim.prefix())?)))
    });
    let (claim, scope) = scopes.find(|(_, scope)| is_scope_token(scope))?;
    // What the token would give with this scope, in every graph.
    let roles: Vec<(&RoleClaim, String)> = claims
        .iter()
        .filter(|other| other.claim() == claim.claim())
        .map(|other| (other, format!("{}{scope}", other.prefix())))
        .collect();
    let mut links = request.roles.to_vec();
    links.extend(roles.iter().filter_map(|(claim, role)| {
        Some(RoleLink {
            graph: engine.graph(claim.graph())?,
            subject: principal,
            role,
        })
    }));
    let decision = engine.decide(&Request {
        roles: &links,
        ..*request
    });
    let suffices = decision.outcome.is_allow() && decision.rule == Some(row);
    suffices.then(|| scope.to_owned())
}

/// RFC 6749 section 3.3.
fn is_scope_token(text: &str) -> bool {
    let fits = |byte| matches!(byte, b'!' | b'#'..=b'[' | b']'..=b'~');
    !text.is_empty() && text.bytes().all(fits)
}
