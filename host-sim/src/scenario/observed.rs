//! What was observed of a step, on whichever host.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What was observed of one request.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Observed {
    /// Status of the response.
    pub status: u16,
    /// Headers of the response in the order of the wire, names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Body of the response.
    pub body: Vec<u8>,
    /// The request that the upstream got, if one reached it.
    pub upstream: Option<UpstreamRequest>,
    /// The recorded decision as the module wrote it: a JSON object, see [`DecisionRecord`].
    pub decision: Option<String>,
    /// The response code details; empty when the host gave none.
    pub details: String,
    /// The log lines of the step, without the host's own prefix where that can be told apart.
    pub log: Vec<String>,
    /// Values of metrics after the request, of those at least that are expected to have one.
    pub metrics: BTreeMap<String, u64>,
    /// What the module trapped with, if it did, on this request or before.
    pub trapped: Option<String>,
    /// The stream's callbacks by name, in so far as the module exports them; absent on a host that
    /// does not count them.
    pub callbacks: Option<BTreeMap<String, u64>>,
    /// Host calls of the stream's callbacks; absent on a host that does not count them.
    pub host_calls: Option<HostCalls>,
    /// Fuel that the stream's callbacks used; absent on a host that does not measure it.
    pub fuel: Option<u64>,
}

/// A request as the upstream got it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct UpstreamRequest {
    /// `:method`.
    pub method: String,
    /// `:path`, with the query.
    pub path: String,
    /// `:authority` (the Host header of HTTP/1.1).
    pub authority: String,
    /// Headers without the pseudo headers, names in lower case, in the order of the wire.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
    /// Trailers, as the headers.
    pub trailers: Vec<(String, Vec<u8>)>,
}

/// What became of one configuration.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ObservedPush {
    /// Whether it serves now.
    pub accepted: bool,
    /// What was logged meanwhile.
    pub log: Vec<String>,
    /// What the module trapped with, if it did.
    pub trapped: Option<String>,
    /// Fuel that the root context which came to serve by this push has used so far; absent where
    /// none did, and on a host that does not measure it.
    pub fuel: Option<u64>,
}

/// Calls that a module made into its host, by name of the import.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct HostCalls {
    /// Number of calls by name, such as `proxy_log`.
    pub by_name: BTreeMap<String, u64>,
    /// How many of all calls handed data back through the module's allocator, the dear sort.
    pub returning_data: u64,
}

impl HostCalls {
    /// Number of calls of the import `name`.
    pub fn count(&self, name: &str) -> u64 {
        self.by_name.get(name).copied().unwrap_or(0)
    }

    /// Number of all calls.
    pub fn total(&self) -> u64 {
        self.by_name.values().sum()
    }
}

/// The decision that a module records in the stream's filter state. Further fields are allowed
/// and not looked at.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
pub struct DecisionRecord {
    /// `allow`, `deny` or `error`.
    pub decision: String,
    /// Why, in words.
    pub reason: String,
    /// The policy row that decided, if one did.
    pub rule: Option<String>,
    /// The revision that decided.
    pub revision: String,
}
