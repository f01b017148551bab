//! Models that nobody writes.

use doorward_syntax::lexer::Dialect;
use doorward_syntax::pattern::Kind;

use super::dice::Dice;
use super::expression::Writer;
use super::pattern;
use super::world::{Column, Content, Field, Graph, Shape, World};

/// A world with definitions of any shape, without matchers.
pub(crate) fn world(dice: &mut Dice) -> World {
    let graphs = (0..dice.below(4))
        .map(|_| Graph {
            domain: dice.chance(45),
            condition: dice.chance(12),
            ..Graph::default()
        })
        .collect();
    let mut world = World::new(dice, graphs);
    for index in 0..1 + usize::from(dice.chance(20)) {
        let mut columns = columns(dice, &world);
        world.requests.push(fields(dice, &columns));
        world.add_special(dice, &mut columns, index);
        world.policies.push(columns);
        world.effects.push(world.effect(dice));
    }
    world
}

fn columns(dice: &mut Dice, world: &World) -> Vec<Column> {
    let mut columns = Vec::new();
    for name in ["sub", "dom", "obj", "act", "x", "rule"] {
        let content = match name {
            "sub" if dice.chance(85) => Content::Name,
            "dom" => Content::Domain,
            "obj" if dice.chance(40) => Content::Path,
            "act" if dice.chance(70) => Content::Action,
            "rule" => Content::Rule,
            _ if dice.chance(20) => Content::Word,
            _ if dice.chance(15) => Content::Name,
            _ if dice.chance(15) => Content::Pattern(dice.value(&[Kind::KeyGet2, Kind::KeyGet3])),
            _ => Content::Pattern(Kind::from(pattern::function(dice))),
        };
        let share = match name {
            "sub" => 90,
            "dom" if world.graphs.iter().any(|graph| graph.domain) => 80,
            "dom" => 15,
            "obj" => 80,
            "act" => 65,
            "x" => 25,
            _ => 12,
        };
        if dice.chance(share) {
            columns.push(world.column(dice, name, content));
        }
    }
    if columns.is_empty() {
        columns.push(world.column(dice, "sub", Content::Name));
    }
    columns
}

fn fields(dice: &mut Dice, columns: &[Column]) -> Vec<Field> {
    let mut fields = Vec::new();
    for column in columns {
        let left_out = column.content == Content::Rule || dice.chance(6);
        if !left_out {
            let shape = match dice.below(30) {
                0 => Shape::Optional,
                1 => Shape::Object,
                _ => Shape::Like,
            };
            fields.push((column.name.clone(), shape));
        }
    }
    for (name, shape, share) in [
        ("ctx", Shape::Object, 25),
        ("list", Shape::List, 30),
        ("n", Shape::Number, 35),
        ("ok", Shape::Flag, 15),
        ("opt", Shape::Optional, 15),
        ("y", Shape::Like, 10),
    ] {
        if dice.chance(share) {
            fields.push((name.to_owned(), shape));
        }
    }
    if fields.is_empty() {
        fields.push(("sub".to_owned(), Shape::Like));
    }
    let fields = fields.into_iter();
    fields.map(|(name, shape)| Field { name, shape }).collect()
}

/// A writer for the definitions of that number.
pub(crate) fn writer(world: &World, definition: usize, dialect: Dialect) -> Writer<'_> {
    Writer {
        world,
        fields: &world.requests[definition],
        columns: &world.policies[definition],
        definition,
        dialect,
    }
}

/// A matcher over the definitions of that number.
pub(crate) fn matcher(dice: &mut Dice, world: &World, definition: usize) -> String {
    let depth = dice.value(&[1, 2, 2, 2, 3, 3]);
    let writer = writer(world, definition, Dialect::Matcher);
    let matcher = writer.truth(dice, depth);
    let names = [".", "_"].map(|dot| format!("{}{dot}", super::world::numbered('p', definition)));
    // Most matchers read the policy.
    if dice.chance(90) && !names.iter().any(|name| matcher.contains(name)) {
        let column = writer.term(dice);
        return format!("{column} && ({matcher})");
    }
    matcher
}

/// A rule for `eval`, malformed now and then.
pub(crate) fn rule(dice: &mut Dice, world: &World, definition: usize) -> String {
    if dice.chance(8) {
        return dice
            .pick(&[
                "r.sub ==",
                "(",
                "",
                "nobody(r.sub)",
                "eval(p.rule)",
                "1 2",
                "r.none == 1",
                "'",
            ])
            .to_owned();
    }
    let writer = writer(world, definition, Dialect::Rule);
    match (writer.of_shape(dice, Shape::Object), dice.below(6)) {
        (Some(object), 0) => format!("{object}.age > 18 && {object}.age < 60"),
        (Some(object), 1) => format!("{object}.age >= 1 || {object}.name == 'alice'"),
        (Some(object), 2) => format!("{object}.deep.level != 2"),
        (_, 3) => "true".to_owned(),
        (_, 4) => dice
            .pick(&["1", "0", "'text'", "false", "1 - 1"])
            .to_owned(),
        _ => {
            let depth = dice.below(2);
            writer.truth(dice, depth)
        }
    }
}
