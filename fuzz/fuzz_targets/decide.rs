//! Any rows and any requests, for a model of the list.

#![no_main]

use arbitrary::{Arbitrary, Result, Unstructured};
use doorward_engine::{Context, Engine, Policy, Request, ReservedPrefix, RoleLink, Value};
use doorward_fuzz::MODELS;
use doorward_syntax::policy::Row;
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value as Json};

/// Words that meet in models, rows and requests, so that decisions get beyond
/// the first comparison.
const WORDS: &[&str] = &[
    "",
    "alice",
    "bob",
    "admin",
    "root",
    "one",
    "two",
    "data1",
    "data2",
    "read",
    "write",
    "allow",
    "deny",
    "indeterminate",
    "1",
    "2",
    "-7",
    "_",
    "*",
    ".*",
    "^(a|b)*$",
    "[a-z]+",
    "/a",
    "/a/*",
    "/a/7",
    "/a/7/b",
    "/a/:id",
    "/a/:id/b",
    "/a/{id}",
    "/{x}/{x}",
    "/a/**/b",
    "/{a,b}/*",
    "10.0.0.1",
    "10.0.0.0/8",
    "::1",
    "2026-01-01 00:00:00",
    "2027-01-01 00:00:00",
    "2026-12-25",
    "r.sub.Age > 18",
    "r.sub == p.obj",
    "true",
    "regexMatch(r.obj, p.obj)",
    "scope:read",
    "scope:write",
    "é",
    "%2F",
];

#[derive(Debug)]
enum Word<'a> {
    Known(u8),
    Free(&'a str),
    Joined(u8, u8),
}

#[derive(Debug)]
enum Scalar<'a> {
    Null,
    Bool(bool),
    Number(f64),
    Integer(i64),
    Text(Word<'a>),
}

#[derive(Debug)]
enum Argument<'a> {
    /// The field of a row, so that rows match.
    Field(u8, u8),
    Scalar(Scalar<'a>),
    List(Vec<Scalar<'a>>),
    Object {
        age: Scalar<'a>,
        name: Scalar<'a>,
        more: Option<(Word<'a>, Scalar<'a>)>,
    },
}

#[derive(Arbitrary, Debug)]
struct Fields<'a> {
    kind: u8,
    fields: [Word<'a>; 5],
    /// Above 250: how many fields the row has, whatever its definition says.
    count: u8,
}

#[derive(Debug)]
struct Asked<'a> {
    values: [Argument<'a>; 3],
    links: Vec<(u8, Word<'a>, Word<'a>)>,
    now: i64,
}

#[derive(Debug)]
struct Input<'a> {
    model: u8,
    level: Option<u8>,
    reserve: bool,
    rows: Vec<Fields<'a>>,
    asked: Vec<Asked<'a>>,
}

// By hand, since a byte for each choice makes small inputs say much.

impl<'a> Arbitrary<'a> for Word<'a> {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match u.arbitrary()? {
            tag @ 0..=223 => Self::Known(tag),
            224..=239 => Self::Joined(u.arbitrary()?, u.arbitrary()?),
            _ => Self::Free(u.arbitrary()?),
        })
    }
}

impl<'a> Arbitrary<'a> for Scalar<'a> {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let tag: u8 = u.arbitrary()?;
        Ok(match tag {
            0..=191 => Self::Text(u.arbitrary()?),
            192..=215 => Self::Integer(i64::from(tag) - 200),
            216..=223 => Self::Integer(u.arbitrary()?),
            224..=239 => Self::Number(u.arbitrary()?),
            240..=247 => Self::Bool(tag < 244),
            _ => Self::Null,
        })
    }
}

impl<'a> Arbitrary<'a> for Argument<'a> {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(match u.arbitrary()? {
            0..=111_u8 => Self::Field(u.arbitrary()?, u.arbitrary()?),
            112..=207 => Self::Scalar(u.arbitrary()?),
            208..=227 => Self::List(several(u, 4)?),
            _ => Self::Object {
                age: u.arbitrary()?,
                name: u.arbitrary()?,
                more: u.arbitrary()?,
            },
        })
    }
}

impl<'a> Arbitrary<'a> for Asked<'a> {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Self {
            values: u.arbitrary()?,
            links: several(u, 4)?,
            now: match u.arbitrary()? {
                // From 2026-01-01 on, a week for each.
                weeks @ 0..=223_u8 => 1_767_225_600 + i64::from(weeks) * 604_800,
                _ => u.arbitrary()?,
            },
        })
    }
}

