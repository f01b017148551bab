//! What an issuer's entry makes of a token's claims: a principal and its roles.

use std::rc::Rc;

use doorward_bundle::{Bundle, Provider};
use doorward_engine::GraphId;
use doorward_token::Verified;

use crate::denial::Denial;

/// What one issuer's entry of one bundle makes of a token's claims. It is kept
/// with the token, so that one that comes again costs no look at its claims.
#[derive(Debug)]
pub(crate) struct Subject {
    /// The bundle, and the entry's place in it.
    owner: (Rc<Mark>, usize),
    pub(crate) principal: Option<String>,
    pub(crate) roles: Vec<(GraphId, String)>,
}

/// Tells one loaded bundle from every other, as long as anything holds it.
#[derive(Debug)]
pub(crate) struct Mark;

impl Subject {
    /// The subject that `verified` is by the entry `provider` at `index` of
    /// the bundle with this mark: kept from before, or made now and kept.
    pub(crate) fn of(
        verified: &Verified,
        bundle: &Bundle,
        mark: &Rc<Mark>,
        (index, provider): (usize, &Provider),
    ) -> Result<Rc<Self>, Denial> {
        if let Some(kept) = verified.derived::<Self>()
            && kept.is_of(mark, index)
        {
            return Ok(kept);
        }
        let owner = (Rc::clone(mark), index);
        let made = Rc::new(Self::make(verified, bundle, owner, provider)?);
        let kept = Rc::clone(&made);
        verified.keep_derived(kept, made.bytes());
        Ok(made)
    }

    fn make(
        verified: &Verified,
        bundle: &Bundle,
        owner: (Rc<Mark>, usize),
        provider: &Provider,
    ) -> Result<Self, Denial> {
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
        Ok(Self {
            owner,
            principal,
            roles,
        })
    }

    fn is_of(&self, mark: &Rc<Mark>, index: usize) -> bool {
        Rc::ptr_eq(&self.owner.0, mark) && self.owner.1 == index
    }

    /// What it takes in memory, from above.
    fn bytes(&self) -> usize {
        const ROLE: usize = 64;
        const SELF: usize = size_of::<Subject>() + ROLE;
        let principal = self.principal.as_ref().map_or(0, String::len);
        let roles = self.roles.iter();
        roles.fold(principal.saturating_add(SELF), |sum, (_, role)| {
            sum.saturating_add(role.len()).saturating_add(ROLE)
        })
    }
}
