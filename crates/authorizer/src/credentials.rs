//! Who the request is: verifying its token, and making of it a subject and what
//! the upstream is told.

use std::rc::Rc;

use doorward_bundle::{Bundle, Presence, Provider, TokenSource};
use doorward_token::{TokenError, TokenVerifier, Verified, peek_issuer};

use crate::denial::Denial;
use crate::keys::{Patience, ProviderKeys, Unverified, Wait};
use crate::subject::{Mark, Subject};
use crate::tokens::Found;

/// What a verified token gives for one request.
#[derive(Debug)]
pub(crate) struct Credentials<'a> {
    pub(crate) verified: Rc<Verified>,
    pub(crate) subject: Rc<Subject>,
    /// What the upstream is told of the claims: header and value.
    pub(crate) headers: Vec<(&'a str, String)>,
}

/// Who a request is, and what is to be done about its token.
#[derive(Debug, Default)]
pub(crate) struct Identity<'a> {
    pub(crate) credentials: Option<Credentials<'a>>,
    /// Why its token counts as none, where that is so.
    pub(crate) ignored: Option<&'static str>,
    /// Where its token stands, if the upstream is not to get it.
    pub(crate) withheld: Vec<&'a TokenSource>,
}

/// Verifies the request's token, if it has one.
pub(crate) fn authenticate<'a>(
    bundle: &'a Bundle,
    mark: &Rc<Mark>,
    keys: &ProviderKeys,
    found: Option<Found<'a>>,
    now_unix_seconds: i64,
    tokens: &dyn TokenVerifier,
    patience: Patience,
) -> Result<Identity<'a>, Unverified> {
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
            let token = &*found.token;
            let verified = keys.verify(issuer, token, now_unix_seconds, tokens, patience)?;
            let subject = Subject::of(&verified, bundle, mark, issuer)?;
            Ok(credentials(issuer.1, token, verified, subject)?)
        });
    match accepted {
        Ok((credentials, is_forwarded)) => Ok(Identity {
            credentials: Some(credentials),
            ignored: None,
            withheld: if is_forwarded {
                Vec::new()
            } else {
                found.sources
            },
        }),
        Err(Unverified::Refused(_)) if may_ignore && found.is_joined => {
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
fn may_ignore(bundle: &Bundle, found: &Found<'_>, chosen: Option<&(usize, &Provider)>) -> bool {
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
fn choose<'a>(found: &Found<'a>) -> Result<(usize, &'a Provider), TokenError> {
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

/// What a verified token gives, and whether the upstream gets the token.
fn credentials<'a>(
    provider: &'a Provider,
    token: &[u8],
    verified: Rc<Verified>,
    subject: Rc<Subject>,
) -> Result<(Credentials<'a>, bool), Denial> {
    let forwarding = provider.forwarding();
    let headers = forwarding
        .values(token, verified.claims().members())
        .map_err(Denial::ClaimHeader)?;
    let credentials = Credentials {
        verified,
        subject,
        headers,
    };
    Ok((credentials, forwarding.token()))
}
