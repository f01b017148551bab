//! What is measured: a kind of filter with so many rules, asked with such
//! tokens for what is allowed or denied.

use super::mint::Algorithm;
use super::rules;
use std::fmt;

/// Host calls of a module that does nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Calls {
    /// The headers in one call, which every filter needs.
    Headers,
    /// All that Doorward makes for a request that it allows.
    Doorward,
}

/// A kind of filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// None at all; what all others are compared with.
    None,
    /// A module that returns at once.
    Empty,
    /// A module that makes these host calls and nothing else; with `verifies`
    /// it also has the host check a signature.
    Floor { calls: Calls, verifies: bool },
    /// Lua that looks at the header, and checks no token.
    Lua,
    /// Doorward.
    Doorward,
    /// Doorward with decision records of refused requests alone.
    Unrecorded,
    /// Doorward's module with the casbin crate as its engine.
    Casbin,
    /// Envoy's jwt_authn alone.
    JwtAuthn { cache: bool },
    /// Envoy's jwt_authn and rbac.
    JwtRbac { cache: bool },
    /// Envoy's ext_authz, and a server that answers at once.
    ExtAuthz,
    /// Envoy's ext_authz, and a server that verifies tokens and decides in Rego.
    Rego,
}

impl Kind {
    /// What it is called, in tables and in JSON.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::None => "no filter",
            Self::Empty => "empty module",
            Self::Floor { calls, verifies } => match (calls, verifies) {
                (Calls::Headers, false) => "one bulk header read",
                (Calls::Headers, true) => "one bulk header read + verify_signature",
                (Calls::Doorward, false) => "Doorward's host calls alone",
                (Calls::Doorward, true) => "Doorward's host calls alone + verify_signature",
            },
            Self::Lua => "Lua, header check alone",
            Self::Doorward => "Doorward",
            Self::Unrecorded => "Doorward, refusals recorded alone",
            Self::Casbin => "Doorward with casbin as engine",
            Self::JwtAuthn { cache: true } => "jwt_authn, cache on",
            Self::JwtAuthn { cache: false } => "jwt_authn, cache off",
            Self::JwtRbac { cache: true } => "jwt_authn, cache on + rbac",
            Self::JwtRbac { cache: false } => "jwt_authn, cache off + rbac",
            Self::ExtAuthz => "ext_authz, answered at once",
            Self::Rego => "ext_authz to Rego",
        }
    }

    /// Whether it decides by rules.
    pub(super) const fn has_rules(self) -> bool {
        matches!(
            self,
            Self::Doorward | Self::Unrecorded | Self::Casbin | Self::JwtRbac { .. } | Self::Rego
        )
    }

    /// Whether it is Doorward's own code for tokens.
    pub(super) const fn caches_as_doorward(self) -> bool {
        matches!(self, Self::Doorward | Self::Unrecorded | Self::Casbin)
    }
}

/// Which tokens the requests have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tokens {
    /// Always the same one, RS256.
    One,
    /// A thousand in turn, RS256: they fit every cache.
    Thousand,
    /// So many in turn that hardly one comes again.
    Different(Algorithm),
}

impl Tokens {
    /// What they are called.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::One => "one cached",
            Self::Thousand => "1000 cached",
            Self::Different(Algorithm::Rs256) => "all different RS256",
            Self::Different(Algorithm::Es256) => "all different ES256",
        }
    }
}

/// One thing that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Variant {
    pub(super) kind: Kind,
    /// Zero where the kind has none.
    pub(super) rules: usize,
    pub(super) tokens: Tokens,
    pub(super) allowed: bool,
}

