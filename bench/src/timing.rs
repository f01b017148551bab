//! Takes the times of all engines on one workload.

use anyhow::{Context, Result, ensure};
use doorward_bench::engine::{Engine, Kind};
use doorward_bench::report::Nanoseconds;
use doorward_bench::workload::{Case, Workload};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// How much is run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    /// Rounds; in each, every engine runs every case once.
    pub(crate) rounds: usize,
    /// Time for one case in one round.
    pub(crate) batch: Duration,
    /// Time for the random requests of one round, for this engine: the budget
    /// wants all of them.
    pub(crate) random: Duration,
    /// The same for a peer; at least a few requests are always taken.
    pub(crate) peer_random: Duration,
    /// A decision may take a peer no longer.
    pub(crate) peer_decision: Duration,
    /// Loading may take a peer no longer.
    pub(crate) peer_load: Duration,
}

/// An engine with one workload loaded.
pub(crate) struct Entrant<'w> {
    /// Which.
    pub(crate) kind: Kind,
    /// The engine.
    pub(crate) engine: Box<dyn Engine + 'w>,
    /// How long loading took.
    pub(crate) load: Duration,
}

/// Checks the answers to hits, misses, first and last row, and to as many
/// random requests as the time allows.
///
/// # Errors
///
/// When an answer is not the expected one: says which.
pub(crate) fn check(entrant: &mut Entrant<'_>, workload: &Workload, time: Duration) -> Result<()> {
    for case in Case::ALL {
        let started = Instant::now();
        for (number, ask) in workload.requests(case).iter().enumerate() {
            let allows = entrant.engine.allows(case, number)?;
            ensure!(
                allows == ask.allow,
                "it answers {} to {ask:?}",
                if allows { "allow" } else { "deny" }
            );
            if started.elapsed() > time {
                break;
            }
        }
    }
    Ok(())
}

/// The time of a slow decision: of the last row or of a miss.
///
/// # Errors
///
/// When the engine cannot evaluate the request.
pub(crate) fn slow_decision(entrant: &mut Entrant<'_>) -> Result<Duration> {
    let mut slowest = Duration::ZERO;
    for case in [Case::Last, Case::Miss] {
        let mut shortest = Duration::MAX;
        for _ in 0..3 {
            let started = Instant::now();
            black_box(entrant.engine.allows(case, 0)?);
            shortest = shortest.min(started.elapsed());
        }
        slowest = slowest.max(shortest);
    }
    Ok(slowest)
}

/// Random requests that are timed of the slowest engine, and of others: how
/// far an engine goes that stops at the first match depends on the request.
const FEW: usize = 8;
const SOME: usize = 32;

/// An engine whose decisions take longer runs in the first rounds alone.
const SLOW: Duration = Duration::from_millis(20);
const SLOW_ROUNDS: usize = 2;

/// The times of one engine: by case, and for random requests by request.
struct Times {
    rounds: [Vec<f64>; Case::ALL.len()],
    /// The mean of random requests, by round.
    means: Vec<f64>,
    requests: Vec<Vec<f64>>,
    iterations: [usize; Case::ALL.len()],
    /// Decisions made so far; a slow engine goes on with the next request.
    made: [usize; Case::ALL.len()],
    slow: bool,
}

/// What one case of one engine took.
pub(crate) struct Taken {
    /// The engine's position among the entrants.
    pub(crate) entrant: usize,
    /// The case.
    pub(crate) case: Case,
    /// Distinct requests.
    pub(crate) requests: usize,
    /// The times.
    pub(crate) ns: Nanoseconds,
}

