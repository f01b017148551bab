//! Load on one listener for a short while, and what it costs.

use super::cores::Cores;
use super::proxy::Proxy;
use super::variant::Variant;
use crate::wrk::{self, Wrk};
use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// Connections that keep Envoy's worker busy all the time.
pub(super) const BUSY: usize = 8;

/// One connection: each request finds an idle Envoy, so that its latency is
/// what it takes and not how many wait. (wrk adds to its latencies those of
/// requests that it would have sent while it waited long for one.)
pub(super) const CALM: usize = 1;

/// How much longer than the others a slice is that measures latency, of which
/// the last thousandth is asked for, and one that warms up.
pub(super) const LONG: u32 = 4;

/// Within so long an idle Envoy runs for no more than [`IDLE`].
const PAUSE: Duration = Duration::from_millis(10);
const IDLE: u64 = 1_000_000;

/// How long an idle Envoy is watched.
const IDLE_TIME: Duration = Duration::from_secs(3);

/// How long Envoy may go on after the load has ended.
const PATIENCE: Duration = Duration::from_secs(20);

/// What sends the load.
pub(super) struct Load {
    /// wrk's script.
    pub(super) script: PathBuf,
    pub(super) cores: Cores,
    /// How long a slice takes.
    pub(super) time: Duration,
    /// What Envoy takes in a second without any load, in nanoseconds: so many
    /// listeners and modules in one process have timers, and no request pays
    /// for them.
    pub(super) idle: f64,
}

/// Where a slice goes and what it is made of.
pub(super) struct Target<'a> {
    pub(super) proxy: &'a Proxy,
    /// The variant, and its place in the proxy.
    pub(super) variant: Variant,
    pub(super) number: usize,
    pub(super) tokens: &'a Path,
    /// How many requests came before, so that tokens go on in turn.
    pub(super) sent: u64,
    /// The server that Envoy asks.
    pub(super) server: Option<u32>,
}

/// Latencies in microseconds.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(super) struct Latency {
    pub(super) p50: f64,
    pub(super) p90: f64,
    pub(super) p99: f64,
    pub(super) p999: f64,
}

/// What one slice showed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slice {
    /// Requests that Envoy got.
    pub(super) requests: u64,
    /// CPU of Envoy's process for each, in microseconds.
    pub(super) cpu: f64,
    /// The same, with the server that Envoy asks.
    pub(super) cpu_with_server: f64,
    pub(super) per_second: f64,
    pub(super) latency: Latency,
    /// The part of the machine's time that went to other machines.
    pub(super) steal: f64,
}

#[derive(Debug, Deserialize)]
struct Summary {
    requests: u64,
    refused: u64,
    broken: u64,
    microseconds: u64,
    latency: Latency,
}

impl Load {
    /// Sends requests on so many connections; all must be answered as the
    /// variant's should.
    pub(super) fn slice(&self, target: &Target<'_>, connections: usize) -> Result<Slice> {
        self.slice_of(target, connections, self.time)
    }

    /// As [`Self::slice`], for so long.
    pub(super) fn slice_of(
        &self,
        target: &Target<'_>,
        connections: usize,
        time: Duration,
    ) -> Result<Slice> {
        let requests = target.proxy.requests(target.number)?;
        let machine = Machine::read()?;
        let envoy = target.proxy.envoy.process_id();
        let before = (cpu_nanoseconds(envoy)?, server_nanoseconds(target)?);
        let started = Instant::now();
        let summary = self.wrk(target, connections, time)?;
        settle(envoy)?;
        let after = (cpu_nanoseconds(envoy)?, server_nanoseconds(target)?);
        let idle = self.idle * started.elapsed().as_secs_f64();
        let steal = Machine::read()?.steal_since(machine);
        // Envoy's own count: it also worked for requests that wrk did not wait
        // for at its end.
        let requests = target.proxy.requests(target.number)? - requests;
        let refused = if target.variant.allowed {
            0
        } else {
            summary.requests
        };
        ensure!(
            summary.requests > 0 && summary.refused == refused && summary.broken == 0,
            "not every request was answered as it should: {summary:?}"
        );
        let cpu = after.0.saturating_sub(before.0) as f64 - idle;
        let server = after.1.saturating_sub(before.1) as f64;
        let each = |nanoseconds: f64| nanoseconds / 1000.0 / requests as f64;
        Ok(Slice {
            requests,
            cpu: each(cpu),
            cpu_with_server: each(cpu + server),
            per_second: summary.requests as f64 / (summary.microseconds as f64 / 1e6),
            latency: summary.latency,
            steal,
        })
    }

