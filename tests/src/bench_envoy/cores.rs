//! Which core Envoy has and which the load, so that neither waits for the other.

use anyhow::{Context, Result, ensure};
use std::ffi::OsStr;
use std::process::{Command, Stdio};

/// The cores of a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cores {
    /// Envoy's and the load's; none when there is only one core for both.
    pair: Option<(usize, usize)>,
}

impl Cores {
    /// The last core for Envoy and the first one, which has most interrupts,
    /// for the load.
    pub(super) fn find() -> Result<Self> {
        let status = std::fs::read_to_string("/proc/self/status")?;
        let list = status
            .lines()
            .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))
            .context("/proc/self/status has no Cpus_allowed_list")?;
        let (first, last) = ends(list.trim()).with_context(|| format!("cores {list}"))?;
        let pair = (first != last).then_some((last, first));
        match pair {
            Some((proxy, load)) => println!("Envoy is on core {proxy}, the load on core {load}"),
            None => println!(
                "there is one core: Envoy and the load share it, so requests per second and \
                 latency are those of both together"
            ),
        }
        Ok(Self { pair })
    }

    /// Puts all threads of a running process on Envoy's core.
    pub(super) fn pin_proxy(self, process: u32) -> Result<()> {
        self.pair.map_or(Ok(()), |(proxy, _)| pin(process, proxy))
    }

    /// Puts all threads of a running process on the load's core.
    pub(super) fn pin_load(self, process: u32) -> Result<()> {
        self.pair.map_or(Ok(()), |(_, load)| pin(process, load))
    }

    /// A command for a program on the load's core.
    pub(super) fn load(self, program: impl AsRef<OsStr>) -> Command {
        let Some((_, load)) = self.pair else {
            return Command::new(program);
        };
        let mut command = Command::new("taskset");
        command.args(["--cpu-list", &load.to_string()]).arg(program);
        command
    }
}

fn pin(process: u32, core: usize) -> Result<()> {
    let output = Command::new("taskset")
        .args(["--all-tasks", "--cpu-list", "--pid"])
        .arg(core.to_string())
        .arg(process.to_string())
        .stdin(Stdio::null())
        .output()
        .context("taskset (of util-linux) cannot be started")?;
    ensure!(
        output.status.success(),
        "taskset failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// The first and the last of a list such as `0-3,8`.
fn ends(list: &str) -> Option<(usize, usize)> {
    let parts = || list.split([',', '-']).map(|part| part.parse().ok());
    Some((parts().next()??, parts().next_back()??))
}

#[cfg(test)]
mod tests {
    use super::ends;

    #[test]
    fn lists_of_cores_have_two_ends() {
        assert_eq!(ends("0-1"), Some((0, 1)));
        assert_eq!(ends("2-3,6,8-11"), Some((2, 11)));
        assert_eq!(ends("5"), Some((5, 5)));
        assert_eq!(ends(""), None);
    }
}