impl Variant {
    /// What the first segment of its paths begins with.
    pub(super) const fn path(self) -> &'static str {
        if self.allowed {
            rules::ALLOWED
        } else {
            rules::DENIED
        }
    }

    /// The status that every request gets.
    pub(super) const fn status(self) -> u16 {
        if self.allowed { 200 } else { 403 }
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name())?;
        if self.kind.has_rules() {
            let plural = if self.rules == 1 { "" } else { "s" };
            write!(f, ", {} rule{plural}", self.rules)?;
        }
        if self.tokens != Tokens::One {
            write!(f, ", tokens {}", self.tokens.name())?;
        }
        if !self.allowed {
            f.write_str(", denied")?;
        }
        Ok(())
    }
}

/// Numbers of rules that are compared.
pub(super) const RULES: [usize; 5] = [1, 10, 100, 1_000, 10_000];

pub(super) const NO_FILTER: Variant = allowed(Kind::None, 0, Tokens::One);
pub(super) const FLOOR: Variant = floor(Calls::Headers, false);

const RS256: Tokens = Tokens::Different(Algorithm::Rs256);
const ES256: Tokens = Tokens::Different(Algorithm::Es256);

/// A variant whose requests are allowed.
pub(super) const fn allowed(kind: Kind, rules: usize, tokens: Tokens) -> Variant {
    Variant {
        kind,
        rules,
        tokens,
        allowed: true,
    }
}

/// A module that makes these calls and nothing else.
pub(super) const fn floor(calls: Calls, verifies: bool) -> Variant {
    allowed(Kind::Floor { calls, verifies }, 0, Tokens::One)
}

/// All that the benchmark measures, in the order of its table.
pub(super) fn all() -> Vec<Variant> {
    let native = Kind::JwtRbac { cache: true };
    let mut variants = tokens();
    let more = [
        allowed(Kind::Empty, 0, Tokens::One),
        allowed(Kind::Lua, 0, Tokens::One),
        allowed(Kind::ExtAuthz, 0, Tokens::One),
        allowed(Kind::Doorward, 1_000, Tokens::Thousand),
        allowed(native, 1_000, Tokens::Thousand),
    ];
    variants.extend(more);
    for kind in [Kind::Doorward, native, Kind::Casbin, Kind::Rego] {
        for rules in RULES {
            let variant = allowed(kind, rules, Tokens::One);
            if !variants.contains(&variant) {
                variants.push(variant);
            }
        }
        variants.push(Variant {
            allowed: false,
            ..allowed(kind, 100, Tokens::One)
        });
    }
    variants.sort_by_key(|variant| variant.kind);
    variants
}

/// What tokens alone cost, with one rule where there are rules.
pub(super) fn tokens() -> Vec<Variant> {
    let jwt = |cache| Kind::JwtAuthn { cache };
    let rbac = |cache| Kind::JwtRbac { cache };
    vec![
        NO_FILTER,
        FLOOR,
        floor(Calls::Headers, true),
        floor(Calls::Doorward, false),
        floor(Calls::Doorward, true),
        allowed(Kind::Doorward, 1, Tokens::One),
        allowed(Kind::Unrecorded, 1, Tokens::One),
        allowed(Kind::Doorward, 1, RS256),
        allowed(Kind::Doorward, 1, ES256),
        allowed(jwt(true), 0, Tokens::One),
        allowed(jwt(true), 0, RS256),
        allowed(jwt(false), 0, RS256),
        allowed(jwt(false), 0, ES256),
        allowed(rbac(true), 1, Tokens::One),
        allowed(rbac(false), 1, RS256),
        allowed(rbac(false), 1, ES256),
    ]
}

/// Those whose name has one of the parts in it, and those that all others are
/// compared with; all when there is no part.
pub(super) fn select(variants: Vec<Variant>, parts: &[String]) -> Vec<Variant> {
    let wanted = |variant: &Variant| {
        let name = variant.to_string().to_lowercase();
        parts.is_empty()
            || [NO_FILTER, FLOOR].contains(variant)
            || parts.iter().any(|part| name.contains(&part.to_lowercase()))
    };
    variants.into_iter().filter(wanted).collect()
}
