//! How a matcher is answered: which terms are lookups in a column, which are
//! evaluated once a request, and which on every row that is left.

mod describe;
mod lookups;
pub(crate) mod plain;
mod terms;

use doorward_syntax::expression::{Expr, Slot};
use doorward_syntax::pattern::Kind;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::index::{Column, PatternIndex, Tuples};
use crate::patterns::Patterns;
use crate::roles::Graph;
use crate::symbols::Symbols;
use crate::table::Table;

use plain::Plain;

pub use describe::{BranchPlan, LookupPlan, MatcherPlan};
pub(crate) use lookups::Lookup;
pub(crate) use terms::Term;

/// Rows that one value may leave before several columns are looked up
/// together.
const ROWS_FROM: usize = 32;

/// Lookups of one branch. Further terms are evaluated on the rows that these
/// leave, so that planning takes time in proportion to the matcher.
const MOST_LOOKUPS: usize = 64;

/// The rank of the lookups that are made last.
const LAST_RANK: u8 = 5;

/// So many rows are sooner asked for their value or pattern one by one than all
/// values or patterns are looked up.
pub(crate) const FEW_ROWS: usize = 6;

/// Sets of columns of one policy definition that are looked up together.
const MOST_TUPLES: usize = 8;

/// How one matcher is answered with the rows of one policy definition.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) probes: Vec<Probe>,
    pub(crate) branches: Vec<Branch>,
    /// What is asked of each row, where the matcher is plain.
    pub(crate) plain: Option<Plain>,
}

/// A lookup. Terms that amount to the same one share it, and each branch keeps
/// its own term: what makes two terms one lookup may hold in one branch only.
#[derive(Debug)]
pub(crate) struct Probe {
    pub(crate) field: u16,
    pub(crate) column: Arc<Column>,
    /// The pattern index that the lookup needs.
    pub(crate) patterns: Option<Arc<PatternIndex>>,
    pub(crate) lookup: Lookup,
}

/// A term of a branch that is a lookup.
#[derive(Debug, Clone)]
pub(crate) struct Asks {
    /// The number of the plan's probe.
    pub(crate) probe: usize,
    /// The probe's column.
    pub(crate) field: u16,
    /// The term itself, for when the lookup cannot be made.
    pub(crate) term: Term,
}

/// One AND of the matcher's OR.
#[derive(Debug)]
pub(crate) struct Branch {
    /// Terms with the same value on every row.
    pub(crate) request_terms: Vec<Term>,
    /// The terms that are lookups, those that cost least first.
    pub(crate) probes: Vec<Asks>,
    /// What is evaluated on the rows that are left.
    pub(crate) residual: Vec<Term>,
    /// The rows by all columns of the probes together, where no column alone
    /// leaves few.
    pub(crate) tuples: Option<Arc<Tuples>>,
}

/// What a plan is made from.
#[derive(Clone, Copy)]
pub(crate) struct Sources<'a> {
    pub(crate) table: &'a Table,
    pub(crate) graphs: &'a [Graph],
    pub(crate) patterns: &'a Patterns,
    pub(crate) symbols: &'a Symbols,
}

/// The indexes of one policy definition, which its plans share.
#[derive(Debug, Default)]
pub(crate) struct Indexes {
    columns: HashMap<u16, Arc<Column>>,
    patterns: HashMap<(u16, Kind), Arc<PatternIndex>>,
    tuples: HashMap<Vec<u16>, Option<Arc<Tuples>>>,
}

impl Indexes {
    fn column(&mut self, field: u16, sources: Sources<'_>) -> Arc<Column> {
        let index = self.columns.entry(field);
        let index = index.or_insert_with(|| {
            let column = Column::new(sources.table, field, sources.symbols.len());
            Arc::new(column)
        });
        Arc::clone(index)
    }

    fn patterns(&mut self, column: &Column, kind: Kind, sources: Sources<'_>) -> Arc<PatternIndex> {
        let index = self.patterns.entry((column.field, kind));
        let index = index.or_insert_with(|| {
            let values = column.values().iter().copied();
            let (patterns, symbols) = (sources.patterns, sources.symbols);
            Arc::new(PatternIndex::new(kind, values, patterns, symbols))
        });
        Arc::clone(index)
    }

    /// Some columns together, if one row at least has no column among them
    /// whose value leaves few.
    fn tuples(&mut self, columns: &[Arc<Column>], table: &Table) -> Option<Arc<Tuples>> {
        let fields: BTreeSet<u16> = columns.iter().map(|column| column.field).collect();
        let fields: Vec<u16> = fields.into_iter().collect();
        if self.tuples.len() >= MOST_TUPLES && !self.tuples.contains_key(&fields) {
            return None;
        }
        if fields.len() < 2 || columns.iter().any(|column| column.most() <= ROWS_FROM) {
            return None;
        }
        let least = |position: u32| {
            let rows = columns.iter().map(|column| {
                let cell = table.cell(position, column.field);
                cell.map_or(0, |cell| column.rows(cell).len())
            });
            rows.min().unwrap_or(0)
        };
        let index = self.tuples.entry(fields);
        let index = index.or_insert_with_key(|fields| {
            let crowded = table
                .positions()
                .any(|position| least(position) > ROWS_FROM);
            crowded.then(|| Arc::new(Tuples::new(table, fields)))
        });
        index.clone()
    }
}

