//! Host calls of the proxy-wasm ABI 0.2.1, with every status as a value.
//!
//! The SDK's own wrappers panic on a status that they do not expect, and a
//! panic here is a trap that takes the worker's listener down. So the calls
//! that a request or a configuration depends on are made through these.
//!
//! This is the module's only unsafe code.
#![expect(unsafe_code, reason = "calls across the ABI")]

use std::ptr::null_mut;

/// The host answered a call with anything but what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HostError {
    /// The call, by its name in the ABI.
    pub(crate) call: &'static str,
    /// The host's status.
    pub(crate) status: u32,
}

impl std::fmt::Display for HostError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "the host answered {} with status {}",
            self.call, self.status
        )
    }
}

const OK: u32 = 0;
const NOT_FOUND: u32 = 1;
const UNIMPLEMENTED: u32 = 12;
const CALL_RESPONSE_BODY: u32 = 4;
const PLUGIN_CONFIGURATION: u32 = 7;
const REQUEST: u32 = 0;

/// A header map, by its number in the ABI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeaderMap {
    /// The request's headers.
    RequestHeaders,
    /// The request's trailers.
    RequestTrailers,
    /// The headers of the answer to an HTTP call.
    CallResponseHeaders,
}

impl HeaderMap {
    fn number(self) -> u32 {
        match self {
            Self::RequestHeaders => 0,
            Self::RequestTrailers => 1,
            Self::CallResponseHeaders => 6,
        }
    }
}

mod abi {
    #[link(wasm_import_module = "env")]
    unsafe extern "C" {
        pub(super) fn proxy_log(level: u32, message: *const u8, size: usize) -> u32;
        pub(super) fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32;
        pub(super) fn proxy_get_header_map_pairs(
            map: u32,
            data: *mut *mut u8,
            size: *mut usize,
        ) -> u32;
        pub(super) fn proxy_replace_header_map_value(
            map: u32,
            name: *const u8,
            name_size: usize,
            value: *const u8,
            value_size: usize,
        ) -> u32;
        pub(super) fn proxy_remove_header_map_value(
            map: u32,
            name: *const u8,
            name_size: usize,
        ) -> u32;
        pub(super) fn proxy_get_property(
            path: *const u8,
            path_size: usize,
            data: *mut *mut u8,
            size: *mut usize,
        ) -> u32;
        pub(super) fn proxy_set_property(
            path: *const u8,
            path_size: usize,
            value: *const u8,
            value_size: usize,
        ) -> u32;
        pub(super) fn proxy_get_buffer_bytes(
            buffer: u32,
            offset: usize,
            maximum: usize,
            data: *mut *mut u8,
            size: *mut usize,
        ) -> u32;
        pub(super) fn proxy_send_local_response(
            status: u32,
            details: *const u8,
            details_size: usize,
            body: *const u8,
            body_size: usize,
            headers: *const u8,
            headers_size: usize,
            grpc_status: i32,
        ) -> u32;
        pub(super) fn proxy_set_tick_period_milliseconds(period: u32) -> u32;
        pub(super) fn proxy_set_effective_context(context: u32) -> u32;
        pub(super) fn proxy_continue_stream(direction: u32) -> u32;
        pub(super) fn proxy_call_foreign_function(
            name: *const u8,
            name_size: usize,
            arguments: *const u8,
            arguments_size: usize,
            results: *mut *mut u8,
            results_size: *mut usize,
        ) -> u32;
        pub(super) fn proxy_define_metric(
            kind: u32,
            name: *const u8,
            name_size: usize,
            id: *mut u32,
        ) -> u32;
        pub(super) fn proxy_increment_metric(id: u32, offset: i64) -> u32;
    }

    // WASI preview 1, from which hosts take the clock that only goes forward.
    #[link(wasm_import_module = "wasi_snapshot_preview1")]
    unsafe extern "C" {
        pub(super) fn clock_time_get(clock: u32, precision: u64, time: *mut u64) -> u32;
    }
}

/// Bytes that the host put into memory of this module's own allocator.
///
/// The host asked `proxy_on_memory_allocate` for `size` bytes, which the SDK
/// answers with a vector of that capacity whose memory it forgets; here that
/// vector comes back.
fn returned(data: *mut u8, size: usize) -> Vec<u8> {
    if data.is_null() || size == 0 {
        return Vec::new();
    }
    // SAFETY: after status Ok, data and size are those of an allocation that
    // the SDK's proxy_on_memory_allocate made as Vec::with_capacity(size) and
    // forgot, and that the host has filled.
    unsafe { Vec::from_raw_parts(data, size, size) }
}

