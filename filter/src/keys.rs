//! Keys that are fetched: the state of this VM, and the calls that fill it.
//!
//! Fetches are made in callbacks of a root context only. Envoy cancels what a
//! stream has asked for when the stream ends, and one client's disconnect must
//! not take the keys from those who wait for the same fetch.
//!
//! The state is the VM's, so a pushed configuration goes on with the keys that
//! are there. It is never shared with other VMs: shared data is open to every
//! plugin of the proxy.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use doorward_authorizer::Authorizer;
use doorward_request::{HeaderSnapshot, HeaderValue};
use doorward_token::MAX_JWKS_BYTES;
use doorward_token::remote::{Fetch, FetchError, KeyStore, Millis, Outcome, Response, SharedKeys};
use proxy_wasm::types::Status;

use crate::host::{self, HeaderMap, HostError};
use crate::waiting;

/// How often sources without a user are looked for.
const SWEEP: Millis = 60_000;

/// How often the waiting requests are looked through for those whose time is
/// over.
const LOOK: Millis = 100;

thread_local! {
    static STORE: RefCell<KeyStore> = RefCell::default();
    static CALLS: RefCell<Vec<Call>> = const { RefCell::new(Vec::new()) };
}

/// An HTTP call that was not answered yet.
struct Call {
    token: u32,
    /// The root context that made it: it dies with that.
    root: u32,
    number: u64,
    keys: SharedKeys,
}

/// The timer of a root context, as it was set last.
#[derive(Debug, Default)]
pub(crate) struct Timer {
    period: Cell<u32>,
}

impl Timer {
    fn set(&self, period: u32) {
        // Setting it starts the time again, so not for nothing.
        if self.period.get() == period {
            return;
        }
        match host::set_tick_period(period) {
            Ok(()) => self.period.set(period),
            Err(error) => log::error!("doorward: no timer for fetching keys: {error}"),
        }
    }

    /// Has the root context called as soon as can be.
    pub(crate) fn fire(&self) {
        self.set(1);
    }

    /// Starts a timer that rests.
    pub(crate) fn start(&self) {
        if self.period.get() == 0 {
            self.fire();
        }
    }
}

/// The time in milliseconds since 1970-01-01 UTC, and a number to spread the
/// fetches of many proxies with.
fn now_and_random() -> Result<(Millis, u64), HostError> {
    let nanoseconds = host::current_time_nanoseconds()?;
    // The multiplier of SplitMix64 brings the low bits, which differ between
    // proxies, to the high ones.
    let random = nanoseconds.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16;
    Ok((nanoseconds.div_euclid(1_000_000), random))
}

/// An authorizer that uses this VM's keys.
pub(crate) fn authorizer(bundle: doorward_bundle::Bundle) -> Authorizer {
    STORE.with_borrow_mut(|store| Authorizer::with_store(bundle, store))
}

/// What the root context `root` does when its timer fires.
pub(crate) fn on_tick(root: u32, authorizer: &Authorizer, timer: &Timer) {
    let (now, random) = match now_and_random() {
        Ok(found) => found,
        Err(error) => {
            log::error!("doorward: keys are not fetched: {error}");
            return;
        }
    };
    for keys in authorizer.key_sources() {
        poll(root, keys, now, random);
    }
    STORE.with_borrow_mut(|store| store.sweep(now));
    waiting::go_on(root, now);
    rest(authorizer, timer, now);
}

/// Takes the answer to a call of the root context `root`.
pub(crate) fn on_response(
    root: u32,
    token: u32,
    headers: usize,
    body_size: usize,
    authorizer: &Authorizer,
    timer: &Timer,
) {
    let call = CALLS.with_borrow_mut(|calls| {
        let position = calls.iter().position(|call| call.token == token)?;
        Some(calls.swap_remove(position))
    });
    let (Some(call), Ok((now, random))) = (call, now_and_random()) else {
        return;
    };
    waiting::keys_changed();
    if let Ok(mut keys) = call.keys.try_borrow_mut() {
        let outcome = match read(headers, body_size) {
            Ok(answer) => keys.answered(call.number, &answer.response(), now, random),
            Err(error) => keys.failed(call.number, error, now, random),
        };
        report(&keys.settings().cluster, &outcome);
    }
    poll(root, &call.keys, now, random);
    waiting::go_on(root, now);
    rest(authorizer, timer, now);
}

