//! Signatures, judged by a host's cryptography and by the software, which must
//! agree: in the module with the feature `vectors`, on host-sim and on Envoy,
//! and with the host's cryptography switched off.

mod own;

use crate::envoy::runner::Runner;
use crate::report::{Case, Report};
use crate::scenarios::{host_sim_options, root, version};
use anyhow::{Context, Result, bail};
use host_sim::scenario::{Observed, Request, Scenario, Variables, parse};
use host_sim::{ProxyModule, Simulator};
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Whether a signature is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Valid,
    Refused,
}

/// A key, a JWS, and what must be said of it.
pub(crate) struct Vector {
    name: String,
    jwk: Value,
    token: String,
    expected: Expected,
    /// Whether its algorithm is one that a host checks.
    by_host: bool,
}

/// What the module answers.
#[derive(Debug, Deserialize)]
struct Verdicts {
    used: String,
    software: String,
    host_checks: u64,
}

/// Runs all vectors on Envoy where it is given, else on host-sim; whether all
/// passed.
///
/// # Errors
///
/// When the module, the host or the vectors cannot be used.
pub fn run(envoy: Option<&Path>, module: &Path) -> Result<bool> {
    let title = match envoy {
        None => "host-sim".to_owned(),
        Some(envoy) => format!("envoy {}", version(envoy)?),
    };
    let mut report = Report::new(&format!("vectors on {title}"));
    let mut sources = vec![("our own", own::vectors(&root())?)];
    let examples = examples();
    if examples.is_dir() {
        sources.push(("examples of the RFCs", read_examples(&examples)?));
    } else {
        println!(
            "    the RFCs' examples are left out: there is no {}; set DOORWARD_SHARED to the \
             folder of shared test data",
            examples.display()
        );
    }
    let folder = root().join("target").join("envoy-runs").join("vectors");
    let runner = envoy.map(|envoy| Runner {
        envoy,
        module,
        folder: &folder,
    });
    for path in ["host", "software"] {
        let scenario = scenario(path)?;
        let mut ask = asker(runner.as_ref(), module, &scenario)?;
        for (name, vectors) in &sources {
            let started = Instant::now();
            let cases: Vec<Case> = vectors
                .iter()
                .map(|vector| {
                    let verdict = ask(&vector.request()?)
                        .and_then(|observed| vector.judge(&observed, path == "host"));
                    Ok(Case::judged(
                        &vector.name,
                        verdict.map_err(|error| format!("{error:#}")),
                    ))
                })
                .collect::<Result<_>>()?;
            report.add(&format!("{name}, checked by {path}"), started, &cases);
        }
    }
    Ok(report.close())
}

type Ask<'a> = Box<dyn FnMut(&Request) -> Result<Observed> + 'a>;

/// What sends a request to the module in its host.
fn asker<'a>(
    runner: Option<&'a Runner<'a>>,
    module: &Path,
    scenario: &'a Scenario,
) -> Result<Ask<'a>> {
    let Some(runner) = runner else {
        let module = ProxyModule::from_file(module)?;
        let options = host_sim_options().with_scenario(scenario);
        let mut simulator = Simulator::new(&module, options)?;
        simulator.configure("")?;
        return Ok(Box::new(move |request| Ok(simulator.request(request)?)));
    };
    let (observed, run) = runner.start(scenario, runner.folder)?;
    let Some(mut run) = run else {
        bail!("Envoy refused the module: {}", observed.log.join(" | "));
    };
    Ok(Box::new(move |request| run.request(request)))
}

/// A VM whose signatures are checked by `path`.
fn scenario(path: &str) -> Result<Scenario> {
    let text = json!({
        "name": "vectors",
        "environment": {"DOORWARD_VECTORS": "1", "DOORWARD_SIGNATURES": path},
        "configuration": "",
        "steps": [],
    });
    let scenarios = parse(Path::new("vectors"), &text.to_string(), &Variables::new())?;
    scenarios.into_iter().next().context("no scenario")
}

impl Vector {
    fn request(&self) -> Result<Request> {
        let headers = json!([["x-jwk", self.jwk.to_string()], ["x-token", self.token]]);
        Ok(serde_json::from_value(json!({"headers": headers}))?)
    }

    fn judge(&self, observed: &Observed, host_in_use: bool) -> Result<()> {
        let text = String::from_utf8_lossy(&observed.body);
        let verdicts: Verdicts = serde_json::from_slice(&observed.body)
            .with_context(|| format!("status {}, answer {text:?}", observed.status))?;
        if verdicts.used != verdicts.software {
            bail!("the two disagree: {verdicts:?}");
        }
        let valid = verdicts.used == "valid";
        if valid != (self.expected == Expected::Valid) {
            bail!("expected {:?}, got {verdicts:?}", self.expected);
        }
        let by_host = self.by_host && host_in_use;
        if valid && by_host != (verdicts.host_checks > 0) {
            bail!("checked by the wrong one: {verdicts:?}");
        }
        if verdicts.host_checks > 0 && !by_host {
            bail!("the host was asked: {verdicts:?}");
        }
        Ok(())
    }
}

/// The folder `conformance/jose` of the shared test data.
fn examples() -> PathBuf {
    std::env::var_os("DOORWARD_SHARED")
        .map_or_else(|| root().join("..").join("shared"), PathBuf::from)
        .join("conformance")
        .join("jose")
}

/// One file of `conformance/jose`.
#[derive(Deserialize)]
struct Example {
    jwk: Value,
    compact_jws: String,
    valid: bool,
}

/// The examples with a public key: those with a secret are no matter of a
/// host's.
fn read_examples(folder: &Path) -> Result<Vec<Vector>> {
    let mut vectors = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let example: Example = serde_json::from_slice(&std::fs::read(&path)?)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        let kind = example.jwk.get("kty").and_then(Value::as_str);
        let curve = example.jwk.get("crv").and_then(Value::as_str);
        // The module has no P-521: the set of such a key is empty.
        if !matches!(kind, Some("RSA" | "EC" | "OKP")) || curve == Some("P-521") {
            continue;
        }
        vectors.push(Vector {
            by_host: ["rs256", "es256"].iter().any(|part| name.contains(part))
                || name == "rfc7520-4.8-first-signature",
            name: name.into_owned(),
            jwk: example.jwk,
            token: example.compact_jws,
            expected: if example.valid {
                Expected::Valid
            } else {
                Expected::Refused
            },
        });
    }
    vectors.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(vectors)
}
