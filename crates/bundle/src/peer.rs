//! The manifest's `peer`, checked.

use doorward_request::{PeerSettings, PeerSource, SpiffeId, is_trust_domain};

use crate::error::BundleError;
use crate::manifest::Peer;
use serde_json::Value;

/// From JSON, by hand: a visitor of its own takes kilobytes of the module.
impl TryFrom<Value> for Peer {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let Value::Object(members) = value else {
            return Err("peer is not a map".to_owned());
        };
        let mut peer = Self::default();
        for (name, value) in members {
            match (name.as_str(), value) {
                ("trust_domains", Value::Array(names)) => peer.trust_domains = texts(&name, names)?,
                ("from", Value::String(source)) => peer.from = Some(source),
                ("client_certificates_verified", Value::Bool(verified)) => {
                    peer.client_certificates_verified = verified;
                }
                ("trusted_proxies", Value::Array(ids)) => peer.trusted_proxies = texts(&name, ids)?,
                _ => {
                    return Err(format!(
                        "peer.{name} is not known, or not of its type: peer has trust_domains and trusted_proxies (lists of texts), from (a text) and client_certificates_verified (true or false)"
                    ));
                }
            }
        }
        Ok(peer)
    }
}

fn texts(name: &str, items: Vec<Value>) -> Result<Vec<String>, String> {
    let text = |item| match item {
        Value::String(text) => Ok(text),
        _ => Err(format!("peer.{name} is not a list of texts")),
    };
    items.into_iter().map(text).collect()
}

/// The settings of `peer.*`, which the mapping reads or not. What is written
/// must be right in any case; whether it suffices matters where it is read.
pub(crate) fn load(
    peer: Option<&Peer>,
    is_read: bool,
) -> Result<Option<PeerSettings>, BundleError> {
    let Some(peer) = peer else {
        if is_read {
            return Err(BundleError::field(
                "peer",
                "is missing, but request reads peer: name the trust domains whose peers are accepted, such as {trust_domains: [cluster.local], client_certificates_verified: true}",
            ));
        }
        return Ok(None);
    };
    let settings = PeerSettings {
        trust_domains: trust_domains(&peer.trust_domains)?,
        source: source(peer)?,
    };
    if is_read {
        check(peer, &settings)?;
    }
    Ok(Some(settings))
}

fn trust_domains(names: &[String]) -> Result<Vec<String>, BundleError> {
    for (index, name) in names.iter().enumerate() {
        if !is_trust_domain(name) {
            return Err(BundleError::field(
                format!("peer.trust_domains[{index}]"),
                format!(
                    "{name:?} is not 1 to 255 lower-case letters, digits, '-', '_' and '.', without a scheme"
                ),
            ));
        }
    }
    Ok(names.to_vec())
}

fn source(peer: &Peer) -> Result<PeerSource, BundleError> {
    for (index, id) in peer.trusted_proxies.iter().enumerate() {
        if SpiffeId::parse(id).is_none() {
            return Err(BundleError::field(
                format!("peer.trusted_proxies[{index}]"),
                format!(
                    "{id:?} is not the SPIFFE ID of a workload, such as \"spiffe://cluster.local/ns/istio-system/sa/ingress\""
                ),
            ));
        }
    }
    match peer.from.as_deref() {
        None | Some("certificate") => Ok(PeerSource::Certificate),
        Some("filter_state") => Ok(PeerSource::FilterState),
        Some("forwarded_client_cert") => Ok(PeerSource::ForwardedClientCert {
            trusted_proxies: peer.trusted_proxies.clone(),
        }),
        Some(other) => Err(BundleError::field(
            "peer.from",
            format!("{other:?} is none of certificate, filter_state and forwarded_client_cert"),
        )),
    }
}

/// Whether what is written suffices to know a peer.
fn check(peer: &Peer, settings: &PeerSettings) -> Result<(), BundleError> {
    if settings.trust_domains.is_empty() {
        return Err(BundleError::field(
            "peer.trust_domains",
            "names none, but request reads peer: name the trust domains whose peers are accepted, such as [cluster.local]",
        ));
    }
    let by_certificate = settings.source != PeerSource::FilterState;
    if by_certificate && !peer.client_certificates_verified {
        return Err(BundleError::field(
            "peer.client_certificates_verified",
            "is not true, but request reads peer: say so only where the listener verifies the certificates of its clients (require_client_certificate, and no ACCEPT_UNTRUSTED), since nothing tells a request's policy whether it does",
        ));
    }
    match &settings.source {
        PeerSource::ForwardedClientCert { trusted_proxies } if trusted_proxies.is_empty() => {
            Err(BundleError::field(
                "peer.trusted_proxies",
                "names none, but from is forwarded_client_cert: name the SPIFFE IDs of the proxies whose x-forwarded-client-cert is believed",
            ))
        }
        _ => Ok(()),
    }
}
