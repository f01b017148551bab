//! What one case is made of: the definitions of its model, and the few values
//! that rows and requests share.

use doorward_engine::{
    FieldIndex, LinkCondition, LinkConditionFunction, MatchFunction, ReservedPrefix, RoleMatching,
    Settings,
};
use doorward_syntax::pattern::Kind;

use super::dice::Dice;
use super::pattern;
use super::text;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// Names of users and roles.
    Name,
    Domain,
    Action,
    Path,
    Pattern(Kind),
    /// Expressions for `eval`.
    Rule,
    /// `allow`, `deny`, `indeterminate`.
    Effect,
    Priority,
    /// Anything.
    Word,
}

/// A column of a policy definition.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) content: Content,
    /// What rows choose from.
    pub(crate) values: Vec<String>,
}

/// What a value of a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Text that the column of the same name is likely to match.
    Like,
    Object,
    List,
    Number,
    Flag,
    /// Text or null.
    Optional,
}

/// A name of a request definition.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) shape: Shape,
}

/// A role definition.
#[derive(Debug, Clone, Default)]
pub(crate) struct Graph {
    pub(crate) domain: bool,
    pub(crate) condition: bool,
    pub(crate) role_matching: Option<MatchFunction>,
    pub(crate) domain_matching: Option<MatchFunction>,
}

/// Everything but the rows and the requests.
#[derive(Debug, Clone, Default)]
pub(crate) struct World {
    /// Whether there are many rows, names and links, more than the engine
    /// treats as few.
    pub(crate) crowded: bool,
    /// Users first, then roles: a link goes from an earlier to a later one.
    pub(crate) names: Vec<String>,
    pub(crate) domains: Vec<String>,
    /// Domains of role rows: patterns where domains are matched.
    pub(crate) link_domains: Vec<String>,
    pub(crate) actions: Vec<String>,
    pub(crate) paths: Vec<String>,
    pub(crate) graphs: Vec<Graph>,
    pub(crate) requests: Vec<Vec<Field>>,
    pub(crate) policies: Vec<Vec<Column>>,
    pub(crate) effects: Vec<&'static str>,
    pub(crate) matchers: Vec<String>,
    pub(crate) settings: Settings,
}

pub(crate) const EFFECTS: [&str; 5] = [
    "some(where (p.eft == allow))",
    "!some(where (p.eft == deny))",
    "some(where (p.eft == allow)) && !some(where (p.eft == deny))",
    "priority(p.eft) || deny",
    "subjectPriority(p.eft) || deny",
];

/// The name of a definition: the letter, and a number from the second on.
pub(crate) fn numbered(letter: char, index: usize) -> String {
    if index == 0 {
        letter.to_string()
    } else {
        format!("{letter}{}", index + 1)
    }
}

impl World {
    /// A world with these role definitions, without definitions of requests
    /// and policies.
    pub(crate) fn new(dice: &mut Dice, mut graphs: Vec<Graph>) -> Self {
        for graph in &mut graphs {
            if dice.chance(22) {
                graph.role_matching = Some(pattern::function(dice));
            }
            if graph.domain && dice.chance(30) {
                graph.domain_matching = Some(pattern::function(dice));
            }
        }
        // Addresses and other names do not go together.
        let ip = Some(MatchFunction::IpMatch);
        if graphs.iter().any(|graph| graph.role_matching == ip) && dice.chance(60) {
            for graph in &mut graphs {
                graph.role_matching = graph.role_matching.filter(|function| ip == Some(*function));
            }
        }
        let crowded = dice.chance(4);
        if crowded && dice.chance(85) {
            // Patterns among many names take the yardstick long.
            for graph in &mut graphs {
                graph.role_matching = None;
            }
        }
        let mut world = Self {
            crowded,
            graphs,
            ..Self::default()
        };
        world.names = world.names(dice);
        world.set_domains(dice);
        world.actions = actions(dice);
        world.paths = (0..dice.between(2, 6))
            .map(|_| {
                if dice.chance(88) {
                    text::path(dice)
                } else {
                    text::odd(dice)
                }
            })
            .collect();
        world.settings(dice);
        world
    }

    /// The languages that names of rows have to be written in.
    pub(crate) fn name_kinds(&self) -> Vec<Kind> {
        let functions = self.graphs.iter().filter_map(|graph| graph.role_matching);
        functions.map(Kind::from).collect()
    }

