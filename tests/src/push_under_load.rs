//! Replaces the policy of an Envoy that wrk sends requests to.
//!
//! The pushed bundles come in two kinds that contradict each other: the one
//! allows `/a` and nothing else, the other `/b` and nothing else. So every
//! decision tells which kind made it, and must fit the revision it names.

use crate::bundle;
use crate::client;
use crate::echo::Echo;
use crate::envoy::config::{self, Plugin};
use crate::envoy::log::{Access, trap};
use crate::envoy::process::{Envoy, PATIENCE, Started};
use crate::envoy::push::{Counters, push, replace};
use crate::envoy::runner::fresh;
use crate::report::{Case, Report};
use crate::scenarios::{root, version};
use crate::wait::until;
use crate::wrk::{self, Wrk};
use anyhow::{Context, Result, bail};
use doorward_bundle::Configuration;
use host_sim::scenario::DecisionRecord;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

/// Bundles pushed, one after the other, under load.
const REVISIONS: u64 = 12;
/// How long each serves before the next comes.
const BETWEEN: Duration = Duration::from_millis(500);
/// An access log that has not grown for so long is whole: Envoy flushes it
/// every 10 ms.
const SETTLED: Duration = Duration::from_millis(500);
/// No run takes so long.
const LONGEST: Duration = Duration::from_mins(15);
/// Connections that wrk keeps open.
const CONNECTIONS: usize = 16;
/// Envoy's workers.
const WORKERS: usize = 2;

/// Sends `/a` and `/b` in turn and counts what comes back.
const WRK_SCRIPT: &str = r#"
local threads = {}
function setup(thread) table.insert(threads, thread) end
function init() ok = 0; denied = 0; other = 0; turn = 0 end
function request()
  turn = 1 - turn
  if turn == 1 then return wrk.format("GET", "/a") end
  return wrk.format("GET", "/b")
end
function response(status)
  if status == 200 then ok = ok + 1
  elseif status == 403 then denied = denied + 1
  else other = other + 1 end
end
function done(summary)
  local sum = {ok = 0, denied = 0, other = 0}
  for _, thread in ipairs(threads) do
    for name in pairs(sum) do sum[name] = sum[name] + thread:get(name) end
  end
  print(string.format('SUMMARY {"ok":%d,"denied":%d,"other":%d,"broken":%d}',
    sum.ok, sum.denied, sum.other, summary.errors.connect + summary.errors.read
    + summary.errors.write + summary.errors.timeout))
end
"#;

/// What wrk saw.
#[derive(Debug, Deserialize)]
struct Summary {
    ok: u64,
    denied: u64,
    other: u64,
    broken: u64,
}

/// Runs the test; whether all its cases passed.
///
/// # Errors
///
/// When Envoy or wrk cannot be run.
pub fn run(envoy: &Path, module: &Path) -> Result<bool> {
    let started = Instant::now();
    let mut report = Report::new(&format!("envoy {} under load", version(envoy)?));
    let folder = root().join("target").join("envoy-runs").join("load");
    fresh(&folder)?;
    let mut load = Load::start(envoy, module, &folder)?;
    let mut cases = load.push_all()?;
    let ran = load.wrk_runs()?;
    let summary = serde_json::from_str(&load.wrk.stop()?)?;
    cases.push(Case::judged("wrk saw no failure", failures(&summary)));
    cases.push(Case::judged("wrk ran to the end of the pushes", ran));
    cases.push(Case::judged(
        "Envoy runs and nothing trapped",
        load.healthy(),
    ));
    cases.extend(load.judge_access_log(&summary)?);
    report.add("pushes", started, &cases);
    println!(
        "    {} requests allowed and {} denied by {REVISIONS} revisions in turn",
        summary.ok, summary.denied
    );
    Ok(report.close())
}

fn failures(summary: &Summary) -> Result<(), String> {
    if summary.other == 0 && summary.broken == 0 && summary.ok > 0 && summary.denied > 0 {
        Ok(())
    } else {
        Err(format!("{summary:?}"))
    }
}