fn check(call: &'static str, status: u32) -> Result<(), HostError> {
    if status == OK {
        Ok(())
    } else {
        Err(HostError { call, status })
    }
}

/// Writes a log line; the host drops it where its level is not on.
pub(crate) fn log(level: proxy_wasm::types::LogLevel, message: &str) {
    let level = match level {
        proxy_wasm::types::LogLevel::Trace => 0,
        proxy_wasm::types::LogLevel::Debug => 1,
        proxy_wasm::types::LogLevel::Info => 2,
        proxy_wasm::types::LogLevel::Warn => 3,
        proxy_wasm::types::LogLevel::Error => 4,
        proxy_wasm::types::LogLevel::Critical => 5,
    };
    // SAFETY: pointer and size are of a live text. That a line may be lost is
    // no reason to refuse a request, so the status is not looked at.
    unsafe {
        abi::proxy_log(level, message.as_ptr(), message.len());
    }
}

/// The time in nanoseconds since 1970-01-01 UTC.
pub(crate) fn current_time_nanoseconds() -> Result<u64, HostError> {
    let mut time = 0;
    // SAFETY: the host writes eight bytes to the address of a live u64.
    let status = unsafe { abi::proxy_get_current_time_nanoseconds(&raw mut time) };
    check("proxy_get_current_time_nanoseconds", status)?;
    Ok(time)
}

/// The time in nanoseconds of a clock that only goes forward.
pub(crate) fn monotonic_nanoseconds() -> Result<u64, HostError> {
    const MONOTONIC: u32 = 1;
    let mut time = 0;
    // SAFETY: the host writes eight bytes to the address of a live u64.
    let status = unsafe { abi::clock_time_get(MONOTONIC, 1, &raw mut time) };
    check("clock_time_get", status)?;
    Ok(time)
}

/// What a function that only some hosts have answers; `None` where this host
/// has it not.
pub(crate) fn call_foreign_function(
    name: &str,
    arguments: &[u8],
) -> Result<Option<Vec<u8>>, HostError> {
    let (mut data, mut size) = (null_mut(), 0);
    // SAFETY: both pointers and sizes are of live bytes; the host writes a
    // pointer and a size to live variables.
    let status = unsafe {
        abi::proxy_call_foreign_function(
            name.as_ptr(),
            name.len(),
            arguments.as_ptr(),
            arguments.len(),
            &raw mut data,
            &raw mut size,
        )
    };
    // A host may hand over bytes also with a failure: they are taken back.
    let results = returned(data, size);
    if matches!(status, NOT_FOUND | UNIMPLEMENTED) {
        return Ok(None);
    }
    check("proxy_call_foreign_function", status)?;
    Ok(Some(results))
}

/// Makes a counter known to the proxy; the same name has the same number.
pub(crate) fn define_counter(name: &str) -> Result<u32, HostError> {
    const COUNTER: u32 = 0;
    let mut id = 0;
    // SAFETY: pointer and size are of a live text; the host writes a number to
    // a live variable.
    let status =
        unsafe { abi::proxy_define_metric(COUNTER, name.as_ptr(), name.len(), &raw mut id) };
    check("proxy_define_metric", status)?;
    Ok(id)
}

/// Adds to a counter; `offset` has to be above 0.
pub(crate) fn increment_metric(id: u32, offset: i64) -> Result<(), HostError> {
    // SAFETY: the call takes numbers alone.
    let status = unsafe { abi::proxy_increment_metric(id, offset) };
    check("proxy_increment_metric", status)
}

/// All headers of a map in the ABI's serialized form.
pub(crate) fn header_pairs(map: HeaderMap) -> Result<Vec<u8>, HostError> {
    let (mut data, mut size) = (null_mut(), 0);
    // SAFETY: the host writes a pointer and a size to live variables.
    let status =
        unsafe { abi::proxy_get_header_map_pairs(map.number(), &raw mut data, &raw mut size) };
    check("proxy_get_header_map_pairs", status)?;
    Ok(returned(data, size))
}

/// Sets a request header.
pub(crate) fn replace_request_header(name: &[u8], value: &[u8]) -> Result<(), HostError> {
    // SAFETY: both pointers and sizes are of live bytes.
    let status = unsafe {
        abi::proxy_replace_header_map_value(
            HeaderMap::RequestHeaders.number(),
            name.as_ptr(),
            name.len(),
            value.as_ptr(),
            value.len(),
        )
    };
    check("proxy_replace_header_map_value", status)
}