    fn names(&self, dice: &mut Dice) -> Vec<String> {
        let kinds = self.name_kinds();
        let mut names = Vec::new();
        if self.crowded {
            let wanted = if kinds.is_empty() { 100 } else { 20 };
            let name = |number| format!("10.0.{number}.1");
            names.extend((0..dice.between(wanted / 2, wanted)).map(name));
        }
        let many = dice.chance(10);
        let wanted = dice.between(4, if many { 16 } else { 9 });
        for number in 0..wanted {
            let name = match kinds.first() {
                Some(kind) if dice.chance(45) => {
                    let pattern = pattern::pattern(dice, *kind);
                    if dice.chance(50) {
                        pattern::sample(dice, *kind, &pattern)
                    } else {
                        pattern
                    }
                }
                Some(Kind::Ip) => pattern::pattern(dice, Kind::Ip),
                _ if dice.chance(10) => text::odd(dice),
                _ if number * 2 < wanted => dice
                    .pick(&[
                        "alice",
                        "bob",
                        "carol",
                        "dave",
                        "user:1",
                        "spiffe://td/ns/a",
                    ])
                    .to_owned(),
                _ => dice
                    .pick(&[
                        "admin",
                        "dev",
                        "role:ops",
                        "scope:read",
                        "group:a",
                        "staff",
                        "root",
                    ])
                    .to_owned(),
            };
            // A row of a policy is one line.
            let name = name.replace('\n', "");
            if let Some(kind) = kinds.first().filter(|_| dice.chance(30)) {
                // A name that the next one may match.
                let sample = pattern::sample(dice, *kind, &name).replace('\n', "");
                if pattern::valid(&kinds, &sample) && !names.contains(&sample) && sample != name {
                    names.push(sample);
                }
            }
            if pattern::valid(&kinds, &name) && !names.contains(&name) {
                names.push(name);
            }
        }
        if names.is_empty() {
            names.push(
                if kinds.contains(&Kind::Ip) {
                    "10.0.0.1"
                } else {
                    "alice"
                }
                .to_owned(),
            );
        }
        names
    }

    fn set_domains(&mut self, dice: &mut Dice) {
        let functions = self.graphs.iter().filter_map(|graph| graph.domain_matching);
        let kinds: Vec<Kind> = functions.map(Kind::from).collect();
        let mut concrete: Vec<String> = Vec::new();
        let mut of_links: Vec<String> = Vec::new();
        for _ in 0..dice.between(2, 4) {
            let (domain, of_link) = match kinds.first() {
                Some(kind) => {
                    let pattern = pattern::pattern(dice, *kind);
                    (pattern::sample(dice, *kind, &pattern), pattern)
                }
                None => {
                    let domain = dice
                        .pick(&["one", "two", "tenant:1", "/t/a", "*", "é"])
                        .to_owned();
                    (domain.clone(), domain)
                }
            };
            let wild = dice.chance(5).then(|| text::odd(dice));
            concrete.push(wild.unwrap_or(domain).replace('\n', ""));
            if pattern::valid(&kinds, &of_link) {
                of_links.push(of_link);
            }
        }
        of_links.extend(
            concrete
                .iter()
                .filter(|domain| pattern::valid(&kinds, domain))
                .cloned(),
        );
        self.domains = concrete;
        self.link_domains = of_links;
    }

    fn settings(&mut self, dice: &mut Dice) {
        let settings = &mut self.settings;
        // The yardstick knows no bounds on steps.
        settings.limits.expression_steps = u64::MAX;
        if dice.chance(15) {
            settings.max_hierarchy_level = u32::try_from(dice.below(4)).unwrap_or(0);
        }
        for (index, graph) in self.graphs.iter().enumerate() {
            let name = numbered('g', index);
            if graph.role_matching.is_some() || graph.domain_matching.is_some() {
                settings.role_matching.push(RoleMatching {
                    graph: name.clone(),
                    role: graph.role_matching,
                    domain: graph.domain_matching,
                });
            }
            if graph.condition {
                settings.link_conditions.push(LinkCondition {
                    graph: name.clone(),
                    function: LinkConditionFunction::TimeMatch,
                });
            }
            if dice.chance(6) {
                settings.reserved.push(ReservedPrefix {
                    graph: name,
                    prefix: dice.pick(&["scope:", "role:", "group:", "al"]).to_owned(),
                });
            }
        }
    }

