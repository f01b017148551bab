//! The role links that one request brings.

use std::collections::HashMap;

use crate::request::{GraphId, RoleLink};

/// Up to so many links are looked through one by one.
const FEW: usize = 16;

/// The role links of one request.
#[derive(Debug)]
pub(crate) struct OwnLinks<'a> {
    all: &'a [RoleLink<'a>],
    /// Tables of the links, where they are many.
    many: Option<Box<Many<'a>>>,
}

#[derive(Debug, Default)]
struct Many<'a> {
    /// The numbers of the links by graph and subject.
    by_subject: HashMap<(GraphId, &'a str), Vec<u32>>,
    /// The first link with each role.
    by_role: HashMap<&'a str, u32>,
}

/// The role of a link: its text, and the number of the first link with it.
pub(super) type OwnRole<'a> = (u32, &'a str);

impl<'a> OwnLinks<'a> {
    /// The links of a request, ready to be asked.
    pub(crate) fn new(all: &'a [RoleLink<'a>]) -> Self {
        let many = (all.len() > FEW).then(|| {
            let mut many = Box::new(Many::default());
            for (link, number) in all.iter().zip(0..) {
                let subject = many.by_subject.entry((link.graph, link.subject));
                subject.or_default().push(number);
                many.by_role.entry(link.role).or_insert(number);
            }
            many
        });
        Self { all, many }
    }

    /// Whether the request brings none.
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The number of links.
    pub(crate) fn len(&self) -> usize {
        self.all.len()
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

    /// The number of the first link with that role.
    fn first(&self, role: &str) -> Option<u32> {
        if let Some(many) = &self.many {
            return many.by_role.get(role).copied();
        }
        let mut numbered = (0..).zip(self.all);
        let first = numbered.find(|(_, link)| link.role == role);
        first.map(|(number, _)| number)
    }

    /// The roles that links of the request give to a name.
    pub(super) fn roles<'n>(
        &'n self,
        graph: GraphId,
        name: &'n str,
    ) -> impl Iterator<Item = OwnRole<'a>> + use<'a, 'n> {
        let few = if self.many.is_none() { self.all } else { &[] };
        let few = few
            .iter()
            .filter(move |link| link.graph == graph && link.subject == name)
            .map(|link| link.role);
        let many = self.many.as_ref();
        let many = many.and_then(|many| many.by_subject.get(&(graph, name)));
        let many = many.into_iter().flatten();
        let roles = few.chain(many.map(|number| self.role(*number)));
        roles.filter_map(|role| Some((self.first(role)?, role)))
    }
}
