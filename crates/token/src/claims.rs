//! What a verified token says.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use serde_json::{Map, Value};

use crate::JwsAlgorithm;

/// The claims set of a verified token; immutable, and made by verification
/// alone.
///
/// Integers of 64 bits are kept exactly; other numbers are doubles.
#[derive(Clone, PartialEq)]
pub struct Claims {
    members: Map<String, Value>,
}

impl Claims {
    pub(crate) const fn new(members: Map<String, Value>) -> Self {
        Self { members }
    }

    /// The claim of exactly this name; dots and slashes in it mean nothing.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    /// The member reached by these names, one object after another:
    /// `["realm_access", "roles"]`. Arrays are not descended into, and no
    /// names lead nowhere.
    #[must_use]
    pub fn get_path<N: AsRef<str>>(&self, path: &[N]) -> Option<&Value> {
        let (first, rest) = path.split_first()?;
        rest.iter()
            .try_fold(self.get(first.as_ref())?, |value, name| {
                value.as_object()?.get(name.as_ref())
            })
    }

    /// All claims as a JSON object.
    #[must_use]
    pub const fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    /// All claims, ordered by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.members
            .iter()
            .map(|(name, value)| (name.as_str(), value))
    }

    /// How many claims there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }
}

impl fmt::Debug for Claims {
    /// The number of claims alone: they are personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Claims({})", self.members.len())
    }
}

/// A token whose signature and registered claims were accepted. Nothing but
/// [`crate::VerifiedJws::claims`], which [`crate::Provider::verify`] asks,
/// makes one.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    pub(crate) claims: Claims,
    pub(crate) algorithm: JwsAlgorithm,
    pub(crate) key_id: Option<String>,
    pub(crate) expires_at: Option<i64>,
    pub(crate) derived: Derived,
}

/// What a user of a token has made of its claims. It stands beside the claims,
/// which it cannot change, and says nothing of the token: two that differ in
/// nothing else are equal.
#[derive(Default)]
pub(crate) struct Derived(RefCell<Option<Rc<dyn Any>>>);

impl Clone for Derived {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Derived {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl fmt::Debug for Derived {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Derived")
    }
}

/// How much may be kept beside a token's claims, in bytes, so that a cache can
/// reckon with it.
pub const MAX_DERIVED_BYTES: usize = 512;

impl Verified {
    /// What was kept last beside the claims, if it is of this type. Whether it
    /// is the asker's own is for the asker to know.
    #[must_use]
    pub fn derived<T: Any>(&self) -> Option<Rc<T>> {
        let derived = self.derived.0.try_borrow().ok()?;
        Rc::clone(derived.as_ref()?).downcast().ok()
    }

    /// Keeps what was made of the claims as long as these are kept, in place of
    /// what was kept before; not what takes more than [`MAX_DERIVED_BYTES`].
    pub fn keep_derived(&self, derived: Rc<dyn Any>, bytes: usize) {
        if bytes <= MAX_DERIVED_BYTES
            && let Ok(mut kept) = self.derived.0.try_borrow_mut()
        {
            *kept = Some(derived);
        }
    }

    /// The claims.
    #[must_use]
    pub const fn claims(&self) -> &Claims {
        &self.claims
    }

    /// The issuer; empty where none was asked for and the token has none.
    #[must_use]
    pub fn issuer(&self) -> &str {
        let issuer = self.claims.get("iss").and_then(Value::as_str);
        issuer.unwrap_or_default()
    }

    /// The claim `sub`, where there is one.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.claims.get("sub").and_then(Value::as_str)
    }

    /// The algorithm of the signature or MAC.
    #[must_use]
    pub const fn algorithm(&self) -> JwsAlgorithm {
        self.algorithm
    }

    /// The `kid` of the key that made the signature, where the key has one.
    #[must_use]
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// The first second, since 1970 and without clock skew, in which the token
    /// is no longer valid: `exp` rounded down. `None` where it never expires.
    #[must_use]
    pub const fn expires_at(&self) -> Option<i64> {
        self.expires_at
    }
}
