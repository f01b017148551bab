//! Header maps, buffers, and what becomes of a stream.

use wasmtime::Linker;

use super::host_call;
use crate::Status;
use crate::context::LocalReply;
use crate::guest::{Answer, Guest};
use crate::headers::HeaderMap;
use crate::host::Host;
use crate::pairs;

pub(super) fn register(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    register_headers(linker)?;
    register_buffers(linker)?;
    host_call!(linker, "proxy_continue_stream", |guest, direction: u32| {
        continue_stream(guest, direction)
    });
    host_call!(linker, "proxy_close_stream", |guest, direction: u32| {
        close_stream(guest, direction)
    });
    host_call!(
        linker,
        "proxy_send_local_response",
        |guest,
         status: u32,
         details: u32,
         details_length: u32,
         body: u32,
         body_length: u32,
         headers: u32,
         headers_length: u32,
         grpc_status: u32| {
            let details = guest.read_text(details, details_length)?;
            let reply = LocalReply {
                status,
                details: details.replace(char::is_whitespace, "_"),
                body: guest.read(body, body_length)?,
                headers: pairs::decode(&guest.read(headers, headers_length)?),
                // A number that is no gRPC status, such as the SDKs' -1, stands for none.
                grpc_status: (grpc_status <= 16).then_some(grpc_status),
            };
            let host = guest.host();
            let acting = host.acting();
            if let Some(stream) = host.stream_mut(acting) {
                // The first reply is sent; the details are those of the last one.
                let details = reply.details.clone();
                stream.local_reply.get_or_insert(reply).details = details;
            }
            Ok(())
        }
    );
    Ok(())
}

fn register_headers(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    host_call!(
        linker,
        "proxy_get_header_map_pairs",
        |guest, map: u32, pairs_at: u32, length_at: u32| {
            let map = MapType::from_number(map)?;
            // A map that is not there has no pairs, and no pairs are no bytes at all.
            let bytes = match readable(guest.host(), map) {
                Some(map) if map.len() > 0 => pairs::encode(map.entries()),
                _ => Vec::new(),
            };
            guest.give(&bytes, pairs_at, length_at)
        }
    );
    host_call!(
        linker,
        "proxy_set_header_map_pairs",
        |guest, map: u32, pairs: u32, length: u32| {
            let map = MapType::from_number(map)?;
            let pairs = pairs::decode(&guest.read(pairs, length)?);
            let map = writable(guest.host(), map)?;
            map.clear();
            for (name, value) in pairs {
                map.add(&String::from_utf8_lossy(&name), &value);
            }
            Ok(())
        }
    );
    host_call!(
        linker,
        "proxy_get_header_map_value",
        |guest, map: u32, name: u32, name_length: u32, value_at: u32, length_at: u32| {
            let map = MapType::from_number(map)?;
            let name = guest.read_text(name, name_length)?;
            let host = guest.host();
            let value = match readable(host, map) {
                Some(map) => map.get(&name).ok_or(Status::NotFound)?.to_vec(),
                None if is_logging(host) => return Err(Status::NotFound.into()),
                None => return Err(Status::BadArgument.into()),
            };
            guest.give(&value, value_at, length_at)
        }
    );
    host_call!(
        linker,
        "proxy_add_header_map_value",
        |guest, map: u32, name: u32, name_length: u32, value: u32, length: u32| {
            let map = MapType::from_number(map)?;
            let name = guest.read_text(name, name_length)?;
            let value = guest.read(value, length)?;
            writable(guest.host(), map)?.add(&name, &value);
            Ok(())
        }
    );
    host_call!(
        linker,
        "proxy_replace_header_map_value",
        |guest, map: u32, name: u32, name_length: u32, value: u32, length: u32| {
            let map = MapType::from_number(map)?;
            let name = guest.read_text(name, name_length)?;
            let value = guest.read(value, length)?;
            writable(guest.host(), map)?.set(&name, &value);
            Ok(())
        }
    );
    host_call!(
        linker,
        "proxy_remove_header_map_value",
        |guest, map: u32, name: u32, name_length: u32| {
            let map = MapType::from_number(map)?;
            let name = guest.read_text(name, name_length)?;
            writable(guest.host(), map)?.remove(&name);
            Ok(())
        }
    );
    host_call!(
        linker,
        "proxy_get_header_map_size",
        |guest, map: u32, size_at: u32| {
            let map = MapType::from_number(map)?;
            let size = writable(guest.host(), map)?.byte_size();
            let size = u32::try_from(size).map_err(|_| Status::InternalFailure)?;
            Ok(guest.write_u32(size_at, size)?)
        }
    );
    Ok(())
}

