//! The corpus of confusing paths through a real Envoy: what the policy saw is
//! what the upstream received, or the request was refused.
//!
//! What the policy saw shows in the decision record: the policy has one rule
//! for each target that may be seen, and the record names the rule. Target,
//! path, query and host are compared, so that each is known.

pub mod corpus;
mod judge;
mod upstream;
mod wire;

use crate::envoy::config::{self, Plugin};
use crate::envoy::process::{Envoy, PATIENCE, Started};
use crate::envoy::runner::fresh;
use crate::report::{Case as Judged, Report};
use crate::scenarios::{root, version};
use crate::wait::until;
use anyhow::{Context, Result, bail};
use corpus::{Case, Outcome};
use doorward_request::PathNormalization;
use judge::{Observed, judge};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Instant;
use upstream::Upstream;

/// The number of the request that comes last.
const LAST: &str = "last";

/// One pass over the corpus.
struct Pass {
    mode: PathNormalization,
    /// Whether Envoy normalizes the path in the same mode before the filter
    /// sees it, as Istio has it do.
    envoy_normalizes: bool,
}

/// Runs the corpus in every mode; whether all requests were as expected.
///
/// # Errors
///
/// When Envoy cannot be run.
pub fn run(envoy: &Path, module: &Path) -> Result<bool> {
    let cases = corpus::load()?;
    let mut report = Report::new(&format!("paths on envoy {}", version(envoy)?));
    let folder = root().join("target").join("envoy-runs").join("paths");
    for mode in PathNormalization::ALL {
        let repairs = !matches!(mode, PathNormalization::Strict | PathNormalization::None);
        for envoy_normalizes in [false, true] {
            if envoy_normalizes && !repairs {
                continue;
            }
            let pass = Pass {
                mode,
                envoy_normalizes,
            };
            let started = Instant::now();
            let judged = pass.run(envoy, module, &folder, &cases)?;
            report.add(&pass.title(), started, &judged);
        }
    }
    Ok(report.close())
}

impl Pass {
    fn title(&self) -> String {
        let name = self.mode.name();
        if self.envoy_normalizes {
            format!("{name} behind Envoy's own")
        } else {
            name.to_owned()
        }
    }

    fn run(
        &self,
        binary: &Path,
        module: &Path,
        folder: &Path,
        cases: &[Case],
    ) -> Result<Vec<Judged>> {
        fresh(folder)?;
        let upstream = Upstream::start()?;
        let environment = BTreeMap::from([("DOORWARD_UNSIGNED".to_owned(), "allow".to_owned())]);
        let plugin = Plugin {
            module,
            environment: &environment,
            vm_configuration: "",
        };
        let rules = self.rules(cases)?;
        let filter = plugin.fixed(&self.configuration(&rules));
        let log = folder.join("access.log");
        let mut bootstrap = config::bootstrap(&filter, upstream.address(), &log);
        self.adjust(&mut bootstrap)?;
        let mut envoy = match Envoy::start(binary, &bootstrap, folder)? {
            Started::Ready(envoy) => envoy,
            Started::Refused(log) => bail!("Envoy refused its configuration:\n{log}"),
        };
        let mut sent = Vec::new();
        for (index, case) in cases.iter().enumerate() {
            for http in [1, 2] {
                if case.runs_on(http) {
                    let number = format!("{index}-{http}");
                    wire::send(envoy.ingress(), case, &number, http)
                        .with_context(|| format!("{} over HTTP/{http}", case.title()))?;
                    sent.push((number, case, http));
                }
            }
        }
        wire::send(envoy.ingress(), &Case::plain(), LAST, 1)?;
        let records = records(&log)?;
        envoy.must_run()?;
        let arrived = upstream.take();
        let mut judged = Vec::new();
        for (number, case, http) in sent {
            let observed = Observed {
                record: records.get(&number).map(String::as_str),
                arrived: arrived
                    .iter()
                    .filter(|request| request.case == number)
                    .map(|request| request.target.as_slice())
                    .collect(),
                rules: &rules,
            };
            let expected = case.outcome(self.mode)?;
            let verdict = judge(case, &expected, &observed, self.envoy_normalizes);
            let name = format!("{} over HTTP/{http}", case.title());
            judged.push(Judged::judged(&name, verdict));
        }
        Ok(judged)
    }

