//! The table: a line for each family, size and engine, and a summary.

use super::{Cost, Findings};
use crate::workload::Case;
use std::fmt::Write;

/// The budgets of a decision, for the families that have one.
const MEDIAN_NS: f64 = 1_000.0;
const P99_NS: f64 = 3_000.0;

/// How many times faster than the casbin crate, at so many rows.
const FASTER: [(usize, f64); 2] = [(5, 20.0), (10_000, 10_000.0)];

/// What the columns mean.
#[must_use]
pub fn header() -> String {
    "Times are for one decision. first, last: the request that the first or last row\n\
     matches. hit, miss: spread over the rows. mean: throughput, distinct requests in\n\
     random order without a pause. random, p99: the same timed one by one, median and 99th\n\
     percentile; n: how many (of a slow engine the first few, the same in each round). allocs: allocations of a random decision.\n\
     held: bytes that stay after loading, and per row. rows seen: the most rows that the\n\
     engine looked at for any request. Budget: random under 1 us and p99 under 3 us.\n"
        .to_owned()
}

/// The lines of one family.
#[must_use]
pub fn table(found: &Findings) -> String {
    let mut text = format!("\n{}: {}\n", found.name, found.about);
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{:>9} {:<9} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>17} {:>6} {:>8} {:>9} {:>9} {:>7} {:>5}  budget",
        "rows",
        "engine",
        "first",
        "last",
        "hit",
        "miss",
        "mean",
        "random",
        "p99",
        "random min-max",
        "n",
        "allocs",
        "load",
        "held",
        "per row",
        "seen"
    );
    if found.sizes().is_empty() {
        text.push_str("          not run: a quick run leaves its sizes out\n");
    }
    for rows in found.sizes() {
        for engine in ["doorward", "casbin", "cedar", "regorus"] {
            if let Some(random) = found.cost(engine, rows, Case::Random) {
                line(&mut text, found, random);
            }
        }
        for skipped in found.skipped.iter().filter(|skipped| skipped.rows == rows) {
            let _ = writeln!(
                text,
                "{:>9} {:<9} not run: {}",
                rows, skipped.engine, skipped.reason
            );
        }
    }
    text
}

fn line(text: &mut String, found: &Findings, random: &Cost) {
    let time = |case| {
        found
            .cost(random.engine, random.rows, case)
            .map_or_else(String::new, |cost| time(cost.ns.median))
    };
    let seen = Case::ALL
        .iter()
        .filter_map(|case| found.cost(random.engine, random.rows, *case))
        .filter_map(|cost| cost.rows_examined)
        .max();
    let _ = writeln!(
        text,
        "{:>9} {:<9} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>17} {:>6} {:>8} {:>9} {:>9} {:>7} {:>5}  {}",
        random.rows,
        random.engine,
        time(Case::First),
        time(Case::Last),
        time(Case::Hit),
        time(Case::Miss),
        random.ns.mean.map_or_else(String::new, self::time),
        time(Case::Random),
        random.ns.p99.map_or_else(String::new, self::time),
        format!(
            "{}-{}",
            self::time(random.ns.min),
            self::time(random.ns.max)
        ),
        random.requests,
        short(random.allocations),
        format!("{:.2} ms", random.load_ms),
        bytes(random.bytes as f64),
        bytes(random.bytes as f64 / random.rows as f64),
        seen.map_or_else(String::new, |seen| seen.to_string()),
        verdict(found, random)
    );
}

fn verdict(found: &Findings, cost: &Cost) -> &'static str {
    if !found.budget || cost.engine != "doorward" {
        ""
    } else if cost.ns.median < MEDIAN_NS && cost.ns.p99.is_some_and(|p99| p99 < P99_NS) {
        "ok"
    } else {
        "over"
    }
}