/// Lets go of what the root context `root` has asked for: Envoy does so too.
pub(crate) fn abandon(root: u32) {
    CALLS.with_borrow_mut(|calls| {
        calls.retain(|call| {
            if call.root == root
                && let Ok(mut keys) = call.keys.try_borrow_mut()
            {
                keys.abandoned(call.number);
            }
            call.root != root
        });
    });
}

/// Makes the request that a source asks for, if it does.
fn poll(root: u32, keys: &SharedKeys, now: Millis, random: u64) {
    let Ok(mut source) = keys.try_borrow_mut() else {
        return;
    };
    let Some(fetch) = source.poll(now, random) else {
        return;
    };
    match send(&fetch) {
        Ok(token) => CALLS.with_borrow_mut(|calls| {
            calls.push(Call {
                token,
                root,
                number: fetch.number,
                keys: SharedKeys::clone(keys),
            });
        }),
        Err(error) => {
            let outcome = source.failed(fetch.number, error, now, random);
            report(&fetch.cluster, &outcome);
            waiting::keys_changed();
        }
    }
}

/// The SDK's call, since the SDK must know of it to pass the answer on. Of the
/// statuses that Envoy answers with, it panics on none.
fn send(fetch: &Fetch) -> Result<u32, FetchError> {
    let authority = fetch.url.authority();
    let headers = vec![
        (":method", "GET"),
        (":scheme", fetch.url.scheme()),
        (":authority", authority.as_str()),
        (":path", fetch.url.target()),
        ("accept", "application/json"),
    ];
    let timeout = Duration::from_millis(fetch.timeout);
    proxy_wasm::hostcalls::dispatch_http_call(&fetch.cluster, headers, None, Vec::new(), timeout)
        .map_err(|status| match status {
            Status::BadArgument => FetchError::NoCluster,
            _ => FetchError::NotSent,
        })
}

/// An answer as it was read from the host.
struct Answer {
    status: u16,
    cache_control: Vec<u8>,
    age: Vec<u8>,
    body: Vec<u8>,
}

impl Answer {
    fn response(&self) -> Response<'_> {
        Response {
            status: self.status,
            cache_control: &self.cache_control,
            age: &self.age,
            body: &self.body,
        }
    }
}

/// Reads the answer that the host tells of; without headers none came.
fn read(headers: usize, body_size: usize) -> Result<Answer, FetchError> {
    if headers == 0 {
        return Err(FetchError::NoAnswer);
    }
    if body_size > MAX_JWKS_BYTES {
        return Err(FetchError::TooLarge(body_size));
    }
    let pairs = host::header_pairs(HeaderMap::CallResponseHeaders);
    let headers = pairs
        .ok()
        .and_then(|pairs| HeaderSnapshot::from_pairs(pairs).ok())
        .ok_or(FetchError::NoAnswer)?;
    let value = |name| match headers.get(name) {
        HeaderValue::Absent => Vec::new(),
        HeaderValue::One(value) => value.to_vec(),
        HeaderValue::Joined(value) => value,
    };
    let status = String::from_utf8(value(":status")).ok();
    Ok(Answer {
        status: status.and_then(|text| text.parse().ok()).unwrap_or(0),
        cache_control: value("cache-control"),
        age: value("age"),
        body: host::call_response_body(body_size).map_err(|_| FetchError::NoAnswer)?,
    })
}

fn report(cluster: &str, outcome: &Outcome) {
    match outcome {
        Outcome::Keys {
            count,
            changed: true,
        } => log::info!("doorward: {count} keys fetched from cluster {cluster:?}"),
        Outcome::Failed(error) => {
            log::warn!("doorward: keys could not be fetched from cluster {cluster:?}: {error}");
        }
        Outcome::Keys { .. } | Outcome::Discovered | Outcome::Ignored => {}
    }
}

/// Sets the timer to when there is something to do next.
fn rest(authorizer: &Authorizer, timer: &Timer, now: Millis) {
    let fetch = authorizer
        .key_sources()
        .filter_map(|keys| keys.try_borrow().ok()?.next_poll(now))
        .min();
    let look = (!waiting::is_empty()).then(|| now.saturating_add(LOOK));
    let sweep = STORE
        .with_borrow(|store| store.len() > authorizer.key_sources().count())
        .then(|| now.saturating_add(SWEEP));
    let more = waiting::any_due().then_some(now);
    let next = [fetch, look, sweep, more].into_iter().flatten().min();
    timer.set(next.map_or(0, |next| {
        let wait = next.saturating_sub(now).clamp(1, SWEEP);
        u32::try_from(wait).unwrap_or(u32::MAX)
    }));
}
