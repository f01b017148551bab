//! What all engines are given: a policy in columns, and requests with the
//! expected answers. Each engine makes its own form of it.

use fastrand::Rng;
use std::collections::HashSet;

/// How the subject of a request meets the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// `r.sub == p.sub`
    Equal,
    /// `g(r.sub, p.sub)`
    Role,
    /// `g(r.sub, p.sub, r.dom) && r.dom == p.dom`
    RoleInDomain,
    /// `g(r.sub, p.sub)`, where members in `g` rows are keyMatch2 patterns
    RolePattern,
    /// `eval(p.sub_rule)`, on the age of the subject
    Condition,
}

/// How the object of a request meets the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Object {
    /// `r.obj == p.obj`
    Equal,
    /// `keyMatch(r.obj, p.obj)`
    KeyMatch,
    /// `keyMatch2(r.obj, p.obj)`
    KeyMatch2,
    /// `regexMatch(r.obj, p.obj)`
    Regex,
}

/// How the effects of the matching rows become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Some row allows.
    AllowOverride,
    /// No row denies.
    DenyOverride,
    /// Some row allows and none denies.
    AllowAndDeny,
    /// The matching row of the lowest priority number decides.
    Priority,
}

/// What a family's model looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// The subject's term.
    pub subject: Subject,
    /// The object's term.
    pub object: Object,
    /// The effect.
    pub effect: Effect,
}

/// Ages that a condition takes, both bounds excluded.
pub type Ages = (u32, u32);

/// A `p` row.
#[derive(Debug, Clone, Default)]
pub struct Rule {
    /// Subject or role; empty in conditions.
    pub sub: String,
    /// Domain; empty where there are none.
    pub dom: String,
    /// Object or pattern.
    pub obj: String,
    /// Action.
    pub act: String,
    /// Whether the row denies.
    pub deny: bool,
    /// The condition on the age; only in conditions.
    pub ages: Ages,
}

/// A `g` row.
#[derive(Debug, Clone, Default)]
pub struct Link {
    /// Who has the role, or a pattern.
    pub member: String,
    /// The role.
    pub role: String,
    /// Domain; empty where there are none.
    pub dom: String,
}

/// A request and its expected answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Ask {
    /// Subject.
    pub sub: String,
    /// The subject's age; only in conditions.
    pub age: u32,
    /// Domain; empty where there are none.
    pub dom: String,
    /// Object.
    pub obj: String,
    /// Action.
    pub act: String,
    /// The expected answer.
    pub allow: bool,
}

/// Makes a request for the row of that index, or near it.
pub type Asker = Box<dyn Fn(usize, &mut Rng) -> Ask>;

/// The content of a policy of one size.
pub struct Content {
    /// The `p` rows.
    pub rules: Vec<Rule>,
    /// The `g` rows.
    pub links: Vec<Link>,
    /// A request that the row of that index matches.
    pub hit: Asker,
    /// A request close to the row of that index that no row matches.
    pub miss: Asker,
}

/// Which requests are timed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// Matched by the first row, always the same.
    First,
    /// Matched by the last row, always the same.
    Last,
    /// Matched by rows spread evenly over the policy.
    Hit,
    /// Matched by no row.
    Miss,
    /// Distinct requests in random order, hits and misses about half each as
    /// far as the policy has so many distinct hits.
    Random,
}

impl Case {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::First, Self::Last, Self::Hit, Self::Miss, Self::Random];

    /// The name in tables and files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Last => "last",
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Random => "random",
        }
    }
}

/// A policy of one size with its requests.
pub struct Workload {
    /// What the model looks like.
    pub shape: Shape,
    /// The `p` rows.
    pub rules: Vec<Rule>,
    /// The `g` rows.
    pub links: Vec<Link>,
    requests: [Vec<Ask>; Case::ALL.len()],
}

/// Requests in the cases hit and miss.
const SPREAD: usize = 64;

/// Distinct requests in the case random.
pub const RANDOM: usize = 10_000;

impl Workload {
    /// Makes the requests; the same at every run.
    #[must_use]
    pub fn new(shape: Shape, content: Content) -> Self {
        let Content {
            rules,
            links,
            hit,
            miss,
        } = content;
        let mut rng = Rng::with_seed(2_026);
        let last = rules.len() - 1;
        // From the middle on and in no order, so that a few stand for all.
        let spread: Vec<usize> = (0..SPREAD)
            .map(|at| (at * 37 + 31) % SPREAD * last / (SPREAD - 1))
            .collect();
        let requests = [
            vec![hit(0, &mut rng)],
            vec![hit(last, &mut rng)],
            spread.iter().map(|row| hit(*row, &mut rng)).collect(),
            spread.iter().map(|row| miss(*row, &mut rng)).collect(),
            random(rules.len(), &hit, &miss, &mut rng),
        ];
        Self {
            shape,
            rules,
            links,
            requests,
        }
    }

    /// The requests of a case.
    #[must_use]
    pub fn requests(&self, case: Case) -> &[Ask] {
        &self.requests[case as usize]
    }

    /// Rows of both kinds.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rules.len() + self.links.len()
    }
}

fn random(rules: usize, hit: &Asker, miss: &Asker, rng: &mut Rng) -> Vec<Ask> {
    let mut seen = HashSet::with_capacity(RANDOM);
    let mut asks = Vec::with_capacity(RANDOM);
    for asker in [hit, miss] {
        let wanted = if asks.is_empty() { RANDOM / 2 } else { RANDOM };
        // A small policy has fewer distinct hits than wanted.
        for _ in 0..4 * RANDOM {
            if asks.len() == wanted {
                break;
            }
            let ask = asker(rng.usize(..rules), rng);
            if seen.insert(ask.clone()) {
                asks.push(ask);
            }
        }
    }
    rng.shuffle(&mut asks);
    asks
}
