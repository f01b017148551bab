//! What the module exports: the callbacks that do something.
//!
//! The proxy-wasm SDK exports every callback of the ABI, and a proxy calls each
//! that is exported, at 2 to 3 us, whether or not it does anything. Those that
//! the filter leaves to the SDK's default are taken out after linking, and with
//! them the code that nothing else reaches. A proxy takes a callback that is
//! not there for one that does nothing and agrees, so the module decides the
//! same without this step.

use anyhow::{Context, Result, ensure};
use walrus::{Module, ModuleConfig};

/// All that the module exports, and must. A callback that the filter comes to
/// implement has to be added here, or no proxy calls it.
const EXPORTS: [&str; 12] = [
    // What a proxy needs to run the module.
    "memory",
    "_initialize",
    "proxy_abi_version_0_2_1",
    "proxy_on_memory_allocate",
    // Contexts and their configuration.
    "proxy_on_context_create",
    "proxy_on_configure",
    "proxy_on_delete",
    // Fetched keys.
    "proxy_on_tick",
    "proxy_on_http_call_response",
    // Requests.
    "proxy_on_request_headers",
    "proxy_on_request_body",
    "proxy_on_request_trailers",
];

/// The module `linked` with [`EXPORTS`] alone, and what they reach.
///
/// # Errors
///
/// When it is no module, or one of them is missing.
pub(crate) fn reduce(linked: &[u8]) -> Result<Vec<u8>> {
    let mut module = ModuleConfig::new()
        .generate_name_section(false)
        .generate_producers_section(false)
        .parse(linked)
        .context("the linked module cannot be read")?;
    for name in EXPORTS {
        ensure!(
            module.exports.iter().any(|export| export.name == name),
            "the linked module does not export {name}"
        );
    }
    remove_others(&mut module);
    walrus::passes::gc::run(&mut module);
    Ok(module.emit_wasm())
}

fn remove_others(module: &mut Module) {
    let exports = module.exports.iter();
    let others: Vec<_> = exports
        .filter(|export| !EXPORTS.contains(&export.name.as_str()))
        .map(walrus::Export::id)
        .collect();
    for other in others {
        module.exports.delete(other);
    }
}
