//! What Casbin sets in code rather than in the model: matching functions of
//! role graphs, link conditions, field positions, and limits.

use doorward_syntax::{Limits, MatchFunction};

/// How names and domains in the rows of one role graph are matched: as
/// Casbin's `AddNamedMatchingFunc` and `AddNamedDomainMatchingFunc`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleMatching {
    /// The role definition, such as `g2`.
    pub graph: String,
    /// Names in the rows may be patterns for this function.
    pub role: Option<MatchFunction>,
    /// Domains in the rows may be patterns for this function.
    pub domain: Option<MatchFunction>,
}

/// A function that decides whether a role link holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkConditionFunction {
    /// `timeMatch`: after the first parameter and before the second, each
    /// `YYYY-MM-DD hh:mm:ss` in UTC or `_` for no limit.
    TimeMatch,
}

impl LinkConditionFunction {
    /// The function's name in settings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TimeMatch => "timeMatch",
        }
    }

    /// The function of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        (name == Self::TimeMatch.name()).then_some(Self::TimeMatch)
    }
}

/// The condition of the role links of a graph whose definition has
/// parameters in brackets, such as `g = _, _, (_, _)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkCondition {
    /// The role definition, such as `g`.
    pub graph: String,
    /// Called with the parameters of a row; the row's link holds while true.
    pub function: LinkConditionFunction,
}

/// The position of a field that Casbin gives a meaning, for policy
/// definitions that name it otherwise: as Casbin's `SetFieldIndex`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldIndex {
    /// The policy definition, such as `p`.
    pub policy: String,
    /// The field's meaning: `priority`, `dom` or `sub`. `obj` and `act` are
    /// taken too, and mean nothing, as in Casbin's decisions.
    pub field: String,
    /// The field's position, from 0.
    pub index: usize,
}

/// A prefix of names that only links of one request may introduce.
///
/// A request whose subject starts with it (the first argument of the graph's
/// function in the matcher) is an error. Policy rows may use such names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReservedPrefix {
    /// The role definition, such as `g`.
    pub graph: String,
    /// The prefix, such as `scope:`. Never empty.
    pub prefix: String,
}

/// What Casbin sets in code. The default is Casbin's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Matching functions of role graphs, at most one entry a graph.
    pub role_matching: Vec<RoleMatching>,
    /// Conditions of role links, at most one entry a graph.
    pub link_conditions: Vec<LinkCondition>,
    /// Positions of fields with a meaning.
    pub field_index: Vec<FieldIndex>,
    /// The greatest number of links between a name and a role it has.
    /// Default 10.
    pub max_hierarchy_level: u32,
    /// Prefixes that no subject of a request may start with.
    pub reserved: Vec<ReservedPrefix>,
    /// Role definitions, such as `g`, whose roles
    /// [`Engine::near_miss`](crate::Engine::near_miss) takes for given. It
    /// needs plans of its own, so there are none without them.
    pub near_misses: Vec<String>,
    /// Bounds on load and decision.
    pub limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            role_matching: Vec::new(),
            link_conditions: Vec::new(),
            field_index: Vec::new(),
            max_hierarchy_level: 10,
            reserved: Vec::new(),
            near_misses: Vec::new(),
            limits: Limits::default(),
        }
    }
}
