//! A peer with a certificate, as a scenario's `connection.*` facts want it:
//! mutual TLS between the Envoy under test and another one before it.

use super::process::Envoy;
use crate::mtls::certificates::Authority;
use crate::mtls::tls::{Chains, Client, ClientSide, Version, secure};
use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

/// What the names of these facts begin with.
const PREFIX: &str = "connection.";

/// The SPIFFE ID of the server's side.
const SERVER: &str = "spiffe://server.example/ns/tests/sa/server";

/// A peer whose certificate is verified.
pub(super) struct Peer {
    uri: String,
    version: Version,
    authority: Authority,
}

impl Peer {
    /// The peer that these facts are about, and the facts that are about
    /// something else.
    ///
    /// # Errors
    ///
    /// When a peer cannot be made so.
    pub(super) fn of(
        facts: &BTreeMap<String, Value>,
    ) -> Result<(Option<Self>, BTreeMap<String, Value>)> {
        let (connection, others): (BTreeMap<String, Value>, _) = facts
            .clone()
            .into_iter()
            .partition(|(name, _)| name.starts_with(PREFIX));
        if connection.is_empty() {
            return Ok((None, others));
        }
        let fact = |name: &str| connection.get(&format!("{PREFIX}{name}"));
        let text = |name: &str| fact(name).and_then(Value::as_str);
        let uri = text("uri_san_peer_certificate");
        let version = text("tls_version").and_then(Version::named);
        let is_whole = connection.len() == 3 && fact("mtls") == Some(&json!(true));
        let (Some(uri), Some(version), true) = (uri, version, is_whole) else {
            bail!(
                "of `connection`, Envoy is given mtls: true, tls_version and \
                 uri_san_peer_certificate together, and nothing else; leave Envoy out in `runs_on`"
            );
        };
        ensure!(uri.is_ascii(), "{uri:?} is no URI");
        let peer = Self {
            uri: uri.to_owned(),
            version,
            authority: Authority::new()?,
        };
        Ok((Some(peer), others))
    }

    /// Has the listener of the Envoy under test ask for the peer's certificate.
    ///
    /// # Errors
    ///
    /// When a certificate cannot be made.
    pub(super) fn secure(&self, bootstrap: &mut Value) -> Result<()> {
        let server = self.authority.issue(SERVER)?;
        secure(bootstrap, &server, self.authority.root(), Chains::Verified)
    }

    /// The Envoy that has the certificate, and where it takes plain requests.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub(super) fn start(
        &self,
        binary: &Path,
        folder: &Path,
        server: &Envoy,
    ) -> Result<(ClientSide, SocketAddr)> {
        let identity = self.authority.issue(&self.uri)?;
        let client = Client {
            name: "peer",
            identity: &identity,
            version: self.version,
        };
        let folder = folder.join("client");
        let root = self.authority.root();
        let side = ClientSide::start(binary, &folder, server.ingress(), root, &[client])?;
        let address = side.address("peer")?;
        Ok((side, address))
    }
}
