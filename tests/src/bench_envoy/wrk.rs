//! wrk for a part of a second: it takes whole seconds alone, so it is
//! interrupted.

use crate::interrupt::interrupt;
use anyhow::{Context, Result, bail, ensure};
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long wrk may take until it has read its tokens.
const PATIENCE: Duration = Duration::from_secs(60);

/// How much longer than it should wrk may run.
const LATE: Duration = Duration::from_secs(5);

/// A wrk that runs, and is ended with this.
struct Wrk(Child);

/// Runs wrk, without a `--duration`, until it has sent for so long; the line
/// that its script prints behind `SUMMARY `.
pub(super) fn run(wrk: &mut Command, time: Duration) -> Result<String> {
    let longest = time + LATE;
    let mut wrk = Wrk(wrk
        .arg("--duration")
        .arg(format!("{}s", longest.as_secs() + 1))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("wrk cannot be started")?);
    wrk.wait_until_it_sends()?;
    let started = Instant::now();
    thread::sleep(time);
    interrupt(wrk.0.id())?;
    let (mut text, mut errors) = (String::new(), String::new());
    wrk.read(&mut text, &mut errors)?;
    ensure!(
        started.elapsed() < longest,
        "wrk was interrupted and did not end"
    );
    text.lines()
        .find_map(|line| line.strip_prefix("SUMMARY "))
        .map(ToOwned::to_owned)
        .with_context(|| format!("wrk printed no summary:\n{text}{errors}"))
}

impl Wrk {
    /// Until it catches interrupts (proc(5), status): it does once it has read
    /// its script, and its threads send. Before, it ignores them.
    fn wait_until_it_sends(&mut self) -> Result<()> {
        let started = Instant::now();
        loop {
            let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
            let caught = status
                .lines()
                .find_map(|line| line.strip_prefix("SigCgt:"))
                .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
                .context("/proc/PID/status is not what proc(5) says")?;
            const SIGINT: u64 = 1 << 1;
            if caught & SIGINT != 0 {
                return Ok(());
            }
            if self.0.try_wait()?.is_some() {
                let (mut text, mut errors) = (String::new(), String::new());
                self.read(&mut text, &mut errors)?;
                bail!("wrk ended at once:\n{text}{errors}");
            }
            ensure!(started.elapsed() < PATIENCE, "wrk sends no requests");
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// All that it prints until it ends, which is a few lines.
    fn read(&mut self, text: &mut String, errors: &mut String) -> Result<()> {
        if let Some(output) = &mut self.0.stdout {
            output.read_to_string(text)?;
        }
        if let Some(output) = &mut self.0.stderr {
            output.read_to_string(errors)?;
        }
        self.0.wait()?;
        Ok(())
    }
}

impl Drop for Wrk {
    fn drop(&mut self) {
        // Both fail only when it has ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
