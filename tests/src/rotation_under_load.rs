//! Rotates an issuer's keys while clients send requests with its tokens.
//!
//! Each rotation is one as issuers make it: the new key is published beside the
//! old one, tokens are signed with the new one from then on, and the old one is
//! withdrawn. No request may be refused, and in the end a token of the withdrawn
//! key must be.

use crate::bundle;
use crate::client::{Connection, Request, Response};
use crate::echo::Echo;
use crate::envoy::config::{self, Plugin};
use crate::envoy::log::trap;
use crate::envoy::process::{Envoy, Started};
use crate::envoy::runner::fresh;
use crate::key_server::KeyServer;
use crate::report::{Case, Report};
use crate::scenarios::{root, version};
use crate::token::Token;
use anyhow::{Context, Result, bail, ensure};
use doorward_bundle::Configuration;
use host_sim::scenario::ClusterAnswer;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// How often the key changes.
const ROTATIONS: usize = 6;
/// How long tokens of a new key are sent before the old key is withdrawn, and
/// after that before the next rotation.
const BETWEEN: Duration = Duration::from_secs(1);
/// Connections, each with a client of its own.
const CONNECTIONS: usize = 8;
/// Envoy's workers.
const WORKERS: usize = 2;
/// The keys that take turns: algorithm and name.
const KEYS: [(&str, &str); 2] = [("RS256", "orders-rs256"), ("ES256", "orders-es256")];

/// Runs the test; whether all its cases passed.
///
/// # Errors
///
/// When Envoy or the key server cannot be run.
pub fn run(envoy: &Path, module: &Path) -> Result<bool> {
    let started = Instant::now();
    let mut report = Report::new(&format!("envoy {} under load", version(envoy)?));
    let folder = root().join("target").join("envoy-runs").join("rotation");
    fresh(&folder)?;
    let server = KeyServer::start("idp", &answer(&[0])?)?;
    let mut envoy = start(envoy, module, &folder, &server)?;
    let tokens = [token(0)?, token(1)?];
    let current = AtomicUsize::new(0);
    let ends = AtomicBool::new(false);
    let (rotated, answered) = thread::scope(|scope| -> Result<_> {
        let clients: Vec<_> = (0..CONNECTIONS)
            .map(|_| scope.spawn(|| client(&envoy, &tokens, &current, &ends)))
            .collect();
        let rotated = rotate(&envoy, &server, &tokens, &current);
        ends.store(true, Ordering::Relaxed);
        let mut answered = 0;
        for client in clients {
            answered += client.join().ok().context("a client's thread ended")??;
        }
        Ok((rotated?, answered))
    })?;
    let mut cases = rotated;
    cases.push(Case::judged("Envoy runs and nothing trapped", {
        envoy.must_run()?;
        trap(&envoy.log()?).map_or(Ok(()), Err)
    }));
    let calls = server.calls();
    cases.push(Case::judged("fetches are bounded", bounded(calls, started)));
    report.add("rotations", started, &cases);
    println!("    {answered} requests allowed, {ROTATIONS} rotations, {calls} fetches");
    Ok(report.close())
}

/// The keys are refreshed once in 0.8 to 1 s by each worker, once by the main
/// thread, and once more by each worker for each rotation and for some of the
/// tokens of a withdrawn key.
fn bounded(calls: u64, started: Instant) -> Result<(), String> {
    let workers = WORKERS as u64;
    let seconds = started.elapsed().as_secs() + 1;
    let most = 1 + workers * (seconds * 5 / 4 + 5 + ROTATIONS as u64);
    if calls <= most {
        Ok(())
    } else {
        Err(format!(
            "{calls} fetches in {seconds} s, at most {most} are due"
        ))
    }
}

fn start(binary: &Path, module: &Path, folder: &Path, server: &KeyServer) -> Result<Envoy> {
    let environment = BTreeMap::from([("DOORWARD_UNSIGNED".to_owned(), "allow".to_owned())]);
    let plugin = Plugin {
        module,
        environment: &environment,
        vm_configuration: "",
    };
    let echo = Echo::forgetting()?;
    let filter = plugin.fixed(&configuration()?);
    let log = folder.join("access.log");
    let mut bootstrap = config::bootstrap(&filter, echo.address(), &log);
    config::add_cluster(&mut bootstrap, server.cluster())?;
    match Envoy::start_with(binary, &bootstrap, folder, WORKERS)? {
        Started::Ready(envoy) => Ok(envoy),
        Started::Refused(log) => bail!("Envoy refused its configuration:\n{log}"),
    }
}

