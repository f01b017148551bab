//! The stream context: one per request.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use doorward_authorizer::{Answer, Authorizer, Denied, HeaderEdit, Permitted, Step};
use doorward_bundle::IdentityHeaders;
use doorward_request::{Facts, HeaderSnapshot, ReadError};
use doorward_token::remote::Millis;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::host::{self, HeaderMap, HostError};
use crate::keys::Timer;
use crate::vm;
use crate::waiting::{self, Held};

/// Where the decision record shows: in Envoy's access log as
/// `%FILTER_STATE(wasm.doorward.decision:PLAIN)%`.
const DECISION_PROPERTY: &str = "doorward.decision";

/// One request. It lets go of the policy as soon as it has decided, so that a
/// long stream does not keep a replaced bundle in memory.
pub(crate) struct Stream {
    id: u32,
    authorizer: Option<Rc<Authorizer>>,
    /// What its trailers may not bring.
    identity: Rc<IdentityHeaders>,
    timer: Rc<Timer>,
    permitted: bool,
    waits: Option<Rc<State>>,
}

/// What becomes of a request that waits for keys: a root context changes it.
#[derive(Default)]
pub(crate) struct State {
    permitted: Cell<bool>,
    held: RefCell<Option<Held>>,
}

impl State {
    /// What the request waits with, in bytes.
    pub(crate) fn held_size(&self) -> usize {
        let held = self.held.try_borrow();
        held.ok()
            .and_then(|held| Some(held.as_ref()?.awaiting.size()))
            .unwrap_or(0)
    }

    /// Whether the request has waited as long as it may.
    pub(crate) fn has_waited(&self, now: Millis) -> bool {
        let held = self.held.try_borrow();
        held.is_ok_and(|held| held.as_ref().is_some_and(|held| now >= held.until))
    }

    /// What the request waits with; it waits no longer.
    pub(crate) fn take_held(&self) -> Option<Held> {
        self.held.try_borrow_mut().ok()?.take()
    }
}

/// Why the pipeline could not be asked, or not be obeyed.
enum Failure {
    NotConfigured,
    Host(HostError),
    Headers,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotConfigured => f.write_str("no configuration was accepted"),
            Self::Host(error) => write!(f, "{error}"),
            Self::Headers => f.write_str("the host's header map is inconsistent"),
        }
    }
}

impl From<HostError> for Failure {
    fn from(error: HostError) -> Self {
        Self::Host(error)
    }
}

struct HostFacts;

impl Facts for HostFacts {
    fn property(&self, path: &[&str]) -> Result<Option<Vec<u8>>, ReadError> {
        host::property(path).map_err(|_| ReadError)
    }
}

impl Stream {
    pub(crate) fn new(id: u32, authorizer: Option<Rc<Authorizer>>, timer: Rc<Timer>) -> Self {
        let identity = authorizer.as_ref().map(|authorizer| {
            let bundle = authorizer.bundle();
            Rc::clone(bundle.identity_headers())
        });
        Self {
            id,
            authorizer,
            identity: identity.unwrap_or_default(),
            timer,
            permitted: false,
            waits: None,
        }
    }

    fn authorize(
        &mut self,
        authorizer: &Rc<Authorizer>,
        end_of_stream: bool,
    ) -> Result<Action, Failure> {
        let headers = HeaderSnapshot::from_pairs(host::header_pairs(HeaderMap::RequestHeaders)?)
            .map_err(|_| Failure::Headers)?
            .with_end_of_stream(end_of_stream);
        let (now, milliseconds) = time()?;
        let budget = authorizer.bundle().verification_budget_percent();
        let step = vm::with_tokens(budget, |tokens| {
            match authorizer.begin(headers, &HostFacts, now, tokens) {
                Step::AwaitKeys(awaiting) if !waiting::has_room(awaiting.size()) => {
                    authorizer.answer_now(awaiting, &HostFacts, now, tokens)
                }
                step => step,
            }
        });
        if authorizer.key_sources().next().is_some() {
            self.timer.start();
        }
        match step {
            Step::Permit(permitted) => {
                let_through(&permitted)?;
                vm::count_decision(None, permitted.record(), now);
                self.permitted = true;
                Ok(Action::Continue)
            }
            Step::Deny(denied) => refuse(&denied, now),
            Step::AwaitKeys(awaiting) => {
                let state = Rc::new(State::default());
                state.held.replace(Some(Held {
                    until: milliseconds.saturating_add(awaiting.timeout()),
                    authorizer: Rc::clone(authorizer),
                    awaiting,
                }));
                waiting::add(self.id, &state);
                self.waits = Some(state);
                // A call from here would end with this stream.
                self.timer.fire();
                Ok(Action::Pause)
            }
        }
    }

    /// What follows the headers goes on only if they did. A proxy does not
    /// ask for the rest of a request that was answered; if it did, an answer
    /// of "continue" would let the headers go too.
    fn follow(&self) -> Action {
        let waited = self.waits.as_ref();
        if self.permitted || waited.is_some_and(|state| state.permitted.get()) {
            Action::Continue
        } else {
            Action::Pause
        }
    }
}

