//! The table, and the files with the numbers.

use super::Plan;
use super::budgets::{Budget, Target};
use super::memory::PerWorker;
use super::mint::Algorithm;
use super::pushes::Pushes;
use super::results::{Measured, Results};
use super::variant::{Calls, Kind, NO_FILTER, Tokens, allowed, floor};
use crate::scenarios::version;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::path::Path;

/// Prints all variants.
pub(super) fn table(results: &Results) {
    println!(
        "\nmicroseconds, medians over rounds; CPU is that of the Envoy process for a request, \
         `added` over no\nfilter of the same round, `all` with the server that Envoy asks; latency \
         is on one connection;\nRSS in MiB is that of an Envoy that has this filter alone, one worker\n"
    );
    println!(
        "{:<66} {:>7} {:>17} {:>8} {:>8} {:>8} {:>7} {:>7} {:>7} {:>7} {:>6}",
        "", "CPU", "min-max", "added", "all", "req/s", "p50", "p90", "p99", "p99.9", "RSS"
    );
    for found in &results.0 {
        row(results, found);
    }
}

fn row(results: &Results, found: &Measured) {
    let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.1}"));
    let whole = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.0}"));
    let cpu = found.busy(|slice| slice.cpu);
    let spread = cpu.map(|cpu| format!("{:.1}-{:.1}", cpu.min, cpu.max));
    println!(
        "{:<66} {:>7} {:>17} {:>8} {:>8} {:>8} {:>7} {:>7} {:>7} {:>7} {:>6}",
        found.variant.to_string(),
        number(cpu.map(|cpu| cpu.median)),
        spread.unwrap_or_default(),
        number(results.added(found.variant, NO_FILTER, |slice| slice.cpu)),
        number(
            found
                .busy(|slice| slice.cpu_with_server)
                .map(|all| all.median)
        ),
        whole(found.busy(|slice| slice.per_second).map(|rate| rate.median)),
        whole(found.calm(|latency| latency.p50)),
        whole(found.calm(|latency| latency.p90)),
        whole(found.calm(|latency| latency.p99)),
        whole(found.calm(|latency| latency.p999)),
        whole(found.rss_mib),
    );
}

/// Prints the budgets.
pub(super) fn budgets(budgets: &[Budget]) {
    println!("\n{:<75} {:>15} {:>10}", "budget", "target", "measured");
    for budget in budgets {
        let (word, target) = match budget.target {
            Target::AtMost(target) => ("at most", target),
            Target::AtLeast(target) => ("at least", target),
        };
        let target = format!("{word} {target}");
        let measured = budget.measured.map_or("-".to_owned(), |found| {
            let digits = if found < 1.0 { 3 } else { 2 };
            format!("{found:.digits$} {}", budget.unit)
        });
        println!(
            "{:<75} {target:>15} {measured:>10}  {}",
            budget.what,
            budget.verdict.name()
        );
    }
}

/// Prints how undisturbed the run was, what a worker takes and what pushes did.
pub(super) fn beside(results: &Results, per_worker: &[PerWorker], pushes: Option<Pushes>) {
    println!();
    if let Some(steal) = results.steal() {
        println!(
            "time that other machines had: {:.1} % in the median slice, {:.1} % in the worst",
            steal.median * 100.0,
            steal.max * 100.0
        );
    }
    for found in per_worker {
        println!(
            "one more worker with Doorward, {} rules: {:.1} MiB resident (the memory of its VM: {:.1} \
             MiB)",
            found.rules, found.rss_mib, found.linear_mib
        );
    }
    if let Some(pushes) = pushes {
        let (force, with, without) = (
            pushes.in_force_ms,
            pushes.p999_ms_with,
            pushes.p999_ms_without,
        );
        println!(
            "{} pushes of 10000 rules at 2000 requests/s: in force after {:.0} ms ({:.0}-{:.0}); \
             p99.9 {:.1} ms ({:.1}-{:.1}), without {:.1} ms ({:.1}-{:.1})",
            pushes.pushes,
            force.median,
            force.min,
            force.max,
            with.median,
            with.min,
            with.max,
            without.median,
            without.min,
            without.max
        );
    }
}

