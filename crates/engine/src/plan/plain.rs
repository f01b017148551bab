//! Matchers that ask nothing of a row but whether its values are those of the
//! request, patterns that they match, or one role: most that are written.
//!
//! Where few rows are left, such a matcher is answered from the texts alone,
//! with none of what a plan of any shape needs.

use doorward_syntax::expression::Expr;
use doorward_syntax::pattern::Kind;

use crate::roles::Graph;

use super::{Branch, FEW_ROWS, Lookup, Probe};

/// Tests that one plain matcher may have.
const MOST_TESTS: usize = 8;

/// The rank of the tests that are made last.
const LAST_RANK: u8 = 4;

/// What a plain matcher asks of a row.
#[derive(Debug)]
pub(crate) struct Plain {
    /// The request definition whose values are compared.
    pub(crate) request: u16,
    /// Those that cost least first.
    pub(crate) tests: Vec<Test>,
    /// The number of the lookup that leaves few rows, if one does.
    pub(crate) first: Option<usize>,
}

/// A text of the request and a field of the row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Test {
    pub(crate) value: u16,
    pub(crate) field: u16,
    pub(crate) asks: Asks,
    /// Whether it is the first lookup.
    pub(crate) is_first: bool,
}

/// What has to be true of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asks {
    /// They are the same.
    Equal,
    /// The field is a pattern that the text matches.
    Pattern(Kind),
    /// The field is a role of the text, in the domain that a value is.
    Role { graph: u16, domain: Option<u16> },
}

impl Test {
    /// A lookup as a test, and the request definition that it reads.
    fn new(probe: &Probe) -> Option<(u16, Self)> {
        let slot = |value: &Expr| match value {
            Expr::Request(slot) => Some((slot.definition, slot.field)),
            _ => None,
        };
        let ((request, value), asks) = match &probe.lookup {
            Lookup::Equal(value) => (slot(value)?, Asks::Equal),
            // What is no address is an error, over which false wins.
            Lookup::Pattern { kind, text } if *kind != Kind::Ip => {
                (slot(text)?, Asks::Pattern(*kind))
            }
            Lookup::Role {
                graph,
                name,
                domain,
            } => {
                let name = slot(name)?;
                let domain = match domain {
                    Some(domain) => Some(slot(domain).filter(|(of, _)| *of == name.0)?.1),
                    None => None,
                };
                let graph = *graph;
                (name, Asks::Role { graph, domain })
            }
            _ => return None,
        };
        let field = probe.field;
        let test = Self {
            value,
            field,
            asks,
            is_first: false,
        };
        Some((request, test))
    }

    /// Tests that cost less come first.
    fn rank(&self, graphs: &[Graph]) -> u8 {
        match self.asks {
            Asks::Equal => 0,
            Asks::Role { graph, .. } => {
                let graph = graphs.get(usize::from(graph));
                // Without links, only those of the request are looked at.
                if graph.is_some_and(Graph::is_empty) {
                    1
                } else {
                    3
                }
            }
            Asks::Pattern(Kind::Regex | Kind::Glob) => LAST_RANK,
            Asks::Pattern(_) => 2,
        }
    }
}

impl Plain {
    /// The branches of a matcher as a plain one, if it is.
    pub(super) fn new(branches: &[Branch], probes: &[Probe], graphs: &[Graph]) -> Option<Self> {
        let [branch] = branches else {
            return None;
        };
        let only_lookups = branch.request_terms.is_empty() && branch.residual.is_empty();
        if !only_lookups || branch.probes.is_empty() || branch.probes.len() > MOST_TESTS {
            return None;
        }
        let few = u32::try_from(FEW_ROWS).map_or(0.0, f64::from);
        let mut found = Self {
            request: 0,
            tests: Vec::new(),
            first: None,
        };
        let mut request = None;
        let mut asks_role = false;
        for rank in 0..=LAST_RANK {
            for number in branch.probes.iter().map(|asks| asks.probe) {
                let probe = probes.get(number)?;
                let (definition, mut test) = Test::new(probe)?;
                if test.rank(graphs) != rank {
                    continue;
                }
                if *request.get_or_insert(definition) != definition {
                    return None;
                }
                if let Asks::Role { .. } = test.asks {
                    if asks_role {
                        return None;
                    }
                    asks_role = true;
                } else if found.first.is_none() && probe.column.expected() <= few {
                    found.first = Some(number);
                    test.is_first = true;
                }
                found.tests.push(test);
            }
        }
        found.request = request?;
        Some(found)
    }
}