impl Plan {
    /// Plans a matcher over the rows of a policy definition. All patterns of
    /// the rows are compiled, and all texts have their symbols. Questions to
    /// the role graphs of `given`, whether somebody has a role that the row
    /// names, are taken for answered with yes.
    pub(crate) fn new(
        matcher: &Expr,
        definition: u16,
        sources: Sources<'_>,
        indexes: &mut Indexes,
        given: &[u16],
    ) -> Self {
        let is_given = |term: &Term| match &term.expr {
            Expr::Role(graph, arguments) if !term.negated && given.contains(graph) => {
                let role = arguments.get(1);
                matches!(role, Some(Expr::Policy(slot)) if slot.definition == definition)
            }
            _ => false,
        };
        let mut plan = Self {
            probes: Vec::new(),
            branches: Vec::new(),
            plain: None,
        };
        for mut terms in terms::branches(matcher) {
            terms.retain(|term| !is_given(term));
            let branch = plan.branch(terms, definition, sources, indexes);
            plan.branches.push(branch);
        }
        plan.plain = Plain::new(&plan.branches, &plan.probes, sources.graphs);
        plan
    }

    fn branch(
        &mut self,
        terms: Vec<Term>,
        definition: u16,
        sources: Sources<'_>,
        indexes: &mut Indexes,
    ) -> Branch {
        let mut branch = Branch {
            request_terms: Vec::new(),
            probes: Vec::new(),
            residual: Vec::new(),
            tuples: None,
        };
        let found: Vec<_> = (0..)
            .zip(&terms)
            .map(|(number, term)| {
                let few = number < MOST_LOOKUPS;
                few.then(|| lookups::lookup(term, definition)).flatten()
            })
            .collect();
        let known: Vec<_> = found.iter().flatten().cloned().collect();
        for (term, found) in terms.into_iter().zip(found) {
            let few = branch.probes.len() < MOST_LOOKUPS;
            let found = found.or_else(|| lookups::with_domain(&term, &known, definition));
            let found = found.filter(|_| few);
            if let Some((field, lookup)) = found {
                let probe = self.probe(field, lookup, sources, indexes);
                branch.probes.push(Asks { probe, field, term });
            } else if lookups::is_of_request(&term.expr) {
                branch.request_terms.push(term);
            } else {
                branch.residual.push(term);
            }
        }
        let probes = branch.probes.iter();
        let ranks: Vec<u8> = probes.map(|asks| self.rank(asks.probe)).collect();
        let mut ranked = Vec::new();
        for rank in 0..=LAST_RANK {
            let probes = branch.probes.iter().zip(&ranks);
            let of_rank = probes.filter(|(_, of)| **of == rank);
            ranked.extend(of_rank.map(|(asks, _)| asks.clone()));
        }
        branch.probes = ranked;
        let mut columns: Vec<Arc<Column>> = Vec::new();
        let asked = branch.probes.iter();
        for probe in asked.filter_map(|asks| self.probes.get(asks.probe)) {
            if !columns.iter().any(|column| column.field == probe.field) {
                columns.push(Arc::clone(&probe.column));
            }
        }
        branch.tuples = indexes.tuples(&columns, sources.table);
        branch
    }

    /// The number of the probe for a term; equal lookups share one.
    fn probe(
        &mut self,
        field: u16,
        lookup: Lookup,
        sources: Sources<'_>,
        indexes: &mut Indexes,
    ) -> usize {
        let mut probes = self.probes.iter();
        let known = probes.position(|probe| probe.field == field && probe.lookup == lookup);
        if let Some(known) = known {
            return known;
        }
        let column = indexes.column(field, sources);
        let kind = match &lookup {
            Lookup::Pattern { kind, .. } => Some(*kind),
            Lookup::Role { graph, .. } => sources
                .graphs
                .get(usize::from(*graph))
                .and_then(|graph| graph.role_matching)
                // Each name is run: an address pattern fails on what is no
                // address.
                .filter(|kind| *kind != Kind::Ip),
            _ => None,
        };
        let patterns = kind.map(|kind| indexes.patterns(&column, kind, sources));
        self.probes.push(Probe {
            field,
            column,
            patterns,
            lookup,
        });
        self.probes.len().saturating_sub(1)
    }

    /// Lookups that cost less are made first: an empty one saves the rest, and
    /// so does one that leaves few rows.
    fn rank(&self, number: usize) -> u8 {
        let Some(probe) = self.probes.get(number) else {
            return LAST_RANK;
        };
        let patterns = probe.patterns.as_ref();
        let runs = patterns.is_some_and(|patterns| patterns.sizes().run > 0);
        let few = u32::try_from(FEW_ROWS).map_or(f64::INFINITY, f64::from);
        let leaves_few = probe.column.expected() <= few;
        match &probe.lookup {
            Lookup::Equal(_) | Lookup::OneOf(_) | Lookup::In(_) if leaves_few => 0,
            Lookup::Pattern { .. } if !runs && leaves_few => 1,
            Lookup::Equal(_) | Lookup::OneOf(_) | Lookup::In(_) => 2,
            Lookup::Pattern { .. } if !runs => 3,
            Lookup::Role { .. } if !runs => 4,
            _ => LAST_RANK,
        }
    }
}

/// Whether an expression reads a field of that policy definition.
pub(crate) fn reads(expr: &Expr, definition: u16) -> bool {
    expr.any(
        &mut |expr| matches!(expr, Expr::Policy(Slot { definition: of, .. }) if *of == definition),
    )
}
