//! wrk, which sends requests until it is interrupted: by itself it takes whole
//! seconds alone.

use anyhow::{Context, Result, bail, ensure};
use std::ffi::OsStr;
use std::io::Read;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// How long wrk may take until it has read its script.
const PATIENCE: Duration = Duration::from_secs(60);

/// How much longer than it should wrk may run.
const LATE: Duration = Duration::from_secs(5);

/// What wrk is to send.
pub(crate) struct Load<'l> {
    pub(crate) connections: usize,
    /// The Lua script that makes the requests and prints the summary.
    pub(crate) script: &'l Path,
    pub(crate) address: SocketAddr,
    /// What the script is given.
    pub(crate) arguments: &'l [&'l OsStr],
}

/// A wrk that runs, and is ended with this.
pub(crate) struct Wrk(Child);

impl Wrk {
    /// Starts it, to be interrupted before so long. `wrk` is the program,
    /// without arguments of its own.
    pub(crate) fn start(wrk: &mut Command, load: &Load<'_>, longest: Duration) -> Result<Self> {
        let wrk = wrk
            .args(["--threads", "1", "--timeout", "20s", "--connections"])
            .arg(load.connections.to_string())
            .arg("--duration")
            .arg(format!("{}s", longest.as_secs() + 1))
            .arg("--script")
            .arg(load.script)
            .arg(format!("http://{}/", load.address))
            .arg("--")
            .args(load.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        wrk.map(Self).context("wrk cannot be started")
    }

    /// Runs it until it has sent for so long; the line that its script prints
    /// behind `SUMMARY `.
    pub(crate) fn run(wrk: &mut Command, load: &Load<'_>, time: Duration) -> Result<String> {
        let longest = time + LATE;
        let mut wrk = Self::start(wrk, load, longest)?;
        wrk.wait_until_it_sends()?;
        let started = Instant::now();
        thread::sleep(time);
        let summary = wrk.stop()?;
        ensure!(
            started.elapsed() < longest,
            "wrk was interrupted and did not end"
        );
        Ok(summary)
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.0.try_wait()?)
    }

    /// Ends it, if it still runs; what its script prints then behind `SUMMARY `.
    pub(crate) fn stop(&mut self) -> Result<String> {
        if self.ended()?.is_none() {
            self.interrupt()?;
        }
        let (text, errors) = self.output()?;
        text.lines()
            .find_map(|line| line.strip_prefix("SUMMARY "))
            .map(ToOwned::to_owned)
            .with_context(|| format!("wrk printed no summary:\n{text}{errors}"))
    }

    /// Sends SIGINT, as Ctrl-C does: it prints its summary and ends.
    fn interrupt(&self) -> Result<()> {
        // The shell's own kill: a small machine has no program of that name.
        let status = Command::new("sh")
            .args(["-c", "kill -INT \"$1\"", "sh"])
            .arg(self.0.id().to_string())
            .status()
            .context("`sh` cannot be run")?;
        ensure!(status.success(), "wrk cannot be interrupted");
        Ok(())
    }

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
            if self.ended()?.is_some() {
                let (text, errors) = self.output()?;
                bail!("wrk ended at once:\n{text}{errors}");
            }
            ensure!(started.elapsed() < PATIENCE, "wrk sends no requests");
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// All that it prints until it ends, which is a few lines.
    fn output(&mut self) -> Result<(String, String)> {
        let (mut text, mut errors) = (String::new(), String::new());
        if let Some(output) = &mut self.0.stdout {
            output.read_to_string(&mut text)?;
        }
        if let Some(output) = &mut self.0.stderr {
            output.read_to_string(&mut errors)?;
        }
        self.0.wait()?;
        Ok((text, errors))
    }
}

impl Drop for Wrk {
    fn drop(&mut self) {
        // Both fail only when it has ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
