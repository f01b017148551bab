//! Attributes that only the host knows.
//! Source: <https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/attributes>.

use super::error::{AttributeError, refuse};
use super::{Attribute, Lifetime, Step, dotted, is_at_or_below};

/// How the host encodes a property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PropertyType {
    /// Bytes as they are; must be UTF-8.
    Text,
    /// As [`Self::Text`], where the host gives numbers, booleans and lists
    /// too and does not say which: what holds a control character is none.
    PlainText,
    /// Eight bytes, little-endian, signed.
    Integer,
    /// One byte, 0 or 1.
    Bool,
    /// As [`Self::Integer`], in nanoseconds since 1970-01-01 UTC. Its value is
    /// in whole seconds.
    Time,
    /// A message `envoy.config.core.v3.Metadata`, and the way in its
    /// `filter_metadata`: the namespace, the key, and what is below.
    Metadata(Vec<Step>),
}

/// A property that is read from the host, one call each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostProperty {
    /// The path, as `proxy_get_property` takes it.
    pub path: Vec<String>,
    /// How its bytes are to be read.
    pub property_type: PropertyType,
}

/// Envoy's attributes with a plain value, and how it encodes them.
pub(super) const HOST_PROPERTIES: &[(&str, PropertyType)] = &[
    ("request.protocol", PropertyType::Text),
    ("request.time", PropertyType::Time),
    ("source.address", PropertyType::Text),
    ("source.port", PropertyType::Integer),
    ("destination.address", PropertyType::Text),
    ("destination.port", PropertyType::Integer),
    ("connection.id", PropertyType::Integer),
    ("connection.mtls", PropertyType::Bool),
    ("connection.requested_server_name", PropertyType::Text),
    ("connection.tls_version", PropertyType::Text),
    ("connection.subject_local_certificate", PropertyType::Text),
    ("connection.subject_peer_certificate", PropertyType::Text),
    ("connection.dns_san_local_certificate", PropertyType::Text),
    ("connection.dns_san_peer_certificate", PropertyType::Text),
    ("connection.uri_san_local_certificate", PropertyType::Text),
    ("connection.uri_san_peer_certificate", PropertyType::Text),
    (
        "connection.sha256_peer_certificate_digest",
        PropertyType::Text,
    ),
    ("connection.termination_details", PropertyType::Text),
    ("connection.transport_failure_reason", PropertyType::Text),
    ("xds.node.id", PropertyType::Text),
    ("xds.node.cluster", PropertyType::Text),
    ("xds.node.locality.region", PropertyType::Text),
    ("xds.node.locality.zone", PropertyType::Text),
    ("xds.node.locality.sub_zone", PropertyType::Text),
    ("xds.filter_chain_name", PropertyType::Text),
    ("xds.listener_direction", PropertyType::Integer),
    ("xds.route_name", PropertyType::Text),
    ("xds.virtual_host_name", PropertyType::Text),
    ("xds.cluster_name", PropertyType::Text),
];

/// Host properties that are maps: one more step names the entry.
pub(super) const HOST_MAPS: &[&str] = &[
    "xds.node.metadata",
    "filter_state",
    "metadata.filter_metadata",
    "xds.listener_metadata.filter_metadata",
    "xds.route_metadata.filter_metadata",
    "xds.virtual_host_metadata.filter_metadata",
    "xds.cluster_metadata.filter_metadata",
];

/// The last name of a map that is a message [`PropertyType::Metadata`].
const FILTER_METADATA: &str = "filter_metadata";

/// The names of Envoy's attributes that say where a request goes: what stands
/// first in them, or is all of them.
pub(super) const ROUTE_NAMES: &[&str] = &[
    "upstream",
    "xds.route_name",
    "xds.route_metadata",
    "xds.virtual_host_name",
    "xds.virtual_host_metadata",
    "xds.cluster_name",
    "xds.cluster_metadata",
    "xds.upstream_host_metadata",
    "xds.upstream_host_locality_metadata",
];

/// What every request of one connection has alike. The address of the peer is
/// not: the connection manager sets it for each request, from
/// x-forwarded-for. Nor is the protocol: HTTP/1.0 and 1.1 can take turns.
const CONNECTION_NAMES: &[&str] = &[
    "connection",
    "destination",
    "xds.filter_chain_name",
    "xds.listener_direction",
    "xds.listener_metadata",
];

impl HostProperty {
    /// For how long the property at a host's path stays what it is.
    #[must_use]
    pub fn lifetime(path: &[&str]) -> Lifetime {
        if path.starts_with(&["xds", "node"]) {
            return Lifetime::Node;
        }
        let name = path.join(".");
        if CONNECTION_NAMES
            .iter()
            .any(|known| is_at_or_below(&name, known))
        {
            Lifetime::Connection
        } else {
            Lifetime::Request
        }
    }
}

/// A property that is plainly named.
pub(super) fn plain(name: &str) -> Option<Attribute> {
    let (_, property_type) = HOST_PROPERTIES.iter().find(|(known, _)| *known == name)?;
    Some(Attribute::Property(HostProperty {
        path: name.split('.').map(str::to_owned).collect(),
        property_type: property_type.clone(),
    }))
}

/// An entry of a map; `None` where `name` is in none.
pub(super) fn entry(
    name: &str,
    first: &str,
    steps: &[Step],
) -> Option<Result<Attribute, AttributeError>> {
    let map = HOST_MAPS.iter().find(|map| is_at_or_below(name, map))?;
    let known = map.split('.').count().saturating_sub(1);
    let (known, below) = steps.split_at_checked(known)?;
    if let Some(message) = map.strip_suffix(FILTER_METADATA) {
        return Some(metadata(map, message.trim_end_matches('.'), below));
    }
    if below.is_empty() {
        return Some(Err(AttributeError::NeedsIndex { name: map }));
    }
    let is_state = *map == "filter_state";
    if is_state && below.len() > 1 {
        return Some(Err(AttributeError::NotAMap {
            name: "filter_state[...]".to_owned(),
        }));
    }
    let mut path = vec![first.to_owned()];
    for step in known.iter().chain(below) {
        match step {
            Step::Member(name) => path.push(name.clone()),
            Step::Index(_) => return Some(Err(refuse(dotted(first, steps)))),
        }
    }
    let property_type = if is_state {
        PropertyType::Text
    } else {
        PropertyType::PlainText
    };
    Some(Ok(Attribute::Property(HostProperty {
        path,
        property_type,
    })))
}

/// What is below `filter_metadata`: a namespace and a key at least.
fn metadata(map: &'static str, message: &str, below: &[Step]) -> Result<Attribute, AttributeError> {
    match below {
        [Step::Member(_), Step::Member(_), ..] => Ok(Attribute::Property(HostProperty {
            path: message.split('.').map(str::to_owned).collect(),
            property_type: PropertyType::Metadata(below.to_vec()),
        })),
        _ => Err(AttributeError::NeedsNamespace { name: map }),
    }
}
