//! Key sets (RFC 7517 section 5).

use serde_json::{Map, Value};

use crate::fingerprint::{self, Fingerprint};
use crate::json::parse_object;
use crate::jwk::{AnyKey, read};
use crate::{
    IgnoredKey, IgnoredReason, Jwk, JwkError, JwksError, JwsAlgorithm, KeyError, KeyLabel,
    SecretJwk,
};

/// The greatest size of a key set in bytes: room for certificate chains, which
/// real key sets carry along.
pub const MAX_JWKS_BYTES: usize = 256 * 1024;

/// The greatest number of keys in a set.
pub const MAX_JWKS_KEYS: usize = 128;

/// Which keys a set may hold that it may not by itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyPolicy {
    /// Symmetric keys are read. For tools alone: a key set that a proxy is
    /// given travels and is stored in the open.
    pub secrets: bool,
    /// Private members are ignored instead of refused. For tools alone.
    pub private_members: bool,
    /// The `kid`s of the RSA keys that may have 1024 to 2047 bits. A key
    /// without `kid` cannot be named.
    pub allow_weak_rsa_keys: Vec<String>,
}

impl KeyPolicy {
    pub(crate) fn allows_weak_rsa(&self, key_id: Option<&str>) -> bool {
        key_id.is_some_and(|key_id| self.allow_weak_rsa_keys.iter().any(|name| name == key_id))
    }
}

/// A set of keys, each one checked, with at least one that is usable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jwks {
    keys: Vec<Jwk>,
    secrets: Vec<SecretJwk>,
    ignored: Vec<IgnoredKey>,
    fingerprint: Fingerprint,
}

impl Jwks {
    /// Reads a key set of public keys.
    ///
    /// A key that is malformed, weak, symmetric, or holds private material
    /// refuses the whole set. A key that is well-formed but of an unknown type, curve or
    /// algorithm, or meant for something else than checking signatures, is
    /// ignored and listed by [`Self::ignored`]. Members that are not known are
    /// ignored (RFC 7517 section 4), members that occur twice are refused.
    ///
    /// # Errors
    /// [`JwksError`] says which key and which member, and what to do.
    pub fn parse(text: &[u8]) -> Result<Self, JwksError> {
        Self::parse_with(text, &KeyPolicy::default())
    }

