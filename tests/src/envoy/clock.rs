//! The clock of an Envoy under test.
//!
//! A scenario that begins at a time of its own needs a proxy that believes it.
//! Envoy is linked dynamically to the C library, so a small library in front of
//! that moves its wall clock. Debian's libfaketime does the same and hangs
//! Envoy at its start, whose allocator asks for the time too early for it.

use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

/// The library's source, compiled when a scenario needs it: the tests have a C
/// compiler already (aws-lc-rs is built with it).
const SOURCE: &str = include_str!("clock.c");

/// What moves the clock of a process.
#[derive(Clone, Debug)]
pub struct Clock {
    library: PathBuf,
    begins: SystemTime,
}

impl Clock {
    /// A clock that says `begins` when the process is started. Its library goes
    /// to `folder`.
    ///
    /// # Errors
    ///
    /// When the library cannot be compiled.
    pub fn new(begins: SystemTime, folder: &Path) -> Result<Self> {
        let source = folder.join("clock.c");
        let library = folder.join("clock.so");
        std::fs::write(&source, SOURCE)?;
        let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
        let compiled = Command::new(&compiler)
            .args(["-O2", "-shared", "-fPIC", "-o"])
            .arg(&library)
            .arg(&source)
            .status()
            .with_context(|| format!("the C compiler {} does not run", compiler.display()))?;
        ensure!(compiled.success(), "{} does not compile", source.display());
        Ok(Self { library, begins })
    }

    /// Has a process that is about to be started believe it.
    pub(super) fn give_to(&self, command: &mut Command) {
        let seconds = |span: Duration| i64::try_from(span.as_secs()).unwrap_or(i64::MAX);
        let ahead = match self.begins.duration_since(SystemTime::now()) {
            Ok(later) => seconds(later).saturating_add(1),
            Err(earlier) => -seconds(earlier.duration()),
        };
        command
            .env("LD_PRELOAD", &self.library)
            .env("DOORWARD_TESTS_CLOCK_AHEAD", ahead.to_string());
    }
}
