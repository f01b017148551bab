//! The state machine of one key source.

use std::rc::Rc;

use super::discovery::jwks_uri;
use super::early::Early;
use super::failure::FetchError;
use super::freshness;
use super::settings::{KeyPlace, MIN_MAX_AGE, RemoteKeySettings};
use super::url::HttpUrl;
use super::{Millis, SECOND};
use crate::{Jwks, MAX_JWKS_BYTES};

/// The wait after the first failure; it doubles with each further one.
pub const MIN_BACKOFF: Millis = SECOND;

/// The longest wait after a failure.
pub const MAX_BACKOFF: Millis = 30 * SECOND;

/// How long after a request last asked for them keys are still refreshed. A
/// root context that was replaced lives as long as its longest stream and is
/// not told that no further request will come.
pub const UNASKED_REFRESHED: Millis = 24 * 3_600 * SECOND;

/// How long after its timeout a request without an answer counts as lost.
const GRACE: Millis = SECOND;

/// How often users other than the one that fetches look for the outcome.
const LOOK: Millis = 500;

/// One HTTP GET that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetch {
    /// Its number, which comes back with the answer.
    pub number: u64,
    /// The proxy's cluster.
    pub cluster: String,
    /// What is asked for.
    pub url: HttpUrl,
    /// The longest that the answer may take.
    pub timeout: Millis,
}

/// The answer of an HTTP GET.
#[derive(Debug, Clone, Copy)]
pub struct Response<'a> {
    /// The status.
    pub status: u16,
    /// `cache-control`, several joined by commas; empty where there is none.
    pub cache_control: &'a [u8],
    /// `age`; empty where there is none.
    pub age: &'a [u8],
    /// The body.
    pub body: &'a [u8],
}

/// What an answer brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Keys, with their number, and whether they differ from those before.
    Keys {
        /// How many.
        count: usize,
        /// Whether a key came or went.
        changed: bool,
    },
    /// Where the keys are; they are fetched next.
    Discovered,
    /// Nothing; there is another attempt later.
    Failed(FetchError),
    /// It was not waited for any more.
    Ignored,
}

/// What a request finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// The keys, and the number of the fetch that brought them.
    Keys(Rc<Jwks>, u64),
    /// They may come soon.
    Awaited,
    /// There are none, and none will come soon.
    Missing,
}

/// Whether newer keys may still come for a request whose `kid` is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Newer {
    /// They may come soon.
    Awaited,
    /// They cannot be had at present.
    Unavailable,
    /// No: those at hand are as new as they get.
    No,
}

/// Keys that were fetched.
#[derive(Debug)]
struct Held {
    keys: Rc<Jwks>,
    /// The number of the fetch that brought them.
    number: u64,
    /// When that fetch began.
    since: Millis,
    /// How long they were to be used, at most.
    interval: Millis,
    /// When they are to be refreshed.
    refresh_at: Millis,
}

#[derive(Debug)]
struct InFlight {
    number: u64,
    since: Millis,
    /// Where the answer is a provider configuration: where it came from.
    discovers: bool,
}

/// One key source; see the module's documentation for what holds.
#[derive(Debug)]
pub struct RemoteKeys {
    settings: RemoteKeySettings,
    /// The URL of the key set; a discovered one is known for one fetch.
    url: Option<HttpUrl>,
    held: Option<Held>,
    in_flight: Option<InFlight>,
    /// The number of the last request that was begun.
    started: u64,
    /// Attempts that failed since the last success.
    failures: u32,
    /// No attempt before this time.
    not_before: Millis,
    /// The second half of an attempt is due: the URL was just discovered.
    proceeds: bool,
    /// A request waits for newer keys.
    wanted: bool,
    /// When a request of this VM last asked for keys.
    asked: Option<Millis>,
    early: Early,
}

impl RemoteKeys {
    /// A source that has fetched nothing yet.
    #[must_use]
    pub fn new(settings: RemoteKeySettings) -> Self {
        let url = match &settings.place {
            KeyPlace::Uri(url) => Some(url.clone()),
            KeyPlace::Discovery { .. } => None,
        };
        Self {
            settings,
            url,
            held: None,
            in_flight: None,
            started: 0,
            failures: 0,
            not_before: 0,
            proceeds: false,
            wanted: false,
            asked: None,
            early: Early::default(),
        }
    }

    /// The settings.
    #[must_use]
    pub const fn settings(&self) -> &RemoteKeySettings {
        &self.settings
    }

    /// The number of the last request that was begun: keys of a greater number
    /// were asked for later than now.
    #[must_use]
    pub const fn started(&self) -> u64 {
        self.started
    }

