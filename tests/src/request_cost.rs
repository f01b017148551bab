//! What requests and pushes cost the proxy beside time: callbacks into the
//! module, host calls by name, and fuel (about one for each instruction).
//! Counted on host-sim, so exact on every machine, however busy: the smaller
//! version of `cargo xtask bench envoy`, in which a regression fails.

use crate::bench_envoy::mint::{self, Algorithm};
use crate::bench_envoy::rules::{self, Records};
use crate::bundle;
use crate::report::{Case, Report};
use crate::scenarios::{host_sim_options, root};
use anyhow::{Context, Result, ensure};
use host_sim::scenario::{Bytes, Observed, Request};
use host_sim::{Options, ProxyModule, Simulator};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Instant, SystemTime};

/// Tokens that warm the module up: tables get their room, metrics are told of.
const WARM_UP: usize = 20;

/// What one request may cost.
struct Budget {
    /// Rules of the benchmark; the example bundle where there is no number.
    rules: Option<usize>,
    token: Token,
    allowed: bool,
    /// At most so much fuel: what it was when this was written, and a tenth.
    fuel: u64,
}

/// What the module has seen of a request's token.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    Known,
    New,
}

const fn budget(rules: Option<usize>, token: Token, allowed: bool, fuel: u64) -> Budget {
    Budget {
        rules,
        token,
        allowed,
        fuel,
    }
}

/// The fuel hardly differs from one rule to ten thousand.
const BUDGETS: [Budget; 9] = [
    budget(None, Token::Known, true, 21_000),
    budget(None, Token::New, true, 73_900),
    budget(Some(1), Token::Known, true, 16_000),
    budget(Some(1), Token::New, true, 67_500),
    budget(Some(10), Token::Known, true, 16_600),
    budget(Some(100), Token::Known, true, 16_900),
    budget(Some(100), Token::Known, false, 32_400),
    budget(Some(1_000), Token::Known, true, 17_200),
    budget(Some(10_000), Token::Known, true, 17_600),
];

/// Fuel of the root context that takes a bundle of this many rules, at most.
const PUSH_RULES: usize = 10_000;
const PUSH_FUEL: u64 = 69_000_000;

/// Callbacks of each request without a body.
const CALLBACKS: &[(&str, u64)] = &[
    ("proxy_on_context_create", 1),
    ("proxy_on_request_headers", 1),
    ("proxy_on_delete", 1),
];

/// Host calls of every request.
const HOST_CALLS: &[(&str, u64)] = &[
    ("proxy_get_current_time_nanoseconds", 1),
    ("proxy_get_header_map_pairs", 1),
    ("proxy_set_property", 1),
];

impl Budget {
    fn name(&self) -> String {
        let rules = match self.rules {
            None => "the example bundle".to_owned(),
            Some(1) => "1 rule".to_owned(),
            Some(count) => format!("{count} rules"),
        };
        let token = match self.token {
            Token::Known => "a known token",
            Token::New => "a new token",
        };
        let denied = if self.allowed { "" } else { ", denied" };
        format!("{rules}, {token}{denied}")
    }

    /// Host calls: these, and no others.
    fn host_calls(&self) -> BTreeMap<String, u64> {
        let mut calls = named(HOST_CALLS);
        let mut add = |name: &str, count| calls.insert(name.to_owned(), count);
        if self.token == Token::New {
            add("proxy_call_foreign_function", 1);
        }
        if self.allowed {
            // The upstream does not get the token.
            add("proxy_remove_header_map_value", 1);
        } else {
            add("proxy_send_local_response", 1);
            // A refusal is told of at once: itself, and the cache's hit.
            add("proxy_increment_metric", 2);
        }
        calls
    }

    /// The path of a request in the middle of the rules.
    fn path(&self) -> String {
        match self.rules {
            None => "/orders/7".to_owned(),
            Some(rules) => {
                let service = if self.allowed {
                    rules::ALLOWED
                } else {
                    rules::DENIED
                };
                format!("/{service}-{}/orders/7", rules / 2)
            }
        }
    }
}