/// Writes the list of variants.
pub(super) fn write_variants(file: &Path, results: &Results) -> Result<()> {
    let variants: Vec<Value> = results
        .0
        .iter()
        .map(|found| object(results, found))
        .collect();
    write(file, &json!(variants))
}

fn object(results: &Results, found: &Measured) -> Value {
    let variant = found.variant;
    let busy = |part: fn(&super::load::Latency) -> f64| {
        found
            .busy(|slice| part(&slice.latency))
            .map(|all| all.median)
    };
    json!({
        "name": variant.kind.name(),
        "rules": variant.rules,
        "token": variant.tokens.name(),
        "result": if variant.allowed { "allow" } else { "deny" },
        "rounds": found.busy.len(),
        "latency_rounds": found.calm.len(),
        "cpu_us_per_request": found.busy(|slice| slice.cpu),
        "cpu_us_per_request_added": results.added(variant, NO_FILTER, |slice| slice.cpu),
        "cpu_us_per_request_with_server": found.busy(|slice| slice.cpu_with_server),
        "requests_per_second": found.busy(|slice| slice.per_second),
        "latency_us": {
            "p50": found.calm(|latency| latency.p50),
            "p90": found.calm(|latency| latency.p90),
            "p99": found.calm(|latency| latency.p99),
            "p999": found.calm(|latency| latency.p999),
        },
        "latency_us_added": {
            "p50": results.added_latency(variant, |latency| latency.p50),
            "p99": results.added_latency(variant, |latency| latency.p99),
        },
        "latency_us_full_load": {
            "p50": busy(|latency| latency.p50),
            "p90": busy(|latency| latency.p90),
            "p99": busy(|latency| latency.p99),
            "p999": busy(|latency| latency.p999),
        },
        "rss_mib": found.rss_mib,
    })
}

/// Writes the budgets and all that is no variant.
pub(super) fn write_budgets(
    file: &Path,
    plan: &Plan<'_>,
    results: &Results,
    found: (&[Budget], &[PerWorker], Option<Pushes>),
) -> Result<()> {
    let (budgets, per_worker, pushes) = found;
    let numbers = json!({
        "envoy": version(plan.envoy)?,
        "rounds": plan.rounds,
        "milliseconds": plan.time.as_millis(),
        "steal": results.steal(),
        "budgets": budgets,
        "memory_per_worker": per_worker,
        "pushes": pushes,
    });
    write(file, &numbers)
}

fn write(file: &Path, numbers: &Value) -> Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(file, format!("{numbers:#}\n"))
        .with_context(|| format!("{} cannot be written", file.display()))?;
    println!("written to {}", file.display());
    Ok(())
}

/// Prints what Doorward adds as a part of what native filters add, with one
/// rule and all kinds of tokens.
pub(super) fn ratios(results: &Results) {
    let different = |algorithm| Tokens::Different(algorithm);
    let kinds = [
        (Tokens::One, true),
        (different(Algorithm::Rs256), false),
        (different(Algorithm::Es256), false),
    ];
    println!("\nadded by Doorward as a part of what is added by");
    for (tokens, cache) in kinds {
        let doorward = allowed(Kind::Doorward, 1, tokens);
        let natives = [
            allowed(Kind::JwtAuthn { cache }, 0, tokens),
            allowed(Kind::JwtRbac { cache }, 1, tokens),
        ];
        for native in natives {
            if let Some(ratio) = results.ratio(doorward, native) {
                println!("    {native}: {ratio:.2}");
            }
        }
    }
    floors(results);
}

/// Prints what Doorward's host calls alone add, in a module that does nothing
/// else, as a part of what native filters add: no engine and no token code of
/// a module that makes these calls gets below.
pub(super) fn floors(results: &Results) {
    let tokens = Tokens::Different(Algorithm::Rs256);
    let pairs = [
        (
            false,
            allowed(Kind::JwtRbac { cache: true }, 1, Tokens::One),
        ),
        (true, allowed(Kind::JwtAuthn { cache: false }, 0, tokens)),
    ];
    for (verifies, native) in pairs {
        let floor = floor(Calls::Doorward, verifies);
        if let Some(ratio) = results.ratio(floor, native) {
            println!("{floor}, as a part of {native}: {ratio:.2}");
        }
    }
}
