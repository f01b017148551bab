//! What was exercised: how often each operator, function and effect was
//! evaluated, and how requests were decided.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::evaluator::{Answer, Outcome};

/// The operators, functions and effects that have to occur.
pub const REQUIRED: [&str; 46] = [
    "&&",
    "||",
    "!",
    "?",
    "??",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "=~",
    "!~",
    "in",
    "&",
    "|",
    "^",
    "<<",
    ">>",
    "~",
    "+",
    "-",
    "- before a value",
    "*",
    "/",
    "%",
    "**",
    "attribute",
    "eval",
    "g",
    "g with a domain",
    "keyMatch",
    "keyMatch2",
    "keyMatch3",
    "keyMatch4",
    "keyMatch5",
    "keyGet",
    "keyGet2",
    "keyGet3",
    "regexMatch",
    "ipMatch",
    "globMatch",
    "allow-override",
    "deny-override",
    "allow-and-deny",
    "priority",
];

/// The last of them, which needs roles.
pub const SUBJECT_PRIORITY: &str = "subject-priority";

/// Counts over many requests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Requests decided.
    pub triples: u64,
    /// Requests allowed.
    pub allow: u64,
    /// Requests denied.
    pub deny: u64,
    /// Requests that are errors.
    pub error: u64,
    /// Decisions that name a row.
    pub by_row: u64,
    /// Policies that were accepted.
    pub policies: u64,
    /// Policies that were refused when loaded; their requests do not count.
    pub refused: u64,
    /// In how many requests each operator, function and effect was evaluated.
    pub counts: BTreeMap<&'static str, u64>,
}

impl Coverage {
    /// Counts a decision and what was evaluated for it.
    pub fn add(&mut self, answer: &Answer, touched: &BTreeSet<&'static str>) {
        self.triples += 1;
        self.by_row += u64::from(answer.row.is_some());
        match answer.outcome {
            Outcome::Allow => self.allow += 1,
            Outcome::Deny => self.deny += 1,
            Outcome::Error => self.error += 1,
        }
        for name in touched {
            *self.counts.entry(name).or_default() += 1;
        }
    }

    /// Adds the counts of another run.
    pub fn merge(&mut self, other: &Self) {
        self.triples += other.triples;
        self.allow += other.allow;
        self.deny += other.deny;
        self.error += other.error;
        self.by_row += other.by_row;
        self.policies += other.policies;
        self.refused += other.refused;
        for (name, count) in &other.counts {
            *self.counts.entry(name).or_default() += count;
        }
    }

    /// In how many requests the operator, function or effect was evaluated.
    #[must_use]
    pub fn count(&self, name: &str) -> u64 {
        self.counts.get(name).copied().unwrap_or(0)
    }

    /// A share of the requests in percent.
    #[must_use]
    pub fn percent(&self, part: u64) -> f64 {
        part as f64 * 100.0 / self.triples.max(1) as f64
    }

    /// Everything that has to occur.
    pub fn required() -> impl Iterator<Item = &'static str> {
        REQUIRED.into_iter().chain([SUBJECT_PRIORITY])
    }
}

impl fmt::Display for Coverage {
    /// As a table.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} triples from {} policies ({} more refused): allow {:.1} %, deny {:.1} %, error {:.1} %, by a row {:.1} %",
            self.triples,
            self.policies,
            self.refused,
            self.percent(self.allow),
            self.percent(self.deny),
            self.percent(self.error),
            self.percent(self.by_row),
        )?;
        let cells: Vec<String> = Self::required()
            .map(|name| format!("{name:<17}{:>9}", self.count(name)))
            .collect();
        for line in cells.chunks(3) {
            writeln!(f, "  {}", line.join("    "))?;
        }
        Ok(())
    }
}
