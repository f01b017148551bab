//! A plan, told to people.

use std::fmt::{self, Display};

use doorward_syntax::display::Written;
use doorward_syntax::expression::Slot;
use doorward_syntax::names::Names;
use doorward_syntax::pattern::Kind;

use crate::index::Sizes;
use crate::roles::Graph;
use crate::table::Table;

use super::{Asks, Branch, Lookup, Plan, Term};

/// How a matcher is answered. Displays as lines of text.
#[derive(Debug, Clone, PartialEq)]
pub struct MatcherPlan {
    /// The matcher's name, such as `m`.
    pub name: String,
    /// The matcher, as the engine understands it.
    pub matcher: String,
    /// The policy definition whose rows are searched, such as `p`. None where
    /// the matcher reads no row: then it is evaluated once.
    pub policy: Option<String>,
    /// Rows of the policy definition.
    pub rows: usize,
    /// The ANDs of the matcher's OR, in order.
    pub branches: Vec<BranchPlan>,
}

/// One AND of a matcher's OR.
#[derive(Debug, Clone, PartialEq)]
pub struct BranchPlan {
    /// Terms that are evaluated once a request.
    pub once: Vec<String>,
    /// Terms that are lookups, those made first standing first.
    pub lookups: Vec<LookupPlan>,
    /// Columns that are looked up together, since no column alone leaves few
    /// rows.
    pub together: Vec<String>,
    /// Terms that are evaluated on every row that the lookups leave.
    pub residual: Vec<String>,
    /// Rows that the best lookup leaves on average, for requests spread as
    /// the rows are; all rows where there is no lookup.
    pub expected_rows: f64,
}

/// A term that is a lookup in one column.
#[derive(Debug, Clone, PartialEq)]
pub struct LookupPlan {
    /// The term.
    pub term: String,
    /// The column's name in the policy definition.
    pub column: String,
    /// How the values are found.
    pub by: String,
    /// Distinct values in the column.
    pub values: usize,
    /// Rows of the value that most rows have.
    pub most_rows: usize,
    /// Rows that one value leaves on average.
    pub expected_rows: f64,
}

fn written(term: &Term, names: &Names) -> String {
    let written = Written::new(&term.expr, names);
    if term.negated {
        format!("!({written})")
    } else {
        written.to_string()
    }
}

fn patterns(kind: Kind, sizes: Option<Sizes>) -> String {
    let Some(sizes) = sizes else {
        return kind.function().to_owned();
    };
    let parts = [
        (sizes.exact, "plain"),
        (sizes.prefixes, "by prefix"),
        (sizes.segments, "by segments"),
        (sizes.blocks, "address blocks"),
        (sizes.run, "run where their start fits"),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    format!("{} patterns: {}", kind.function(), parts.join(", "))
}

impl Plan {
    /// The plan's branches, told.
    pub(crate) fn describe(
        &self,
        names: &Names,
        definition: u16,
        graphs: &[Graph],
        table: &Table,
    ) -> Vec<BranchPlan> {
        let field = |field| names.field_name(Slot { definition, field });
        let told = |branch: &Branch| {
            let lookups: Vec<LookupPlan> = branch
                .probes
                .iter()
                .filter_map(|asks| self.describe_probe(asks, names, definition, graphs))
                .collect();
            let fewest = lookups.iter().map(|lookup| lookup.expected_rows);
            let all = f64::from(u32::try_from(table.len()).unwrap_or(u32::MAX));
            let once = branch.request_terms.iter();
            let together = branch.tuples.iter().flat_map(|tuples| tuples.fields());
            BranchPlan {
                expected_rows: fewest.fold(all, f64::min),
                once: once.map(|term| written(term, names)).collect(),
                lookups,
                together: together.map(|column| field(*column).to_owned()).collect(),
                residual: branch
                    .residual
                    .iter()
                    .map(|term| written(term, names))
                    .collect(),
            }
        };
        self.branches.iter().map(told).collect()
    }

    fn describe_probe(
        &self,
        asks: &Asks,
        names: &Names,
        definition: u16,
        graphs: &[Graph],
    ) -> Option<LookupPlan> {
        let probe = self.probes.get(asks.probe)?;
        let slot = Slot {
            definition,
            field: probe.field,
        };
        let column = &probe.column;
        let sizes = probe.patterns.as_ref().map(|patterns| patterns.sizes());
        let by = match &probe.lookup {
            Lookup::Equal(_) => "the value".to_owned(),
            Lookup::OneOf(all) => format!("each of {} values", all.len()),
            Lookup::In(_) => "each value of the list".to_owned(),
            Lookup::Pattern { kind, .. } => patterns(*kind, sizes),
            Lookup::Role { graph, .. } => {
                let graph = graphs.get(usize::from(*graph))?;
                let (all, links) = graph.size();
                let roles = format!("the name and its roles, {all} names with {links} links");
                match graph.role_matching {
                    Some(kind) => format!("{roles}; {}", patterns(kind, sizes)),
                    None => roles,
                }
            }
        };
        Some(LookupPlan {
            term: written(&asks.term, names),
            column: names.field_name(slot).to_owned(),
            by,
            values: column.values().len(),
            most_rows: column.most(),
            expected_rows: column.expected(),
        })
    }
}

impl Display for MatcherPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} = {}", self.name, self.matcher)?;
        match &self.policy {
            Some(policy) => writeln!(f, "searches {} rows of {policy}", self.rows)?,
            None => return writeln!(f, "  reads no row, evaluated once a request"),
        }
        for (branch, number) in self.branches.iter().zip(1..) {
            if self.branches.len() > 1 {
                writeln!(f, "branch {number} of {}", self.branches.len())?;
            }
            branch.fmt(f)?;
        }
        Ok(())
    }
}

impl Display for BranchPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for term in &self.once {
            writeln!(f, "  once a request: {term}")?;
        }
        for lookup in &self.lookups {
            writeln!(f, "  lookup: {}", lookup.term)?;
            writeln!(f, "    in {} by {}", lookup.column, lookup.by)?;
            writeln!(
                f,
                "    {} distinct values, {:.1} rows each on average, at most {}",
                lookup.values, lookup.expected_rows, lookup.most_rows
            )?;
        }
        if !self.together.is_empty() {
            writeln!(
                f,
                "  together where that reads less: {}",
                self.together.join(", ")
            )?;
        }
        for term in &self.residual {
            writeln!(f, "  on every row left: {term}")?;
        }
        writeln!(f, "  expected rows left: {:.1}", self.expected_rows)
    }
}
