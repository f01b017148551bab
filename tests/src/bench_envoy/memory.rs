//! Memory of Envoys of their own: in one process with all variants nobody
//! could tell whose it is.

use super::load::{BUSY, LONG, Load, Target};
use super::proxy::{Parts, Proxy};
use super::tokens::Files;
use super::variant::{Kind, NO_FILTER, Tokens, Variant, allowed};
use anyhow::{Context, Result};
use serde::Serialize;
use std::path::Path;

/// Workers of the larger of the two Envoys that are compared: so many that what
/// compiling leaves behind, some MiB more or less, is little beside them.
const WORKERS: usize = 17;

/// So many connections that each worker gets some.
const CONNECTIONS: usize = 64;

const MIB: f64 = 1_048_576.0;

/// V8 keeps so much address space for a memory of WebAssembly, at least.
const RESERVED: u64 = 1 << 32;

/// What one more worker takes.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct PerWorker {
    pub(super) rules: usize,
    /// All of the process's resident memory, less what a worker without a
    /// filter takes.
    pub(super) rss_mib: f64,
    /// The largest memory of a VM, as the module sees it.
    pub(super) linear_mib: f64,
}

/// Resident memory of an Envoy with this variant alone, one worker, after a
/// slice of load.
pub(super) fn rss_mib(
    parts: &Parts<'_>,
    load: &Load,
    files: &Files,
    variant: Variant,
    folder: &Path,
) -> Result<f64> {
    Ok(after_load(parts, load, files, variant, 1, BUSY, folder)?.rss_mib)
}

/// What one more worker takes with each of these numbers of rules: the
/// difference between an Envoy of one worker and one of many, for each more.
pub(super) fn per_worker(
    parts: &Parts<'_>,
    load: &Load,
    files: &Files,
    rules: &[usize],
    folder: &Path,
) -> Result<Vec<PerWorker>> {
    let each_more = |variant| -> Result<(f64, f64)> {
        let of = |workers| {
            println!("memory of {workers} workers: {variant}");
            after_load(parts, load, files, variant, workers, CONNECTIONS, folder)
                .with_context(|| format!("{variant}, {workers} workers"))
        };
        let (many, one) = (of(WORKERS)?, of(1)?);
        let more = (many.rss_mib - one.rss_mib) / (WORKERS - 1) as f64;
        Ok((more, many.linear_mib))
    };
    let (base, _) = each_more(NO_FILTER)?;
    rules
        .iter()
        .map(|rules| {
            let (more, linear_mib) = each_more(allowed(Kind::Doorward, *rules, Tokens::One))?;
            Ok(PerWorker {
                rules: *rules,
                rss_mib: more - base,
                linear_mib,
            })
        })
        .collect()
}

struct Memory {
    rss_mib: f64,
    linear_mib: f64,
}

fn after_load(
    parts: &Parts<'_>,
    load: &Load,
    files: &Files,
    variant: Variant,
    workers: usize,
    connections: usize,
    folder: &Path,
) -> Result<Memory> {
    let proxy = Proxy::start(parts, &[variant], workers, folder)?;
    let target = Target {
        proxy: &proxy,
        variant,
        number: 0,
        tokens: &files.path(variant.tokens),
        sent: 0,
        server: None,
    };
    load.slice_of(&target, connections, load.time * LONG)?;
    let process = proxy.envoy.process_id();
    let maps = std::fs::read_to_string(format!("/proc/{process}/maps"))?;
    Ok(Memory {
        rss_mib: resident(process)? as f64 / MIB,
        linear_mib: linear(&maps).into_iter().max().unwrap_or_default() as f64 / MIB,
    })
}

/// Resident memory in bytes (proc(5), status).
fn resident(process: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let kib: u64 = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.trim().strip_suffix(" kB"))
        .context("/proc/PID/status has no VmRSS")?
        .parse()?;
    Ok(kib * 1024)
}

/// The sizes of the memories of WebAssembly in a process's address space: what
/// can be written to, right before at least 4 GiB that are kept for it.
fn linear(maps: &str) -> Vec<u64> {
    let regions: Vec<(u64, u64, &str)> = maps
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let (start, end) = words.next()?.split_once('-')?;
            let number = |text| u64::from_str_radix(text, 16).ok();
            Some((number(start)?, number(end)?, words.next()?))
        })
        .collect();
    let next = regions.iter().skip(1);
    regions
        .iter()
        .zip(next)
        .filter_map(|(memory, guard)| {
            let reserved = guard.1.checked_sub(memory.0)?;
            let is_one = memory.2.starts_with("rw")
                && guard.2.starts_with("---")
                && memory.1 == guard.0
                && reserved >= RESERVED;
            is_one.then(|| memory.1 - memory.0)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::linear;

    #[test]
    fn a_memory_is_what_can_be_written_before_its_guard() {
        let maps = "\
            100000000-100a00000 rw-p 00000000 00:00 0\n\
            100a00000-300000000 ---p 00000000 00:00 0\n\
            300000000-300100000 r--p 00000000 00:00 0\n\
            300100000-300200000 rw-p 00000000 00:00 0 [heap]\n\
            300200000-300300000 ---p 00000000 00:00 0\n";
        assert_eq!(linear(maps), [0xa0_0000]);
        assert_eq!(linear(""), [0_u64; 0]);
    }
}
