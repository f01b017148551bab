//! The servers that ext_authz asks: processes of their own, on the load's core.

use super::cores::Cores;
use super::rules;
use super::variant::{Kind, Variant};
use crate::scenarios::root;
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

/// A running server; it ends when this is dropped.
pub(super) struct Server {
    child: Child,
    address: SocketAddr,
    /// Kept open, or what it prints would end it.
    _output: BufReader<ChildStdout>,
}

impl Server {
    fn start(mut command: Command, cores: Cores) -> Result<Self> {
        let mut child = command
            .args(["--listen", "127.0.0.1:0"])
            // It ends when its input does, however this process ends.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the ext_authz server cannot be started")?;
        let mut output = BufReader::new(child.stdout.take().context("it has no output")?);
        let mut line = String::new();
        output.read_line(&mut line)?;
        let address = line
            .trim()
            .strip_prefix("listening on ")
            .and_then(|address| address.parse().ok())
            .with_context(|| format!("the ext_authz server says {line:?} first"))?;
        cores.pin_load(child.id())?;
        Ok(Self {
            child,
            address,
            _output: output,
        })
    }

    /// Where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process.
    pub(super) fn process_id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The servers of these variants, by kind and number of rules.
pub(super) fn start(
    program: &Path,
    variants: &[Variant],
    cores: Cores,
    folder: &Path,
) -> Result<BTreeMap<(Kind, usize), Server>> {
    let mut servers = BTreeMap::new();
    for variant in variants {
        let key = (variant.kind, variant.rules);
        if servers.contains_key(&key) {
            continue;
        }
        let mut command = Command::new(program);
        match variant.kind {
            Kind::ExtAuthz => {
                command.arg("--answer-at-once");
            }
            Kind::Rego => {
                let file = folder.join(format!("rules-{}.json", variant.rules));
                std::fs::write(&file, rules::rego(variant.rules).to_string())?;
                let keys = root().join("tests").join("keys").join("jwks.json");
                command.arg("--rules").arg(file).arg("--jwks").arg(keys);
            }
            _ => continue,
        }
        let server = Server::start(command, cores).with_context(|| variant.to_string())?;
        servers.insert(key, server);
    }
    Ok(servers)
}
