//! Attributes that only the host knows.

use super::error::{AttributeError, refuse};
use super::{Attribute, Step, dotted, is_at_or_below};

/// How the host encodes a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PropertyType {
    /// Bytes as they are; must be UTF-8.
    Text,
    /// Eight bytes, little-endian, signed.
    Integer,
    /// One byte, 0 or 1.
    Bool,
}

/// A property that is read from the host, one call each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostProperty {
    /// The path, as `proxy_get_property` takes it.
    pub path: Vec<String>,
    /// How its bytes are to be read.
    pub property_type: PropertyType,
}

/// Envoy's attributes that only the host knows, and how it encodes them.
/// Source: <https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/attributes>.
///
/// The names of route and cluster are not among them: a header edit sends the
/// request to another route than the one whose name was read.
pub(super) const HOST_PROPERTIES: &[(&str, PropertyType)] = &[
    ("request.protocol", PropertyType::Text),
    ("source.address", PropertyType::Text),
    ("source.port", PropertyType::Integer),
    ("destination.address", PropertyType::Text),
    ("destination.port", PropertyType::Integer),
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
    ("xds.node.id", PropertyType::Text),
    ("xds.node.cluster", PropertyType::Text),
    ("xds.filter_chain_name", PropertyType::Text),
];

/// Host properties that are maps of text: one more step names the entry.
pub(super) const HOST_MAPS: &[&str] = &["xds.node.metadata"];

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

/// A property that is plainly named.
pub(super) fn plain(name: &str) -> Option<Attribute> {
    let (_, property_type) = HOST_PROPERTIES.iter().find(|(known, _)| *known == name)?;
    Some(Attribute::Property(HostProperty {
        path: name.split('.').map(str::to_owned).collect(),
        property_type: *property_type,
    }))
}

/// An entry of a map; `None` where `name` is in none.
pub(super) fn entry(
    name: &str,
    first: &str,
    steps: &[Step],
) -> Option<Result<Attribute, AttributeError>> {
    let map = HOST_MAPS.iter().find(|map| is_at_or_below(name, map))?;
    Some(map_entry(map, first, steps))
}

fn map_entry(map: &'static str, first: &str, steps: &[Step]) -> Result<Attribute, AttributeError> {
    let mut path = vec![first.to_owned()];
    for step in steps {
        match step {
            Step::Member(name) => path.push(name.clone()),
            Step::Index(_) => return Err(refuse(dotted(first, steps))),
        }
    }
    if path.len() == map.split('.').count() {
        return Err(AttributeError::NeedsIndex { name: map });
    }
    Ok(Attribute::Property(HostProperty {
        path,
        property_type: PropertyType::Text,
    }))
}
