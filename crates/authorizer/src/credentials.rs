//! Who the request says it is: finding the token, and making of it a
//! principal and its roles.

use std::rc::Rc;

use doorward_bundle::{Bundle, Provider, TokenLocation};
use doorward_engine::GraphId;
use doorward_request::{HeaderSnapshot, is_token_byte, same_header};
use doorward_token::{TokenError, TokenVerifier, Verified, peek_issuer};

use crate::denial::Denial;
use crate::keys::{Patience, ProviderKeys, Unverified};

/// Headers in which Doorward speaks to the upstream. From outside they never
/// survive, in whatever spelling.
const IDENTITY_PREFIX: &[u8] = b"x-doorward-";

/// Whether a header of this name is Doorward's own to write.
#[must_use]
pub fn is_identity_header(name: &[u8]) -> bool {
    name.get(..IDENTITY_PREFIX.len())
        .is_some_and(|start| same_header(start, IDENTITY_PREFIX))
}

/// What a verified token gives for one request.
#[derive(Debug)]
pub(crate) struct Credentials {
    pub(crate) verified: Rc<Verified>,
    pub(crate) identity: Rc<Identity>,
}

/// What one issuer's entry of one bundle makes of a token's claims. It is kept
/// with the token, so that one that comes again costs no look at its claims.
#[derive(Debug)]
pub(crate) struct Identity {
    /// The bundle, and the entry's place in it.
    owner: (Rc<Mark>, usize),
    pub(crate) principal: Option<String>,
    pub(crate) roles: Vec<(GraphId, String)>,
}

/// Tells one loaded bundle from every other, as long as anything holds it.
#[derive(Debug)]
pub(crate) struct Mark;

impl Identity {
    fn is_of(&self, mark: &Rc<Mark>, index: usize) -> bool {
        Rc::ptr_eq(&self.owner.0, mark) && self.owner.1 == index
    }

    /// What it takes in memory, from above.
    fn bytes(&self) -> usize {
        const ROLE: usize = 64;
        const SELF: usize = size_of::<Identity>() + ROLE;
        let principal = self.principal.as_ref().map_or(0, String::len);
        let roles = self.roles.iter();
        roles.fold(principal.saturating_add(SELF), |sum, (_, role)| {
            sum.saturating_add(role.len()).saturating_add(ROLE)
        })
    }
}

/// A token of the request, and the issuers' entries that look where it stands,
/// with their places among the bundle's.
struct Found<'a> {
    token: &'a [u8],
    providers: Vec<(usize, &'a Provider)>,
}

/// Verifies the request's token, if it has one.
pub(crate) fn authenticate(
    bundle: &Bundle,
    mark: &Rc<Mark>,
    keys: &ProviderKeys,
    headers: &HeaderSnapshot,
    now_unix_seconds: i64,
    tokens: &dyn TokenVerifier,
    patience: Patience,
) -> Result<Option<Credentials>, Unverified> {
    let Some(found) = find(bundle, headers)? else {
        if bundle.requires_token() {
            return Err(Denial::TokenMissing.into());
        }
        return Ok(None);
    };
    let (index, provider) = choose(&found).map_err(Denial::Token)?;
    let issuer = (index, provider);
    let verified = keys.verify(issuer, found.token, now_unix_seconds, tokens, patience)?;
    if let Some(identity) = verified.derived::<Identity>()
        && identity.is_of(mark, index)
    {
        return Ok(Some(Credentials { verified, identity }));
    }
    let owner = (Rc::clone(mark), index);
    let identity = Rc::new(identity(bundle, owner, provider, &verified)?);
    let kept = Rc::clone(&identity);
    verified.keep_derived(kept, identity.bytes());
    Ok(Some(Credentials { verified, identity }))
}

/// Looks in every place that an issuer's entry names. The same token in two
/// places is one token; two different ones are refused.
fn find<'a>(bundle: &'a Bundle, headers: &'a HeaderSnapshot) -> Result<Option<Found<'a>>, Denial> {
    let mut found: Option<Found<'a>> = None;
    for (index, provider) in bundle.providers().iter().enumerate() {
        let values = provider.locations().iter().flat_map(|location| {
            headers
                .values(&location.header)
                .filter_map(move |value| strip_prefix(value, location))
        });
        for token in values {
            let known = found.get_or_insert_with(|| Found {
                token,
                providers: Vec::new(),
            });
            if known.token != token {
                return Err(Denial::TokenAmbiguous);
            }
            if !known.providers.iter().any(|(other, _)| *other == index) {
                known.providers.push((index, provider));
            }
        }
    }
    Ok(found)
}

/// The token behind the location's prefix. The letters of an authentication
/// scheme are compared without regard to case (RFC 9110 section 11.1), and
/// any number of spaces may stand behind it (section 11.4).
///
/// A value that names the scheme but has no token behind it is an empty token,
/// which is malformed, and so is one that a proxy joined of several with the
/// scheme among them: neither counts as "no token", since an upstream could
/// read one there.
fn strip_prefix<'v>(value: &'v [u8], location: &TokenLocation) -> Option<&'v [u8]> {
    let prefix = location.prefix.as_bytes();
    let Some(scheme) = prefix.strip_suffix(b" ") else {
        let (start, token) = value.split_at_checked(prefix.len())?;
        return start.eq_ignore_ascii_case(prefix).then_some(token);
    };
    let behind_scheme = |part: &'v [u8]| {
        let (start, rest) = part.split_at_checked(scheme.len())?;
        let ends = !rest.first().is_some_and(|byte| is_token_byte(*byte));
        (start.eq_ignore_ascii_case(scheme) && ends).then_some(rest)
    };
    if let Some(rest) = behind_scheme(value) {
        let Some(mut token) = rest.strip_prefix(b" ") else {
            return Some(b"");
        };
        while let Some(shorter) = token.strip_prefix(b" ") {
            token = shorter;
        }
        return Some(token);
    }
    let joined = value
        .split(|byte| *byte == b',')
        .skip(1)
        .any(|part| behind_scheme(part.trim_ascii_start()).is_some());
    joined.then_some(b"")
}

/// The issuer's entry that a token is to be verified by. With several, the
/// unverified `iss` only chooses among them; the chosen one verifies it.
fn choose<'a>(found: &Found<'a>) -> Result<(usize, &'a Provider), TokenError> {
    if let [only] = found.providers.as_slice() {
        return Ok(*only);
    }
    let issuer = peek_issuer(found.token)?;
    found
        .providers
        .iter()
        .find(|(_, provider)| provider.tokens().issuer() == issuer)
        .copied()
        .ok_or(TokenError::IssuerUnknown)
}

fn identity(
    bundle: &Bundle,
    owner: (Rc<Mark>, usize),
    provider: &Provider,
    verified: &Verified,
) -> Result<Identity, Denial> {
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
    Ok(Identity {
        owner,
        principal,
        roles,
    })
}
