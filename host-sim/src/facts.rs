//! The properties that a module can read: those that were given, else those that follow from the
//! stream, with Envoy's attribute names and types.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

use crate::Status;
use crate::context::Stream;
use crate::headers::HeaderMap;
use crate::host::Host;
use crate::metadata;
use crate::property::Property;

/// The bytes of the property at `path`, for the context that the module acts for.
pub(crate) fn property(host: &Host, path: &[String]) -> Result<Vec<u8>, Status> {
    let Some((first, rest)) = path.split_first() else {
        // Envoy tries to serialize the null that it begins with.
        return Err(Status::SerializationFailure);
    };
    if let Some(given) = host.world.lock().properties.get(path) {
        return metadata::message(path, given).map_or_else(|| given.to_bytes(), Ok);
    }
    let stream = host.stream(host.acting());
    match first.as_str() {
        "plugin_name" | "plugin_root_id" | "plugin_vm_id" => {
            let world = host.world.lock();
            let text = match first.as_str() {
                "plugin_name" => &world.plugin_name,
                "plugin_root_id" => &world.root_id,
                _ => &world.vm_id,
            };
            found(&Property::text(text), rest)
        }
        "xds" => xds(stream, rest),
        _ => match stream {
            None => Err(Status::NotFound),
            Some(stream) => of_stream(stream, first, rest),
        },
    }
}

fn found(property: &Property, rest: &[String]) -> Result<Vec<u8>, Status> {
    property.get(rest).ok_or(Status::NotFound)?.to_bytes()
}

/// The node of a bootstrap that names none.
fn node() -> Property {
    Property::Map(BTreeMap::from([
        ("id".to_owned(), Property::text("")),
        ("cluster".to_owned(), Property::text("")),
        ("metadata".to_owned(), Property::Map(BTreeMap::new())),
        (
            "locality".to_owned(),
            Property::Map(BTreeMap::from(
                ["region", "zone", "sub_zone"].map(|name| (name.to_owned(), Property::text(""))),
            )),
        ),
    ]))
}

fn xds(stream: Option<&Stream>, rest: &[String]) -> Result<Vec<u8>, Status> {
    let Some((name, rest)) = rest.split_first() else {
        return Err(Status::SerializationFailure);
    };
    match (name.as_str(), stream) {
        ("node", _) => found(&node(), rest),
        // The names of a route, a cluster and a filter chain that have none.
        ("route_name" | "cluster_name" | "filter_chain_name" | "virtual_host_name", Some(_)) => {
            found(&Property::text(""), rest)
        }
        // Metadata that is configured nowhere: an empty message.
        (
            "route_metadata" | "virtual_host_metadata" | "cluster_metadata" | "listener_metadata",
            Some(_),
        ) if rest.is_empty() => Ok(Vec::new()),
        ("listener_direction", Some(_)) => found(&Property::Int(0), rest),
        _ => Err(Status::NotFound),
    }
}

fn of_stream(stream: &Stream, first: &str, rest: &[String]) -> Result<Vec<u8>, Status> {
    match (first, rest) {
        ("request" | "response" | "connection" | "source" | "destination" | "filter_state", []) => {
            // These are maps whose keys Envoy cannot list.
            Err(Status::SerializationFailure)
        }
        // Dynamic metadata that no filter has set: an empty message.
        ("metadata", []) => Ok(Vec::new()),
        ("request" | "response", [headers, name]) if headers == "headers" => {
            let half = match first {
                "request" => request_headers(stream),
                _ => response_headers(stream),
            };
            half.and_then(|headers| headers.joined(name))
                .ok_or(Status::NotFound)
        }
        ("request", [name, rest @ ..]) => {
            found(&request(stream, name).ok_or(Status::NotFound)?, rest)
        }
        ("response", [name, rest @ ..]) => {
            found(&response(stream, name).ok_or(Status::NotFound)?, rest)
        }
        ("connection", [name, rest @ ..]) => found(
            &match name.as_str() {
                "id" => Property::Uint(stream.connection_id),
                "mtls" => Property::Bool(false),
                "requested_server_name" => Property::text(""),
                _ => return Err(Status::NotFound),
            },
            rest,
        ),
        ("connection_id", rest) => found(&Property::Uint(stream.connection_id), rest),
        ("source", [name, rest @ ..]) => found(&source(stream, name)?, rest),
        ("destination", [name, rest @ ..]) => found(&address(name, 10_000)?, rest),
        ("filter_state", [name]) => {
            let name = name.strip_prefix("wasm.").ok_or(Status::NotFound)?;
            filter_state(stream, name)
        }
        (name, []) => filter_state(stream, name),
        _ => Err(Status::NotFound),
    }
}

