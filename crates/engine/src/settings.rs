//! What Casbin sets in code rather than in the model: matching functions of
//! role graphs, link conditions, field positions, and limits.

/// A function that takes a name and a pattern, by its name in Casbin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MatchFunction {
    /// `keyMatch`: the first `*` of the pattern stands for any rest.
    KeyMatch,
    /// `keyMatch2`: `:name` stands for one segment, `/*` for any rest.
    KeyMatch2,
    /// `keyMatch3`: `{name}` stands for one segment, `/*` for any rest.
    KeyMatch3,
    /// `keyMatch4`: as keyMatch3; equal names stand for equal segments.
    KeyMatch4,
    /// `keyMatch5`: as keyMatch3, without the query of the name.
    KeyMatch5,
    /// `regexMatch`: a regular expression in Go's syntax, found anywhere.
    RegexMatch,
    /// `ipMatch`: an IP address or a CIDR block.
    IpMatch,
    /// `globMatch`: a glob, `**` for any number of segments.
    GlobMatch,
}

impl MatchFunction {
    /// All of them, in the order of declaration.
    pub const ALL: [Self; 8] = [
        Self::KeyMatch,
        Self::KeyMatch2,
        Self::KeyMatch3,
        Self::KeyMatch4,
        Self::KeyMatch5,
        Self::RegexMatch,
        Self::IpMatch,
        Self::GlobMatch,
    ];

    /// The function's name in matchers and settings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::KeyMatch => "keyMatch",
            Self::KeyMatch2 => "keyMatch2",
            Self::KeyMatch3 => "keyMatch3",
            Self::KeyMatch4 => "keyMatch4",
            Self::KeyMatch5 => "keyMatch5",
            Self::RegexMatch => "regexMatch",
            Self::IpMatch => "ipMatch",
            Self::GlobMatch => "globMatch",
        }
    }

    /// The function of that name, if it is one that matches a pattern.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|function| function.name() == name)
    }
}

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
    /// The field's meaning: `priority`, `dom` or `sub`.
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

/// Bounds on what is loaded and on what one decision may cost. Over a bound,
/// a model or policy is refused, and a decision is an error, which denies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Rows of a policy, of all kinds. Default 1,000,000.
    pub rows: usize,
    /// Distinct patterns in a policy that need a regular expression.
    /// Default 100,000.
    pub patterns: usize,
    /// Bytes of one pattern or of one expression in a row. Default 4,096.
    pub pattern_bytes: usize,
    /// Bytes of memory for one compiled regular expression. Default 256 KiB.
    pub regex_bytes: usize,
    /// Definitions of one kind in a model, such as `m` to `m64`. Default 64.
    pub definitions: usize,
    /// Names in one definition. Default 256.
    pub fields: usize,
    /// Nesting of an expression. Default 64; more than 128 counts as 128,
    /// which is what the stack of a Wasm module carries.
    pub expression_depth: usize,
    /// Steps of one decision, over all rows. Default 20,000,000, which stays
    /// well under a second. What takes steps:
    ///
    /// - one: a term or operator evaluated; a name compared with a role or
    ///   with a pattern of a role graph; an element of a list or object
    ///   compared; a byte of an expression parsed; a pattern run.
    /// - bytes / 64: text copied, or searched for one character.
    /// - bytes / 16: text looked up in a table: names and domains of role
    ///   questions, patterns, rules for `eval`.
    /// - bytes x places / 4: a regular expression, and so keyMatch2 to
    ///   keyMatch5, run over a text that starts as the pattern does. Places
    ///   are 3, and the parts of the pattern that can be half matched at
    ///   once: few in a key pattern, else roughly the pattern's length after
    ///   the first repetition. For keyMatch4, keyGet2 and keyGet3, an eighth
    ///   more for each variable and one more.
    /// - bytes x tokens / 8: a glob, for each of its alternatives, run over a
    ///   text that starts as the glob does. Both count from the first
    ///   wildcard on; a class is as many tokens as it has ranges, and one.
    /// - 100,000: a pattern that comes with the request and has to be
    ///   compiled.
    pub expression_steps: u64,
    /// Names visited to answer one role question. Default 1,000,000.
    pub role_visits: usize,
    /// Role links that one request may bring. Default 10,000.
    pub request_roles: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rows: 1_000_000,
            patterns: 100_000,
            pattern_bytes: 4_096,
            regex_bytes: 256 * 1_024,
            definitions: 64,
            fields: 256,
            expression_depth: 64,
            expression_steps: 20_000_000,
            role_visits: 1_000_000,
            request_roles: 10_000,
        }
    }
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
            limits: Limits::default(),
        }
    }
}