    /// The values that a column's rows choose from.
    pub(crate) fn values(&self, dice: &mut Dice, content: Content) -> Vec<String> {
        let most = match self.crowded {
            true if dice.chance(30) => 40,
            true if dice.chance(60) => 2,
            _ => 6,
        };
        let some = |dice: &mut Dice, all: &[String]| -> Vec<String> {
            (0..dice.between(2, most)).map(|_| dice.text(all)).collect()
        };
        match content {
            Content::Name => some(dice, &self.names),
            Content::Domain => some(dice, &self.domains),
            Content::Action => some(dice, &self.actions),
            Content::Path => some(dice, &self.paths),
            Content::Pattern(kind) => (0..dice.between(2, most))
                .map(|_| pattern::pattern(dice, kind))
                .collect(),
            Content::Word => (0..dice.between(1, 4))
                .map(|_| {
                    if dice.chance(50) {
                        text::odd(dice)
                    } else {
                        text::segment(dice)
                    }
                })
                .collect(),
            Content::Priority => (0..4)
                .map(|_| {
                    dice.pick(&["0", "1", "2", "10", "-5", "+3", "007"])
                        .to_owned()
                })
                .collect(),
            Content::Effect => ["allow", "allow", "allow", "deny", "deny", "indeterminate"]
                .map(str::to_owned)
                .to_vec(),
            // Made when the names of the model are known.
            Content::Rule => Vec::new(),
        }
    }

    /// A column.
    pub(crate) fn column(&self, dice: &mut Dice, name: &str, content: Content) -> Column {
        Column {
            name: name.to_owned(),
            content,
            values: self.values(dice, content),
        }
    }

    /// Adds what any policy definition may have: the effect and the priority
    /// of a row, anywhere.
    pub(crate) fn add_special(
        &mut self,
        dice: &mut Dice,
        columns: &mut Vec<Column>,
        policy: usize,
    ) {
        if dice.chance(60) {
            let column = self.column(dice, "eft", Content::Effect);
            columns.insert(dice.below(columns.len() + 1), column);
        }
        if dice.chance(22) {
            let own_name = dice.chance(30);
            let name = if own_name { "rank" } else { "priority" };
            let column = self.column(dice, name, Content::Priority);
            let index = dice.below(columns.len() + 1);
            columns.insert(index, column);
            if own_name {
                self.settings.field_index.push(FieldIndex {
                    policy: numbered('p', policy),
                    field: "priority".to_owned(),
                    index,
                });
            }
        }
    }

    /// An effect that the model allows.
    pub(crate) fn effect(&self, dice: &mut Dice) -> &'static str {
        let all = EFFECTS.len() - usize::from(self.graphs.is_empty());
        EFFECTS[dice.below(all)]
    }
}

fn actions(dice: &mut Dice) -> Vec<String> {
    let mut actions: Vec<String> = ["GET", "POST", "read"].map(str::to_owned).to_vec();
    actions.truncate(dice.between(1, 3));
    if dice.chance(15) {
        actions.push(text::odd(dice));
    }
    if dice.chance(20) {
        actions.push("*".to_owned());
    }
    actions
}

/// The model file.
pub(crate) fn model_text(world: &World) -> String {
    let mut text = String::from("[request_definition]\n");
    for (index, fields) in world.requests.iter().enumerate() {
        let names: Vec<&str> = fields.iter().map(|field| &*field.name).collect();
        text.push_str(&format!(
            "{} = {}\n",
            numbered('r', index),
            names.join(", ")
        ));
    }
    text.push_str("[policy_definition]\n");
    for (index, columns) in world.policies.iter().enumerate() {
        let names: Vec<&str> = columns.iter().map(|column| &*column.name).collect();
        text.push_str(&format!(
            "{} = {}\n",
            numbered('p', index),
            names.join(", ")
        ));
    }
    if !world.graphs.is_empty() {
        text.push_str("[role_definition]\n");
    }
    for (index, graph) in world.graphs.iter().enumerate() {
        let domain = if graph.domain { ", _" } else { "" };
        let condition = if graph.condition { ", (_, _)" } else { "" };
        text.push_str(&format!(
            "{} = _, _{domain}{condition}\n",
            numbered('g', index)
        ));
    }
    text.push_str("[policy_effect]\n");
    for (index, effect) in world.effects.iter().enumerate() {
        text.push_str(&format!("{} = {effect}\n", numbered('e', index)));
    }
    text.push_str("[matchers]\n");
    for (index, matcher) in world.matchers.iter().enumerate() {
        text.push_str(&format!("{} = {matcher}\n", numbered('m', index)));
    }
    text
}