/// Takes every header of this name out of a map.
pub(crate) fn remove_header(map: HeaderMap, name: &[u8]) -> Result<(), HostError> {
    // SAFETY: pointer and size are of live bytes.
    let status =
        unsafe { abi::proxy_remove_header_map_value(map.number(), name.as_ptr(), name.len()) };
    check("proxy_remove_header_map_value", status)
}

/// A property of the request, the connection or the node; `None` if absent.
pub(crate) fn property(path: &[&str]) -> Result<Option<Vec<u8>>, HostError> {
    let path = path.join("\0");
    let (mut data, mut size) = (null_mut(), 0);
    // SAFETY: the path is live text; the host writes a pointer and a size to
    // live variables.
    let status =
        unsafe { abi::proxy_get_property(path.as_ptr(), path.len(), &raw mut data, &raw mut size) };
    if status == NOT_FOUND {
        return Ok(None);
    }
    check("proxy_get_property", status)?;
    Ok(Some(returned(data, size)))
}

/// Sets a property of the stream, which Envoy shows as filter state.
pub(crate) fn set_property(name: &str, value: &[u8]) -> Result<(), HostError> {
    // SAFETY: both pointers and sizes are of live bytes.
    let status =
        unsafe { abi::proxy_set_property(name.as_ptr(), name.len(), value.as_ptr(), value.len()) };
    check("proxy_set_property", status)
}

/// The plugin configuration, `size` bytes of it.
pub(crate) fn plugin_configuration(size: usize) -> Result<Vec<u8>, HostError> {
    buffer(PLUGIN_CONFIGURATION, size)
}

/// The body of the answer to an HTTP call, `size` bytes of it.
pub(crate) fn call_response_body(size: usize) -> Result<Vec<u8>, HostError> {
    buffer(CALL_RESPONSE_BODY, size)
}

fn buffer(number: u32, size: usize) -> Result<Vec<u8>, HostError> {
    let (mut data, mut length) = (null_mut(), 0);
    // SAFETY: the host writes a pointer and a size to live variables.
    let status =
        unsafe { abi::proxy_get_buffer_bytes(number, 0, size, &raw mut data, &raw mut length) };
    if status == NOT_FOUND {
        return Ok(Vec::new());
    }
    check("proxy_get_buffer_bytes", status)?;
    Ok(returned(data, length))
}

/// Sets the time between two ticks of the root context of the context in
/// force; 0 ends them.
pub(crate) fn set_tick_period(milliseconds: u32) -> Result<(), HostError> {
    // SAFETY: no memory is passed.
    let status = unsafe { abi::proxy_set_tick_period_milliseconds(milliseconds) };
    check("proxy_set_tick_period_milliseconds", status)
}

/// Has the following calls act for this context, until the callback ends.
pub(crate) fn set_effective_context(context: u32) -> Result<(), HostError> {
    // SAFETY: no memory is passed.
    let status = unsafe { abi::proxy_set_effective_context(context) };
    check("proxy_set_effective_context", status)
}

/// Lets a request go on that was paused.
pub(crate) fn continue_request() -> Result<(), HostError> {
    // SAFETY: no memory is passed.
    let status = unsafe { abi::proxy_continue_stream(REQUEST) };
    check("proxy_continue_stream", status)
}

/// Answers the client in the upstream's place. Where the request is gRPC's, the
/// proxy makes of it an answer without a body: `grpc_status`, and the body as
/// the message.
pub(crate) fn send_local_response(
    status: u16,
    grpc_status: i32,
    details: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<(), HostError> {
    let headers = serialize(headers);
    // SAFETY: all pointers and sizes are of live bytes.
    let status = unsafe {
        abi::proxy_send_local_response(
            u32::from(status),
            details.as_ptr(),
            details.len(),
            body.as_ptr(),
            body.len(),
            headers.as_ptr(),
            headers.len(),
            grpc_status,
        )
    };
    check("proxy_send_local_response", status)
}

/// The ABI's serialized form of a header map: the count, the sizes of every
/// name and value, then names and values, each behind it a NUL.
fn serialize(headers: &[(&str, &str)]) -> Vec<u8> {
    let word = |size: usize| u32::try_from(size).unwrap_or(u32::MAX).to_le_bytes();
    let mut bytes = word(headers.len()).to_vec();
    for (name, value) in headers {
        bytes.extend(word(name.len()));
        bytes.extend(word(value.len()));
    }
    for text in headers.iter().flat_map(|(name, value)| [name, value]) {
        bytes.extend(text.as_bytes());
        bytes.push(0);
    }
    bytes
}
