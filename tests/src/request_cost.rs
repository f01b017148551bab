//! What one request costs the proxy beside time: callbacks into the module,
//! host calls by name, and fuel (about one for each instruction). Counted on
//! host-sim, so exact on every machine, however busy.

use crate::bench_envoy::mint::{self, Algorithm};
use crate::bundle;
use crate::report::{Case, Report};
use crate::scenarios::{host_sim_options, root};
use anyhow::{Context, Result};
use host_sim::scenario::{Bytes, Observed, Request};
use host_sim::{Options, ProxyModule, Simulator};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Instant, SystemTime};

/// What one request with a token may cost.
struct Budget {
    name: &'static str,
    /// Host calls: these, and no others. One takes out the token, which the
    /// upstream does not get.
    host_calls: &'static [(&'static str, u64)],
    /// At most so much fuel: what it was when this was written, and a tenth.
    fuel: u64,
}

/// Callbacks of each request without a body.
const CALLBACKS: &[(&str, u64)] = &[
    ("proxy_on_context_create", 1),
    ("proxy_on_request_headers", 1),
    ("proxy_on_delete", 1),
];

const CACHED: Budget = Budget {
    name: "a token that is known",
    host_calls: &[
        ("proxy_get_current_time_nanoseconds", 1),
        ("proxy_get_header_map_pairs", 1),
        ("proxy_remove_header_map_value", 1),
        ("proxy_set_property", 1),
    ],
    fuel: 50_000,
};

const UNCACHED: Budget = Budget {
    name: "a token that is new, RS256",
    host_calls: &[
        ("proxy_call_foreign_function", 1),
        ("proxy_get_current_time_nanoseconds", 1),
        ("proxy_get_header_map_pairs", 1),
        ("proxy_remove_header_map_value", 1),
        ("proxy_set_property", 1),
    ],
    fuel: 114_600,
};

/// Counts and judges; whether all are within their budgets.
///
/// # Errors
///
/// When the module cannot be used, or a request is refused.
pub fn run(module: &Path) -> Result<bool> {
    let started = Instant::now();
    let mut report = Report::new("costs on host-sim");
    let tokens = mint::tokens(Algorithm::Rs256, 20, &root().join("tests").join("keys"))?;
    let mut simulator = simulator(module)?;
    let mut last = None;
    // The first ones make room in tables, tell of metrics, and log.
    for token in &tokens {
        last = Some(observe(&mut simulator, token)?);
    }
    let uncached = last.context("no token")?;
    let token = tokens.first().context("no token")?;
    observe(&mut simulator, token)?;
    let cached = observe(&mut simulator, token)?;
    let cases = [(&CACHED, cached), (&UNCACHED, uncached)];
    let cases = cases.map(|(budget, observed)| judge(budget, &observed));
    report.add("costs of a request", started, &cases);
    Ok(report.close())
}

fn simulator(module: &Path) -> Result<Simulator> {
    let module = ProxyModule::from_file(module)?;
    let options = Options {
        environment: BTreeMap::from([("DOORWARD_UNSIGNED".to_owned(), "allow".to_owned())]),
        // It stands: what is done once in a second is not done in between.
        clock: Some(SystemTime::now()),
        ..host_sim_options()
    };
    let mut simulator = Simulator::new(&module, options)?;
    let orders = root().join("policies").join("orders");
    let push = simulator.configure(&bundle::inline_configuration(&orders, None)?)?;
    anyhow::ensure!(
        push.accepted,
        "the example bundle is refused: {:?}",
        push.log
    );
    Ok(simulator)
}

fn observe(simulator: &mut Simulator, token: &str) -> Result<Observed> {
    let observed = simulator.request(&request(token))?;
    anyhow::ensure!(observed.status == 200, "refused: {:?}", observed.decision);
    Ok(observed)
}

fn request(token: &str) -> Request {
    let authorization = format!("Bearer {token}");
    Request {
        name: String::new(),
        method: "GET".to_owned(),
        path: "/orders/7".to_owned(),
        authority: "localhost".to_owned(),
        scheme: "http".to_owned(),
        headers: vec![("authorization".to_owned(), Bytes::Text(authorization))],
        body: None,
        trailers: Vec::new(),
        times: 1,
    }
}

fn judge(budget: &Budget, observed: &Observed) -> Case {
    let named = |counts: &[(&str, u64)]| -> BTreeMap<String, u64> {
        let counts = counts.iter();
        counts
            .map(|(name, count)| ((*name).to_owned(), *count))
            .collect()
    };
    let callbacks = observed.callbacks.clone().unwrap_or_default();
    let calls = observed.host_calls.clone().unwrap_or_default().by_name;
    let fuel = observed.fuel.unwrap_or(u64::MAX);
    println!("    {}: {fuel} fuel, {callbacks:?}, {calls:?}", budget.name);
    let mut differences = Vec::new();
    for (what, expected, found) in [
        ("callbacks", named(CALLBACKS), callbacks),
        ("host calls", named(budget.host_calls), calls),
    ] {
        if found != expected {
            differences.push(format!("{what}: expected {expected:?}, found {found:?}"));
        }
    }
    if fuel > budget.fuel {
        let most = budget.fuel;
        differences.push(format!("fuel: expected at most {most}, found {fuel}"));
    }
    Case {
        name: budget.name.to_owned(),
        differences,
    }
}