/// The bundle of revision `number`: odd ones allow `/a`, even ones `/b`.
fn configuration(number: u64) -> Result<String> {
    let mut manifest = bundle::manifest(&root().join("policies").join("orders"), None)?;
    manifest.name = "load".to_owned();
    manifest.revision = number.to_string();
    manifest.tokens.clear();
    manifest.request = serde_json::from_value(serde_json::json!({
        "sub": "'anyone'", "obj": "request.url_path", "act": "request.method",
    }))?;
    let allowed = allowed_path(number);
    manifest.policy = Some(format!("p, anyone, {allowed}, ^GET$, allow\n"));
    Ok(Configuration::inline(&manifest)?)
}

fn allowed_path(number: u64) -> &'static str {
    if number % 2 == 1 { "/a" } else { "/b" }
}

struct Load {
    envoy: Envoy,
    echo: Echo,
    wrk: Wrk,
    watched: PathBuf,
    access_log: PathBuf,
    module: PathBuf,
    environment: BTreeMap<String, String>,
}

impl Load {
    fn start(binary: &Path, module: &Path, folder: &Path) -> Result<Self> {
        let environment = BTreeMap::from([("DOORWARD_UNSIGNED".to_owned(), "allow".to_owned())]);
        let watched = folder.join("ecds").join("doorward.json");
        std::fs::create_dir_all(folder.join("ecds"))?;
        let plugin = Plugin {
            module,
            environment: &environment,
            vm_configuration: "",
        };
        replace(&watched, &plugin.resource(&configuration(1)?))?;
        let echo = Echo::forgetting()?;
        let access_log = folder.join("access.log");
        let bootstrap =
            config::bootstrap(&config::discovered(&watched), echo.address(), &access_log);
        let envoy = match Envoy::start_with(binary, &bootstrap, folder, WORKERS)? {
            Started::Ready(envoy) => envoy,
            Started::Refused(log) => bail!("Envoy refused its configuration:\n{log}"),
        };
        let script = folder.join("wrk.lua");
        std::fs::write(&script, WRK_SCRIPT)?;
        let sent = wrk::Load {
            connections: CONNECTIONS,
            script: &script,
            address: envoy.ingress(),
            arguments: &[],
        };
        let wrk = Wrk::start(&mut Command::new("wrk"), &sent, LONGEST)?;
        Ok(Self {
            envoy,
            echo,
            wrk,
            watched,
            access_log,
            module: module.to_owned(),
            environment,
        })
    }

    fn resource(&self, configuration: &str) -> String {
        Plugin {
            module: &self.module,
            environment: &self.environment,
            vm_configuration: "",
        }
        .resource(configuration)
    }

    /// Pushes all revisions; in the middle, and at the end, a broken one.
    fn push_all(&mut self) -> Result<Vec<Case>> {
        let mut cases = Vec::new();
        thread::sleep(BETWEEN);
        for number in 2..=REVISIONS {
            println!("    pushing revision {number}");
            let taken = push(
                &self.envoy,
                &self.watched,
                &self.resource(&configuration(number)?),
            )?;
            let verdict = if taken {
                Ok(())
            } else {
                Err("refused".to_owned())
            };
            cases.push(Case::judged(
                &format!("revision {number} is taken"),
                verdict,
            ));
            thread::sleep(BETWEEN);
            if number == REVISIONS / 2 || number == REVISIONS {
                println!("    pushing a broken bundle");
                let name = format!("a broken bundle after revision {number} is refused");
                cases.push(Case::judged(&name, self.push_broken(number)?));
            }
        }
        Ok(cases)
    }

