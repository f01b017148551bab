//! Who the request is: verifying its token, and making of it a principal, its
//! roles, and what the upstream is told.

use std::rc::Rc;

use doorward_bundle::{Bundle, Presence, Provider};
use doorward_engine::GraphId;
use doorward_token::{TokenError, TokenVerifier, Verified, peek_issuer};

use crate::denial::Denial;
use crate::keys::{Patience, ProviderKeys, Unverified, Wait};
use crate::tokens::{Found, Sources};

/// What a verified token gives for one request.
#[derive(Debug)]
pub(crate) struct Credentials {
    pub(crate) verified: Rc<Verified>,
    pub(crate) subject: Rc<Subject>,
}

/// What one issuer's entry of one bundle makes of a token's claims. It is kept
/// with the token, so that one that comes again costs no look at its claims.
#[derive(Debug)]
pub(crate) struct Subject {
    /// The bundle, and the entry's place in it.
    owner: (Rc<Mark>, usize),
    pub(crate) principal: Option<String>,
    pub(crate) roles: Vec<(GraphId, String)>,
    /// What the upstream is told of the claims: header and value.
    pub(crate) headers: Vec<(String, String)>,
}

/// Tells one loaded bundle from every other, as long as anything holds it.
#[derive(Debug)]
pub(crate) struct Mark;

impl Subject {
    fn is_of(&self, mark: &Rc<Mark>, index: usize) -> bool {
        Rc::ptr_eq(&self.owner.0, mark) && self.owner.1 == index
    }

    /// The issuer's entry, by its place in the bundle.
    pub(crate) fn provider(&self) -> usize {
        self.owner.1
    }

    /// What it takes in memory, from above.
    fn bytes(&self) -> usize {
        const ENTRY: usize = 64;
        const SELF: usize = size_of::<Subject>() + ENTRY;
        let principal = self.principal.as_ref().map_or(0, String::len);
        let roles = self.roles.iter().map(|(_, role)| role.len());
        let headers = self.headers.iter();
        let headers = headers.map(|(name, value)| name.len().saturating_add(value.len()));
        roles
            .chain(headers)
            .fold(principal.saturating_add(SELF), |sum, length| {
                sum.saturating_add(length).saturating_add(ENTRY)
            })
    }
}

/// Who a request is, and what is to be done about its token.
#[derive(Debug, Default)]
pub(crate) struct Identity<'a> {
    pub(crate) credentials: Option<Credentials>,
    /// Why its token counts as none, where that is so.
    pub(crate) ignored: Option<&'static str>,
    /// Where its token stands, if the upstream is not to get it.
    pub(crate) withheld: Sources<'a>,
}

/// Verifies the request's token, if it has one.
pub(crate) fn authenticate<'b>(
    bundle: &'b Bundle,
    mark: &Rc<Mark>,
    keys: &ProviderKeys,
    found: Option<Found<'_, 'b>>,
    now_unix_seconds: i64,
    tokens: &dyn TokenVerifier,
    patience: Patience,
) -> Result<Identity<'b>, Unverified> {
    let Some(found) = found else {
        if bundle.requires_token() {
            return Err(Denial::TokenMissing.into());
        }
        return Ok(Identity::default());
    };
    let chosen = choose(&found);
    let may_ignore = may_ignore(bundle, &found, chosen.as_ref().ok());
    let accepted = chosen
        .map_err(|error| Denial::Token(error).into())
        .and_then(|issuer| {
            let (index, provider) = issuer;
            let token = &*found.token;
            let verified = keys.verify(issuer, token, now_unix_seconds, tokens, patience)?;
            let owner = (Rc::clone(mark), index);
            let credentials = credentials(bundle, owner, provider, token, verified)?;
            Ok((credentials, provider.forwarding().token()))
        });
    match accepted {
        Ok((credentials, is_forwarded)) => Ok(Identity {
            credentials: Some(credentials),
            ignored: None,
            withheld: if is_forwarded {
                Sources::new()
            } else {
                found.sources
            },
        }),
        Err(Unverified::Refused(_)) if may_ignore && found.is_joined() => {
            Err(Denial::TokenAmbiguous.into())
        }
        // The upstream could read as an identity what nobody has verified, so
        // it does not get it, whatever `forward` says.
        Err(Unverified::Refused(denial)) if may_ignore => Ok(Identity {
            credentials: None,
            ignored: Some(denial.code()),
            withheld: found.sources,
        }),
        Err(Unverified::Awaits(wait)) => Err(Unverified::Awaits(Wait { may_ignore, ..wait })),
        Err(refused) => Err(refused),
    }
}

/// Whether a token that cannot be accepted counts as none. Where an issuer
/// cannot be told, all that are in question have to say so.
fn may_ignore(bundle: &Bundle, found: &Found<'_, '_>, chosen: Option<&(usize, &Provider)>) -> bool {
    let ignores = |provider: &Provider| provider.presence() == Presence::OptionalOrInvalid;
    !bundle.requires_token()
        && match chosen {
            Some((_, provider)) => ignores(provider),
            None => found
                .providers
                .iter()
                .all(|(_, provider)| ignores(provider)),
        }
}

/// The issuer's entry that a token is to be verified by. With several, the
/// unverified `iss` only chooses among them; the chosen one verifies it.
fn choose<'b>(found: &Found<'_, 'b>) -> Result<(usize, &'b Provider), TokenError> {
    if let [only] = found.providers.as_slice() {
        return Ok(*only);
    }
    let issuer = peek_issuer(&found.token)?;
    found
        .providers
        .iter()
        .find(|(_, provider)| provider.tokens().issuer() == issuer)
        .copied()
        .ok_or(TokenError::IssuerUnknown)
}

/// What a verified token gives: as it was kept with the token, if this entry
/// kept it.
fn credentials(
    bundle: &Bundle,
    owner: (Rc<Mark>, usize),
    provider: &Provider,
    token: &[u8],
    verified: Rc<Verified>,
) -> Result<Credentials, Denial> {
    let (mark, index) = &owner;
    let known = verified.derived::<Subject>();
    if let Some(subject) = known.filter(|known| known.is_of(mark, *index)) {
        return Ok(Credentials { verified, subject });
    }
    let subject = Rc::new(subject(bundle, owner, provider, token, &verified)?);
    let kept = Rc::clone(&subject);
    verified.keep_derived(kept, subject.bytes());
    Ok(Credentials { verified, subject })
}

fn subject(
    bundle: &Bundle,
    owner: (Rc<Mark>, usize),
    provider: &Provider,
    token: &[u8],
    verified: &Verified,
) -> Result<Subject, Denial> {
    let claims = verified.claims().members();
    let principal = match provider.principal() {
        Some(form) => Some(form.make(claims).map_err(Denial::Principal)?),
        None => verified
            .subject()
            .filter(|subject| !subject.is_empty())
            .map(str::to_owned),
    };
    if principal
        .as_deref()
        .is_some_and(|principal| bundle.is_reserved(principal))
    {
        return Err(Denial::ReservedPrincipal);
    }
    let mut roles = Vec::new();
    for claim in provider.roles() {
        let names = claim.roles(claims).map_err(Denial::Roles)?;
        if let Some(graph) = bundle.engine().graph(claim.graph()) {
            roles.extend(names.into_iter().map(|name| (graph, name)));
        }
    }
    let headers = provider.forwarding().values(token, claims);
    let headers = headers.map_err(Denial::ClaimHeader)?.into_iter();
    Ok(Subject {
        owner,
        principal,
        roles,
        headers: headers
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    })
}
