//! Requests at a steady rate, whatever comes back and when: a proxy that
//! stands still for a while makes late all that come in the meantime, not only
//! those that it was at (as with a client that waits for each answer).

use super::rules;
use crate::client::{Connection, Request};
use anyhow::{Result, anyhow, ensure};
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

/// Connections, and how often each sends: 2,000 requests in a second.
const CONNECTIONS: u32 = 8;
const EVERY: Duration = Duration::from_millis(4);

/// Sends for so long; the latencies in microseconds.
pub(super) fn run(
    address: SocketAddr,
    headers: &[(String, Vec<u8>)],
    rules: usize,
    time: Duration,
) -> Result<Vec<f64>> {
    thread::scope(|scope| {
        let threads: Vec<_> = (0..CONNECTIONS)
            .map(|number| {
                let offset = EVERY * number / CONNECTIONS;
                scope.spawn(move || one(address, headers, rules, offset, time))
            })
            .collect();
        let mut all = Vec::new();
        for thread in threads {
            all.extend(
                thread
                    .join()
                    .map_err(|_| anyhow!("a client's thread ended"))??,
            );
        }
        Ok(all)
    })
}

fn one(
    address: SocketAddr,
    headers: &[(String, Vec<u8>)],
    rules: usize,
    offset: Duration,
    time: Duration,
) -> Result<Vec<f64>> {
    let mut connection = Connection::open(address)?;
    let started = Instant::now();
    let mut due = started + offset;
    let mut latencies = Vec::new();
    while due - started < time {
        let now = Instant::now();
        // Late because of the answer before: it counts from when it was due.
        // Early: from when it is sent, as waking up late is the client's fault.
        let from = if let Some(wait) = due.checked_duration_since(now) {
            thread::sleep(wait);
            Instant::now()
        } else {
            due
        };
        let path = format!(
            "/{}-{}/orders/7",
            rules::ALLOWED,
            latencies.len() * 7919 % rules
        );
        let request = Request {
            method: "GET",
            path: &path,
            authority: "localhost",
            headers,
            ..Request::default()
        };
        let answer = connection.send(&request)?;
        ensure!(answer.status == 200, "answered with {}", answer.status);
        latencies.push(from.elapsed().as_secs_f64() * 1e6);
        due += EVERY;
    }
    Ok(latencies)
}
