//! What a VM keeps while configurations come and go. A proxy makes one VM for
//! each worker, and each is used by that worker alone.

use std::cell::{Cell, RefCell};

use doorward_authorizer::Record;
use doorward_token::{
    CacheLimits, CachedVerifier, HostVerifier, SignatureState, TokenCache, TokenVerifier,
};

use crate::metrics::{Counter, Metrics};
use crate::signatures::{Proxy, UnknownSignatures, software_only};

thread_local! {
    static SIGNATURES: SignatureState = SignatureState::default();
    static TOKENS: RefCell<TokenCache> =
        RefCell::new(TokenCache::new(CacheLimits::default(), seed()));
    static METRICS: RefCell<Metrics> = RefCell::default();
    static FLUSHED: Cell<i64> = const { Cell::new(0) };
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

/// Counts a decision: `allowed`, or the reason code of a refusal; and a token
/// that counted as none.
///
/// The proxy is told of allowed ones once in a second, with the first of the
/// next, and of a refusal at once.
pub(crate) fn count_decision(code: Option<&'static str>, record: &Record, now_unix_seconds: i64) {
    count(code, record.ignored_token, now_unix_seconds);
}

/// Counts a request on which no decision could be made.
pub(crate) fn count_failure() {
    count(Some("filter_error"), None, 0);
}

fn count(code: Option<&'static str>, ignored: Option<&'static str>, now_unix_seconds: i64) {
    METRICS.with(|metrics| {
        let Ok(mut metrics) = metrics.try_borrow_mut() else {
            return;
        };
        match code {
            Some(code) => metrics.add(Counter::Requests(code), 1),
            None => metrics.add_allowed(),
        }
        if let Some(reason) = ignored {
            metrics.add(Counter::Ignored(reason), 1);
        }
        let flushed = FLUSHED.with(|second| second.replace(now_unix_seconds));
        if code.is_some() || flushed != now_unix_seconds {
            gather(&mut metrics);
            metrics.flush();
        }
    });
}

fn gather(metrics: &mut Metrics) {
    SIGNATURES.with(|state| metrics.add_signatures(state.take_counts()));
    TOKENS.with(|cache| {
        if let Ok(mut cache) = cache.try_borrow_mut() {
            metrics.add_tokens(cache.take_counts());
        }
    });
}
