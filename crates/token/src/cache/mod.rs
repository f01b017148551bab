//! A memory for verdicts on tokens, so that a token which comes again costs a
//! lookup.
//!
//! The cache changes no verdict: what it answers is what verification would
//! answer at that moment, with those settings and those keys. Only the check
//! of the signature is left out, which depends on nothing but the token and
//! the key; the claims are held against the settings and the time again, each
//! time.

mod sightings;
mod table;

use std::cell::Cell;
use std::hash::Hasher;
use std::rc::Rc;

use foldhash::SharedSeed;
use foldhash::quality::FoldHasher;
use serde_json::Value;

use self::sightings::Sightings;
use self::table::{Place, Table};
use crate::fingerprint::Fingerprint;
use crate::{
    Algorithm, Jwk, Jwks, MAX_CANDIDATE_KEYS, MAX_DERIVED_BYTES, Malformed, Part, Provider,
    PublicKey, SignatureError, SignatureVerifier, TokenError, Verified,
};

pub use table::TableLimits;

/// How many seconds a refusal is remembered.
const REFUSAL_SECONDS: i64 = 5;

/// How much a [`TokenCache`] may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheLimits {
    /// Of accepted tokens.
    pub accepted: TableLimits,
    /// Of refused ones, apart: they cannot push out accepted ones.
    pub refused: TableLimits,
}

impl Default for CacheLimits {
    /// 4,096 accepted tokens in 4 MiB, 1,024 refused ones in 512 KiB.
    fn default() -> Self {
        Self {
            accepted: TableLimits {
                entries: 4096,
                bytes: 4 << 20,
            },
            refused: TableLimits {
                entries: 1024,
                bytes: 512 << 10,
            },
        }
    }
}

/// How often the cache was asked, by what it knew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CacheCounts {
    /// The token was known as accepted.
    pub hits: u64,
    /// The token was known as refused.
    pub refusals: u64,
    /// The token had to be verified.
    pub misses: u64,
}

/// Verdicts by provider and token; see the module's documentation.
///
/// A token is found by a keyed hash (foldhash) of the provider's
/// fingerprint and the token, and then compared as a whole with both: no
/// provider gets another's verdict, and nobody who does not know the seed can
/// choose tokens that collide. Of an accepted token only the end is hashed,
/// which is the signature's: nobody who cannot sign has a say in it.
///
/// An accepted token leaves when its claims are no longer acceptable, when the
/// key that verified it is not in the provider's set any more, or to make
/// room. Its claims are shared by reference and have no part that can change.
///
/// Where there is room, a token is kept at its first sight; where another would
/// have to go for it, at its second: what is used once pushes nothing out, and
/// is not paid for by writing to memory that nobody reads again.
#[derive(Debug)]
pub struct TokenCache {
    seed: u64,
    shared_seed: SharedSeed,
    accepted: Table<Accepted>,
    refused: Table<Refused>,
    sightings: Sightings,
    counts: CacheCounts,
}

#[derive(Debug)]
struct Accepted {
    verified: Rc<Verified>,
    /// The key that verified it.
    key: Fingerprint,
    /// The key set in which that key was last seen.
    keys: Fingerprint,
    /// A second in which its claims were acceptable.
    since: i64,
}

#[derive(Debug)]
struct Refused {
    error: TokenError,
    /// The key set that it was refused with. A new key may accept it.
    keys: Fingerprint,
    /// In which seconds the refusal holds; the end is not among them.
    from: i64,
    until: i64,
}

impl TokenCache {
    /// An empty cache whose hash nobody can guess if nobody can guess `seed`.
    #[must_use]
    pub const fn new(limits: CacheLimits, seed: (u64, u64)) -> Self {
        Self {
            seed: seed.0,
            shared_seed: SharedSeed::from_u64(seed.1),
            accepted: Table::new(limits.accepted),
            refused: Table::new(limits.refused),
            sightings: Sightings::new(limits.accepted.entries),
            counts: CacheCounts {
                hits: 0,
                refusals: 0,
                misses: 0,
            },
        }
    }