    /// A bundle whose model does not parse must be refused, and the revision
    /// before it must go on deciding.
    fn push_broken(&self, before: u64) -> Result<Result<(), String>> {
        let counted = Counters::read(&self.envoy)?;
        let mut broken: serde_json::Value = serde_json::from_str(&configuration(before)?)?;
        if let Some(bundle) = broken.get_mut("bundle") {
            bundle["revision"] = "broken".into();
            bundle["model"] = format!("[request_definition\n# {before}\n").into();
        }
        let taken = push(
            &self.envoy,
            &self.watched,
            &self.resource(&broken.to_string()),
        )?;
        let now = Counters::read(&self.envoy)?;
        thread::sleep(BETWEEN);
        let allowed = self.status_of(allowed_path(before))?;
        let denied = self.status_of(allowed_path(before + 1))?;
        let expected = Counters {
            success: counted.success,
            rejected: counted.rejected + 1,
        };
        Ok(
            if !taken && now == expected && (allowed, denied) == (200, 403) {
                Ok(())
            } else {
                Err(format!(
                    "taken: {taken}, counters {now:?} instead of {expected:?}, then {allowed} and \
                 {denied} instead of 200 and 403"
                ))
            },
        )
    }

    fn status_of(&self, path: &str) -> Result<u16> {
        let request = client::Request {
            method: "GET",
            path,
            authority: "load.example",
            ..client::Request::default()
        };
        Ok(client::send(self.envoy.ingress(), &request)?.status)
    }

    /// Whether wrk has run until now.
    fn wrk_runs(&mut self) -> Result<Result<(), String>> {
        Ok(match self.wrk.ended()? {
            None => Ok(()),
            Some(status) => Err(format!("it ended before ({status})")),
        })
    }

    fn healthy(&mut self) -> Result<(), String> {
        self.envoy.must_run().map_err(|error| error.to_string())?;
        let log = self.envoy.log().map_err(|error| error.to_string())?;
        trap(&log).map_or(Ok(()), Err)
    }

    fn judge_access_log(&self, summary: &Summary) -> Result<Vec<Case>> {
        let answered = summary.ok + summary.denied + summary.other;
        // Requests that wrk gave up at its end are logged too, so the log is
        // whole only when it has stopped growing.
        let mut seen = 0;
        let ledger = until(PATIENCE, || {
            let ledger = Ledger::read(&self.access_log)?;
            let grown = std::mem::replace(&mut seen, ledger.lines) != ledger.lines;
            thread::sleep(SETTLED);
            Ok((!grown && ledger.lines >= answered).then_some(ledger))
        })
        .context("the access log has fewer lines than wrk got answers")?;
        Ok(ledger.cases(self.echo.count()))
    }
}

/// What the access log says of all requests.
#[derive(Default)]
struct Ledger {
    lines: u64,
    /// Decisions by revision.
    by_revision: BTreeMap<u64, u64>,
    /// The last revision that decided on each connection.
    last: BTreeMap<u64, u64>,
    allowed: u64,
    /// The first few lines at fault.
    mixed: Vec<String>,
    backwards: Vec<String>,
    /// Requests on the test's own connections, which end at once.
    connections: BTreeMap<u64, u64>,
}

impl Ledger {
    fn read(file: &Path) -> Result<Self> {
        let mut ledger = Self::default();
        let mut reader = BufReader::new(File::open(file)?);
        let mut line = String::new();
        // A last line that is still being written has no end yet.
        while reader.read_line(&mut line)? > 0 && line.ends_with('\n') {
            ledger.enter(line.trim_end())?;
            line.clear();
        }
        Ok(ledger)
    }

    fn enter(&mut self, line: &str) -> Result<()> {
        let access = Access::of_line(line)?;
        self.lines += 1;
        *self.connections.entry(access.connection).or_default() += 1;
        let Some(revision) = fitting_revision(&access) else {
            self.mixed.push(line.to_owned());
            return Ok(());
        };
        *self.by_revision.entry(revision).or_default() += 1;
        if access.path == allowed_path(revision) {
            self.allowed += 1;
        }
        let last = self.last.entry(access.connection).or_insert(revision);
        if *last > revision {
            self.backwards.push(line.to_owned());
        }
        *last = revision;
        Ok(())
    }

