//! Calls out of the proxy, and foreign functions.

use std::time::Duration;

use wasmtime::Linker;

use super::host_call;
use crate::Status;
use crate::guest::{Answer, Guest};
use crate::headers::{HeaderMap, Kind};
use crate::host::{Host, PendingCall};
use crate::pairs;
use crate::scenario::ClusterAnswer;

pub(super) fn register(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    host_call!(
        linker,
        "proxy_http_call",
        |guest,
         cluster: u32,
         cluster_length: u32,
         headers: u32,
         headers_length: u32,
         body: u32,
         body_length: u32,
         trailers: u32,
         trailers_length: u32,
         timeout: u32,
         token_at: u32| {
            let cluster = guest.read_text(cluster, cluster_length)?;
            let headers = pairs::decode(&guest.read(headers, headers_length)?);
            guest.read(body, body_length)?;
            guest.read(trailers, trailers_length)?;
            guest.write_u32(token_at, 0)?;
            let token = http_call(guest.host(), &cluster, &headers, timeout)?;
            Ok(guest.write_u32(token_at, token)?)
        }
    );
    register_grpc(linker)?;
    host_call!(
        linker,
        "proxy_call_foreign_function",
        |guest,
         name: u32,
         name_length: u32,
         arguments: u32,
         arguments_length: u32,
         results_at: u32,
         length_at: u32| {
            let name = guest.read_text(name, name_length)?;
            let arguments = guest.read(arguments, arguments_length)?;
            call_foreign(guest, &name, &arguments, results_at, length_at)
        }
    );
    Ok(())
}

/// Takes a call that the cluster's script answers after the running callback.
fn http_call(
    host: &mut Host,
    cluster: &str,
    headers: &[pairs::Pair],
    timeout: u32,
) -> Result<u32, Status> {
    if i32::try_from(timeout).is_err() {
        return Err(Status::BadArgument);
    }
    let mut map = HeaderMap::new(Kind::Request);
    for (name, value) in headers {
        map.add(&String::from_utf8_lossy(name), value);
    }
    let (answer, now) = {
        let mut world = host.world.lock();
        let known = world.clusters.get_mut(cluster).ok_or(Status::BadArgument)?;
        for required in [":path", ":method", ":authority"] {
            map.get(required).ok_or(Status::BadArgument)?;
        }
        let path = String::from_utf8_lossy(map.get(":path").unwrap_or_default());
        let answer = known.answer(&path);
        *world.called.entry(cluster.to_owned()).or_default() += 1;
        (answer, world.clock.now())
    };
    let (answer, takes) = outcome(answer, Duration::from_millis(timeout.into()));
    let token = host.next_call_token();
    let root = host.acting_root();
    let owner = host.current;
    host.calls.push_back(PendingCall {
        token,
        root,
        owner,
        due: now + takes,
        answer,
    });
    Ok(token)
}

/// What becomes of a call whose answer would be this one, and how long that takes. Envoy ends a
/// call that takes too long with an answer of its own; a timeout of 0 is none.
fn outcome(answer: Option<ClusterAnswer>, timeout: Duration) -> (Option<ClusterAnswer>, Duration) {
    let Some(answer) = answer else {
        return (None, Duration::ZERO);
    };
    let takes = answer.delay.0;
    if !timeout.is_zero() && takes > timeout {
        let timed_out = ClusterAnswer {
            status: 504,
            headers: vec![("content-type".to_owned(), "text/plain".into())],
            body: "upstream request timeout".into(),
            ..ClusterAnswer::default()
        };
        return (Some(timed_out), timeout);
    }
    ((!answer.reset).then_some(answer), takes)
}

/// The simulator has no gRPC services: a service is an unknown cluster, a token an unknown call.
fn register_grpc(linker: &mut Linker<Host>) -> wasmtime::Result<()> {
    host_call!(
        linker,
        "proxy_grpc_call",
        |guest,
         service: u32,
         service_length: u32,
         name: u32,
         name_length: u32,
         method: u32,
         method_length: u32,
         metadata: u32,
         metadata_length: u32,
         message: u32,
         message_length: u32,
         _timeout: u32,
         _token_at: u32| {
            guest.read(service, service_length)?;
            guest.read(name, name_length)?;
            guest.read(method, method_length)?;
            guest.read(metadata, metadata_length)?;
            guest.read(message, message_length)?;
            Err(Status::ParseFailure.into())
        }
    );
    host_call!(
        linker,
        "proxy_grpc_stream",
        |guest,
         service: u32,
         service_length: u32,
         name: u32,
         name_length: u32,
         method: u32,
         method_length: u32,
         metadata: u32,
         metadata_length: u32,
         _token_at: u32| {
            guest.read(service, service_length)?;
            guest.read(name, name_length)?;
            guest.read(method, method_length)?;
            guest.read(metadata, metadata_length)?;
            Err(Status::ParseFailure.into())
        }
    );
    host_call!(
        linker,
        "proxy_grpc_send",
        |guest, token: u32, message: u32, length: u32, _end: u32| {
            guest.read(message, length)?;
            match token & 3 {
                2 => Err(Status::NotFound.into()),
                _ => Err(Status::BadArgument.into()),
            }
        }
    );
    host_call!(linker, "proxy_grpc_cancel", |_guest, token: u32| {
        unknown_grpc_call(token)
    });
    host_call!(linker, "proxy_grpc_close", |_guest, token: u32| {
        unknown_grpc_call(token)
    });
    Ok(())
}

/// The low two bits of a token say what it is of: 0 an HTTP call, 1 a gRPC call, 2 a gRPC stream.
fn unknown_grpc_call(token: u32) -> Answer {
    match token & 3 {
        1 | 2 => Err(Status::NotFound.into()),
        _ => Err(Status::BadArgument.into()),
    }
}

fn call_foreign(
    guest: &mut Guest<'_>,
    name: &str,
    arguments: &[u8],
    results_at: u32,
    length_at: u32,
) -> Answer {
    let function = guest.host().world.lock().foreign.get(name).cloned();
    let function = function.ok_or(Status::NotFound)?;
    let (results, answer) = match function(arguments) {
        Ok(results) => (results, Ok(())),
        Err(status) => (Vec::new(), Err(status.into())),
    };
    // A null pointer says that the module does not want them.
    if results_at != 0 {
        let address = guest.allocate(&results)?;
        guest.write_u32(results_at, address)?;
    }
    if length_at != 0 {
        let length = u32::try_from(results.len()).map_err(|_| Status::InternalFailure)?;
        guest.write_u32(length_at, length)?;
    }
    answer
}
