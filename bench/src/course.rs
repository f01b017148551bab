//! One family from its smallest size to its largest: which engines run, what
//! they cost, and why others do not run.

use crate::timing::{self, Effort, Entrant, Taken};
use anyhow::{Context, Result, bail, ensure};
use doorward_bench::engine::Kind;
use doorward_bench::family::Family;
use doorward_bench::report::{Cost, Findings, Memory, Skipped};
use doorward_bench::workload::{Case, Workload};
use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

/// With `--quick`: no policy has more rows, and none has just so many.
const QUICK_ROWS: usize = 11_000;
const QUICK_LEAVES_OUT: usize = 100;

/// How much is run.
pub(crate) fn effort(quick: bool) -> Effort {
    let ms = Duration::from_millis;
    if quick {
        Effort {
            rounds: 3,
            batch: Duration::from_micros(500),
            random: ms(100),
            peer_random: ms(5),
            peer_decision: ms(30),
            peer_load: ms(300),
        }
    } else {
        Effort {
            rounds: 7,
            batch: ms(2),
            random: ms(1_000),
            peer_random: ms(60),
            peer_decision: ms(300),
            peer_load: ms(4_000),
        }
    }
}

/// Runs all sizes of a family.
///
/// # Errors
///
/// When this engine refuses a policy or gives an unexpected answer.
pub(crate) fn run(family: &Family, effort: Effort, quick: bool, clock: f64) -> Result<Findings> {
    let mut found = Findings {
        name: family.name,
        about: family.about,
        budget: family.budget,
        costs: Vec::new(),
        skipped: Vec::new(),
    };
    // Why a peer does not run from here on.
    let mut out: BTreeMap<&'static str, String> = BTreeMap::new();
    let left_out = |rows: usize| quick && (rows > QUICK_ROWS || rows == QUICK_LEAVES_OUT);
    let sizes = family.sizes.iter().copied();
    let sizes: Vec<usize> = sizes.filter(|rows| !left_out(*rows)).collect();
    for (position, rows) in sizes.iter().enumerate() {
        let workload = family.workload(*rows);
        eprintln!("{}: {} rows", family.name, workload.rows());
        let next = sizes.get(position + 1).copied();
        let next = next.map(|next| next as f64 / *rows as f64);
        size(&mut found, &mut out, &workload, effort, next, clock)?;
    }
    Ok(found)
}

fn size(
    found: &mut Findings,
    out: &mut BTreeMap<&'static str, String>,
    workload: &Workload,
    effort: Effort,
    next: Option<f64>,
    clock: f64,
) -> Result<()> {
    let mut entrants = Vec::new();
    for kind in Kind::ALL {
        let entered = match out.get(kind.name()) {
            Some(reason) => Err(reason.clone()),
            None => enter(kind, workload, effort, next, out)?,
        };
        match entered {
            Ok(entrant) => entrants.push(entrant),
            Err(reason) => found.skipped.push(Skipped {
                engine: kind.name(),
                rows: workload.rows(),
                reason,
            }),
        }
    }
    let taken = timing::race(&mut entrants, workload, effort, clock)?;
    let examined = examined(&mut entrants, workload);
    let loads: Vec<(Kind, f64)> = entrants
        .iter()
        .map(|entrant| (entrant.kind, entrant.load.as_secs_f64() * 1e3))
        .collect();
    drop(entrants);
    let memory = memory(found.name, workload.rows(), &loads)?;
    for Taken {
        entrant,
        case,
        requests,
        ns,
    } in taken
    {
        let (kind, load_ms) = loads[entrant];
        let memory = memory.get(kind.name());
        let memory = memory.context("an engine's memory was not counted")?;
        found.costs.push(Cost {
            family: found.name,
            engine: kind.name(),
            rows: workload.rows(),
            case: case.name(),
            requests,
            ns,
            allocations: memory.allocations.get(case.name()).copied().unwrap_or(0.0),
            load_ms,
            bytes: memory.bytes,
            rows_examined: examined[entrant][case as usize],
        });
    }
    Ok(())
}