/// The header maps of the ABI.
#[derive(Clone, Copy)]
enum MapType {
    RequestHeaders,
    RequestTrailers,
    ResponseHeaders,
    ResponseTrailers,
    GrpcInitialMetadata,
    GrpcTrailingMetadata,
    CallResponseHeaders,
    CallResponseTrailers,
}

impl MapType {
    fn from_number(number: u32) -> Result<Self, Status> {
        Ok(match number {
            0 => Self::RequestHeaders,
            1 => Self::RequestTrailers,
            2 => Self::ResponseHeaders,
            3 => Self::ResponseTrailers,
            4 => Self::GrpcInitialMetadata,
            5 => Self::GrpcTrailingMetadata,
            6 => Self::CallResponseHeaders,
            7 => Self::CallResponseTrailers,
            _ => return Err(Status::BadArgument),
        })
    }
}

fn is_logging(host: &Host) -> bool {
    host.stream(host.acting())
        .is_some_and(|stream| stream.logging)
}

/// The map as the module may read it now.
fn readable(host: &Host, map: MapType) -> Option<&HeaderMap> {
    match map {
        MapType::CallResponseHeaders => return host.call_response.as_ref().map(|r| &r.headers),
        MapType::CallResponseTrailers => {
            let trailers = host.call_response.as_ref().map(|r| &r.trailers);
            return trailers.filter(|trailers| trailers.len() > 0);
        }
        _ => {}
    }
    let stream = host.stream(host.acting())?;
    let (half, is_headers) = match map {
        MapType::RequestHeaders => (&stream.request, true),
        MapType::RequestTrailers => (&stream.request, false),
        MapType::ResponseHeaders => (&stream.response, true),
        MapType::ResponseTrailers => (&stream.response, false),
        _ => return None,
    };
    if is_headers {
        (stream.logging || half.headers_open).then_some(&half.headers)
    } else {
        half.trailers_open.then_some(&half.trailers)
    }
}

/// The map as the module may change it now.
fn writable(host: &mut Host, map: MapType) -> Result<&mut HeaderMap, Status> {
    let acting = host.acting();
    let stream = host.stream_mut(acting).ok_or(Status::BadArgument)?;
    let (half, is_headers) = match map {
        MapType::RequestHeaders => (&mut stream.request, true),
        MapType::RequestTrailers => (&mut stream.request, false),
        MapType::ResponseHeaders => (&mut stream.response, true),
        MapType::ResponseTrailers => (&mut stream.response, false),
        _ => return Err(Status::BadArgument),
    };
    if is_headers && half.headers_open {
        Ok(&mut half.headers)
    } else if !is_headers && half.trailers_open {
        Ok(&mut half.trailers)
    } else {
        Err(Status::BadArgument)
    }
}

fn register_buffers(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    host_call!(
        linker,
        "proxy_get_buffer_bytes",
        |guest, buffer: u32, start: u32, length: u32, data_at: u32, length_at: u32| {
            let data = buffer_bytes(guest.host(), BufferType::from_number(buffer)?)?;
            let start = usize::try_from(start).map_err(|_| Status::BadArgument)?;
            let length = usize::try_from(length).map_err(|_| Status::BadArgument)?;
            let end = start.saturating_add(length).min(data.len());
            let data = data.get(start..end).unwrap_or_default();
            guest.give(data, data_at, length_at)
        }
    );
    host_call!(
        linker,
        "proxy_get_buffer_status",
        |guest, buffer: u32, length_at: u32, flags_at: u32| {
            let data = buffer_bytes(guest.host(), BufferType::from_number(buffer)?)?;
            let length = u32::try_from(data.len()).map_err(|_| Status::InternalFailure)?;
            guest.write_u32(length_at, length)?;
            Ok(guest.write_u32(flags_at, 0)?)
        }
    );
    host_call!(
        linker,
        "proxy_set_buffer_bytes",
        |guest, buffer: u32, start: u32, length: u32, data: u32, data_length: u32| {
            let buffer = BufferType::from_number(buffer)?;
            buffer_bytes(guest.host(), buffer)?;
            let data = guest.read(data, data_length)?;
            let body = body_mut(guest.host(), buffer).ok_or(Status::BadArgument)?;
            Ok(edit(body, start, length, &data)?)
        }
    );
    Ok(())
}

