//! The `log` facade, written to the proxy's log.

use log::{Level, LevelFilter, Log, Metadata, Record};
use proxy_wasm::types::LogLevel;

use crate::host;

struct HostLogger;

impl Log for HostLogger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let level = match record.level() {
            Level::Error => LogLevel::Error,
            Level::Warn => LogLevel::Warn,
            Level::Info => LogLevel::Info,
            Level::Debug => LogLevel::Debug,
            Level::Trace => LogLevel::Trace,
        };
        host::log(level, &record.args().to_string());
    }

    fn flush(&self) {}
}

/// Sends `log`'s lines to the host. A line costs a host call, so what is
/// written for each request is at most a debug line, which is off here.
pub(crate) fn install() {
    static LOGGER: HostLogger = HostLogger;
    // A second logger is impossible in a module that installs one at start.
    if log::set_logger(&LOGGER).is_ok() {
        log::set_max_level(LevelFilter::Info);
    }
}