/// Counts and judges; whether all are within their budgets.
///
/// # Errors
///
/// When the module cannot be used, or a request is answered in another way
/// than it should be.
pub fn run(module: &Path) -> Result<bool> {
    let started = Instant::now();
    let mut report = Report::new("costs on host-sim");
    let keys = root().join("tests").join("keys");
    let tokens = mint::tokens(Algorithm::Rs256, WARM_UP + 1, &keys)?;
    let module = ProxyModule::from_file(module)?;
    println!("{:<44} {:>10} {:>10}", "", "fuel", "at most");
    let mut cases = Vec::new();
    for budget in &BUDGETS {
        cases.push(judge(budget, &observe(&module, budget, &tokens)?));
    }
    cases.push(judge_push(&module)?);
    report.add("costs", started, &cases);
    Ok(report.close())
}

fn configuration(rules: Option<usize>) -> Result<String> {
    match rules {
        None => bundle::inline_configuration(&root().join("policies").join("orders"), None),
        Some(count) => rules::configuration(count, Records::All, None),
    }
}

/// A simulator that serves these rules, and the fuel that its root took.
fn simulator(module: &ProxyModule, rules: Option<usize>) -> Result<(Simulator, u64)> {
    let options = Options {
        environment: BTreeMap::from([("DOORWARD_UNSIGNED".to_owned(), "allow".to_owned())]),
        // It stands: what is done once in a second is not done in between.
        clock: Some(SystemTime::now()),
        ..host_sim_options()
    };
    let mut simulator = Simulator::new(module, options)?;
    let push = simulator.configure(&configuration(rules)?)?;
    ensure!(push.accepted, "the bundle is refused: {:?}", push.log);
    Ok((simulator, push.fuel.unwrap_or(u64::MAX)))
}

/// The last of some requests, each with a token of its own until the last,
/// which may have the one of another.
fn observe(module: &ProxyModule, budget: &Budget, tokens: &[String]) -> Result<Observed> {
    let (mut simulator, _) = simulator(module, budget.rules)?;
    let (new, known) = tokens.split_last().context("no token")?;
    let warm_up = known.iter().chain(known.first());
    let last = match budget.token {
        Token::Known => known.first().context("no token")?,
        Token::New => new,
    };
    let mut observed = Observed::default();
    for token in warm_up.chain([last]) {
        observed = simulator.request(&request(&budget.path(), token))?;
        let expected = if budget.allowed { 200 } else { 403 };
        ensure!(
            observed.status == expected,
            "{}: answered {}: {:?}",
            budget.name(),
            observed.status,
            observed.decision
        );
    }
    Ok(observed)
}

fn request(path: &str, token: &str) -> Request {
    let authorization = format!("Bearer {token}");
    Request {
        name: String::new(),
        method: "GET".to_owned(),
        path: path.to_owned(),
        authority: "localhost".to_owned(),
        scheme: "http".to_owned(),
        headers: vec![("authorization".to_owned(), Bytes::Text(authorization))],
        body: None,
        trailers: Vec::new(),
        times: 1,
    }
}

fn named(counts: &[(&str, u64)]) -> BTreeMap<String, u64> {
    let counts = counts.iter();
    counts
        .map(|(name, count)| ((*name).to_owned(), *count))
        .collect()
}

fn judge(budget: &Budget, observed: &Observed) -> Case {
    let callbacks = observed.callbacks.clone().unwrap_or_default();
    let calls = observed.host_calls.clone().unwrap_or_default().by_name;
    let name = budget.name();
    let mut differences = Vec::new();
    for (what, expected, found) in [
        ("callbacks", named(CALLBACKS), callbacks),
        ("host calls", budget.host_calls(), calls),
    ] {
        if found != expected {
            differences.push(format!("{what}: expected {expected:?}, found {found:?}"));
        }
    }
    let fuel = observed.fuel.unwrap_or(u64::MAX);
    differences.extend(over(&name, fuel, budget.fuel));
    Case { name, differences }
}

fn judge_push(module: &ProxyModule) -> Result<Case> {
    let name = format!("a push of {PUSH_RULES} rules");
    let (_, fuel) = simulator(module, Some(PUSH_RULES))?;
    let differences = over(&name, fuel, PUSH_FUEL).into_iter().collect();
    Ok(Case { name, differences })
}

/// Prints a line of the table; what to say where it is too much.
fn over(name: &str, fuel: u64, most: u64) -> Option<String> {
    println!("{name:<44} {fuel:>10} {most:>10}");
    (fuel > most).then(|| format!("fuel: expected at most {most}, found {fuel}"))
}