/// The buffers of the ABI.
#[derive(Clone, Copy)]
enum BufferType {
    RequestBody,
    ResponseBody,
    DownstreamData,
    UpstreamData,
    CallResponseBody,
    GrpcMessage,
    VmConfiguration,
    PluginConfiguration,
    CallData,
}

impl BufferType {
    fn from_number(number: u32) -> Result<Self, Status> {
        Ok(match number {
            0 => Self::RequestBody,
            1 => Self::ResponseBody,
            2 => Self::DownstreamData,
            3 => Self::UpstreamData,
            4 => Self::CallResponseBody,
            5 => Self::GrpcMessage,
            6 => Self::VmConfiguration,
            7 => Self::PluginConfiguration,
            8 => Self::CallData,
            _ => return Err(Status::BadArgument),
        })
    }
}

/// The bytes of a buffer; a body that is not shown now is empty, as in Envoy.
fn buffer_bytes(host: &Host, buffer: BufferType) -> Result<Vec<u8>, Status> {
    let stream = host.stream(host.acting());
    match buffer {
        BufferType::RequestBody | BufferType::ResponseBody => {
            let half = stream.map(|stream| match buffer {
                BufferType::RequestBody => &stream.request,
                _ => &stream.response,
            });
            Ok(half
                .filter(|half| half.body_open)
                .map(|half| half.body.clone())
                .unwrap_or_default())
        }
        BufferType::CallResponseBody => host
            .call_response
            .as_ref()
            .map(|response| response.body.clone())
            .ok_or(Status::NotFound),
        BufferType::VmConfiguration => Ok(host.world.lock().vm_configuration.clone().into_bytes()),
        BufferType::PluginConfiguration => host
            .configuring
            .clone()
            .map(String::into_bytes)
            .ok_or(Status::NotFound),
        BufferType::DownstreamData
        | BufferType::UpstreamData
        | BufferType::GrpcMessage
        | BufferType::CallData => Ok(Vec::new()),
    }
}

fn body_mut(host: &mut Host, buffer: BufferType) -> Option<&mut Vec<u8>> {
    let acting = host.acting();
    let stream = host.stream_mut(acting)?;
    let half = match buffer {
        BufferType::RequestBody => &mut stream.request,
        BufferType::ResponseBody => &mut stream.response,
        _ => return None,
    };
    half.body_open.then_some(&mut half.body)
}

/// Replaces the first `length` bytes, or appends; Envoy refuses everything else.
fn edit(body: &mut Vec<u8>, start: u32, length: u32, data: &[u8]) -> Result<(), Status> {
    let start = usize::try_from(start).map_err(|_| Status::BadArgument)?;
    let length = usize::try_from(length).map_err(|_| Status::BadArgument)?;
    if start == 0 {
        body.splice(..length.min(body.len()), data.iter().copied());
    } else if start >= body.len() {
        body.extend_from_slice(data);
    } else {
        return Err(Status::BadArgument);
    }
    Ok(())
}

/// Request, response, downstream connection, upstream connection; only the first two are here.
fn continue_stream(guest: &mut Guest<'_>, direction: u32) -> Answer {
    match direction {
        0 | 1 => {}
        2 => return Ok(()),
        3 => return Err(Status::Unimplemented.into()),
        _ => return Err(Status::BadArgument.into()),
    }
    let host = guest.host();
    let acting = host.acting();
    if let Some(stream) = host.stream_mut(acting) {
        // Envoy lets go of the request in both cases.
        stream.request.close();
        if direction == 0 {
            stream.request.resumed = true;
        } else {
            stream.response.resumed = true;
        }
    }
    Ok(())
}

fn close_stream(guest: &mut Guest<'_>, direction: u32) -> Answer {
    if direction > 3 {
        return Err(Status::BadArgument.into());
    }
    let host = guest.host();
    let acting = host.acting();
    if direction <= 1
        && let Some(stream) = host.stream_mut(acting)
    {
        stream.closed = true;
        stream
            .details
            .get_or_insert_with(|| "wasm_close_stream".to_owned());
    }
    Ok(())
}