/// Times all engines, interleaved: each round begins with another engine.
///
/// # Errors
///
/// When an engine cannot evaluate a request.
pub(crate) fn race(
    entrants: &mut [Entrant<'_>],
    workload: &Workload,
    effort: Effort,
    clock: f64,
) -> Result<Vec<Taken>> {
    let mut times = Vec::new();
    for entrant in entrants.iter_mut() {
        times.push(plan(entrant, workload, effort)?);
    }
    for round in 0..effort.rounds {
        for turn in 0..entrants.len() {
            let at = (round + turn) % entrants.len();
            if times[at].slow && round >= SLOW_ROUNDS {
                continue;
            }
            run(&mut entrants[at], &mut times[at], workload, clock)?;
        }
    }
    let mut taken = Vec::new();
    for (entrant, times) in times.into_iter().enumerate() {
        for case in Case::ALL {
            taken.push(sum_up(entrant, case, &times, workload)?);
        }
    }
    Ok(taken)
}

/// Decides how many decisions fit the time.
fn plan(entrant: &mut Entrant<'_>, workload: &Workload, effort: Effort) -> Result<Times> {
    let mut iterations = [1; Case::ALL.len()];
    let mut slow = false;
    for case in Case::ALL {
        let count = workload.requests(case).len();
        let (time, least, most) = match (case, entrant.kind) {
            (Case::Random, Kind::Doorward) => (effort.random, FEW, count),
            (Case::Random, _) if slow => (effort.peer_random, FEW, count),
            (Case::Random, _) => (effort.peer_random, SOME, count),
            _ => (effort.batch, 1, 1 << 16),
        };
        // Grows until the time is used, so that one slow start misleads little.
        let wanted = &mut iterations[case as usize];
        loop {
            let started = Instant::now();
            for number in 0..*wanted {
                black_box(entrant.engine.allows(case, number % count)?);
            }
            let used = started.elapsed();
            slow |= used > SLOW * u32::try_from(*wanted).unwrap_or(u32::MAX);
            if used >= time / 4 || *wanted >= most {
                let fit = *wanted as f64 * time.as_secs_f64() / used.as_secs_f64().max(1e-9);
                *wanted = (fit as usize).clamp(least, most);
                break;
            }
            *wanted = (*wanted * 4).min(most);
        }
    }
    Ok(Times {
        rounds: Case::ALL.map(|_| Vec::new()),
        means: Vec::new(),
        requests: vec![Vec::new(); iterations[Case::Random as usize]],
        iterations,
        made: [0; Case::ALL.len()],
        slow,
    })
}

fn run(
    entrant: &mut Entrant<'_>,
    times: &mut Times,
    workload: &Workload,
    clock: f64,
) -> Result<()> {
    for case in Case::ALL {
        let iterations = times.iterations[case as usize];
        let ns = if case == Case::Random {
            let started = Instant::now();
            for number in 0..iterations {
                black_box(entrant.engine.allows(case, number)?);
            }
            let used = started.elapsed().as_nanos() as f64;
            times.means.push(used / iterations as f64);
            let mut all = Vec::with_capacity(iterations);
            for number in 0..iterations {
                let started = Instant::now();
                black_box(entrant.engine.allows(case, number)?);
                let ns = started.elapsed().as_nanos() as f64 - clock;
                all.push(ns.max(0.0));
                times.requests[number].push(ns.max(0.0));
            }
            quantile(&mut all, 0.5)
        } else {
            let count = workload.requests(case).len();
            let made = &mut times.made[case as usize];
            let started = Instant::now();
            for number in *made..*made + iterations {
                black_box(entrant.engine.allows(case, number % count)?);
            }
            *made += iterations;
            started.elapsed().as_nanos() as f64 / iterations as f64
        };
        times.rounds[case as usize].push(ns);
    }
    Ok(())
}

fn sum_up(entrant: usize, case: Case, times: &Times, workload: &Workload) -> Result<Taken> {
    let mut rounds = times.rounds[case as usize].clone();
    let random = case == Case::Random;
    let p99 = random.then(|| {
        let medians = times.requests.iter().cloned();
        let mut medians: Vec<f64> = medians.map(|mut all| quantile(&mut all, 0.5)).collect();
        quantile(&mut medians, 0.99)
    });
    let mean = random.then(|| quantile(&mut times.means.clone(), 0.5));
    let median = quantile(&mut rounds, 0.5);
    let (min, max) = rounds
        .first()
        .zip(rounds.last())
        .context("no round was run")?;
    let iterations = times.iterations[case as usize];
    Ok(Taken {
        entrant,
        case,
        requests: times.made[case as usize]
            .max(iterations)
            .min(workload.requests(case).len()),
        ns: Nanoseconds {
            min: *min,
            median,
            max: *max,
            p99,
            mean,
        },
    })
}

/// Sorts the values and returns the one at this part of the way; 0 of none.
fn quantile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (values.len() as f64 * part).ceil() as usize;
    values.get(at.saturating_sub(1)).copied().unwrap_or(0.0)
}

/// What reading the clock twice takes, in nanoseconds: the median of many.
#[must_use]
pub(crate) fn clock() -> f64 {
    let mut all: Vec<f64> = (0..10_001)
        .map(|_| Instant::now().elapsed().as_nanos() as f64)
        .collect();
    quantile(&mut all, 0.5)
}