    /// The same, with exceptions.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn parse_with(text: &[u8], policy: &KeyPolicy) -> Result<Self, JwksError> {
        Self::read(text, policy, false)
    }

    /// Reads a key set that somebody else publishes: as [`Self::parse`], but a
    /// key that is malformed, weak or private is ignored too, as RFC 7517
    /// section 5 has it, for nobody here can mend it.
    ///
    /// # Errors
    /// As [`Self::parse`], except for what is wrong with a single key.
    pub fn parse_published(text: &[u8]) -> Result<Self, JwksError> {
        Self::parse_published_with(text, &KeyPolicy::default())
    }

    /// The same, with exceptions. With [`KeyPolicy::secrets`] it may have both
    /// kinds of keys: an algorithm never looks at the other kind.
    ///
    /// # Errors
    /// As [`Self::parse_published`].
    pub fn parse_published_with(text: &[u8], policy: &KeyPolicy) -> Result<Self, JwksError> {
        Self::read(text, policy, true)
    }

    /// The key set of a provider whose keys have not been fetched: no token
    /// finds its key there.
    #[must_use]
    pub fn awaited() -> Self {
        Self::empty()
    }

    fn empty() -> Self {
        Self {
            keys: Vec::new(),
            secrets: Vec::new(),
            ignored: Vec::new(),
            fingerprint: fingerprint::of_keys(&[]),
        }
    }

    // Once in the module, though two call it.
    #[inline(never)]
    fn read(text: &[u8], policy: &KeyPolicy, published: bool) -> Result<Self, JwksError> {
        if text.len() > MAX_JWKS_BYTES {
            return Err(JwksError::TooLarge {
                bytes: text.len(),
                limit: MAX_JWKS_BYTES,
            });
        }
        let members = parse_object(text).map_err(|error| JwksError::Json {
            fault: error.fault,
            line: error.line,
            column: error.column,
        })?;
        let values = members
            .get("keys")
            .and_then(Value::as_array)
            .ok_or(JwksError::NoKeysArray)?;
        if values.len() > MAX_JWKS_KEYS {
            return Err(JwksError::TooManyKeys {
                keys: values.len(),
                limit: MAX_JWKS_KEYS,
            });
        }
        let mut set = Self::empty();
        for (index, value) in values.iter().enumerate() {
            set.add(index, value, policy, published)?;
        }
        if set.keys.is_empty() && set.secrets.is_empty() {
            return Err(JwksError::NoUsableKey {
                ignored: set.ignored,
            });
        }
        if !published && !set.keys.is_empty() && !set.secrets.is_empty() {
            return Err(JwksError::MixedKinds);
        }
        set.fingerprint = fingerprint::of_keys(&set.keys);
        Ok(set)
    }

    /// One key alone (RFC 7517 section 4), which its user has pointed at.
    ///
    /// # Errors
    /// [`JwkError`] says which member, and what to do.
    pub fn of_key(members: &Map<String, Value>, policy: &KeyPolicy) -> Result<Self, JwkError> {
        let mut set = Self::empty();
        match read(members, policy)?.map_err(JwkError::Unusable)? {
            AnyKey::Public(key) => set.keys.push(key),
            AnyKey::Secret(key) => set.secrets.push(key),
        }
        set.fingerprint = fingerprint::of_keys(&set.keys);
        Ok(set)
    }

    /// One secret alone.
    #[must_use]
    pub fn of_secret(secret: SecretJwk) -> Self {
        Self {
            secrets: vec![secret],
            ..Self::empty()
        }
    }

    fn add(
        &mut self,
        index: usize,
        value: &Value,
        policy: &KeyPolicy,
        published: bool,
    ) -> Result<(), JwksError> {
        let label = KeyLabel {
            index,
            key_id: value
                .get("kid")
                .and_then(Value::as_str)
                .map(ToOwned::to_owned),
        };
        let read = value
            .as_object()
            .ok_or(KeyError::NotAnObject)
            .and_then(|members| read(members, policy));
        match read {
            Ok(Ok(AnyKey::Public(key))) => self.keys.push(key),
            Ok(Ok(AnyKey::Secret(key))) => {
                let known = |other: &SecretJwk| other.key_id() == key.key_id();
                if !published && key.key_id().is_some() && self.secrets.iter().any(known) {
                    return Err(JwksError::DuplicateSecret { label });
                }
                self.secrets.push(key);
            }
            Ok(Err(reason)) => self.ignored.push(IgnoredKey { label, reason }),
            Err(error) if published => {
                let reason = IgnoredReason::Faulty(error);
                self.ignored.push(IgnoredKey { label, reason });
            }
            Err(error) => return Err(JwksError::Key { label, error }),
        }
        Ok(())
    }

    /// The usable public keys, in the order of the set.
    #[must_use]
    pub fn keys(&self) -> &[Jwk] {
        &self.keys
    }

    /// The usable secrets, in the order of the set; without a [`KeyPolicy`]
    /// there are none.
    #[must_use]
    pub fn secrets(&self) -> &[SecretJwk] {
        &self.secrets
    }

    /// The fingerprint of the usable keys.
    #[must_use]
    pub const fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// The keys that are never used, and why: for a warning when a policy
    /// loads.
    #[must_use]
    pub fn ignored(&self) -> &[IgnoredKey] {
        &self.ignored
    }

    /// Whether any key may check what this algorithm makes.
    #[must_use]
    pub fn any_fits(&self, algorithm: JwsAlgorithm) -> bool {
        match algorithm {
            JwsAlgorithm::Signature(algorithm) => self.keys.iter().any(|key| key.fits(algorithm)),
            JwsAlgorithm::Mac(algorithm) => self.secrets.iter().any(|key| key.fits(algorithm)),
        }
    }

    /// Whether a key has the `kid` that a token names; whether there are keys
    /// at all, where it names none.
    pub(crate) fn knows(&self, wanted: Option<&str>) -> bool {
        self.named(wanted).next().is_some() || self.named_secrets(wanted).next().is_some()
    }

    /// The public keys of the `kid` that a token names: all of them where it
    /// names none.
    pub(crate) fn named(&self, wanted: Option<&str>) -> impl Iterator<Item = &Jwk> {
        self.keys
            .iter()
            .filter(move |key| wanted.is_none() || key.key_id() == wanted)
    }

    /// The public keys without `kid`, where a token names one.
    ///
    /// RFC 7517 section 4.5 leaves a key's `kid` optional and RFC 7515 section
    /// 4.1.4 calls a token's a hint, so only two that differ rule a key out, as
    /// in Envoy's jwt_verify_lib.
    pub(crate) fn nameless(&self, wanted: Option<&str>) -> impl Iterator<Item = &Jwk> {
        self.keys
            .iter()
            .filter(move |key| wanted.is_some() && key.key_id().is_none())
    }

    /// As [`Self::named`], of the secrets.
    pub(crate) fn named_secrets(&self, wanted: Option<&str>) -> impl Iterator<Item = &SecretJwk> {
        self.secrets
            .iter()
            .filter(move |key| wanted.is_none() || key.key_id() == wanted)
    }

    /// As [`Self::nameless`], of the secrets.
    pub(crate) fn nameless_secrets(
        &self,
        wanted: Option<&str>,
    ) -> impl Iterator<Item = &SecretJwk> {
        self.secrets
            .iter()
            .filter(move |key| wanted.is_some() && key.key_id().is_none())
    }
}
