//! A compiled module and what it asks of its host.

use std::fmt;
use std::path::{Path, PathBuf};

use wasmtime::{Cache, CacheConfig, Config, Engine, ExternType, Linker, Module};

use crate::host::Host;
use crate::vm::known_imports;
use crate::{abi, wasi};

/// Why a module cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModuleError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The bytes are no WebAssembly module.
    #[error("cannot compile the module: {0}")]
    Compile(String),
    /// The module imports what Envoy does not have.
    #[error("the module imports what the host does not have: {}", .0.join(", "))]
    UnknownImports(Vec<String>),
    /// An import has another signature than the host's.
    #[error("cannot link the module: {0}")]
    Link(String),
    /// The module does not say that it speaks a known ABI.
    #[error(
        "the module exports neither proxy_abi_version_0_2_1 nor proxy_abi_version_0_2_0, so it is \
         no proxy-wasm module of ABI 0.2"
    )]
    UnknownAbi,
    /// The module exports no allocator or no memory.
    #[error("the module does not export `{0}`, which the host needs to hand data over")]
    MissingExport(&'static str),
}

/// An import or an export of a module.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Extern {
    /// The module of an import; empty for an export.
    pub module: String,
    /// The name.
    pub name: String,
    /// Its type, such as `func (i32 i32) -> i32`.
    pub kind: String,
}

impl fmt::Display for Extern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.module.is_empty() {
            write!(formatter, "{}.", self.module)?;
        }
        write!(formatter, "{} {}", self.name, self.kind)
    }
}

/// A proxy-wasm module, compiled once for any number of simulators.
#[derive(Clone)]
pub struct ProxyModule {
    pub(crate) module: Module,
    pub(crate) linker: Linker<Host>,
}

impl fmt::Debug for ProxyModule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ProxyModule")
    }
}

impl ProxyModule {
    /// The module in a file.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or its bytes cannot be used, see [`ProxyModule::new`].
    pub fn from_file(path: &Path) -> Result<Self, ModuleError> {
        let bytes = std::fs::read(path).map_err(|source| ModuleError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::new(&bytes)
    }

    /// The module in binary form.
    ///
    /// # Errors
    ///
    /// When the bytes are no module, when it imports what Envoy does not have, and when it lacks
    /// the ABI's mark, a memory or an allocator.
    pub fn new(bytes: &[u8]) -> Result<Self, ModuleError> {
        let compiled = Self::compile(bytes)?;
        let unknown = compiled.unknown_imports();
        if !unknown.is_empty() {
            return Err(ModuleError::UnknownImports(unknown));
        }
        let has = |name: &str| compiled.module.get_export(name).is_some();
        if !has("proxy_abi_version_0_2_1") && !has("proxy_abi_version_0_2_0") {
            return Err(ModuleError::UnknownAbi);
        }
        if !has("memory") {
            return Err(ModuleError::MissingExport("memory"));
        }
        if !has("malloc") && !has("proxy_on_memory_allocate") {
            return Err(ModuleError::MissingExport("proxy_on_memory_allocate"));
        }
        compiled
            .linker
            .instantiate_pre(&compiled.module)
            .map_err(|error| ModuleError::Link(format!("{error:#}")))?;
        Ok(compiled)
    }

    /// The module, whatever it imports and exports: enough to look at it.
    ///
    /// # Errors
    ///
    /// When the bytes are no module.
    pub fn compile(bytes: &[u8]) -> Result<Self, ModuleError> {
        let failed = |error: wasmtime::Error| ModuleError::Compile(format!("{error:#}"));
        let mut config = Config::new();
        config.consume_fuel(true);
        // A cache that cannot be had only costs time.
        config.cache(Cache::new(CacheConfig::new()).ok());
        let engine = Engine::new(&config).map_err(failed)?;
        let module = Module::new(&engine, bytes).map_err(failed)?;
        let mut linker = Linker::new(&engine);
        abi::register(&mut linker).map_err(failed)?;
        wasi::register(&mut linker).map_err(failed)?;
        Ok(Self { module, linker })
    }

    /// What the module imports, in its own order.
    pub fn imports(&self) -> Vec<Extern> {
        self.module
            .imports()
            .map(|import| Extern {
                module: import.module().to_owned(),
                name: import.name().to_owned(),
                kind: describe(&import.ty()),
            })
            .collect()
    }

    /// What the module exports, in its own order.
    pub fn exports(&self) -> Vec<Extern> {
        self.module
            .exports()
            .map(|export| Extern {
                module: String::new(),
                name: export.name().to_owned(),
                kind: describe(&export.ty()),
            })
            .collect()
    }

    /// The imports that the host does not have, as `module.name`.
    pub fn unknown_imports(&self) -> Vec<String> {
        let known = known_imports(self);
        self.module
            .imports()
            .map(|import| (import.module().to_owned(), import.name().to_owned()))
            .filter(|import| !known.contains(import))
            .map(|(module, name)| format!("{module}.{name}"))
            .collect()
    }
}

fn describe(ty: &ExternType) -> String {
    match ty {
        ExternType::Func(ty) => {
            let list = |types: Vec<String>| types.join(" ");
            let parameters = list(ty.params().map(|ty| ty.to_string()).collect());
            let results = list(ty.results().map(|ty| ty.to_string()).collect());
            format!("func ({parameters}) -> ({results})")
        }
        ExternType::Memory(ty) => format!("memory, {} pages", ty.minimum()),
        ExternType::Global(_) => "global".to_owned(),
        ExternType::Table(_) => "table".to_owned(),
        _ => "tag".to_owned(),
    }
}
