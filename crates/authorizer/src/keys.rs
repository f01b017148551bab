//! Verification of each issuer's tokens with the keys of now.

use std::cell::RefCell;
use std::rc::Rc;

use doorward_bundle::{Bundle, Provider};
use doorward_token::remote::{Asked, KeyStore, Millis, Newer, SharedKeys};
use doorward_token::{Jwks, TokenError, TokenVerifier, Verified, names_key};

use crate::denial::Denial;

/// The key sources of a bundle's issuers, in their order; none where the
/// bundle holds the keys.
#[derive(Debug)]
pub(crate) struct ProviderKeys {
    sources: Vec<Option<Source>>,
}

#[derive(Debug)]
struct Source {
    keys: SharedKeys,
    /// The issuer with the keys of the fetch of this number.
    ready: RefCell<Option<(u64, Rc<doorward_token::Provider>)>>,
}

/// Since when and until when a request waits for keys.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wait {
    /// The last fetch that had begun when the request came.
    pub(crate) started: u64,
    /// When it is answered at the latest, rounded up to a second.
    pub(crate) deadline: Millis,
    /// The longest that it waits.
    pub(crate) timeout: Millis,
    /// Whether it can be decided as if it had no token.
    pub(crate) may_ignore: bool,
}

/// Whether a request may wait for keys.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Patience {
    /// It has just come.
    New,
    /// It waits, and can wait longer.
    Waits(Wait),
    /// It has waited, and is to be answered now.
    Ends(Wait),
}

/// Why there is no verified token.
pub(crate) enum Unverified {
    /// The request is refused.
    Refused(Denial),
    /// The request has to wait for keys.
    Awaits(Wait),
}

impl From<Denial> for Unverified {
    fn from(denial: Denial) -> Self {
        Self::Refused(denial)
    }
}

impl ProviderKeys {
    pub(crate) fn new(bundle: &Bundle, store: &mut KeyStore) -> Self {
        let sources = bundle.providers().iter().map(|provider| {
            let keys = store.source(provider.remote_keys()?);
            Some(Source {
                keys,
                ready: RefCell::default(),
            })
        });
        Self {
            sources: sources.collect(),
        }
    }

    pub(crate) fn shared(&self) -> impl Iterator<Item = &SharedKeys> {
        self.sources.iter().flatten().map(|source| &source.keys)
    }

    /// Verifies a token of the issuer at `index`.
    pub(crate) fn verify(
        &self,
        (index, provider): (usize, &Provider),
        token: &[u8],
        now_unix_seconds: i64,
        verifier: &dyn TokenVerifier,
        patience: Patience,
    ) -> Result<Rc<Verified>, Unverified> {
        let refuse = |error| Unverified::Refused(Denial::Token(error));
        let with_none = || {
            verifier
                .verify_token(provider.tokens(), token, now_unix_seconds)
                .map_err(refuse)
        };
        let Some(source) = self.sources.get(index).and_then(Option::as_ref) else {
            return with_none();
        };
        let now = milliseconds(now_unix_seconds);
        let tokens = match source.tokens(provider, patience, now) {
            Ok(tokens) => tokens,
            // What is wrong whatever the keys is said at once: without keys,
            // a good token is one whose key is unknown.
            Err(missing) => match with_none() {
                Err(Unverified::Refused(Denial::Token(TokenError::KeyUnknown))) | Ok(_) => {
                    return Err(missing);
                }
                Err(wrong) => return Err(wrong),
            },
        };
        match verifier.verify_token(&tokens, token, now_unix_seconds) {
            Err(error) if is_of_another_key(error, token) => {
                Err(source.unknown_key(error, patience, now))
            }
            verified => verified.map_err(refuse),
        }
    }
}

impl Source {
    /// The issuer with its keys of now.
    fn tokens(
        &self,
        provider: &Provider,
        patience: Patience,
        now: Millis,
    ) -> Result<Rc<doorward_token::Provider>, Unverified> {
        let missing = || Unverified::Refused(Denial::KeysMissing);
        let Ok(mut source) = self.keys.try_borrow_mut() else {
            return Err(missing());
        };
        let (keys, number) = match (source.ask(now), patience) {
            (Asked::Keys(keys, number), _) => (keys, number),
            (_, Patience::Ends(_)) => source.last_good(now).ok_or_else(missing)?,
            (Asked::Awaited, _) => {
                let started = source.started();
                let timeout = source.settings().timeout;
                return Err(Unverified::Awaits(patience.wait(started, timeout, now)));
            }
            (Asked::Missing, _) => return Err(missing()),
        };
        let Ok(mut ready) = self.ready.try_borrow_mut() else {
            return Err(missing());
        };
        if let Some((known, tokens)) = &*ready
            && *known == number
        {
            return Ok(Rc::clone(tokens));
        }
        // Keys that fit no algorithm were not taken in the first place.
        let tokens = provider.tokens().with_keys(Jwks::clone(&keys));
        let tokens = Rc::new(tokens.map_err(|_| missing())?);
        *ready = Some((number, Rc::clone(&tokens)));
        Ok(tokens)
    }

    /// What becomes of a request whose token is by a key that is not there,
    /// where newer keys make no difference to `error`.
    fn unknown_key(&self, error: TokenError, patience: Patience, now: Millis) -> Unverified {
        let unavailable = Unverified::Refused(Denial::KeysUnavailable);
        let Ok(mut source) = self.keys.try_borrow_mut() else {
            return unavailable;
        };
        let wait = patience.wait(source.started(), source.settings().timeout, now);
        match (
            source.ask_for_newer(wait.started, wait.deadline, now),
            patience,
        ) {
            (Newer::No, _) => Unverified::Refused(Denial::Token(error)),
            (Newer::Unavailable, _) | (Newer::Awaited, Patience::Ends(_)) => unavailable,
            (Newer::Awaited, _) => Unverified::Awaits(wait),
        }
    }
}

/// Whether a token that is refused so may be by a key that was published since.
/// Without `kid`, nothing tells such a one from a forged one.
fn is_of_another_key(error: TokenError, token: &[u8]) -> bool {
    match error {
        TokenError::KeyUnknown => true,
        TokenError::KeyMismatch | TokenError::SignatureInvalid => !names_key(token),
        _ => false,
    }
}

impl Patience {
    fn wait(self, started: u64, timeout: Millis, now: Millis) -> Wait {
        match self {
            Self::New => Wait {
                started,
                deadline: now.saturating_add(timeout).saturating_add(999),
                timeout,
                may_ignore: false,
            },
            Self::Waits(wait) | Self::Ends(wait) => wait,
        }
    }
}

fn milliseconds(unix_seconds: i64) -> Millis {
    Millis::try_from(unix_seconds)
        .unwrap_or(0)
        .saturating_mul(1_000)
}
