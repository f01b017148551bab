//! The host calls of the proxy-wasm ABI 0.2.1, with the answers of Envoy's host
//! (proxy-wasm-cpp-host and Envoy's `source/extensions/common/wasm/context.cc`).

mod calls;
mod general;
mod http;
mod storage;

use wasmtime::Linker;

use crate::host::Host;

/// Makes a host call known to the linker: its name, its arguments, what it does.
macro_rules! host_call {
    ($linker:ident, $name:literal, |$guest:ident $(, $argument:ident: $type:ty)* $(,)?| $body:expr) => {
        $linker.func_wrap(
            "env",
            $name,
            |caller: wasmtime::Caller<'_, crate::host::Host> $(, $argument: $type)*| {
                crate::guest::Guest::answer(caller, $name, |$guest| $body)
            },
        )?;
    };
}
use host_call;

/// Makes all calls of the ABI known to the linker.
pub(crate) fn register(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    general::register(linker)?;
    http::register(linker)?;
    storage::register(linker)?;
    calls::register(linker)
}
