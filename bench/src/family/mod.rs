//! The families: the benchmark families of Casbin's own Go library, and
//! policies that are skewed so that one column alone does not help.

mod domains;
mod effects;
mod keys;
mod names;
mod patterns;
mod roles;
mod routes;

pub use routes::Routes;

use crate::workload::{Content, Shape, Workload};

/// A policy that comes in several sizes.
pub struct Family {
    /// The name in tables and files.
    pub name: &'static str,
    /// What the rows look like.
    pub about: &'static str,
    /// Whether the budget for the engine's decisions covers it.
    pub budget: bool,
    /// The sizes, in rows of both kinds.
    pub sizes: &'static [usize],
    /// What the model looks like.
    pub shape: Shape,
    content: Maker,
}

type Maker = Box<dyn Fn(usize) -> Content>;

/// The sizes that most families have.
const SIZES: &[usize] = &[5, 10, 100, 1_000, 10_000, 100_000];

impl Family {
    /// The workload with about this many rows.
    #[must_use]
    pub fn workload(&self, rows: usize) -> Workload {
        Workload::new(self.shape, (self.content)(rows))
    }
}

/// All families, in the order of the report.
#[must_use]
pub fn all(routes: &Routes) -> Vec<Family> {
    [
        names::families(),
        roles::families(),
        domains::families(),
        keys::families(routes),
        effects::families(),
        patterns::families(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
