//! The callbacks of the proxy-wasm ABI 0.2.1 that this module exports.
//!
//! A proxy calls what is exported and takes the rest for callbacks that do
//! nothing. Each call costs it 2 to 3 us, so there is none here that does
//! nothing; `doorward-tests request-cost` counts them.

use std::mem::ManuallyDrop;

use crate::contexts;

/// Says which ABI the module speaks.
#[unsafe(no_mangle)]
pub(super) extern "C" fn proxy_abi_version_0_2_1() {}

unsafe extern "C" {
    fn __wasm_call_ctors();
}

/// What runs first in a VM.
#[unsafe(no_mangle)]
pub(super) extern "C" fn _initialize() {
    // SAFETY: the linker makes the function, and a reactor calls it once and
    // before anything else.
    unsafe { __wasm_call_ctors() };
    crate::logger::install();
}

/// Memory for what the host hands over; [`super::returned`] takes it back.
#[unsafe(no_mangle)]
pub(super) extern "C" fn proxy_on_memory_allocate(size: usize) -> *mut u8 {
    ManuallyDrop::new(Vec::with_capacity(size)).as_mut_ptr()
}

/// A new context: of a plugin configuration where `root` is 0, else of a
/// request.
#[unsafe(no_mangle)]
pub(super) extern "C" fn proxy_on_context_create(context: u32, root: u32) {
    if root == 0 {
        contexts::add_root(context);
    } else {
        contexts::add_stream(context, root);
    }
}

/// A context that is no more.
#[unsafe(no_mangle)]
pub(super) extern "C" fn proxy_on_delete(context: u32) {
    contexts::remove(context);
}

/// The configuration of a root context; whether it is accepted.
#[unsafe(no_mangle)]
pub(super) extern "C" fn proxy_on_configure(context: u32, size: usize) -> u32 {
    u32::from(contexts::root(context).is_some_and(|root| root.on_configure(size)))
}

/// The timer of a root context.
#[unsafe(no_mangle)]
pub(super) extern "C" fn proxy_on_tick(context: u32) {
    if let Some(root) = contexts::root(context) {
        root.on_tick();
    }
}

/// The answer to an HTTP call of a root context.
#[unsafe(no_mangle)]
pub(super) extern "C" fn proxy_on_http_call_response(
    context: u32,
    token: u32,
    headers: usize,
    body_size: usize,
    _trailers: usize,
) {
    if let Some(root) = contexts::root(context) {
        root.on_http_call_response(token, headers, body_size);
    }
}

/// The headers of a request.
#[unsafe(no_mangle)]
pub(super) extern "C" fn proxy_on_request_headers(context: u32, _headers: usize, _end: u32) -> u32 {
    #[cfg(feature = "vectors")]
    if crate::vectors::is_on() {
        return crate::vectors::on_request_headers().number();
    }
    crate::stream::on_request_headers(context).number()
}

/// A part of a request's body.
#[unsafe(no_mangle)]
pub(super) extern "C" fn proxy_on_request_body(context: u32, _size: usize, _end: u32) -> u32 {
    crate::stream::follow(context).number()
}

/// The trailers of a request.
#[unsafe(no_mangle)]
pub(super) extern "C" fn proxy_on_request_trailers(context: u32, _trailers: usize) -> u32 {
    crate::stream::on_request_trailers(context).number()
}