    /// The keys for a request of now.
    pub fn ask(&mut self, now: Millis) -> Asked {
        self.asked = Some(now);
        let Some(held) = self.usable(now) else {
            return if self.comes_by(now.saturating_add(self.settings.timeout), now) {
                Asked::Awaited
            } else {
                Asked::Missing
            };
        };
        // Keys that are overdue without a failed attempt: this VM had no
        // requests for long, or its clock jumped.
        let overdue = held.overdue(now, &self.settings);
        if overdue && self.failures == 0 {
            return Asked::Awaited;
        }
        Asked::Keys(Rc::clone(&held.keys), held.number)
    }

    /// The keys for a request that waits no longer: overdue ones will do.
    #[must_use]
    pub fn last_good(&self, now: Millis) -> Option<(Rc<Jwks>, u64)> {
        self.usable(now)
            .map(|held| (Rc::clone(&held.keys), held.number))
    }

    /// Whether a request that came when `started` was [`Self::started`], and
    /// that waits until `deadline`, is to wait for keys that know its `kid`.
    pub fn ask_for_newer(&mut self, started: u64, deadline: Millis, now: Millis) -> Newer {
        if self.held.as_ref().is_some_and(|held| held.number > started) {
            return Newer::No;
        }
        if self.failures > 0 {
            if !self.comes_by(deadline, now) {
                return Newer::Unavailable;
            }
            self.wanted = true;
            return Newer::Awaited;
        }
        if self.wanted || self.in_flight.is_some() || self.proceeds {
            return Newer::Awaited;
        }
        if !self.early.take(now) {
            return Newer::No;
        }
        self.wanted = true;
        self.not_before = self.not_before.max(self.early.spaced(now));
        Newer::Awaited
    }

    /// The request that is to be made now, if there is one. Its outcome is to
    /// be told with [`Self::answered`] or [`Self::failed`].
    pub fn poll(&mut self, now: Millis, random: u64) -> Option<Fetch> {
        self.follow_clock(now);
        if let Some(flight) = &self.in_flight {
            if now < self.lost_at(flight) {
                return None;
            }
            let number = flight.number;
            self.failed(number, FetchError::Lost, now, random);
        }
        if self.due_at().is_none_or(|due| now < due) {
            return None;
        }
        self.proceeds = false;
        self.started = self.started.saturating_add(1);
        let (url, discovers) = match (&self.url, &self.settings.place) {
            (Some(url), _) | (None, KeyPlace::Uri(url)) => (url.clone(), false),
            (None, KeyPlace::Discovery { configuration, .. }) => (configuration.clone(), true),
        };
        if !discovers {
            self.wanted = false;
        }
        self.in_flight = Some(InFlight {
            number: self.started,
            since: now,
            discovers,
        });
        Some(Fetch {
            number: self.started,
            cluster: self.settings.cluster.clone(),
            url,
            timeout: self.settings.timeout,
        })
    }

    /// When [`Self::poll`] is to be called next; `None`: not before a request
    /// asks.
    #[must_use]
    pub fn next_poll(&self, now: Millis) -> Option<Millis> {
        match &self.in_flight {
            Some(flight) => Some(self.lost_at(flight).min(now.saturating_add(LOOK))),
            None => self.due_at(),
        }
    }

    /// Takes the answer to the request of this number. `random` is any number;
    /// it spreads the attempts of many proxies.
    pub fn answered(
        &mut self,
        number: u64,
        response: &Response<'_>,
        now: Millis,
        random: u64,
    ) -> Outcome {
        let Some(flight) = &self.in_flight else {
            return Outcome::Ignored;
        };
        if flight.number != number {
            return Outcome::Ignored;
        }
        let (since, discovers) = (flight.since.min(now), flight.discovers);
        let taken = check_response(response).and_then(|()| {
            if discovers {
                self.discover(response.body)
            } else {
                self.take(number, since, response, random)
            }
        });
        match taken {
            Ok(outcome) => {
                self.in_flight = None;
                outcome
            }
            Err(error) => self.failed(number, error, now, random),
        }
    }

    /// Notes that the request of this number brought no answer.
    pub fn failed(&mut self, number: u64, error: FetchError, now: Millis, random: u64) -> Outcome {
        match &self.in_flight {
            Some(flight) if flight.number == number => {}
            _ => return Outcome::Ignored,
        }
        self.in_flight = None;
        self.proceeds = false;
        let doubled = MIN_BACKOFF
            .checked_shl(self.failures)
            .unwrap_or(MAX_BACKOFF);
        let wait = spread(doubled.clamp(MIN_BACKOFF, MAX_BACKOFF), 2, random);
        self.not_before = now.saturating_add(wait);
        self.failures = self.failures.saturating_add(1).min(16);
        self.forget_url();
        Outcome::Failed(error)
    }

    /// Has the next fetch begin with the provider configuration, where the URL
    /// comes from there: it may name another one by then.
    fn forget_url(&mut self) {
        if matches!(self.settings.place, KeyPlace::Discovery { .. }) {
            self.url = None;
        }
    }