/// The time in whole seconds, rounded down, and in milliseconds.
fn time() -> Result<(i64, Millis), HostError> {
    let nanoseconds = host::current_time_nanoseconds()?;
    let seconds = nanoseconds.div_euclid(1_000_000_000);
    Ok((
        i64::try_from(seconds).unwrap_or(i64::MAX),
        nanoseconds.div_euclid(1_000_000),
    ))
}

/// Decides a request that waited for keys, or has it wait on. A root context
/// calls it, and acts for the stream `context`.
pub(crate) fn decide(context: u32, state: &Rc<State>, held: Held, now: Millis) {
    let Held {
        authorizer,
        awaiting,
        until,
    } = held;
    let seconds = i64::try_from(now.div_euclid(1_000)).unwrap_or(i64::MAX);
    let ends = now >= until;
    let budget = authorizer.bundle().verification_budget_percent();
    let step = vm::with_tokens(budget, |tokens| {
        authorizer.resume(awaiting, &HostFacts, seconds, tokens, ends)
    });
    let answered = match step {
        Step::Permit(permitted) => let_through(&permitted).and_then(|()| {
            vm::count_decision(None, permitted.record(), seconds);
            // The stream's further callbacks come after this.
            state.permitted.set(true);
            Ok(host::continue_request()?)
        }),
        Step::Deny(denied) => refuse(&denied, seconds).map(|_| ()),
        Step::AwaitKeys(awaiting) => {
            state.held.replace(Some(Held {
                authorizer: Rc::clone(&authorizer),
                awaiting,
                until,
            }));
            waiting::add(context, state);
            Ok(())
        }
    };
    if let Err(failure) = answered {
        state.permitted.set(false);
        answer_failure(Some(&authorizer), &failure);
    }
}

/// The only way on for a request: with the proof that it was authorized, and
/// after every change that the proof names was made.
fn let_through(permitted: &Permitted) -> Result<(), Failure> {
    for edit in permitted.edits() {
        match edit {
            HeaderEdit::Remove(name) => host::remove_header(HeaderMap::RequestHeaders, name)?,
            HeaderEdit::Replace(name, value) => {
                host::replace_request_header(name.as_bytes(), value)?;
            }
        }
    }
    if let Some(record) = permitted.record_json() {
        publish(record);
    }
    Ok(())
}

fn refuse(denied: &Denied, now_unix_seconds: i64) -> Result<Action, Failure> {
    vm::count_decision(Some(denied.code()), denied.record(), now_unix_seconds);
    publish(&denied.record().to_json());
    answer_with(denied.answer(), &denied.record().details())?;
    Ok(Action::Pause)
}

fn answer_with(answer: &Answer, details: &str) -> Result<(), HostError> {
    let headers: Vec<(&str, &str)> = answer
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    host::send_local_response(
        answer.status,
        i32::from(answer.grpc_status),
        details,
        &headers,
        answer.body.as_bytes(),
    )
}

/// Some upstreams merge trailers into headers, so neither a forged identity nor
/// a token that nobody has verified must arrive that way.
fn remove_forged_trailers(identity: &IdentityHeaders) -> Result<(), Failure> {
    let mut trailers = HeaderSnapshot::from_pairs(host::header_pairs(HeaderMap::RequestTrailers)?)
        .map_err(|_| Failure::Headers)?;
    trailers.hide(|name| identity.is_forged_trailer(name));
    for name in trailers.hidden_names() {
        host::remove_header(HeaderMap::RequestTrailers, name)?;
    }
    Ok(())
}

/// Refuses a request on which no decision could be made: by the bundle's own
/// form where there is one.
fn answer_failure(authorizer: Option<&Authorizer>, failure: &Failure) -> Action {
    log::error!("doorward: request refused: {failure}");
    vm::count_failure();
    let refused = if let Some(authorizer) = authorizer {
        let denied = authorizer.failed();
        publish(&denied.record().to_json());
        answer_with(denied.answer(), &denied.record().details())
    } else {
        const UNAVAILABLE: i32 = 14;
        host::send_local_response(
            503,
            UNAVAILABLE,
            "doorward_denied[filter_error]",
            &[("content-type", "text/plain")],
            b"access denied: no decision could be made (filter_error)\n",
        )
    };
    if let Err(error) = refused {
        // The stream stays paused, so the request goes nowhere.
        log::error!("doorward: the refusal could not be sent: {error}");
    }
    Action::Pause
}

/// Shows the record to access logs. That it cannot be shown changes no decision.
fn publish(record: &str) {
    if let Err(error) = host::set_property(DECISION_PROPERTY, record.as_bytes()) {
        log::warn!("doorward: the decision record is lost: {error}");
    }
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _headers: usize, end_of_stream: bool) -> Action {
        let Some(authorizer) = self.authorizer.take() else {
            return answer_failure(None, &Failure::NotConfigured);
        };
        match self.authorize(&authorizer, end_of_stream) {
            Ok(action) => action,
            Err(failure) => answer_failure(Some(&authorizer), &failure),
        }
    }

    fn on_http_request_body(&mut self, _size: usize, _end_of_stream: bool) -> Action {
        self.follow()
    }

    fn on_http_request_trailers(&mut self, _trailers: usize) -> Action {
        match remove_forged_trailers(&self.identity) {
            Ok(()) => self.follow(),
            Err(failure) => answer_failure(None, &failure),
        }
    }
}
