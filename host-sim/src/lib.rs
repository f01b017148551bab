//! A wasmtime host that behaves towards a proxy-wasm module as Envoy does.
//!
//! [`ProxyModule`] is a compiled module, [`Simulator`] a proxy with it: it takes configurations
//! and requests and tells what became of them. [`scenario`] describes both as data, [`runner`]
//! runs such data.
//!
//! The simulator knows no module in particular. What it answers follows Envoy 1.40 and
//! proxy-wasm-cpp-host; where the two differ from the ABI's text, Envoy is right.

mod abi;
mod codec;
mod context;
mod exchange;
mod facts;
mod guest;
mod headers;
mod host;
mod metadata;
mod module;
mod options;
mod pairs;
mod passage;
mod property;
mod reply;
pub mod runner;
pub mod scenario;
mod shared;
mod simulator;
mod status;
mod stream;
mod verify_signature;
mod vm;
mod wasi;
mod world;

pub use exchange::{Answer, Exchange};
pub use module::{Extern, ModuleError, ProxyModule};
pub use options::{DEFAULT_FUEL, DEFAULT_MEMORY, Options, PropertyError, UpstreamResponse};
pub use shared::{Metric, MetricKind};
pub use simulator::{SimulationError, Simulator};
pub use status::Status;
pub use stream::StreamId;
pub use verify_signature::{VERIFY_SIGNATURE, verify_signature};
pub use world::{ForeignFunction, LogLevel};
