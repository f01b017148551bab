//! Requests that are under way at once, each on a connection of its own.

use super::log::Access;
use super::runner::{on_wire, raw};
use crate::client::{Connection, Response};
use anyhow::{Context, Result};
use host_sim::scenario::{Concurrent, Observed, UpstreamRequest};
use std::net::SocketAddr;
use std::thread;

/// The answers to the requests, in their order; none where the client went
/// away.
///
/// # Errors
///
/// When an answer that is waited for does not come.
pub(super) fn send(
    ingress: SocketAddr,
    requests: &[Concurrent],
) -> Result<Vec<(&Concurrent, Option<Response>)>> {
    let each = requests
        .iter()
        .flat_map(|concurrent| (0..concurrent.request.times).map(move |_| concurrent));
    thread::scope(|scope| {
        let mut clients = Vec::new();
        for concurrent in each {
            let mut connection = Connection::open(ingress)?;
            let headers = raw(&concurrent.request.headers);
            let trailers = raw(&concurrent.request.trailers);
            connection.begin(&on_wire(&concurrent.request, &headers, &trailers))?;
            clients.push((concurrent, connection));
        }
        let waits: Vec<_> = clients
            .into_iter()
            .map(|(concurrent, mut connection)| {
                let answer = scope.spawn(move || match concurrent.disconnects_after {
                    Some(span) => {
                        thread::sleep(span.0);
                        Ok(None)
                    }
                    None => connection.answer(&concurrent.request.method).map(Some),
                });
                (concurrent, answer)
            })
            .collect();
        waits
            .into_iter()
            .map(|(concurrent, answer)| {
                let answer = answer.join().ok().context("a client's thread ended")?;
                Ok((concurrent, answer?))
            })
            .collect()
    })
}

/// What is known of one answer: its line in the access log and its request at
/// the upstream are those of the same path.
pub(super) fn observed(
    concurrent: &Concurrent,
    response: Response,
    access: &mut Vec<Access>,
    upstream: &mut Vec<UpstreamRequest>,
) -> Result<Observed> {
    let path = &concurrent.request.path;
    let position = access
        .iter()
        .position(|line| line.path == *path && line.status == response.status)
        .with_context(|| format!("the access log has no line of {path}"))?;
    let line = access.swap_remove(position);
    let position = upstream.iter().position(|request| request.path == *path);
    let upstream = position
        .filter(|_| response.status == 200)
        .map(|position| upstream.swap_remove(position));
    Ok(Observed {
        status: response.status,
        headers: response.headers,
        body: response.body,
        upstream,
        decision: line.decision,
        details: line.details,
        ..Observed::default()
    })
}
