//! What was compared: counts, and each disagreement in full.

use std::collections::BTreeMap;
use std::fmt::{self, Display};

/// Disagreements that are printed in full; the rest only counts.
const SHOWN: u64 = 20;

/// Counts of one run.
#[derive(Debug, Default)]
pub struct Report {
    agreed: BTreeMap<&'static str, u64>,
    documented: BTreeMap<&'static str, u64>,
    disagreed: u64,
    shown: u64,
    last: String,
}

impl Report {
    /// Both sides gave the same, which is of this kind.
    pub fn agreed(&mut self, kind: &'static str) {
        *self.agreed.entry(kind).or_default() += 1;
    }

    /// The sides differ as documented under this name.
    pub fn documented(&mut self, name: &'static str) {
        *self.documented.entry(name).or_default() += 1;
    }

    /// The sides differ: printed with all that is needed to see it again, once
    /// for each `whole` of which there may be several `part`s.
    pub fn disagreed(&mut self, whole: &str, part: &str, go: &dyn Display, ours: &dyn Display) {
        self.disagreed += 1;
        if self.shown < SHOWN && self.last != whole {
            self.shown += 1;
            whole.clone_into(&mut self.last);
            println!("\nDISAGREED\n{whole}{part}\n  Go   {go}\n  ours {ours}");
        }
    }

    /// Decisions, refusals and calls that were the same.
    #[must_use]
    pub fn agreements(&self) -> u64 {
        self.agreed.values().sum()
    }

    /// Differences that no documented deviation explains.
    #[must_use]
    pub fn disagreements(&self) -> u64 {
        self.disagreed
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut row = |count: u64, what: &str| writeln!(f, "{count:>9}  {what}");
        for (kind, count) in &self.agreed {
            row(*count, &format!("agreed: {kind}"))?;
        }
        for (name, count) in &self.documented {
            row(*count, &format!("documented: {name}"))?;
        }
        let printed = match self.disagreed {
            0 => String::new(),
            _ => format!(", of which {} are printed above", self.shown),
        };
        row(self.disagreed, &format!("DISAGREED{printed}"))
    }
}