/// A value that the module set itself.
fn filter_state(stream: &Stream, name: &str) -> Result<Vec<u8>, Status> {
    stream
        .filter_state
        .get(name.as_bytes())
        .cloned()
        .ok_or(Status::NotFound)
}

/// Where the request came from. Without `use_remote_address` Envoy takes the last address of
/// x-forwarded-for, if it is one, with the port 0.
fn source(stream: &Stream, name: &str) -> Result<Property, Status> {
    let list = stream.request.headers.joined("x-forwarded-for");
    let last = list.and_then(|list| {
        let list = String::from_utf8(list).ok()?;
        let last = list.rsplit(',').next()?.trim_matches([' ', '\t']);
        last.parse::<IpAddr>().ok()
    });
    match (name, last) {
        ("address", Some(last)) => Ok(Property::text(&SocketAddr::new(last, 0).to_string())),
        ("port", Some(_)) => Ok(Property::Int(0)),
        _ => address(name, 50_000),
    }
}

/// The two ends of the simulated connection.
fn address(name: &str, port: i64) -> Result<Property, Status> {
    match name {
        "address" => Ok(Property::text(&format!("127.0.0.1:{port}"))),
        "port" => Ok(Property::Int(port)),
        _ => Err(Status::NotFound),
    }
}

/// The request's headers: once the module let them go, only the log callback has them again.
fn request_headers(stream: &Stream) -> Option<&HeaderMap> {
    let half = &stream.request;
    (half.headers_open || stream.logging).then_some(&half.headers)
}

fn response_headers(stream: &Stream) -> Option<&HeaderMap> {
    let half = &stream.response;
    (half.headers_open || stream.logging).then_some(&half.headers)
}

fn request(stream: &Stream, name: &str) -> Option<Property> {
    match name {
        "time" => return Some(timestamp(stream.started)),
        "protocol" => return Some(Property::text("HTTP/1.1")),
        _ => {}
    }
    let received = stream.request.received;
    match (name, request_headers(stream)) {
        ("size", headers) => return Some(Property::Int(body_size(headers, received))),
        ("total_size", headers) => {
            let headers = headers.map_or(0, HeaderMap::byte_size);
            return Some(Property::Int(length(headers + received)));
        }
        _ => {}
    }
    let headers = request_headers(stream)?;
    let header = |name: &str| {
        headers
            .get(name)
            .map(|value| Property::Bytes(value.to_vec()))
    };
    match name {
        "path" => header(":path"),
        "url_path" => {
            let path = headers.text(":path")?;
            let end = path.find('?').unwrap_or(path.len());
            path.get(..end).map(Property::text)
        }
        "query" => {
            let path = headers.text(":path")?;
            let query = path.split_once('?').map_or("", |(_, query)| query);
            let query = query.split_once('#').map_or(query, |(query, _)| query);
            Some(Property::text(query))
        }
        "host" => header(":authority"),
        "scheme" => header(":scheme"),
        "method" => header(":method"),
        "referer" => header("referer"),
        "useragent" => header("user-agent"),
        "id" => header("x-request-id"),
        "headers" => Some(header_map(headers)),
        _ => None,
    }
}

fn response(stream: &Stream, name: &str) -> Option<Property> {
    let half = &stream.response;
    let headers = response_headers(stream);
    match name {
        "code" => stream.response_code.map(|code| Property::Int(code.into())),
        "code_details" => stream.details.as_deref().map(Property::text),
        "flags" => Some(Property::Int(0)),
        "size" => Some(Property::Int(length(half.body.len()))),
        "headers" => Some(headers.map_or(Property::Map(BTreeMap::new()), header_map)),
        "total_size" => {
            headers.map(|headers| Property::Int(length(headers.byte_size() + half.body.len())))
        }
        _ => None,
    }
}

/// Headers as an attribute: the values of a repeated header joined by commas.
fn header_map(headers: &HeaderMap) -> Property {
    Property::Map(
        headers
            .entries()
            .iter()
            .map(|(name, _)| {
                let value = headers.joined(name).unwrap_or_default();
                (name.clone(), Property::Bytes(value))
            })
            .collect(),
    )
}

/// The length that the client announced, else what has come so far.
fn body_size(headers: Option<&HeaderMap>, received: usize) -> i64 {
    headers
        .and_then(|headers| headers.text("content-length"))
        .and_then(|text| text.parse().ok())
        .unwrap_or(length(received))
}

fn length(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

fn timestamp(time: SystemTime) -> Property {
    let since = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    Property::Int(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}
