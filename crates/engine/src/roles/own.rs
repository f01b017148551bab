//! The role links that one request brings.

use std::collections::HashMap;

use crate::request::{GraphId, RoleLink};

/// From so many links on they are grouped by subject first.
const GROUPED_FROM: usize = 16;

/// The role links of one request.
#[derive(Debug)]
pub(crate) struct OwnLinks<'a> {
    all: &'a [RoleLink<'a>],
    /// The numbers of the links by graph and subject, where they are many.
    grouped: HashMap<(GraphId, &'a str), Vec<u32>>,
}

impl<'a> OwnLinks<'a> {
    /// The links of a request, ready to be asked.
    pub(crate) fn new(all: &'a [RoleLink<'a>]) -> Self {
        let mut grouped: HashMap<_, Vec<u32>> = HashMap::new();
        if all.len() >= GROUPED_FROM {
            for (link, number) in all.iter().zip(0..) {
                let numbers = grouped.entry((link.graph, link.subject)).or_default();
                numbers.push(number);
            }
        }
        Self { all, grouped }
    }

    /// Whether the request brings none.
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether all links of a graph start from that name.
    pub(crate) fn only_from(&self, graph: GraphId, name: &str) -> bool {
        let mut of_graph = self.all.iter().filter(|link| link.graph == graph);
        of_graph.all(|link| link.subject == name)
    }

    /// The role of a link.
    pub(crate) fn role(&self, number: u32) -> &'a str {
        self.link(number).map_or("", |link| link.role)
    }

    fn link(&self, number: u32) -> Option<&'a RoleLink<'a>> {
        self.all.get(usize::try_from(number).ok()?)
    }

    /// The roles that links of the request give to a name, each with the
    /// link's number.
    pub(crate) fn roles<'n>(
        &'n self,
        graph: GraphId,
        name: &'n str,
    ) -> impl Iterator<Item = (u32, &'a str)> + use<'a, 'n> {
        let few = if self.grouped.is_empty() {
            self.all
        } else {
            &[]
        };
        let few = (0..)
            .zip(few)
            .filter(move |(_, link)| link.graph == graph && link.subject == name)
            .map(|(number, link)| (number, link.role));
        let many = self.grouped.get(&(graph, name)).into_iter().flatten();
        let many = many.map(|number| (*number, self.role(*number)));
        few.chain(many)
    }
}