fn configuration() -> Result<String> {
    let mut manifest = bundle::manifest(&root().join("policies").join("orders"), None)?;
    manifest.tokens = serde_json::from_value(json!([{
        "issuer": "https://issuer.example",
        "audiences": ["orders"],
        "principal": "user:{sub}",
        "jwks": {"cluster": "idp", "uri": "https://idp.example/jwks.json", "refresh": "1s"},
    }]))?;
    manifest.policy = Some("p, user:alice, /orders/*, ^GET$, allow\n".to_owned());
    Ok(Configuration::inline(&manifest)?)
}

/// A key set of these of [`KEYS`].
fn answer(keys: &[usize]) -> Result<Vec<ClusterAnswer>> {
    let file = root().join("tests").join("keys").join("jwks.json");
    let set: Value = serde_json::from_slice(&std::fs::read(&file)?)?;
    let all = set.get("keys").and_then(Value::as_array);
    let all = all.context("tests/keys/jwks.json has no keys")?;
    let published: Vec<&Value> = all
        .iter()
        .filter(|key| {
            let name = key.get("kid").and_then(Value::as_str);
            keys.iter().any(|index| name == Some(KEYS[*index].1))
        })
        .collect();
    ensure!(published.len() == keys.len(), "a key is missing");
    let body = json!({ "keys": published }).to_string();
    Ok(vec![ClusterAnswer {
        body: body.as_str().into(),
        ..ClusterAnswer::default()
    }])
}

fn token(key: usize) -> Result<String> {
    let (algorithm, name) = KEYS[key];
    let token: Token = serde_json::from_value(json!({
        "algorithm": algorithm,
        "key": format!("{name}.pem"),
        "kid": name,
        "claims": {"iss": "https://issuer.example", "aud": "orders", "sub": "alice",
                   "exp": "+3600"},
    }))?;
    token.mint(&root().join("tests").join("keys"), SystemTime::now())
}

fn ask(connection: &mut Connection, token: &str) -> Result<Response> {
    let headers = [(
        "authorization".to_owned(),
        format!("Bearer {token}").into_bytes(),
    )];
    connection.send(&Request {
        method: "GET",
        path: "/orders/7",
        authority: "orders.example",
        headers: &headers,
        ..Request::default()
    })
}

/// Sends requests with the token of the time; every one must be allowed.
fn client(
    envoy: &Envoy,
    tokens: &[String; 2],
    current: &AtomicUsize,
    ends: &AtomicBool,
) -> Result<u64> {
    let mut connection = Connection::open(envoy.ingress())?;
    let mut answered = 0;
    while !ends.load(Ordering::Relaxed) {
        let key = current.load(Ordering::Acquire);
        let response = ask(&mut connection, &tokens[key])?;
        ensure!(
            response.status == 200,
            "after {answered} answers, a token of {} was answered with {}: {}",
            KEYS[key].1,
            response.status,
            String::from_utf8_lossy(&response.body)
        );
        answered += 1;
    }
    Ok(answered)
}

fn rotate(
    envoy: &Envoy,
    server: &KeyServer,
    tokens: &[String; 2],
    current: &AtomicUsize,
) -> Result<Vec<Case>> {
    thread::sleep(BETWEEN);
    for rotation in 0..ROTATIONS {
        let (old, new) = (rotation % 2, (rotation + 1) % 2);
        server.answer(&answer(&[old, new])?);
        current.store(new, Ordering::Release);
        thread::sleep(BETWEEN);
        server.answer(&answer(&[new])?);
        // Until every worker has refreshed its keys without the old one.
        thread::sleep(2 * BETWEEN);
    }
    let withdrawn = (ROTATIONS + 1) % 2;
    let verdict = refused(envoy, &tokens[withdrawn]).map_err(|error| format!("{error:#}"));
    let name = format!("{} is withdrawn", KEYS[withdrawn].1);
    Ok(vec![Case::judged(&name, verdict)])
}

/// Whether every worker refuses the token: a new connection goes to any.
fn refused(envoy: &Envoy, token: &str) -> Result<()> {
    for _ in 0..4 * WORKERS {
        let response = ask(&mut Connection::open(envoy.ingress())?, token)?;
        ensure!(response.status == 401, "answered with {}", response.status);
    }
    Ok(())
}
