//! Load on one Envoy, and what it costs there.

use crate::envoy::process::Envoy;
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::path::Path;
use std::process::{Command, Stdio};

/// Sends a request for each line of a file in turn, with it as the token.
const SCRIPT: &str = r#"
local tokens = {}
local turn
function init(arguments)
  for line in io.lines(arguments[1]) do tokens[#tokens + 1] = "Bearer " .. line end
  turn = tonumber(arguments[2]) % #tokens
end
function request()
  turn = turn % #tokens + 1
  wrk.headers["authorization"] = tokens[turn]
  return wrk.format("GET", "/orders/7")
end
function done(summary)
  local errors = summary.errors
  print(string.format('SUMMARY {"requests":%d,"refused":%d,"broken":%d}', summary.requests,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
"#;

/// Connections that wrk keeps open.
const CONNECTIONS: &str = "8";

#[derive(Debug, Deserialize)]
struct Summary {
    requests: u64,
    refused: u64,
    broken: u64,
}

/// Writes wrk's script.
pub(super) fn write_script(path: &Path) -> Result<()> {
    std::fs::write(path, SCRIPT).with_context(|| format!("{} cannot be written", path.display()))
}

/// Sends requests for so many seconds, from the token at `start` on; how many
/// nanoseconds of all its threads' time Envoy took for each, and how many
/// requests there were.
pub(super) fn cost(
    envoy: &Envoy,
    script: &Path,
    tokens: &Path,
    start: usize,
    seconds: u64,
) -> Result<(f64, u64)> {
    let before = cpu_nanoseconds(envoy.process_id())?;
    let output = Command::new("wrk")
        .args(["--threads", "1", "--connections", CONNECTIONS])
        .arg("--duration")
        .arg(format!("{seconds}s"))
        .arg("--script")
        .arg(script)
        .arg(format!("http://{}/", envoy.ingress()))
        .arg("--")
        .arg(tokens)
        .arg(start.to_string())
        .stdin(Stdio::null())
        .output()
        .context("wrk cannot be started")?;
    let took = cpu_nanoseconds(envoy.process_id())?.saturating_sub(before);
    let text = String::from_utf8_lossy(&output.stdout);
    let summary = text
        .lines()
        .find_map(|line| line.strip_prefix("SUMMARY "))
        .with_context(|| {
            let errors = String::from_utf8_lossy(&output.stderr);
            format!("wrk printed no summary:\n{text}{errors}")
        })?;
    let summary: Summary = serde_json::from_str(summary)?;
    ensure!(
        summary.requests > 0 && summary.refused == 0 && summary.broken == 0,
        "not every request went through: {summary:?}"
    );
    Ok((took as f64 / summary.requests as f64, summary.requests))
}

/// The time that all threads of the process have run (proc(5), schedstat).
fn cpu_nanoseconds(process: u32) -> Result<u64> {
    let mut sum = 0;
    for task in std::fs::read_dir(format!("/proc/{process}/task"))? {
        let path = task?.path().join("schedstat");
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        let time = text.split_whitespace().next().unwrap_or_default();
        sum += time
            .parse::<u64>()
            .with_context(|| format!("{} is not what proc(5) says", path.display()))?;
    }
    Ok(sum)
}