impl<'a> Arbitrary<'a> for Input<'a> {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let model = u.arbitrary()?;
        let level: u8 = u.arbitrary()?;
        Ok(Self {
            model,
            level: level.checked_sub(224),
            reserve: u.arbitrary()?,
            rows: several(u, 12)?,
            asked: several(u, 3)?,
        })
    }
}

/// At most so many.
fn several<'a, T: Arbitrary<'a>>(u: &mut Unstructured<'a>, most: u8) -> Result<Vec<T>> {
    let count: u8 = u.arbitrary()?;
    (0..count % (most + 1)).map(|_| u.arbitrary()).collect()
}

fn pick<T>(list: &[T], number: u8) -> &T {
    &list[usize::from(number) % list.len()]
}

impl Word<'_> {
    fn text(&self) -> String {
        match self {
            Self::Known(word) => (*pick(WORDS, *word)).to_owned(),
            Self::Free(text) => (*text).to_owned(),
            Self::Joined(first, second) => {
                format!("{}{}", pick(WORDS, *first), pick(WORDS, *second))
            }
        }
    }
}

impl Scalar<'_> {
    fn json(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Bool(truth) => Json::Bool(*truth),
            Self::Number(number) => Json::from(*number),
            Self::Integer(number) => Json::from(*number),
            Self::Text(word) => Json::String(word.text()),
        }
    }
}

impl Argument<'_> {
    fn json(&self, policy: &Policy) -> Json {
        match self {
            Self::Field(row, _) if policy.is_empty() => Json::from(*row),
            Self::Field(row, field) => {
                let rows: Vec<Row<'_>> = policy.rows().collect();
                let fields: Vec<&str> = pick(&rows, *row).fields().collect();
                match fields.as_slice() {
                    [] => Json::Null,
                    fields => Json::from(*pick(fields, *field)),
                }
            }
            Self::Scalar(scalar) => scalar.json(),
            Self::List(items) => items.iter().map(Scalar::json).collect(),
            Self::Object { age, name, more } => {
                let mut members = Map::new();
                members.insert("Age".to_owned(), age.json());
                members.insert("Name".to_owned(), name.json());
                if let Some((name, value)) = more {
                    members.insert(name.text(), value.json());
                }
                Json::Object(members)
            }
        }
    }
}

fn rows(kinds: &[(String, usize)], input: &[Fields<'_>]) -> Policy {
    let mut policy = Policy::default();
    for (row, line) in input.iter().zip(1..) {
        let (kind, expected) = pick(kinds, row.kind);
        let count = match row.count {
            251.. => usize::from(row.count - 250),
            _ => *expected,
        };
        let fields = row.fields.iter().take(count);
        let fields: Vec<String> = fields.map(Word::text).collect();
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        policy.push_row(kind, &fields, line);
    }
    policy
}

fn ask(engine: &Engine, policy: &Policy, graphs: &[(String, usize)], asked: &Asked<'_>) {
    let links: Vec<(u8, String, String)> = asked
        .links
        .iter()
        .map(|(graph, subject, role)| (*graph, subject.text(), role.text()))
        .collect();
    let roles: Vec<RoleLink<'_>> = links
        .iter()
        .filter(|_| !graphs.is_empty())
        .filter_map(|(graph, subject, role)| {
            Some(RoleLink {
                graph: engine.graph(&pick(graphs, *graph).0)?,
                subject,
                role,
            })
        })
        .collect();
    let values: Vec<Json> = asked
        .values
        .iter()
        .map(|value| value.json(policy))
        .collect();
    let values: Vec<Value<'_>> = values.iter().map(Value::from).collect();
    doorward_fuzz::decide(
        engine,
        &Request {
            values: &values,
            roles: &roles,
            now: asked.now,
            context: Context::default(),
        },
    );
}

fuzz_target!(|input: Input<'_>| {
    let setup = pick(MODELS, input.model);
    let kinds = setup.kinds();
    let graphs = &kinds[1..];
    let mut settings = setup.settings();
    if let Some(level) = input.level {
        settings.max_hierarchy_level = u32::from(level);
    }
    if input.reserve && !graphs.is_empty() {
        settings.reserved.push(ReservedPrefix {
            graph: "g".to_owned(),
            prefix: "scope:".to_owned(),
        });
    }
    let policy = rows(&kinds, &input.rows);
    let Ok(engine) = Engine::compile(&setup.model(), &policy, &settings) else {
        return;
    };
    for asked in &input.asked {
        ask(&engine, &policy, graphs, asked);
    }
});
