//! Requests that wait for keys. They are decided in a callback of a root
//! context, which acts for each of them in turn.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

use doorward_authorizer::{Authorizer, Awaiting};
use doorward_token::remote::Millis;

use crate::host;
use crate::stream::{State, decide};

/// How many requests of a VM wait at most, and how much memory they may take
/// in bytes; others are refused at once.
const MAX_WAITING: usize = 512;
const MAX_WAITING_BYTES: usize = 4 * 1_024 * 1_024;

/// How many are decided in one callback. Where signatures are checked in the
/// module, each may take more than a millisecond, and the worker does nothing
/// else meanwhile.
const BATCH: usize = 16;

thread_local! {
    static WAITING: RefCell<VecDeque<Waiter>> = const { RefCell::new(VecDeque::new()) };
    /// How many at the front are to be looked at.
    static DUE: Cell<usize> = const { Cell::new(0) };
    /// Whether there are more whose time is over.
    static OVERDUE: Cell<bool> = const { Cell::new(false) };
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
    WAITING.with_borrow(VecDeque::is_empty)
}

/// Whether one more request of this size may wait.
pub(crate) fn has_room(size: usize) -> bool {
    WAITING.with_borrow(|waiting| {
        let mut bytes = size;
        let mut count = 0_usize;
        for state in waiting.iter().filter_map(|waiter| waiter.state.upgrade()) {
            bytes = bytes.saturating_add(state.held_size());
            count = count.saturating_add(1);
        }
        count < MAX_WAITING && bytes <= MAX_WAITING_BYTES
    })
}

/// Puts a request into the list.
pub(crate) fn add(context: u32, state: &Rc<State>) {
    let state = Rc::downgrade(state);
    WAITING.with_borrow_mut(|waiting| waiting.push_back(Waiter { context, state }));
}

/// Notes that keys came, or that they failed to come: all that wait now are to
/// be looked at.
pub(crate) fn keys_changed() {
    DUE.set(WAITING.with_borrow(VecDeque::len));
}

/// Whether some are still to be looked at.
pub(crate) fn any_due() -> bool {
    DUE.get() > 0 || OVERDUE.get()
}

/// Decides those that are to be looked at, and those whose time is over, up to
/// [`BATCH`]; [`any_due`] says whether more are left. Runs in a callback of the root context `root`.
pub(crate) fn go_on(root: u32, now: Millis) {
    let waiting = WAITING.take();
    OVERDUE.set(false);
    if waiting.is_empty() {
        DUE.set(0);
        return;
    }
    let window = DUE.get();
    let mut due = 0_usize;
    let mut left = BATCH;
    let mut still = VecDeque::new();
    for (position, waiter) in waiting.into_iter().enumerate() {
        let Some(state) = waiter.state.upgrade() else {
            continue;
        };
        let is_due = position < window;
        let is_overdue = state.has_waited(now);
        if left == 0 || !(is_due || is_overdue) {
            due = due.saturating_add(usize::from(is_due));
            OVERDUE.set(OVERDUE.get() || is_overdue);
            still.push_back(waiter);
            continue;
        }
        left = left.saturating_sub(1);
        if let Err(error) = host::set_effective_context(waiter.context) {
            log::error!("doorward: a request that waits is lost: {error}");
        } else if let Some(held) = state.take_held() {
            decide(waiter.context, &state, held, now);
        }
    }
    DUE.set(due);
    WAITING.with_borrow_mut(|waiting| {
        // Behind those that were not looked at stand those that wait on.
        still.append(waiting);
        *waiting = still;
    });
    if let Err(error) = host::set_effective_context(root) {
        log::error!("doorward: {error}");
    }
}