    /// As [`Provider::verify`], without the signature's check where
    /// the verdict is known.
    ///
    /// # Errors
    /// As [`Provider::verify`].
    pub fn verify(
        &mut self,
        provider: &Provider,
        token: &[u8],
        now_unix_seconds: i64,
        verifier: &dyn SignatureVerifier,
    ) -> Result<Rc<Verified>, TokenError> {
        if token.len() > provider.settings().max_token_bytes {
            // No work for a token of any size.
            return verified(provider, token, now_unix_seconds, verifier);
        }
        let scope = provider.fingerprint();
        let end_hash = self.hash(scope, end(token));
        if let Some(place) = self.accepted.find(end_hash, scope, token)
            && let Some(verdict) = self.accepted_before(place, provider, now_unix_seconds)
        {
            self.counts.hits = self.counts.hits.saturating_add(1);
            return verdict;
        }
        // Mostly nobody needs it.
        let hash = (self.refused.len() > 0).then(|| self.hash(scope, token));
        if let Some(place) = hash.and_then(|hash| self.refused.find(hash, scope, token))
            && let Some(error) =
                self.refused_before(place, &provider.settings().jwks, now_unix_seconds)
        {
            self.counts.refusals = self.counts.refusals.saturating_add(1);
            return Err(error);
        }
        self.counts.misses = self.counts.misses.saturating_add(1);
        let observer = Observer {
            verifier,
            checks: Cell::new(0),
            signer: Cell::new(None),
        };
        let verdict = verified(provider, token, now_unix_seconds, &observer);
        match &verdict {
            Ok(verified) => {
                let bytes = claims_bytes(verified);
                if let Some(key) = observer.signer.get()
                    && (self.accepted.has_room(token, bytes) || self.sightings.again(end_hash))
                {
                    let entry = Accepted {
                        verified: Rc::clone(verified),
                        key,
                        keys: *provider.settings().jwks.fingerprint(),
                        since: now_unix_seconds,
                    };
                    self.accepted.insert(end_hash, *scope, token, entry, bytes);
                }
            }
            Err(error) => {
                if observer.checks.get() > 0
                    && let Some(seconds) = refusal_seconds(error)
                {
                    let entry = Refused {
                        error: *error,
                        keys: *provider.settings().jwks.fingerprint(),
                        from: now_unix_seconds,
                        until: now_unix_seconds.saturating_add(seconds),
                    };
                    let hash = hash.unwrap_or_else(|| self.hash(scope, token));
                    self.refused.insert(hash, *scope, token, entry, 0);
                }
            }
        }
        verdict
    }

    /// How often it was asked since the last call.
    pub fn take_counts(&mut self) -> CacheCounts {
        std::mem::take(&mut self.counts)
    }

    /// How many tokens are kept: accepted and refused ones.
    #[must_use]
    pub fn len(&self) -> (usize, usize) {
        (self.accepted.len(), self.refused.len())
    }

    /// Whether no token is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == (0, 0)
    }

    /// How many bytes are kept, estimated from above: for accepted tokens and
    /// for refused ones.
    #[must_use]
    pub const fn bytes(&self) -> (usize, usize) {
        (self.accepted.bytes(), self.refused.bytes())
    }

    fn hash(&self, scope: &Fingerprint, bytes: &[u8]) -> u64 {
        let mut hasher = FoldHasher::with_seed(self.seed, &self.shared_seed);
        hasher.write_u64(scope.first_word());
        hasher.write(bytes);
        hasher.finish()
    }

    /// The verdict on a token that was accepted before; `None` where it has to
    /// be verified again.
    fn accepted_before(
        &mut self,
        place: Place,
        provider: &Provider,
        now: i64,
    ) -> Option<Result<Rc<Verified>, TokenError>> {
        let keys = &provider.settings().jwks;
        let entry = self.accepted.get(place)?;
        if entry.keys != *keys.fingerprint() {
            // Where more keys may fit a token than are tried, the set decides
            // and not the one key.
            let still_there = keys.keys().len() <= MAX_CANDIDATE_KEYS
                && keys
                    .keys()
                    .iter()
                    .any(|key| *key.fingerprint() == entry.key);
            if !still_there {
                self.accepted.remove(place);
                return None;
            }
            entry.keys = *keys.fingerprint();
        }
        let verdict = if provider.still_accepts(&entry.verified, entry.since, now) {
            Ok(Rc::clone(&entry.verified))
        } else {
            let verdict = provider.revalidate(&entry.verified, now);
            verdict.map(|()| Rc::clone(&entry.verified))
        };
        match verdict {
            Ok(_) => self.accepted.touch(place),
            // The clock was set back; it may come again.
            Err(TokenError::NotYetValid { .. }) => {}
            Err(_) => self.accepted.remove(place),
        }
        Some(verdict)
    }

    fn refused_before(&mut self, place: Place, keys: &Jwks, now: i64) -> Option<TokenError> {
        let entry = self.refused.get(place)?;
        if entry.keys == *keys.fingerprint() && (entry.from..entry.until).contains(&now) {
            let error = entry.error;
            self.refused.touch(place);
            return Some(error);
        }
        self.refused.remove(place);
        None
    }
}

