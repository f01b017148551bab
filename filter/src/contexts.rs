//! The contexts that the proxy has made in this VM: a root for each plugin
//! configuration, a stream for each request.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::root::Root;
use crate::stream::Stream;

thread_local! {
    static ROOTS: RefCell<BTreeMap<u32, Rc<Root>>> = const { RefCell::new(BTreeMap::new()) };
    /// INVARIANT: a stream is here from when it is made until it is let
    /// through or is gone. So one that is not here, though its headers were
    /// seen, was let through.
    static STREAMS: RefCell<BTreeMap<u32, Stream>> = const { RefCell::new(BTreeMap::new()) };
}

/// Adds the root context of a plugin configuration.
pub(crate) fn add_root(context: u32) {
    ROOTS.with_borrow_mut(|roots| roots.insert(context, Rc::new(Root::new(context))));
}

/// Adds the stream of a request that `root` is to decide.
pub(crate) fn add_stream(context: u32, root: u32) {
    let stream = ROOTS.with_borrow(|roots| Stream::new(roots.get(&root).map(Rc::as_ref)));
    STREAMS.with_borrow_mut(|streams| streams.insert(context, stream));
}

/// The root context of this number.
pub(crate) fn root(context: u32) -> Option<Rc<Root>> {
    ROOTS.with_borrow(|roots| roots.get(&context).map(Rc::clone))
}

/// Does something with a stream that was not let through.
pub(crate) fn with_stream<T>(context: u32, act: impl FnOnce(&mut Stream) -> T) -> Option<T> {
    STREAMS.with_borrow_mut(|streams| streams.get_mut(&context).map(act))
}

/// Notes that a request goes on.
pub(crate) fn let_through(context: u32) {
    STREAMS.with_borrow_mut(|streams| streams.remove(&context));
}

/// Whether a stream is here: it was not let through.
pub(crate) fn is_held(context: u32) -> bool {
    STREAMS.with_borrow(|streams| streams.contains_key(&context))
}

/// Forgets a context.
pub(crate) fn remove(context: u32) {
    let stream = STREAMS.with_borrow_mut(|streams| streams.remove(&context));
    if stream.is_none() {
        // What a root drops may be much: not while its table is borrowed.
        drop(ROOTS.with_borrow_mut(|roots| roots.remove(&context)));
    }
}
