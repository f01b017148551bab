//! Rows: few values, much shared, some twice, role rows without a circle.

use super::dice::Dice;
use super::text;
use super::world::{Column, Content, World, numbered};

/// Parameters of conditional links, and times around them.
pub(crate) const TIMES: [(&str, i64); 4] = [
    ("2024-01-01 00:00:00", 1_704_067_200),
    ("2024-02-29 12:00:00", 1_709_208_000),
    ("2030-06-01 08:30:00", 1_906_533_000),
    ("9999-12-30 00:00:00", 253_402_128_000),
];

/// Rows of policy definitions by their fields, as requests are made to match.
pub(crate) type PolicyRows = Vec<Vec<Vec<String>>>;

/// The policy as CSV, and its rows by definition.
pub(crate) fn rows(dice: &mut Dice, world: &World) -> (String, PolicyRows) {
    let mut lines: Vec<(String, Vec<String>)> = Vec::new();
    let mut of_policies: PolicyRows = Vec::new();
    for (index, columns) in world.policies.iter().enumerate() {
        let count = match dice.below(20) {
            _ if world.crowded => dice.between(100, 250),
            0 => 0,
            1..3 => dice.between(20, 40),
            3..7 => dice.between(8, 20),
            _ => dice.between(1, 8),
        };
        let mut rows: Vec<Vec<String>> = Vec::new();
        for _ in 0..count {
            let mut row: Vec<String> = columns
                .iter()
                .map(|column| dice.text(&column.values))
                .collect();
            if let Some(earlier) = rows.get(dice.below(rows.len() * 4)) {
                let changed = dice.below(columns.len() + 1);
                row = earlier
                    .iter()
                    .zip(&row)
                    .enumerate()
                    .map(|(at, (old, new))| if at == changed { new } else { old }.clone())
                    .collect();
            }
            rows.push(row);
        }
        if let Some(first) = rows.first_mut()
            && dice.chance(15)
        {
            leave_one_empty(dice, columns, first);
        }
        for row in &rows {
            lines.push((numbered('p', index), row.clone()));
        }
        of_policies.push(rows);
    }
    for (index, _) in world.graphs.iter().enumerate() {
        for row in links(dice, world, index) {
            lines.push((numbered('g', index), row));
        }
    }
    if dice.chance(30) {
        // The order of kinds is free.
        for at in (1..lines.len()).rev() {
            lines.swap(at, dice.below(at + 1));
        }
    }
    (csv(dice, &lines), of_policies)
}

/// Empties one text of the first row, where its column may be empty: an engine
/// that has no text for it yet must not take it for none.
fn leave_one_empty(dice: &mut Dice, columns: &[Column], row: &mut [String]) {
    let place = dice.below(columns.len());
    if let (Some(column), Some(field)) = (columns.get(place), row.get_mut(place))
        && let Content::Name | Content::Domain | Content::Action | Content::Path | Content::Word =
            column.content
    {
        field.clear();
    }
}

fn links(dice: &mut Dice, world: &World, index: usize) -> Vec<Vec<String>> {
    let graph = &world.graphs[index];
    let count = match dice.below(10) {
        _ if world.crowded => world.names.len() * 2,
        0 => 0,
        1..4 => dice.between(8, 20),
        _ => dice.between(1, 8),
    };
    let chain = dice.chance(8);
    let mut links = Vec::new();
    for number in 0..count {
        // A link goes from an earlier name to a later one, so none closes a
        // circle.
        let earlier = if chain {
            number
        } else if world.crowded && dice.chance(50) {
            // One subject with many roles.
            0
        } else {
            dice.below(world.names.len())
        };
        let later = if chain {
            number + 1
        } else {
            dice.between(0, world.names.len() - 1)
        };
        let (Some(subject), Some(role)) = (world.names.get(earlier), world.names.get(later)) else {
            continue;
        };
        if earlier >= later {
            continue;
        }
        let mut row = vec![subject.clone(), role.clone()];
        if graph.domain {
            row.push(dice.text(&world.link_domains));
        }
        if graph.condition {
            let start = dice.value(&TIMES).0;
            let end = dice.value(&TIMES).0;
            row.push(if dice.chance(60) { "_" } else { start }.to_owned());
            row.push(if dice.chance(60) { "_" } else { end }.to_owned());
        }
        if dice.chance(3) {
            row.push("extra".to_owned());
        }
        links.push(row);
    }
    links
}

fn csv(dice: &mut Dice, lines: &[(String, Vec<String>)]) -> String {
    let mut csv = String::new();
    for (kind, fields) in lines {
        if dice.chance(2) {
            csv.push_str("# a comment\n\n");
        }
        let fields: Vec<String> = fields.iter().map(|field| text::csv_field(field)).collect();
        csv.push_str(&format!("{kind}, {}\n", fields.join(", ")));
    }
    csv
}

/// The position of the column of that name.
pub(crate) fn position(world: &World, policy: usize, name: &str) -> Option<usize> {
    let columns = world.policies.get(policy)?;
    columns
        .iter()
        .position(|column| column.name == name && column.content != Content::Rule)
}