/// Loads an engine and checks it. A peer that cannot take part has a reason,
/// and may be out for all larger sizes.
fn enter<'w>(
    kind: Kind,
    workload: &'w Workload,
    effort: Effort,
    next: Option<f64>,
    out: &mut BTreeMap<&'static str, String>,
) -> Result<std::result::Result<Entrant<'w>, String>> {
    let mut load = Duration::ZERO;
    let mut meter = |run: &mut dyn FnMut()| {
        let started = Instant::now();
        run();
        load = started.elapsed();
    };
    let refused = |error: anyhow::Error| {
        if kind == Kind::Doorward {
            Err(error)
        } else {
            Ok(format!("{error:#}"))
        }
    };
    let engine = match kind.load(workload, &mut meter) {
        Ok(Ok(engine)) => engine,
        Ok(Err(reason)) => {
            let reason = format!("it cannot express this: {reason}");
            out.insert(kind.name(), reason.clone());
            return Ok(Err(reason));
        }
        Err(error) => return refused(error).map(Err),
    };
    let mut entrant = Entrant { kind, engine, load };
    if let Err(error) = timing::check(&mut entrant, workload, effort.peer_decision) {
        return refused(error.context("its answers differ")).map(Err);
    }
    if kind == Kind::Doorward {
        return Ok(Ok(entrant));
    }
    let decision = timing::slow_decision(&mut entrant)?;
    if decision > effort.peer_decision {
        let reason = format!(
            "a decision takes {} ms; the limit for a peer is {} ms",
            decision.as_millis(),
            effort.peer_decision.as_millis()
        );
        out.insert(kind.name(), reason.clone());
        return Ok(Err(reason));
    }
    if let Some(reason) = next.and_then(|growth| too_slow(decision, load, growth, effort)) {
        out.insert(kind.name(), reason);
    }
    Ok(Ok(entrant))
}

/// Whether the next size would be over a limit, if time grows as rows do.
fn too_slow(decision: Duration, load: Duration, growth: f64, effort: Effort) -> Option<String> {
    let (decision, load) = (decision.mul_f64(growth), load.mul_f64(growth));
    if decision > effort.peer_decision {
        return Some(format!(
            "going by the size before, a decision would take {} ms; the limit for a peer is {} ms",
            decision.as_millis(),
            effort.peer_decision.as_millis()
        ));
    }
    (load > effort.peer_load).then(|| {
        format!(
            "going by the size before, loading would take {} ms; the limit for a peer is {} ms",
            load.as_millis(),
            effort.peer_load.as_millis()
        )
    })
}

/// The most rows that any request of a case had examined, by engine and case.
fn examined(entrants: &mut [Entrant<'_>], workload: &Workload) -> Vec<[Option<u32>; 5]> {
    let most = |entrant: &mut Entrant<'_>, case: Case| {
        if entrant.kind != Kind::Doorward {
            return None;
        }
        (0..workload.requests(case).len().min(1_000))
            .filter_map(|number| entrant.engine.rows_examined(case, number))
            .max()
    };
    entrants
        .iter_mut()
        .map(|entrant| Case::ALL.map(|case| most(entrant, case)))
        .collect()
}

/// Asks the program that counts.
fn memory(family: &str, rows: usize, loads: &[(Kind, f64)]) -> Result<BTreeMap<String, Memory>> {
    let here = std::env::current_exe().context("this program cannot be found")?;
    let program = here.with_file_name(format!(
        "doorward-bench-memory{}",
        std::env::consts::EXE_SUFFIX
    ));
    ensure!(
        program.is_file(),
        "{} is missing; build both programs of the package, as `cargo xtask bench engine` does",
        program.display()
    );
    let mut command = Command::new(&program);
    command.args(["--family", family, "--rows", &rows.to_string()]);
    for (kind, _) in loads {
        command.args(["--engine", kind.name()]);
    }
    let output = command
        .stderr(std::process::Stdio::inherit())
        .output()
        .with_context(|| format!("{} cannot be started", program.display()))?;
    if !output.status.success() {
        bail!("counting memory failed: {}", output.status);
    }
    serde_json::from_slice(&output.stdout).context("the counts are not JSON")
}
