//! Key sets (RFC 7517 section 5).

use serde_json::Value;

use crate::json::parse_object;
use crate::{Algorithm, IgnoredKey, IgnoredReason, Jwk, JwksError, KeyError, KeyLabel};

/// The greatest size of a key set in bytes: room for certificate chains, which
/// real key sets carry along.
pub const MAX_JWKS_BYTES: usize = 256 * 1024;

/// The greatest number of keys in a set.
pub const MAX_JWKS_KEYS: usize = 128;

/// A set of keys, each one checked, with at least one that is usable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jwks {
    keys: Vec<Jwk>,
    ignored: Vec<IgnoredKey>,
}

impl Jwks {
    /// Reads a key set.
    ///
    /// A key that is malformed, weak, or holds private material refuses the
    /// whole set. A key that is well-formed but of an unknown type, curve or
    /// algorithm, or meant for something else than checking signatures, is
    /// ignored and listed by [`Self::ignored`]. Members that are not known are
    /// ignored (RFC 7517 section 4), members that occur twice are refused.
    ///
    /// # Errors
    /// [`JwksError`] says which key and which member, and what to do.
    pub fn parse(text: &[u8]) -> Result<Self, JwksError> {
        Self::read(text, false)
    }

    /// Reads a key set that somebody else publishes: as [`Self::parse`], but a
    /// key that is malformed, weak or private is ignored too, as RFC 7517
    /// section 5 has it, for nobody here can mend it.
    ///
    /// # Errors
    /// As [`Self::parse`], except for what is wrong with a single key.
    pub fn parse_published(text: &[u8]) -> Result<Self, JwksError> {
        Self::read(text, true)
    }

    /// The key set of a provider whose keys have not been fetched: no token
    /// finds its key there.
    #[must_use]
    pub const fn awaited() -> Self {
        Self {
            keys: Vec::new(),
            ignored: Vec::new(),
        }
    }

    // Once in the module, though two call it.
    #[inline(never)]
    fn read(text: &[u8], published: bool) -> Result<Self, JwksError> {
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
        let mut set = Self {
            keys: Vec::with_capacity(values.len()),
            ignored: Vec::new(),
        };
        for (index, value) in values.iter().enumerate() {
            set.add(index, value, published)?;
        }
        if set.keys.is_empty() {
            return Err(JwksError::NoUsableKey {
                ignored: set.ignored,
            });
        }
        Ok(set)
    }

    fn add(&mut self, index: usize, value: &Value, published: bool) -> Result<(), JwksError> {
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
            .and_then(Jwk::from_members);
        match read {
            Ok(Ok(key)) => self.keys.push(key),
            Ok(Err(reason)) => self.ignored.push(IgnoredKey { label, reason }),
            Err(error) if published => {
                let reason = IgnoredReason::Faulty(error);
                self.ignored.push(IgnoredKey { label, reason });
            }
            Err(error) => return Err(JwksError::Key { label, error }),
        }
        Ok(())
    }

    /// The usable keys, in the order of the set; none only while they are
    /// awaited.
    #[must_use]
    pub fn keys(&self) -> &[Jwk] {
        &self.keys
    }

    /// The keys that are never used, and why: for a warning when a policy
    /// loads.
    #[must_use]
    pub fn ignored(&self) -> &[IgnoredKey] {
        &self.ignored
    }

    /// Whether any key may check signatures of this algorithm.
    #[must_use]
    pub fn any_fits(&self, algorithm: Algorithm) -> bool {
        self.keys.iter().any(|key| key.fits(algorithm))
    }
}
