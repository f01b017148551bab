//! What a VM keeps while configurations come and go. A proxy makes one VM for
//! each worker, and each is used by that worker alone.

use std::cell::RefCell;

use doorward_token::{
    CacheLimits, CachedVerifier, HostVerifier, SignatureState, TokenCache, TokenVerifier,
};

use crate::signatures::{Proxy, UnknownSignatures, software_only};

thread_local! {
    static SIGNATURES: SignatureState = SignatureState::default();
    static TOKENS: RefCell<TokenCache> =
        RefCell::new(TokenCache::new(CacheLimits::default(), seed()));
}

/// What nobody outside can guess. A host without random numbers, of which
/// none is known, gets a cache that is as right and can be made slow.
fn seed() -> (u64, u64) {
    let part = || getrandom::u64().unwrap_or_default();
    (part(), part())
}

/// Takes from the VM's environment whose cryptography checks signatures. That
/// the same value comes with every configuration is the proxy's doing: another
/// environment is another VM.
pub(crate) fn choose_signatures() -> Result<(), UnknownSignatures> {
    let software_only = software_only()?;
    SIGNATURES.with(|state| state.set_software_only(software_only));
    Ok(())
}

/// Does something with what verifies tokens in this VM: the host's or the
/// module's cryptography, behind a cache. Slow checks get `budget_percent` of
/// the time.
pub(crate) fn with_tokens<T>(budget_percent: u8, act: impl FnOnce(&dyn TokenVerifier) -> T) -> T {
    SIGNATURES.with(|state| {
        TOKENS.with(|cache| {
            let signatures = HostVerifier::new(&Proxy, state, budget_percent);
            act(&CachedVerifier::new(cache, &signatures))
        })
    })
}