    fn cases(&self, arrived: u64) -> Vec<Case> {
        let none = |lines: &[String]| match lines.first() {
            None => Ok(()),
            Some(line) => Err(format!("{} lines, the first is {line}", lines.len())),
        };
        let silent: Vec<u64> = (1..=REVISIONS)
            .filter(|number| !self.by_revision.contains_key(number))
            .collect();
        let stale: Vec<_> = self
            .last
            .iter()
            .filter(|(connection, last)| {
                let kept = self
                    .connections
                    .get(connection)
                    .is_some_and(|lines| *lines > 1);
                kept && **last != REVISIONS
            })
            .collect();
        let check = |ok: bool, why: String| if ok { Ok(()) } else { Err(why) };
        vec![
            Case::judged("each decision is of one revision", none(&self.mixed)),
            Case::judged(
                "no connection goes back to an older revision",
                none(&self.backwards),
            ),
            Case::judged(
                "each revision decided requests",
                check(silent.is_empty(), format!("{silent:?} did not")),
            ),
            Case::judged(
                "the last revision decides on each connection",
                check(
                    stale.is_empty() && self.last.len() >= CONNECTIONS,
                    format!("{stale:?} of {} connections", self.last.len()),
                ),
            ),
            Case::judged(
                "what was allowed reached the upstream, and nothing else did",
                check(
                    arrived <= self.allowed
                        && self.allowed - arrived <= u64::try_from(CONNECTIONS).unwrap_or(0),
                    format!("{} allowed, {arrived} arrived", self.allowed),
                ),
            ),
        ]
    }
}

/// The revision of a line whose path, status and decision all fit it.
///
/// A line without a status is of a request whose client left: wrk's at the
/// end. Its decision must fit all the same.
fn fitting_revision(access: &Access) -> Option<u64> {
    let record: DecisionRecord = serde_json::from_str(access.decision.as_deref()?).ok()?;
    let number: u64 = record.revision.strip_prefix("load@")?.parse().ok()?;
    if number == 0 || number > REVISIONS {
        return None;
    }
    let (decision, status) = if access.path == allowed_path(number) {
        ("allow", 200)
    } else {
        ("deny", 403)
    };
    let answered = access.status == status || access.status == 0;
    (record.decision == decision && answered).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(connection: u64, path: &str, status: u16, decision: &str, revision: &str) -> String {
        let record = serde_json::json!({
            "decision": decision, "reason": "x", "rule": null, "revision": revision,
        });
        serde_json::json!({
            "connection": connection, "path": path, "status": status, "details": "",
            "decision": record.to_string(),
        })
        .to_string()
    }

    #[test]
    fn a_decision_must_fit_its_revision() {
        for (fits, entry) in [
            (true, line(1, "/a", 200, "allow", "load@1")),
            (true, line(1, "/b", 403, "deny", "load@1")),
            (true, line(1, "/b", 200, "allow", "load@2")),
            (true, line(1, "/b", 0, "allow", "load@2")),
            (false, line(1, "/a", 403, "deny", "load@1")),
            (false, line(1, "/a", 403, "allow", "load@1")),
            (false, line(1, "/a", 503, "allow", "load@1")),
            (false, line(1, "/a", 200, "allow", "load@broken")),
            (false, line(1, "/a", 200, "allow", "load@99")),
        ] {
            let mut ledger = Ledger::default();
            ledger.enter(&entry).expect("a line");
            assert_eq!(ledger.mixed.is_empty(), fits, "{entry}");
        }
    }

    #[test]
    fn going_back_is_seen_on_one_connection_only() {
        let mut ledger = Ledger::default();
        for entry in [
            line(1, "/b", 200, "allow", "load@2"),
            line(2, "/a", 200, "allow", "load@1"),
            line(1, "/a", 200, "allow", "load@3"),
        ] {
            ledger.enter(&entry).expect("a line");
        }
        assert!(ledger.backwards.is_empty());
        ledger
            .enter(&line(1, "/b", 200, "allow", "load@2"))
            .expect("a line");
        assert_eq!(ledger.backwards.len(), 1);
    }
}
