//! A run: what it needs, and its rounds.

use super::Plan;
use super::cores::Cores;
use super::load::{self, BUSY, CALM, LONG, Load, Slice, Target};
use super::memory::{self, PerWorker};
use super::proxy::{Parts, Proxy};
use super::pushes::{self, Pushes};
use super::results::{Measured, Results};
use super::server::{self, Server};
use super::tokens::{self, Files};
use super::variant::{self, FLOOR, Kind, NO_FILTER, Tokens, Variant, allowed};
use crate::envoy::runner::fresh;
use crate::scenarios::root;
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Latency is measured in one of so many rounds, and that of what no budget
/// names in one of so many, the last among them: in the first ones the proxy
/// still compiles.
const CALM_ROUNDS: (usize, usize) = (4, 12);

/// How far the order of variants turns from round to round.
const TURN: usize = 7;

/// Seconds' worth of requests beside the slices: to check; and what a slice
/// takes longer than it should.
const SPARE_SECONDS: f64 = 3.0;
const LONGER: f64 = 0.1;

/// More requests with tokens that are all different than are sent in a second.
const PER_SECOND: f64 = 14_000.0;

/// A run that is under way.
pub(super) struct Run<'a> {
    plan: &'a Plan<'a>,
    folder: PathBuf,
    cores: Cores,
    variants: Vec<Variant>,
    left_out: Vec<Variant>,
    servers: BTreeMap<(Kind, usize), Server>,
    files: Files,
    load: Load,
    pub(super) results: Results,
    /// Requests of each variant so far.
    sent: Vec<u64>,
}

impl<'a> Run<'a> {
    /// Mints tokens and starts servers for those of the variants that the plan
    /// asks for.
    pub(super) fn new(plan: &'a Plan<'a>, name: &str, variants: Vec<Variant>) -> Result<Self> {
        let folder = root().join("target").join("envoy-runs").join(name);
        fresh(&folder)?;
        let cores = Cores::find()?;
        let (variants, left_out): (Vec<_>, Vec<_>) = variant::select(variants, plan.only)
            .into_iter()
            .partition(|variant| is_available(plan, *variant));
        // Those that warm up and measure latency are long.
        let long = usize::try_from(LONG)? * (1 + plan.rounds.div_ceil(CALM_ROUNDS.1));
        let slices = (plan.rounds + long) as f64;
        let seconds = slices * (plan.time.as_secs_f64() + LONGER) + SPARE_SECONDS;
        let requests = (seconds * PER_SECOND) as usize;
        let files = Files::mint(&variants, &folder, requests)?;
        let servers = match plan.ext_authz {
            Some(program) => server::start(program, &variants, cores, &folder)?,
            None => BTreeMap::new(),
        };
        let script = folder.join("wrk.lua");
        std::fs::write(&script, include_str!("wrk.lua"))?;
        Ok(Self {
            plan,
            folder,
            cores,
            left_out,
            servers,
            files,
            load: Load {
                script,
                cores,
                time: plan.time,
                idle: 0.0,
            },
            results: Results(variants.iter().copied().map(Measured::new).collect()),
            sent: vec![0; variants.len()],
            variants,
        })
    }

