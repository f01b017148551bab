//! Requests that wait for keys. They are decided in a callback of a root
//! context, which acts for each of them in turn.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use doorward_authorizer::Authorizer;
use doorward_authorizer::Awaiting;
use doorward_token::remote::Millis;

use crate::host;
use crate::stream::{State, decide};

/// How many requests of a VM wait at most, and how much memory they may take
/// in bytes; others are refused at once.
const MAX_WAITING: usize = 512;
const MAX_WAITING_BYTES: usize = 4 * 1_024 * 1_024;

thread_local! {
    static WAITING: RefCell<Vec<Waiter>> = const { RefCell::new(Vec::new()) };
}

/// A request in the list. A client that goes away takes its state with it.
struct Waiter {
    context: u32,
    state: Weak<State>,
}

/// A request that waits: with its own bundle, whatever was pushed since.
pub(crate) struct Held {
    pub(crate) authorizer: Rc<Authorizer>,
    pub(crate) awaiting: Awaiting,
    /// When it is to be answered.
    pub(crate) until: Millis,
}

/// Whether nothing waits.
pub(crate) fn is_empty() -> bool {
    WAITING.with_borrow(Vec::is_empty)
}

/// Whether one more request of this size may wait.
pub(crate) fn has_room(size: usize) -> bool {
    WAITING.with_borrow_mut(|waiting| {
        let mut bytes = size;
        waiting.retain(|waiter| {
            let Some(state) = waiter.state.upgrade() else {
                return false;
            };
            bytes = bytes.saturating_add(state.held_size());
            true
        });
        waiting.len() < MAX_WAITING && bytes <= MAX_WAITING_BYTES
    })
}

/// Puts a request into the list.
pub(crate) fn add(context: u32, state: &Rc<State>) {
    let state = Rc::downgrade(state);
    WAITING.with_borrow_mut(|waiting| waiting.push(Waiter { context, state }));
}

/// Decides what can be decided. Runs in a callback of the root context `root`.
pub(crate) fn go_on(root: u32, now: Millis) {
    let waiting = WAITING.take();
    if waiting.is_empty() {
        return;
    }
    for waiter in waiting {
        let Some(state) = waiter.state.upgrade() else {
            continue;
        };
        if let Err(error) = host::set_effective_context(waiter.context) {
            log::error!("doorward: a request that waits is lost: {error}");
            continue;
        }
        if let Some(held) = state.take_held() {
            decide(waiter.context, &state, held, now);
        }
    }
    if let Err(error) = host::set_effective_context(root) {
        log::error!("doorward: {error}");
    }
}
