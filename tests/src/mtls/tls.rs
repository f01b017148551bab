//! TLS between two Envoys: the listener of the server's side, and an Envoy at
//! the client's side that takes plain connections and carries them on with a
//! certificate of its own, as a sidecar does.

use super::certificates::Identity;
use crate::envoy::process::{Envoy, Started};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;

/// What the server's listener does with a certificate that no authority of its
/// own has signed (Envoy's `trust_chain_verification`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chains {
    /// Refuses the connection; Envoy's default.
    Verified,
    /// Takes it as if it were verified.
    AcceptUntrusted,
}

/// The TLS versions that a client offers, by Envoy's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// TLS 1.2.
    Tls12,
    /// TLS 1.3.
    Tls13,
}

impl Version {
    /// The version by the name that `connection.tls_version` has for it.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "TLSv1.2" => Some(Self::Tls12),
            "TLSv1.3" => Some(Self::Tls13),
            _ => None,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Tls12 => "TLSv1_2",
            Self::Tls13 => "TLSv1_3",
        }
    }
}

/// Gives the first listener of a configuration TLS that asks for a client's
/// certificate.
///
/// # Errors
///
/// When the configuration has no listener.
pub fn secure(bootstrap: &mut Value, server: &Identity, root: &str, chains: Chains) -> Result<()> {
    let mut validation = json!({"trusted_ca": {"inline_string": root}});
    if chains == Chains::AcceptUntrusted {
        validation["trust_chain_verification"] = json!("ACCEPT_UNTRUSTED");
    }
    let chain = bootstrap
        .pointer_mut("/static_resources/listeners/0/filter_chains/0")
        .context("there is no listener")?;
    chain["transport_socket"] = json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.\
                      DownstreamTlsContext",
            "require_client_certificate": true,
            "common_tls_context": {
                "tls_params": {
                    "tls_minimum_protocol_version": "TLSv1_2",
                    "tls_maximum_protocol_version": "TLSv1_3",
                },
                "tls_certificates": [certificate(server)],
                "validation_context": validation,
            },
        },
    });
    Ok(())
}

fn certificate(identity: &Identity) -> Value {
    json!({
        "certificate_chain": {"inline_string": identity.certificate},
        "private_key": {"inline_string": identity.key},
    })
}

/// A client of the server's side.
pub struct Client<'a> {
    /// The name of its listener.
    pub name: &'a str,
    /// Its certificate.
    pub identity: &'a Identity,
    /// The TLS version that it speaks.
    pub version: Version,
}

/// The Envoy at the client's side, with one listener for each client.
pub struct ClientSide(Envoy);

impl ClientSide {
    /// Starts it; what comes to its listeners goes to `server`, whose
    /// certificate has to be signed by `root`.
    ///
    /// # Errors
    ///
    /// When Envoy cannot be started.
    pub fn start(
        binary: &Path,
        folder: &Path,
        server: SocketAddr,
        root: &str,
        clients: &[Client<'_>],
    ) -> Result<Self> {
        let listeners: Vec<Value> = clients.iter().map(|client| listener(client.name)).collect();
        let clusters = clients.iter().map(|client| cluster(client, server, root));
        let clusters: Vec<Value> = clusters.collect();
        let bootstrap = json!({
            "node": {"id": "client-side", "cluster": "tests"},
            "admin": {"address": loopback(0)},
            "static_resources": {"listeners": listeners, "clusters": clusters},
        });
        match Envoy::start(binary, &bootstrap, folder)? {
            Started::Ready(envoy) => Ok(Self(envoy)),
            Started::Refused(log) => bail!("the client's Envoy refused its configuration:\n{log}"),
        }
    }

    /// Where the client of this name takes connections.
    ///
    /// # Errors
    ///
    /// When there is none of this name.
    pub fn address(&self, name: &str) -> Result<SocketAddr> {
        self.0.listener(name)
    }
}

fn listener(name: &str) -> Value {
    json!({
        "name": name,
        "address": loopback(0),
        "filter_chains": [{
            "filters": [{
                "name": "envoy.filters.network.tcp_proxy",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.\
                              TcpProxy",
                    "stat_prefix": name,
                    "cluster": name,
                },
            }],
        }],
    })
}

fn cluster(client: &Client<'_>, server: SocketAddr, root: &str) -> Value {
    let version = client.version.as_str();
    json!({
        "name": client.name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": {
            "cluster_name": client.name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": loopback(server.port())}}]}],
        },
        "transport_socket": {
            "name": "envoy.transport_sockets.tls",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.\
                          UpstreamTlsContext",
                "common_tls_context": {
                    "tls_params": {
                        "tls_minimum_protocol_version": version,
                        "tls_maximum_protocol_version": version,
                    },
                    "tls_certificates": [certificate(client.identity)],
                    "validation_context": {"trusted_ca": {"inline_string": root}},
                },
            },
        },
    })
}

fn loopback(port: u16) -> Value {
    json!({"socket_address": {"address": "127.0.0.1", "port_value": port}})
}
