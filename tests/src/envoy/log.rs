//! What Envoy wrote, read as scenarios want it.

use anyhow::{Context, Result};
use serde_json::Value;

/// Envoy's marks of a module that trapped, or that could not be called since.
const TRAPS: [&str; 3] = [
    "Uncaught RuntimeError",
    "Proxy-Wasm plugin in-VM backtrace",
    "wasm_fail_stream",
];

/// What the module logged, without Envoy's prefix (`[time][thread][level][wasm]
/// [source] wasm log NAME ROOT VM: `), and what Envoy itself logged as a
/// warning or worse. Envoy's plain information is left out.
#[must_use]
pub fn lines(log: &str) -> Vec<String> {
    log.lines()
        .filter(|line| line.contains("wasm log ") || !(line.starts_with('[') && is_plain(line)))
        .map(|line| message(line).to_owned())
        .collect()
}

/// Whether the level is one that Envoy writes whatever happens.
fn is_plain(line: &str) -> bool {
    let level = line.split(['[', ']']).nth(5).unwrap_or_default();
    matches!(level, "trace" | "debug" | "info")
}

fn message(line: &str) -> &str {
    line.split_once("wasm log ")
        .and_then(|(_, rest)| rest.split_once(": "))
        .map_or(line, |(_, message)| message)
}

/// What the log says of a trap, if there was one.
#[must_use]
pub fn trap(log: &str) -> Option<String> {
    log.lines()
        .find(|line| TRAPS.iter().any(|mark| line.contains(mark)))
        .map(str::to_owned)
}

/// One line of the access log, see [`super::config::access_log_format`].
#[derive(Clone, Debug)]
pub struct Access {
    /// Envoy's number of the connection.
    pub connection: u64,
    /// The path as it reached the access log.
    pub path: String,
    /// The status.
    pub status: u16,
    /// The response code details; empty when there are none.
    pub details: String,
    /// The decision record as the module wrote it.
    pub decision: Option<String>,
}

impl Access {
    /// Reads one line.
    ///
    /// # Errors
    ///
    /// When the line is not of the format that tests configure.
    pub fn of_line(line: &str) -> Result<Self> {
        let line: Value = serde_json::from_str(line)
            .with_context(|| format!("the access log has a line that is not JSON: {line}"))?;
        let number = |name: &str| {
            line.get(name)
                .and_then(Value::as_u64)
                .with_context(|| format!("the access log has no {name}: {line}"))
        };
        let text = |name: &str| match line.get(name) {
            Some(Value::String(text)) => Some(text.clone()),
            None | Some(Value::Null) => None,
            Some(other) => Some(other.to_string()),
        };
        Ok(Self {
            connection: number("connection")?,
            path: text("path").unwrap_or_default(),
            status: u16::try_from(number("status")?)?,
            details: text("details").unwrap_or_default(),
            decision: text("decision"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_of_a_module_s_line_is_taken_off() {
        let log = "[2026-11-21 21:00:00.000][7][error][wasm] [source/x.cc:1] wasm log doorward \
                   doorward doorward: configuration: expected `:`\n\
                   [2026-11-21 21:00:00.000][7][info][main] [source/y.cc:2] starting: now\n\
                   [2026-11-21 21:00:00.000][7][info][wasm] [source/x.cc:1] wasm log doorward \
                   doorward doorward: loaded\n\
                   [2026-11-21 21:00:00.000][7][critical][main] [source/y.cc:3] exiting: now";
        assert_eq!(
            lines(log),
            [
                "configuration: expected `:`",
                "loaded",
                "[2026-11-21 21:00:00.000][7][critical][main] [source/y.cc:3] exiting: now"
            ]
        );
    }

    #[test]
    fn an_access_line_may_lack_what_the_module_writes() {
        let access = Access::of_line(
            r#"{"connection":3,"path":"/a","status":403,"details":null,"decision":null}"#,
        )
        .expect("a line");
        assert_eq!((access.connection, access.status), (3, 403));
        assert_eq!((access.details.as_str(), access.decision), ("", None));
    }
}