/// The end of a token, by which an accepted one is found.
fn end(token: &[u8]) -> &[u8] {
    const LENGTH: usize = 64;
    token
        .last_chunk::<LENGTH>()
        .map_or(token, <[u8; LENGTH]>::as_slice)
}

fn verified(
    provider: &Provider,
    token: &[u8],
    now: i64,
    verifier: &dyn SignatureVerifier,
) -> Result<Rc<Verified>, TokenError> {
    provider.verify(token, now, verifier).map(Rc::new)
}

/// How long a refusal holds that cost the check of a signature; `None` for
/// those that must not be remembered. A new kind of refusal is not, until it
/// is named here.
const fn refusal_seconds(error: &TokenError) -> Option<i64> {
    match error {
        // Time makes none of these acceptable. Of an unknown key, only what
        // keys without `kid` were tried for comes here.
        TokenError::SignatureInvalid
        | TokenError::KeyUnknown
        | TokenError::UnencodedPayload
        | TokenError::Malformed(Malformed::Json(Part::Payload, _))
        | TokenError::Expired
        | TokenError::IssuerUnknown
        | TokenError::AudienceMismatch
        | TokenError::SubjectNotAllowed
        | TokenError::TypeMismatch
        | TokenError::ClaimMissing { .. }
        | TokenError::ClaimInvalid { .. } => Some(REFUSAL_SECONDS),
        // It may be acceptable in the next second.
        TokenError::NotYetValid { .. } | TokenError::LifetimeExceeded => Some(1),
        _ => None,
    }
}

/// What the claims take in memory, from above: members in half-filled nodes,
/// and what may be kept beside them.
fn claims_bytes(verified: &Verified) -> usize {
    const MEMBER: usize = 128;
    fn value_bytes(value: &Value) -> usize {
        let below = match value {
            Value::String(text) => text.len(),
            Value::Array(values) => values.iter().fold(0, |sum: usize, value| {
                sum.saturating_add(value_bytes(value))
            }),
            Value::Object(members) => members.iter().fold(0, |sum: usize, (name, value)| {
                sum.saturating_add(name.len())
                    .saturating_add(value_bytes(value))
            }),
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        };
        below.saturating_add(MEMBER)
    }
    verified.claims().iter().fold(
        verified
            .issuer()
            .len()
            .saturating_add(MEMBER + MAX_DERIVED_BYTES),
        |sum, (name, value)| {
            sum.saturating_add(name.len())
                .saturating_add(value_bytes(value))
        },
    )
}

/// Notes what verification asks of the cryptography.
struct Observer<'a> {
    verifier: &'a dyn SignatureVerifier,
    checks: Cell<u32>,
    signer: Cell<Option<Fingerprint>>,
}

impl Observer<'_> {
    fn count(&self) {
        self.checks.set(self.checks.get().saturating_add(1));
    }
}

impl SignatureVerifier for Observer<'_> {
    fn verify(
        &self,
        algorithm: Algorithm,
        key: &PublicKey,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        self.count();
        self.verifier.verify(algorithm, key, message, signature)
    }

    fn verify_by(
        &self,
        algorithm: Algorithm,
        key: &Jwk,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        self.count();
        self.verifier
            .verify_by(algorithm, key, message, signature)?;
        self.signer.set(Some(*key.fingerprint()));
        Ok(())
    }
}