    /// The targets and hosts that may be seen, each a rule.
    fn rules(&self, cases: &[Case]) -> Result<Vec<(String, String)>> {
        let mut rules = BTreeSet::new();
        for case in cases {
            if let (Outcome::Seen(target), Some(host)) = (case.outcome(self.mode)?, case.host()) {
                let target = String::from_utf8(target).context("a path that is not UTF-8")?;
                rules.insert((target, host.to_owned()));
            }
        }
        Ok(rules.into_iter().collect())
    }

    fn configuration(&self, rules: &[(String, String)]) -> String {
        let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let mut policy = String::new();
        for (index, (target, host)) in rules.iter().enumerate() {
            let (path, query) = target.split_once('?').unwrap_or((target, ""));
            let fields = [target, path, query, host].map(quoted).join(", ");
            policy.push_str(&format!("p, {index}, {fields}\n"));
        }
        json!({"bundle": {
            "name": "paths",
            "revision": "1",
            "path_normalization": self.mode.name(),
            "request": {
                "target": "request.path",
                "path": "request.url_path",
                "query": "request.query",
                "host": "request.host",
            },
            "model": "[request_definition]\nr = target, path, query, host\n\
                      [policy_definition]\np = number, target, path, query, host\n\
                      [policy_effect]\ne = some(where (p.eft == allow))\n\
                      [matchers]\nm = r.target == p.target && r.path == p.path && \
                      r.query == p.query && r.host == p.host\n",
            "policy": policy,
        }})
        .to_string()
    }

    /// Has the access log say which request a line is of, lets CONNECT through
    /// to the filter, has Envoy close soon, and normalize where it shall.
    fn adjust(&self, bootstrap: &mut Value) -> Result<()> {
        const MANAGER: &str =
            "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
        let manager = bootstrap
            .pointer_mut(MANAGER)
            .context("the listener has no connection manager")?;
        manager["http2_protocol_options"] = json!({"allow_connect": true});
        // After an error of the protocol it would wait a second for the client.
        manager["delayed_close_timeout"] = json!("0.010s");
        manager["upgrade_configs"] =
            json!([{"upgrade_type": "websocket"}, {"upgrade_type": "CONNECT"}]);
        manager["access_log"][0]["typed_config"]["log_format"]["json_format"]["case"] =
            json!(format!("%REQ({})%", upstream::CASE));
        if self.envoy_normalizes {
            manager["normalize_path"] = json!(true);
            manager["merge_slashes"] = json!(self.mode != PathNormalization::Base);
            if self.mode == PathNormalization::DecodeAndMergeSlashes {
                manager["path_with_escaped_slashes_action"] = json!("UNESCAPE_AND_FORWARD");
            }
        }
        Ok(())
    }
}

/// The decision records by the number of their request, once the last request
/// is in the log. A request that Envoy refused itself has none.
fn records(log: &Path) -> Result<BTreeMap<String, String>> {
    until(PATIENCE, || {
        let text = std::fs::read(log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let complete = text.rfind('\n').and_then(|end| text.get(..end));
        let mut records = BTreeMap::new();
        for line in complete.unwrap_or_default().lines() {
            let line: Value = serde_json::from_str(line)?;
            let text = |name: &str| match line.get(name) {
                Some(Value::String(text)) => Some(text.clone()),
                Some(Value::Null) | None => None,
                Some(other) => Some(other.to_string()),
            };
            if let (Some(case), Some(decision)) = (text("case"), text("decision")) {
                records.insert(case, decision);
            }
        }
        Ok(records.contains_key(LAST).then_some(records))
    })
    .context("the access log lacks the last request")
}
