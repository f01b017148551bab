//! Cases by seed: half of them as people write policies, half as nobody does.

mod dice;
mod expression;
mod pattern;
mod request;
mod rows;
mod templates;
mod term;
mod text;
mod wild;
mod world;

use crate::case::Case;

use dice::Dice;
use world::{Content, World};

/// Requests of one case.
const REQUESTS: usize = 16;

/// The case of that seed: the same for the same seed.
#[must_use]
pub fn case(seed: u64) -> Case {
    let mut dice = Dice::new(seed);
    let real = dice.chance(50);
    let mut world = if real {
        templates::world(&mut dice)
    } else {
        wild::world(&mut dice)
    };
    fill_rules(&mut dice, &mut world);
    for definition in world.matchers.len()..world.requests.len() {
        let matcher = wild::matcher(&mut dice, &world, definition);
        world.matchers.push(matcher);
    }
    let (policy, rows) = rows::rows(&mut dice, &world);
    let requests = (0..REQUESTS)
        .map(|_| request::request(&mut dice, &world, &rows))
        .collect();
    Case {
        model: world::model_text(&world),
        policy,
        settings: world.settings,
        requests,
    }
}

/// Writes the rules that rows choose from.
fn fill_rules(dice: &mut Dice, world: &mut World) {
    for definition in 0..world.policies.len() {
        for column in 0..world.policies[definition].len() {
            if world.policies[definition][column].content != Content::Rule {
                continue;
            }
            let count = dice.between(2, 5);
            let rules: Vec<String> = (0..count)
                .map(|_| wild::rule(dice, world, definition))
                .collect();
            world.policies[definition][column].values = rules;
        }
    }
}
