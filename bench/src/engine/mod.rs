//! The engines, all behind one interface: load a workload, then answer its
//! requests by number.
//!
//! Peers get their requests ready made, in their own form; only the casbin
//! crate has no such form and converts the values at every call.

mod casbin;
mod cedar;
mod doorward;
mod rego;

use crate::workload::{Case, Workload};
use anyhow::Result;

/// Runs the part of loading that counts: from the policy's text to an engine
/// that answers. It may take the time or count bytes.
pub type Meter<'m> = dyn FnMut(&mut dyn FnMut()) + 'm;

/// A loaded engine.
pub trait Engine {
    /// Answers the request of that number.
    ///
    /// # Errors
    ///
    /// When the engine says that it cannot evaluate the request.
    fn allows(&mut self, case: Case, number: usize) -> Result<bool>;

    /// Rows looked at to answer, where the engine tells.
    fn rows_examined(&mut self, _case: Case, _number: usize) -> Option<u32> {
        None
    }
}

/// A loaded engine, or the reason why it cannot express the family.
pub type Loaded<'w> = Result<Result<Box<dyn Engine + 'w>, &'static str>>;

/// Which engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// This project's.
    Doorward,
    /// The casbin crate.
    Casbin,
    /// The cedar-policy crate.
    Cedar,
    /// The regorus crate, by its bytecode machine.
    Regorus,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Doorward, Self::Casbin, Self::Cedar, Self::Regorus];

    /// The name in tables and files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Doorward => "doorward",
            Self::Casbin => "casbin",
            Self::Cedar => "cedar",
            Self::Regorus => "regorus",
        }
    }

    /// Loads the workload.
    ///
    /// # Errors
    ///
    /// When the engine refuses the policy made for it.
    pub fn load<'w>(self, workload: &'w Workload, meter: &mut Meter<'_>) -> Loaded<'w> {
        match self {
            Self::Doorward => doorward::load(workload, meter),
            Self::Casbin => casbin::load(workload, meter),
            Self::Cedar => cedar::load(workload, meter),
            Self::Regorus => rego::load(workload, meter),
        }
    }
}

/// Something made for each request of each case.
struct PerRequest<T>([Vec<T>; Case::ALL.len()]);

impl<T> PerRequest<T> {
    fn new<'w>(
        workload: &'w Workload,
        mut make: impl FnMut(&'w crate::workload::Ask) -> Result<T>,
    ) -> Result<Self> {
        let mut all = Case::ALL.map(|_| Vec::new());
        for case in Case::ALL {
            for ask in workload.requests(case) {
                all[case as usize].push(make(ask)?);
            }
        }
        Ok(Self(all))
    }

    fn get(&self, case: Case, number: usize) -> &T {
        &self.0[case as usize][number]
    }
}