    /// Notes that whoever made the request is gone, and the request with it:
    /// another user makes it again at once.
    pub fn abandoned(&mut self, number: u64) {
        if let Some(flight) = &self.in_flight
            && flight.number == number
        {
            self.wanted = true;
            self.in_flight = None;
        }
    }

    fn discover(&mut self, document: &[u8]) -> Result<Outcome, FetchError> {
        if let KeyPlace::Discovery {
            issuer,
            configuration,
        } = &self.settings.place
        {
            self.url = Some(jwks_uri(document, issuer, configuration)?);
            self.proceeds = true;
        }
        Ok(Outcome::Discovered)
    }

    fn take(
        &mut self,
        number: u64,
        since: Millis,
        response: &Response<'_>,
        random: u64,
    ) -> Result<Outcome, FetchError> {
        let keys = Jwks::parse_published(response.body).map_err(FetchError::Jwks)?;
        let fits = |algorithm: &crate::JwsAlgorithm| keys.any_fits(*algorithm);
        if !self.settings.algorithms.iter().any(fits) {
            return Err(FetchError::NoKeyFits);
        }
        let before = self.held.as_ref().map(|held| Rc::clone(&held.keys));
        let missing_in = |left: &Jwks, right: &Jwks| {
            let mut keys = right.keys().iter();
            keys.any(|key| !left.keys().contains(key))
        };
        let (came, changed) = match &before {
            None => (true, true),
            Some(before) => {
                let came = missing_in(before, &keys);
                (came, came || missing_in(&keys, before))
            }
        };
        if came {
            self.early.give_back();
        }
        let most = self.settings.refresh;
        let interval = freshness::stated(response.cache_control, response.age)
            .map_or(most, |stated| stated.max(MIN_MAX_AGE).min(most));
        let count = keys.keys().len();
        self.held = Some(Held {
            keys: Rc::new(keys),
            number,
            since,
            interval,
            refresh_at: since.saturating_add(spread(interval, 5, random)),
        });
        self.failures = 0;
        self.not_before = 0;
        self.forget_url();
        Ok(Outcome::Keys { count, changed })
    }

    fn usable(&self, now: Millis) -> Option<&Held> {
        self.held.as_ref().filter(|held| {
            let kept = held.interval.saturating_add(self.settings.stale_if_error);
            now.saturating_sub(held.since) < kept
        })
    }

    /// Whether the outcome of an attempt can come by `deadline`.
    fn comes_by(&self, deadline: Millis, now: Millis) -> bool {
        now < deadline && (self.in_flight.is_some() || self.not_before <= deadline)
    }

    /// When the next attempt is due, where none is under way.
    fn due_at(&self) -> Option<Millis> {
        if self.proceeds {
            return Some(0);
        }
        match &self.held {
            _ if self.wanted => Some(self.not_before),
            None => Some(self.not_before),
            // A VM without requests, as the main thread's, fetches no more.
            Some(held) => {
                let until = self.asked?.saturating_add(UNASKED_REFRESHED);
                (held.refresh_at < until).then_some(held.refresh_at.max(self.not_before))
            }
        }
    }

    fn lost_at(&self, flight: &InFlight) -> Millis {
        let timeout = self.settings.timeout.saturating_add(GRACE);
        flight.since.saturating_add(timeout)
    }

    /// After a clock was set back, nothing is further away than it can be.
    fn follow_clock(&mut self, now: Millis) {
        self.not_before = self.not_before.min(now.saturating_add(MAX_BACKOFF));
        if let Some(held) = &mut self.held {
            held.since = held.since.min(now);
            held.refresh_at = held.refresh_at.min(now.saturating_add(held.interval));
        }
        if let Some(flight) = &mut self.in_flight {
            flight.since = flight.since.min(now);
        }
        self.asked = self.asked.map(|asked| asked.min(now));
    }
}

impl Held {
    fn overdue(&self, now: Millis, settings: &RemoteKeySettings) -> bool {
        let requests = match settings.place {
            KeyPlace::Uri(_) => 1,
            KeyPlace::Discovery { .. } => 2,
        };
        let each = settings.timeout.saturating_add(GRACE);
        let slack = each.saturating_mul(requests).saturating_add(GRACE);
        now >= self.refresh_at.saturating_add(slack)
    }
}

fn check_response(response: &Response<'_>) -> Result<(), FetchError> {
    if response.status != 200 {
        return Err(FetchError::Status(response.status));
    }
    if response.body.len() > MAX_JWKS_BYTES {
        return Err(FetchError::TooLarge(response.body.len()));
    }
    Ok(())
}

/// The span less up to its `part`th, so that not all proxies come at once.
fn spread(span: Millis, part: u64, random: u64) -> Millis {
    let most = span.checked_div(part).unwrap_or(0);
    let less = random.checked_rem(most.saturating_add(1)).unwrap_or(0);
    span.saturating_sub(less)
}