    fn parts(&self) -> Parts<'_> {
        Parts {
            plan: self.plan,
            servers: &self.servers,
            folder: &self.folder,
            cores: self.cores,
        }
    }

    /// Says which variants could not be measured.
    pub(super) fn say_what_is_left_out(&self) {
        for variant in &self.left_out {
            let lacks = if variant.kind == Kind::Casbin {
                "the module with casbin"
            } else {
                "the ext_authz server"
            };
            println!("left out: {variant} ({lacks} is not built)");
        }
    }

    /// All rounds. The first warms up and does not count.
    pub(super) fn rounds(&mut self) -> Result<()> {
        println!("starting Envoy with {} listeners", self.variants.len());
        let folder = self.folder.join("all");
        let proxy = Proxy::start(&self.parts(), &self.variants, 1, &folder)?;
        let started = Instant::now();
        let count = self.variants.len();
        for round in 0..=self.plan.rounds {
            for turn in 0..count {
                // Every second round backwards, so that no variant always comes
                // behind the same one.
                let turn = if round % 2 == 0 {
                    turn
                } else {
                    count - 1 - turn
                };
                self.measure(&proxy, (turn + round * TURN) % count, round)?;
            }
            let seconds = started.elapsed().as_secs_f64();
            println!("round {round} of {}, {seconds:.0} s", self.plan.rounds);
            if round == 0 {
                self.load.idle = load::idle(proxy.envoy.process_id())?;
                println!(
                    "without any load Envoy takes {:.1} ms of CPU in a second, which is taken off",
                    self.load.idle / 1e6
                );
            }
        }
        self.check_again(&proxy)
    }

    fn measure(&mut self, proxy: &Proxy, number: usize, round: usize) -> Result<()> {
        let variant = *self.variants.get(number).context("no such variant")?;
        let calm_too = round > 0 && has_calm_round(variant, self.plan.rounds - round);
        let (busy, calm) = self
            .slices(proxy, number, round == 0, calm_too)
            .with_context(|| variant.to_string())?;
        let calm_requests = calm.map_or(0, |slice| slice.requests);
        if let Some(sent) = self.sent.get_mut(number) {
            *sent += busy.requests + calm_requests;
        }
        if round > 0
            && let Some(found) = self.results.0.get_mut(number)
        {
            found.busy.push((round, busy));
            found.calm.extend(calm.map(|slice| (round, slice)));
        }
        Ok(())
    }

    fn slices(
        &self,
        proxy: &Proxy,
        number: usize,
        first: bool,
        calm_too: bool,
    ) -> Result<(Slice, Option<Slice>)> {
        let variant = *self.variants.get(number).context("no such variant")?;
        let tokens = self.files.path(variant.tokens);
        let target = self.target(proxy, number, &tokens)?;
        if first {
            tokens::ask(&target, &self.files)?;
            tokens::warm(&self.load, &target)?;
        }
        let busy = if first && variant.kind.caches_as_doorward() {
            tokens::checked_slice(&self.load, &target, &self.files)?
        } else {
            let time = self.load.time * if first { LONG } else { 1 };
            self.load.slice_of(&target, BUSY, time)?
        };
        let calm = if calm_too {
            let target = Target {
                sent: target.sent + busy.requests,
                ..target
            };
            Some(self.load.slice_of(&target, CALM, self.load.time * LONG)?)
        } else {
            None
        };
        Ok((busy, calm))
    }

    fn target<'t>(&self, proxy: &'t Proxy, number: usize, tokens: &'t Path) -> Result<Target<'t>> {
        let variant = *self.variants.get(number).context("no such variant")?;
        let server = self.servers.get(&(variant.kind, variant.rules));
        Ok(Target {
            proxy,
            variant,
            number,
            tokens,
            sent: self.sent.get(number).copied().unwrap_or_default(),
            server: server.map(Server::process_id),
        })
    }

    /// That each variant still answers with the very status, and that tokens
    /// which are meant to be different did not come again so often in the end
    /// that they were cached.
    fn check_again(&self, proxy: &Proxy) -> Result<()> {
        for (number, variant) in self.variants.iter().enumerate() {
            let one = self.files.path(Tokens::One);
            tokens::ask(&self.target(proxy, number, &one)?, &self.files)
                .with_context(|| format!("{variant}, after all rounds"))?;
            let different = matches!(variant.tokens, Tokens::Different(_));
            if different && variant.kind.caches_as_doorward() {
                let tokens = self.files.path(variant.tokens);
                let target = self.target(proxy, number, &tokens)?;
                tokens::checked_slice(&self.load, &target, &self.files)
                    .with_context(|| format!("{variant}, after all rounds"))?;
            }
        }
        Ok(())
    }

    /// The memory of an Envoy for each variant alone.
    pub(super) fn memory_of_each(&mut self) -> Result<()> {
        println!("memory of each variant in an Envoy of its own");
        let folder = self.folder.join("memory");
        // The module with casbin has our own engine in memory too.
        let measured = self.variants.iter().enumerate();
        for (number, variant) in measured.filter(|(_, variant)| variant.kind != Kind::Casbin) {
            let mib = memory::rss_mib(&self.parts(), &self.load, &self.files, *variant, &folder)
                .with_context(|| variant.to_string())?;
            if let Some(found) = self.results.0.get_mut(number) {
                found.rss_mib = Some(mib);
            }
        }
        Ok(())
    }

    /// What one more worker takes with each of these numbers of rules.
    pub(super) fn per_worker(&self, rules: &[usize]) -> Result<Vec<PerWorker>> {
        let folder = self.folder.join("memory");
        memory::per_worker(&self.parts(), &self.load, &self.files, rules, &folder)
    }

    /// What pushes do in so many windows with and without them.
    pub(super) fn pushes(&self, windows: usize) -> Result<Pushes> {
        let folder = self.folder.join("pushes");
        pushes::measure(self.plan, &self.files.one()?, windows, &folder)
    }
}

fn is_available(plan: &Plan<'_>, variant: Variant) -> bool {
    match variant.kind {
        Kind::Casbin => plan.casbin_module.is_some(),
        Kind::ExtAuthz | Kind::Rego => plan.ext_authz.is_some(),
        _ => true,
    }
}

/// Whether a variant's latency is measured in a round before so many others.
fn has_calm_round(variant: Variant, left: usize) -> bool {
    let named = [
        NO_FILTER,
        FLOOR,
        allowed(Kind::Doorward, 1, Tokens::One),
        allowed(Kind::ExtAuthz, 0, Tokens::One),
    ];
    let (often, rarely) = CALM_ROUNDS;
    let each = if named.contains(&variant) {
        often
    } else {
        rarely
    };
    left.is_multiple_of(each)
}
