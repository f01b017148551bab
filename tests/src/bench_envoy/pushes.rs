//! Doorward while its bundle of 10,000 rules is replaced each second: when a
//! push is in force, and what it does to the latency of the requests around it.
//!
//! Envoy has both cores here: its main thread, which tries a bundle first, is
//! not its worker, and one core for both would be measured instead.

use super::proxy::{bootstrap, environment, launch};
use super::rules::{self, Records};
use super::statistics::{Spread, median, percentile};
use super::{Plan, steady};
use crate::client::{Connection, Request};
use crate::envoy::config::{self, Plugin};
use crate::envoy::process::Envoy;
use crate::envoy::push::Counters;
use anyhow::{Context, Result, anyhow, ensure};
use serde::Serialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

const RULES: usize = 10_000;

/// A window with pushes and one without take turns.
const SECONDS: usize = 5;
const BETWEEN: Duration = Duration::from_secs(1);

/// Between two looks whether a push is in force.
const LOOK: Duration = Duration::from_micros(500);
const PATIENCE: Duration = Duration::from_secs(20);

/// What pushes do.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Pushes {
    pub(super) pushes: usize,
    pub(super) windows: usize,
    /// From the rename of the file to the first decision by the new bundle.
    pub(super) in_force_ms: Spread,
    /// p99.9 of a window's requests.
    pub(super) p999_ms_without: Spread,
    pub(super) p999_ms_with: Spread,
    /// The median of the differences of neighbouring windows.
    pub(super) p999_ms_added: f64,
}

/// Measures so many windows of each kind.
pub(super) fn measure(
    plan: &Plan<'_>,
    token: &str,
    windows: usize,
    folder: &Path,
) -> Result<Pushes> {
    let mut under = Under::start(plan, token, folder)?;
    let (mut with, mut without, mut in_force) = (Vec::new(), Vec::new(), Vec::new());
    // The first window of each kind warms up and does not count.
    for window in 0..=windows {
        let calm = under.window(&[])?;
        let files = under.prepare(SECONDS)?;
        let counted = Counters::read(&under.envoy)?;
        let pushed = under.window(&files)?;
        let taken = Counters::read(&under.envoy)?.success - counted.success;
        ensure!(taken == files.len() as u64, "{taken} pushes were taken");
        println!(
            "pushes: window {window} of {windows}: p99.9 {:.1} ms without, {:.1} ms with, in \
             force after {:.0} ms",
            calm.p999,
            pushed.p999,
            median(&pushed.in_force).unwrap_or(f64::NAN)
        );
        if window > 0 {
            without.push(calm.p999);
            with.push(pushed.p999);
            in_force.extend(pushed.in_force);
        }
    }
    let added: Vec<f64> = with
        .iter()
        .zip(&without)
        .map(|(with, without)| with - without)
        .collect();
    Ok(Pushes {
        pushes: in_force.len(),
        windows,
        in_force_ms: Spread::of(&in_force).context("no push")?,
        p999_ms_without: Spread::of(&without).context("no window")?,
        p999_ms_with: Spread::of(&with).context("no window")?,
        p999_ms_added: median(&added).context("no window")?,
    })
}

struct Under<'a> {
    plan: &'a Plan<'a>,
    envoy: Envoy,
    address: SocketAddr,
    watched: PathBuf,
    headers: Vec<(String, Vec<u8>)>,
    revision: usize,
}

/// What a window showed, in milliseconds.
struct Window {
    p999: f64,
    in_force: Vec<f64>,
}

impl<'a> Under<'a> {
    fn start(plan: &'a Plan<'a>, token: &str, folder: &Path) -> Result<Self> {
        let watched = folder.join("ecds").join("doorward.json");
        std::fs::create_dir_all(folder.join("ecds"))?;
        std::fs::write(&watched, resource(plan, 0)?)?;
        let filter = config::discovered(&watched);
        let bootstrap = bootstrap(&[("pushes".to_owned(), vec![filter])], [])?;
        let envoy = launch(plan.envoy, &bootstrap, 1, folder)?;
        let address = envoy.ingress();
        Ok(Self {
            plan,
            envoy,
            address,
            watched,
            headers: vec![(
                "authorization".to_owned(),
                format!("Bearer {token}").into_bytes(),
            )],
            revision: 0,
        })
    }

    /// Writes the files of the next pushes, so that a push is but a rename.
    fn prepare(&mut self, count: usize) -> Result<Vec<(PathBuf, String)>> {
        let mut files = Vec::new();
        for _ in 0..count {
            self.revision += 1;
            let file = self
                .envoy
                .folder()
                .join(format!("push-{}.json", self.revision));
            std::fs::write(&file, resource(self.plan, self.revision)?)?;
            files.push((file, revision(self.revision)));
        }
        Ok(files)
    }

    fn window(&self, files: &[(PathBuf, String)]) -> Result<Window> {
        let time = BETWEEN * u32::try_from(SECONDS)?;
        let (latencies, in_force) = thread::scope(|scope| {
            let pushes = scope.spawn(|| self.push_all(files));
            let latencies = steady::run(self.address, &self.headers, RULES, time);
            let pushed = pushes
                .join()
                .map_err(|_| anyhow!("the pushing thread ended"));
            Ok::<_, anyhow::Error>((latencies?, pushed??))
        })?;
        let p999 = percentile(&latencies, 0.999).context("no request")?;
        Ok(Window {
            p999: p999 / 1000.0,
            in_force,
        })
    }

    /// One push each second; how long until each was in force.
    fn push_all(&self, files: &[(PathBuf, String)]) -> Result<Vec<f64>> {
        let mut connection = Connection::open(self.address)?;
        let started = Instant::now();
        let mut all = Vec::new();
        for (number, (file, revision)) in files.iter().enumerate() {
            // Half a second after the window's begin, then each second.
            let due = BETWEEN * u32::try_from(number)? + BETWEEN / 2;
            thread::sleep(due.saturating_sub(started.elapsed()));
            let pushed = Instant::now();
            std::fs::rename(file, &self.watched)?;
            while !self.is_in_force(&mut connection, revision)? {
                ensure!(pushed.elapsed() < PATIENCE, "{revision} is not in force");
                thread::sleep(LOOK);
            }
            all.push(pushed.elapsed().as_secs_f64() * 1e3);
        }
        Ok(all)
    }

    /// Asks for the path that this revision alone allows.
    fn is_in_force(&self, connection: &mut Connection, revision: &str) -> Result<bool> {
        let path = format!("/{revision}");
        let request = Request {
            method: "GET",
            path: &path,
            authority: "localhost",
            headers: &self.headers,
            ..Request::default()
        };
        let answer = connection.send(&request)?;
        ensure!(
            [200, 403].contains(&answer.status),
            "answered with {}",
            answer.status
        );
        Ok(answer.status == 200)
    }
}

fn revision(number: usize) -> String {
    format!("revision-{number}")
}

fn resource(plan: &Plan<'_>, number: usize) -> Result<String> {
    let environment = environment();
    let plugin = Plugin {
        module: plan.module,
        environment: &environment,
        vm_configuration: "",
    };
    Ok(plugin.resource(&rules::configuration(
        RULES,
        Records::All,
        Some(&revision(number)),
    )?))
}
