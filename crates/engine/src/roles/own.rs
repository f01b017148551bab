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

/// Whether two texts are the same: mostly they are so by their place already,
/// since all links of a token start from its principal.
fn is_same(left: &str, right: &str) -> bool {
    std::ptr::eq(left, right) || left == right
}

/// The role of a link: its text, and the number of the first link with it.
pub(super) type OwnRole<'a> = (u32, &'a str);

impl<'a> OwnLinks<'a> {
    /// The links of a request, ready to be asked.
    pub(crate) fn new(all: &'a [RoleLink<'a>]) -> Self {
        // Those of one subject, as a token gives them, are all asked for at once.
        let mut links = Self { all, many: None };
        let one_subject = |link: &RoleLink<'_>| links.starts_from(link.subject);
        if all.len() > FEW && !all.iter().all(one_subject) {
            let mut many = Box::new(Many::default());
            for (link, number) in all.iter().zip(0..) {
                let subject = many.by_subject.entry((link.graph, link.subject));
                subject.or_default().push(number);
                many.by_role.entry(link.role).or_insert(number);
            }
            links.many = Some(many);
        }
        links
    }

    /// The number of links.
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether all links of a graph start from that name.
    pub(crate) fn only_from(&self, graph: GraphId, name: &str) -> bool {
        let mut of_graph = self.all.iter().filter(|link| link.graph == graph);
        of_graph.all(|link| is_same(link.subject, name))
    }

    /// The roles of all links of a graph, and the numbers of the links.
    pub(super) fn of_graph(&self, graph: GraphId) -> impl Iterator<Item = OwnRole<'a>> {
        let numbered = (0..).zip(self.all);
        let of_graph = numbered.filter(move |(_, link)| link.graph == graph);
        of_graph.map(|(number, link)| (number, link.role))
    }

    /// The number that stands for the role of a link: that of the first link
    /// with it, or its own where looking for that one would take long.
    pub(super) fn number(&self, number: u32, role: &str) -> u32 {
        if self.all.len() > FEW && self.many.is_none() {
            return number;
        }
        self.first(role).unwrap_or(number)
    }

    /// Whether a link gives a role to a name; none where no link does, but a
    /// link that starts elsewhere may lead there.
    pub(crate) fn gives(&self, graph: GraphId, name: &str, role: &[u8]) -> Option<bool> {
        let mut elsewhere = false;
        for link in self.all.iter().filter(|link| link.graph == graph) {
            if !is_same(link.subject, name) {
                elsewhere = true;
            } else if link.role.as_bytes() == role {
                return Some(true);
            }
        }
        (!elsewhere).then_some(false)
    }

    /// Whether the first link starts from that name.
    fn starts_from(&self, name: &str) -> bool {
        let first = self.all.first();
        first.is_some_and(|first| is_same(first.subject, name))
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
        // Without tables, many links are all of one name: of any other there is
        // nothing to look for.
        let is_of_none = self.all.len() > FEW && !self.starts_from(name);
        let few: &[RoleLink<'a>] = if self.many.is_some() || is_of_none {
            &[]
        } else {
            self.all
        };
        let few = (0..)
            .zip(few)
            .filter(move |(_, link)| link.graph == graph && is_same(link.subject, name))
            .map(|(number, link)| (self.number(number, link.role), link.role));
        let many = self.many.as_ref();
        let many = many.and_then(|many| many.by_subject.get(&(graph, name)));
        let many = many.into_iter().flatten();
        few.chain(many.map(|number| {
            let role = self.role(*number);
            (self.number(*number, role), role)
        }))
    }
}
