//! Interrupting a program, as Ctrl-C does.

use anyhow::{Context, Result, ensure};
use std::process::Command;

/// Sends SIGINT: wrk prints its summary and ends.
pub(crate) fn interrupt(process: u32) -> Result<()> {
    // The shell's own kill: a small machine has no program of that name.
    let status = Command::new("sh")
        .args(["-c", "kill -INT \"$1\"", "sh"])
        .arg(process.to_string())
        .status()
        .context("`sh` cannot be run")?;
    ensure!(status.success(), "process {process} cannot be interrupted");
    Ok(())
}
