//! Requests: values near those of a row, and values far from any.

use doorward_syntax::pattern::Kind;
use serde_json::{Value as Json, json};

use crate::case::{Ask, ContextNames, Link};

use super::dice::Dice;
use super::pattern;
use super::rows::{PolicyRows, TIMES, position};
use super::text;
use super::world::{Content, Shape, World, numbered};

/// What one request is made near to.
struct Aim<'a> {
    world: &'a World,
    policy: usize,
    row: Option<&'a Vec<String>>,
}

/// A request.
pub(crate) fn request(dice: &mut Dice, world: &World, rows: &PolicyRows) -> Ask {
    let definitions = world.matchers.len();
    let number = dice.below(definitions);
    let mut context = ContextNames {
        request: numbered('r', number),
        policy: numbered('p', number),
        effect: numbered('e', number),
        matcher: numbered('m', number),
    };
    if definitions > 1 && dice.chance(10) {
        let other = dice.below(definitions);
        match dice.below(3) {
            0 => context.policy = numbered('p', other),
            1 => context.effect = numbered('e', other),
            _ => context.matcher = numbered('m', other),
        }
    }
    let of_policy = rows.get(number).map_or(&[][..], Vec::as_slice);
    let aim = Aim {
        world,
        policy: number,
        row: of_policy.get(dice.below(of_policy.len())),
    };
    let fields = &world.requests[number];
    let mut values: Vec<Json> = fields
        .iter()
        .map(|field| aim.field(dice, &field.name, field.shape))
        .collect();
    if dice.below(400) == 0 {
        values.pop();
    }
    let (_, time) = dice.value(&TIMES);
    let offset = dice.value(&[-1, 0, 1, -100_000]);
    Ask {
        roles: links(dice, world, &values),
        values,
        now: time + offset,
        context,
    }
}

impl Aim<'_> {
    fn field(&self, dice: &mut Dice, name: &str, shape: Shape) -> Json {
        if dice.chance(2) {
            return any(dice, self.world);
        }
        match shape {
            Shape::Like => Json::from(self.text(dice, name)),
            Shape::Optional if dice.chance(40) => Json::Null,
            Shape::Optional => Json::from(self.text(dice, name)),
            Shape::Flag => Json::from(dice.chance(70)),
            Shape::Number => number(dice),
            Shape::List => {
                let mut list: Vec<Json> = Vec::new();
                let most = if self.world.crowded { 30 } else { 5 };
                for _ in 0..dice.below(most) {
                    list.push(Json::from(self.text(dice, name)));
                }
                if dice.chance(15) {
                    list.push(any(dice, self.world));
                }
                Json::from(list)
            }
            Shape::Object => self.object(dice),
        }
    }

    /// Text that the row's column of that name is likely to match.
    fn text(&self, dice: &mut Dice, name: &str) -> String {
        let columns = &self.world.policies[self.policy];
        let at = position(self.world, self.policy, name).or_else(|| {
            // Another name of the request: near some column.
            let at = dice.below(columns.len());
            columns
                .get(at)
                .filter(|column| column.content != Content::Rule)
                .map(|_| at)
        });
        let near = at.and_then(|at| {
            let value = self.row.and_then(|row| row.get(at));
            let value = value
                .cloned()
                .unwrap_or_else(|| dice.text(&columns[at].values));
            Some((value, columns.get(at)?.content))
        });
        let Some((value, content)) = near else {
            return dice.text(&self.world.names);
        };
        match dice.below(100) {
            0..3 => text::odd_in_request(dice),
            3..8 => text::changed(dice, &value),
            8..18 => dice.text(&at.map_or_else(Vec::new, |at| columns[at].values.clone())),
            _ => match content {
                Content::Pattern(kind) => pattern::sample(dice, kind, &value),
                Content::Name => self.name(dice, &value),
                _ => value,
            },
        }
    }

    /// A name that is likely to have the role.
    fn name(&self, dice: &mut Dice, role: &str) -> String {
        let names = &self.world.names;
        let matching = self
            .world
            .graphs
            .iter()
            .find_map(|graph| graph.role_matching);
        match dice.below(10) {
            0..4 if self.world.crowded => names.first().cloned().unwrap_or_default(),
            0..5 => {
                let end = names
                    .iter()
                    .position(|name| name == role)
                    .map_or(names.len(), |at| at + 1);
                names.get(dice.below(end)).cloned().unwrap_or_default()
            }
            5..7 => match matching {
                Some(function) => pattern::sample(dice, Kind::from(function), role),
                None => role.to_owned(),
            },
            _ => role.to_owned(),
        }
    }

    fn object(&self, dice: &mut Dice) -> Json {
        let name = self.text(dice, "sub");
        let path = self.text(dice, "obj");
        let mut object = json!({
            "name": name,
            "path": path,
            "age": number(dice),
            "tags": [dice.text(&self.world.actions), dice.text(&self.world.names)],
            "deep": {"level": number(dice), "name": dice.text(&self.world.names)},
        });
        if dice.chance(4)
            && let Some(object) = object.as_object_mut()
        {
            object.remove(dice.pick(&["name", "age", "deep", "path"]));
        }
        object
    }
}

fn number(dice: &mut Dice) -> Json {
    dice.value(&[0.0, 1.0, 2.0, 3.0, 5.0, 18.0, 40.0, -1.0, 1.5, 64.0, 1e22])
        .into()
}

/// A value of any type.
fn any(dice: &mut Dice, world: &World) -> Json {
    match dice.below(8) {
        0 => Json::Null,
        1 => Json::from(dice.chance(50)),
        2 => number(dice),
        3 => json!([dice.text(&world.names), 1, null]),
        4 => json!({"name": dice.text(&world.names)}),
        5 => json!([]),
        _ => Json::from(text::odd_in_request(dice)),
    }
}

/// Role links of the request.
fn links(dice: &mut Dice, world: &World, values: &[Json]) -> Vec<Link> {
    if world.graphs.is_empty() || !dice.chance(20) {
        return Vec::new();
    }
    let own: Vec<&str> = values.iter().filter_map(Json::as_str).collect();
    let most = if world.crowded { 40 } else { 4 };
    (0..dice.between(1, most))
        .map(|_| {
            let subject = match own.get(dice.below(own.len() * 2)) {
                Some(own) => (*own).to_owned(),
                None => dice.text(&world.names),
            };
            let role = match dice.below(10) {
                0 => text::odd_in_request(dice),
                1 => dice.pick(&["*", ":id", "/*", ".*", "0.0.0.0/0"]).to_owned(),
                _ => dice.text(&world.names),
            };
            Link {
                graph: numbered('g', dice.below(world.graphs.len())),
                subject,
                role,
            }
        })
        .collect()
}
