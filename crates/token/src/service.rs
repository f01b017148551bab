//! Who verifies a request's token: with or without a memory.

use std::cell::RefCell;
use std::rc::Rc;

use crate::{Provider, SignatureVerifier, SoftwareVerifier, TokenCache, TokenError, Verified};

/// Verifies tokens.
pub trait TokenVerifier {
    /// Verifies a token by the provider's settings and keys.
    ///
    /// # Errors
    /// As [`Provider::verify`].
    fn verify_token(
        &self,
        provider: &Provider,
        token: &[u8],
        now_unix_seconds: i64,
    ) -> Result<Rc<Verified>, TokenError>;
}

impl TokenVerifier for SoftwareVerifier {
    fn verify_token(
        &self,
        provider: &Provider,
        token: &[u8],
        now_unix_seconds: i64,
    ) -> Result<Rc<Verified>, TokenError> {
        provider.verify(token, now_unix_seconds, self).map(Rc::new)
    }
}

/// Verifies by a [`TokenCache`], and what that does not know by a
/// [`SignatureVerifier`].
pub struct CachedVerifier<'a> {
    cache: &'a RefCell<TokenCache>,
    verifier: &'a dyn SignatureVerifier,
}

impl<'a> CachedVerifier<'a> {
    /// A verifier with this memory.
    #[must_use]
    pub const fn new(cache: &'a RefCell<TokenCache>, verifier: &'a dyn SignatureVerifier) -> Self {
        Self { cache, verifier }
    }
}

impl TokenVerifier for CachedVerifier<'_> {
    fn verify_token(
        &self,
        provider: &Provider,
        token: &[u8],
        now_unix_seconds: i64,
    ) -> Result<Rc<Verified>, TokenError> {
        match self.cache.try_borrow_mut() {
            Ok(mut cache) => cache.verify(provider, token, now_unix_seconds, self.verifier),
            // Asked from inside itself; no verifier does that.
            Err(_) => provider
                .verify(token, now_unix_seconds, self.verifier)
                .map(Rc::new),
        }
    }
}