/// A line a family: how the engine's cost grows, and how far casbin is.
#[must_use]
pub fn summary(all: &[Findings]) -> String {
    let mut text =
        "\nSummary, case random. growth: the highest median over the lowest, from 10 rows \
         on.\nagainst casbin: its mean over the engine's, in brackets its median for the last row alone;\n\
         the budget is 20 times at 5 rows and 10,000 times at 10,000.\n"
            .to_owned();
    let _ = writeln!(
        text,
        "{:<19} {:>17} {:>7} {:>9} {:>6} {:>7} {:>22} {:>26}",
        "family",
        "median",
        "growth",
        "worst p99",
        "seen",
        "budget",
        "casbin at 5",
        "casbin at 10,000"
    );
    for found in all {
        summary_line(&mut text, found);
    }
    text
}

fn summary_line(text: &mut String, found: &Findings) {
    let random: Vec<&Cost> = found
        .costs
        .iter()
        .filter(|cost| cost.engine == "doorward" && cost.case == Case::Random.name())
        .filter(|cost| cost.rows >= 10)
        .collect();
    if random.is_empty() {
        // A quick run leaves the largest out; the table has said so.
        let _ = writeln!(text, "{:<19} {:>17}", found.name, "not run");
        return;
    }
    let medians = || random.iter().map(|cost| cost.ns.median);
    let low = medians().fold(f64::INFINITY, f64::min);
    let high = medians().fold(0.0, f64::max);
    let p99 = random.iter().filter_map(|cost| cost.ns.p99);
    let ours = found.costs.iter().filter(|cost| cost.engine == "doorward");
    let seen = ours.clone().filter_map(|cost| cost.rows_examined).max();
    let over = ours
        .filter(|cost| cost.case == Case::Random.name())
        .any(|cost| verdict(found, cost) == "over");
    let budget = match (found.budget, over) {
        (false, _) => "",
        (true, false) => "ok",
        (true, true) => "over",
    };
    let _ = writeln!(
        text,
        "{:<19} {:>17} {:>7.2} {:>9} {:>6} {:>7} {:>22} {:>26}",
        found.name,
        format!("{}-{}", time(low), time(high)),
        high / low,
        time(p99.fold(0.0, f64::max)),
        seen.map_or_else(String::new, |seen| seen.to_string()),
        budget,
        faster(found, FASTER[0]),
        faster(found, FASTER[1])
    );
}

fn faster(found: &Findings, (rows, budget): (usize, f64)) -> String {
    let ratio = |case| {
        let of = |engine| {
            let ns = found.cost(engine, rows, case)?.ns;
            Some(ns.mean.unwrap_or(ns.median))
        };
        Some(of("casbin")? / of("doorward")?)
    };
    let (Some(random), Some(last)) = (ratio(Case::Random), ratio(Case::Last)) else {
        return "-".to_owned();
    };
    let verdict = if random >= budget { "ok" } else { "under" };
    format!("{} ({}) {verdict}", short(random), short(last))
}

fn time(ns: f64) -> String {
    match ns {
        ns if ns < 999.5 => format!("{ns:.0} ns"),
        ns if ns < 99_950.0 => format!("{:.1} us", ns / 1e3),
        ns if ns < 999_500.0 => format!("{:.0} us", ns / 1e3),
        ns if ns < 99_950_000.0 => format!("{:.1} ms", ns / 1e6),
        ns => format!("{:.0} ms", ns / 1e6),
    }
}

fn bytes(bytes: f64) -> String {
    match bytes {
        bytes if bytes < 1_024.0 => format!("{bytes:.0} B"),
        bytes if bytes < 1_048_576.0 => format!("{:.1} KiB", bytes / 1_024.0),
        bytes => format!("{:.1} MiB", bytes / 1_048_576.0),
    }
}

/// Few digits: with a fraction only below 10.
fn short(number: f64) -> String {
    if number > 0.0 && number < 10.0 {
        format!("{number:.1}")
    } else {
        format!("{number:.0}")
    }
}
