//! The proxy-wasm shell around the authorizer: it fetches what the pipeline
//! asks for, and does what the pipeline says. It makes no choice of its own,
//! except that whatever fails here refuses the request.

#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "this code runs in the proxy, where a panic is a trap"
)]

mod host;
mod keys;
mod logger;
mod metrics;
mod root;
mod signatures;
mod stream;
#[cfg(feature = "vectors")]
mod vectors;
mod vm;
mod waiting;

mod entry {
    proxy_wasm::main! {{
        crate::logger::install();
        proxy_wasm::set_root_context(|id| {
            #[cfg(feature = "vectors")]
            if std::env::var_os("DOORWARD_VECTORS").is_some() {
                return Box::new(crate::vectors::Root);
            }
            Box::new(crate::root::Root::new(id))
        });
    }}
}