    fn wrk(&self, target: &Target<'_>, connections: usize, time: Duration) -> Result<Summary> {
        let variant = target.variant;
        let (sent, rules) = (target.sent.to_string(), variant.rules.max(1).to_string());
        let load = wrk::Load {
            connections,
            script: &self.script,
            address: target.proxy.address(target.number)?,
            arguments: &[
                target.tokens.as_ref(),
                sent.as_ref(),
                rules.as_ref(),
                variant.path().as_ref(),
            ],
        };
        let summary = Wrk::run(&mut self.cores.load("wrk"), &load, time)?;
        Ok(serde_json::from_str(&summary)?)
    }
}

/// What Envoy takes in a second in which nobody asks it, in nanoseconds.
pub(super) fn idle(envoy: u32) -> Result<f64> {
    let (before, started) = (cpu_nanoseconds(envoy)?, Instant::now());
    thread::sleep(IDLE_TIME);
    let took = cpu_nanoseconds(envoy)?.saturating_sub(before) as f64;
    Ok(took / started.elapsed().as_secs_f64())
}

/// Waits until Envoy has done with requests that nobody waits for any more:
/// otherwise the next slice would pay for them.
fn settle(envoy: u32) -> Result<()> {
    let started = Instant::now();
    let mut before = cpu_nanoseconds(envoy)?;
    loop {
        thread::sleep(PAUSE);
        let now = cpu_nanoseconds(envoy)?;
        if now.saturating_sub(before) < IDLE {
            return Ok(());
        }
        before = now;
        ensure!(started.elapsed() < PATIENCE, "Envoy does not get idle");
    }
}

fn server_nanoseconds(target: &Target<'_>) -> Result<u64> {
    target.server.map_or(Ok(0), cpu_nanoseconds)
}

/// The time that all threads of the process have run (proc(5), schedstat).
pub(super) fn cpu_nanoseconds(process: u32) -> Result<u64> {
    let mut sum = 0;
    for task in std::fs::read_dir(format!("/proc/{process}/task"))? {
        let path = task?.path().join("schedstat");
        // A thread may end in between.
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        let time = text.split_whitespace().next().unwrap_or_default();
        sum += time
            .parse::<u64>()
            .with_context(|| format!("{} is not what proc(5) says", path.display()))?;
    }
    Ok(sum)
}

/// The machine's time so far, in ticks (proc(5), stat).
#[derive(Clone, Copy)]
struct Machine {
    all: u64,
    stolen: u64,
}

impl Machine {
    /// Of the columns, after user, nice, system, idle, iowait, irq and softirq.
    const STOLEN: usize = 7;

    fn read() -> Result<Self> {
        let text = std::fs::read_to_string("/proc/stat")?;
        let line = text.lines().next().unwrap_or_default();
        let ticks: Vec<u64> = line
            .split_whitespace()
            .skip(1)
            .take(Self::STOLEN + 1)
            .map(|number| {
                number
                    .parse()
                    .context("/proc/stat is not what proc(5) says")
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            all: ticks.iter().sum(),
            stolen: ticks.get(Self::STOLEN).copied().unwrap_or_default(),
        })
    }

    fn steal_since(self, before: Self) -> f64 {
        let all = self.all.saturating_sub(before.all);
        let stolen = self.stolen.saturating_sub(before.stolen);
        stolen as f64 / all.max(1) as f64
    }
}
