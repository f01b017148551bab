//! A wasmtime host that behaves towards a proxy-wasm module as Envoy does.

pub mod scenario;
