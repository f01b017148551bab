//! One running Envoy.

use super::clock::Clock;
use crate::client::{self, Request, Response};
use crate::wait::until;
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// How long Envoy may take to start, to answer a push, or to write a log.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// An Envoy that was started; it ends when this is dropped.
pub struct Envoy {
    child: Child,
    folder: PathBuf,
    admin: SocketAddr,
    ingress: SocketAddr,
}

/// How a start ended.
pub enum Started {
    /// It runs and is ready.
    Ready(Envoy),
    /// It refused its configuration and ended; its log.
    Refused(String),
}

impl Envoy {
    /// Starts Envoy with this configuration and waits until it is ready or
    /// has ended. Its files go to `folder`, which is made.
    ///
    /// # Errors
    ///
    /// When it cannot be started, or is neither ready nor ended in time.
    pub fn start(binary: &Path, bootstrap: &Value, folder: &Path) -> Result<Started> {
        Self::start_with(binary, bootstrap, folder, 1)
    }

    /// As [`Envoy::start`], with this many workers.
    ///
    /// # Errors
    ///
    /// As [`Envoy::start`].
    pub fn start_with(
        binary: &Path,
        bootstrap: &Value,
        folder: &Path,
        workers: usize,
    ) -> Result<Started> {
        Self::launch(binary, bootstrap, folder, workers, None)
    }

    /// As [`Envoy::start`], with a clock of its own where one is given.
    ///
    /// # Errors
    ///
    /// As [`Envoy::start`].
    pub fn start_at(
        binary: &Path,
        bootstrap: &Value,
        folder: &Path,
        clock: Option<&Clock>,
    ) -> Result<Started> {
        Self::launch(binary, bootstrap, folder, 1, clock)
    }

    fn launch(
        binary: &Path,
        bootstrap: &Value,
        folder: &Path,
        workers: usize,
        clock: Option<&Clock>,
    ) -> Result<Started> {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("{} cannot be made", folder.display()))?;
        let configuration = folder.join("envoy.json");
        std::fs::write(&configuration, format!("{bootstrap:#}"))?;
        let log = File::create(folder.join("envoy.log"))?;
        let mut program = program(binary);
        if let Some(clock) = clock {
            clock.give_to(&mut program);
        }
        let child = program
            .arg("--config-path")
            .arg(&configuration)
            .arg("--admin-address-path")
            .arg(folder.join("admin.txt"))
            .arg("--concurrency")
            .arg(workers.to_string())
            .args(["--disable-hot-restart", "-l", "info"])
            .args(["--file-flush-interval-msec", "10"])
            .stdin(Stdio::null())
            .stdout(Stdio::from(log.try_clone()?))
            .stderr(Stdio::from(log))
            .spawn()
            .with_context(|| format!("Envoy ({}) cannot be started", binary.display()))?;
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut envoy = Self {
            child,
            folder: folder.to_owned(),
            admin: nowhere,
            ingress: nowhere,
        };
        let ended = until(PATIENCE, || envoy.ready_or_ended())
            .with_context(|| format!("Envoy did not get ready:\n{}", envoy.log_tail()))?;
        match ended {
            None => Ok(Started::Ready(envoy)),
            Some(status) => {
                let log = envoy.log()?;
                ensure!(!status.success(), "Envoy ended at once, without a failure");
                Ok(Started::Refused(log))
            }
        }
    }

    /// `Some(None)` when ready, `Some(status)` when ended, `None` to wait on.
    fn ready_or_ended(&mut self) -> Result<Option<Option<ExitStatus>>> {
        if let Some(status) = self.child.try_wait()? {
            return Ok(Some(Some(status)));
        }
        let Ok(admin) = std::fs::read_to_string(self.folder.join("admin.txt")) else {
            return Ok(None);
        };
        let Ok(admin) = admin.trim().parse() else {
            return Ok(None);
        };
        self.admin = admin;
        // Until it listens, a refused connection is no error.
        if !self.get("/ready").is_ok_and(|ready| ready.status == 200) {
            return Ok(None);
        }
        self.ingress = self.listening(|_| true)?;
        Ok(Some(None))
    }

    /// Where the first listener of such a name is.
    fn listening(&self, is_meant: impl Fn(&str) -> bool) -> Result<SocketAddr> {
        let listeners = self.get("/listeners?format=json")?;
        let listeners: Value = serde_json::from_slice(&listeners.body)?;
        let statuses = listeners
            .get("listener_statuses")
            .and_then(Value::as_array)
            .context("Envoy's /listeners has none")?;
        let name = |status: &Value| status.get("name")?.as_str().map(&is_meant);
        let port = statuses
            .iter()
            .find(|status| name(status) == Some(true))
            .and_then(|status| status.pointer("/local_address/socket_address/port_value"))
            .and_then(Value::as_u64)
            .and_then(|port| u16::try_from(port).ok())
            .context("Envoy's /listeners has no such port")?;
        Ok(SocketAddr::from(([127, 0, 0, 1], port)))
    }

    /// Where the listener of this name accepts connections.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn listener(&self, name: &str) -> Result<SocketAddr> {
        self.listening(|known| known == name)
            .with_context(|| format!("the listener {name}"))
    }

    /// Where it accepts requests.
    #[must_use]
    pub fn ingress(&self) -> SocketAddr {
        self.ingress
    }

    /// Where its admin interface is.
    #[must_use]
    pub fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// The folder of its files.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its process.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    ///
    /// When it cannot be waited for.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        Ok(self.child.wait()?)
    }

    fn get(&self, path: &str) -> Result<Response> {
        client::send(
            self.admin,
            &Request {
                method: "GET",
                path,
                authority: "admin",
                ..Request::default()
            },
        )
    }

    /// Its counters and gauges whose name has `part` in it, by name.
    ///
    /// # Errors
    ///
    /// When the admin interface does not answer.
    pub fn stats(&self, part: &str) -> Result<Vec<(String, u64)>> {
        let path = format!("/stats?filter={part}");
        let response = self.get(&path)?;
        ensure!(response.status == 200, "{path} answers {}", response.status);
        let text = String::from_utf8_lossy(&response.body);
        Ok(text
            .lines()
            .filter_map(|line| {
                let (name, value) = line.split_once(": ")?;
                Some((name.to_owned(), value.parse().ok()?))
            })
            .collect())
    }

    /// All that it logged.
    ///
    /// # Errors
    ///
    /// When the log cannot be read.
    pub fn log(&self) -> Result<String> {
        let bytes = std::fs::read(self.folder.join("envoy.log"))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn log_tail(&self) -> String {
        let log = self.log().unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        let from = lines.len().saturating_sub(20);
        lines.get(from..).unwrap_or_default().join("\n")
    }

    /// Fails when it has ended meanwhile.
    ///
    /// # Errors
    ///
    /// When it has, with the end of its log.
    pub fn must_run(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("Envoy ended by itself ({status}):\n{}", self.log_tail());
        }
        Ok(())
    }
}

/// A command for Envoy that ends with this process, however that ends, where
/// util-linux's setpriv can arrange it.
fn program(binary: &Path) -> Command {
    const SETPRIV: &str = "/usr/bin/setpriv";
    if !Path::new(SETPRIV).exists() {
        return Command::new(binary);
    }
    let mut command = Command::new(SETPRIV);
    command.args(["--pdeathsig", "KILL", "--"]).arg(binary);
    command
}

impl Drop for Envoy {
    fn drop(&mut self) {
        // Both fail only when it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
