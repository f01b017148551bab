//! The properties that a module can read: those that were given, else those that follow from the
//! stream, with Envoy's attribute names and types.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use crate::Status;
use crate::context::Stream;
use crate::headers::HeaderMap;
use crate::host::Host;
use crate::property::Property;

/// The bytes of the property at `path`, for the context that the module acts for.
pub(crate) fn property(host: &Host, path: &[String]) -> Result<Vec<u8>, Status> {
    let Some((first, rest)) = path.split_first() else {
        // Envoy tries to serialize the null that it begins with.
        return Err(Status::SerializationFailure);
    };
    if let Some(given) = host.world.lock().properties.get(path) {
        return given.to_bytes();
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
        "node" => found(&node(), rest),
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
    ]))
}

fn xds(stream: Option<&Stream>, rest: &[String]) -> Result<Vec<u8>, Status> {
    match rest.split_first() {
        Some((name, rest)) if name == "node" => found(&node(), rest),
        Some((name, [])) if name == "route_name" && stream.is_some() => Ok(Vec::new()),
        Some(_) => Err(Status::NotFound),
        None => Err(Status::SerializationFailure),
    }
}

fn of_stream(stream: &Stream, first: &str, rest: &[String]) -> Result<Vec<u8>, Status> {
    match (first, rest) {
        ("request" | "response" | "connection" | "source" | "destination", []) => {
            // These are maps whose keys Envoy cannot list.
            Err(Status::SerializationFailure)
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
        ("source", [name, rest @ ..]) => found(&address(name, 50_000)?, rest),
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

/// The two ends of the simulated connection.
fn address(name: &str, port: i64) -> Result<Property, Status> {
    match name {
        "address" => Ok(Property::text(&format!("127.0.0.1:{port}"))),
        "port" => Ok(Property::Int(port)),
        _ => Err(Status::NotFound),
    }
}

fn request(stream: &Stream, name: &str) -> Option<Property> {
    match name {
        "time" => return Some(timestamp(stream.started)),
        "protocol" => return Some(Property::text("HTTP/1.1")),
        _ => {}
    }
    // As in Envoy, once the module let the headers go only the log callback has them again.
    let half = &stream.request;
    if !half.headers_open && !stream.logging {
        return None;
    }
    let headers = &half.headers;
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
        "size" => Some(Property::Int(body_size(headers, &half.body))),
        "total_size" => Some(Property::Int(length(headers.byte_size() + half.body.len()))),
        _ => None,
    }
}

fn response(stream: &Stream, name: &str) -> Option<Property> {
    let half = &stream.response;
    let headers = (half.headers_open || stream.logging).then_some(&half.headers);
    match name {
        "code" => stream.response_code.map(|code| Property::Int(code.into())),
        "code_details" if stream.details.is_empty() => None,
        "code_details" => Some(Property::text(&stream.details)),
        "flags" => Some(Property::Int(0)),
        "size" => Some(Property::Int(length(half.body.len()))),
        "headers" => headers.map(header_map),
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
fn body_size(headers: &HeaderMap, body: &[u8]) -> i64 {
    headers
        .text("content-length")
        .and_then(|text| text.parse().ok())
        .unwrap_or(length(body.len()))
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
