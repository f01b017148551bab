//! Names, requests' values, and policy lines.

use crate::dice::Dice;
use serde_json::{Value as Json, json};

/// What rows and requests are made of: so few that they meet, and among them
/// patterns, empty, Unicode, slash-heavy and percent-encoded text.
pub(super) const NAMES: [&str; 28] = [
    "alice",
    "alice",
    "bob",
    "bob",
    "admin",
    "root",
    "data1",
    "/foo",
    "/foo/1",
    "/foo/:id",
    "/foo/*",
    "/foo/1/bar",
    "/a/{id}",
    "/a/b/c",
    "//a///b/",
    "*",
    "",
    "GET",
    "GET",
    "POST",
    "(GET)|(POST)",
    "ünï",
    "/ü/ï",
    "/a%2Fb",
    "a b",
    "5",
    "say \"x\"",
    "10.0.0.1",
];

/// Names of role rows, in the order in which they may link.
pub(super) const SUBJECTS: [&str; 9] = [
    "alice", "bob", "/foo/1", "u1", "admin", "/foo/:id", "root", "/foo", "data1",
];

/// A row as a line of CSV.
pub(super) fn line(row: &[String]) -> String {
    let fields: Vec<String> = row.iter().map(|field| quoted(field)).collect();
    fields.join(", ")
}

fn quoted(field: &str) -> String {
    if field.contains([',', '"', ' ']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

/// Links one after the other, about as many as the depth limit of 10.
pub(super) fn chain(dice: &mut Dice) -> Vec<Vec<String>> {
    let names: Vec<String> = (0..dice.between(8, 13))
        .map(|number| match number {
            0 => "bob".to_owned(),
            _ => format!("c{number}"),
        })
        .chain(["data2".to_owned()])
        .collect();
    let links = names.windows(2);
    links
        .map(|pair| vec!["g".to_owned(), pair[0].clone(), pair[1].clone()])
        .chain([vec!["g".to_owned(), "data2".to_owned(), "5".to_owned()]])
        .collect()
}

/// A request's value, mostly the one of the row it is to be like.
pub(super) fn argument(dice: &mut Dice, like: Option<&str>) -> Json {
    match like {
        Some(like) if dice.percent(80) => json!(like),
        _ => match dice.weighted(&[200, 4, 3, 3, 1]) {
            0 => json!(dice.pick(&NAMES)),
            1 => json!(5),
            2 => json!(true),
            3 => json!(0.5),
            _ => Json::Null,
        },
    }
}

/// A request's value with fields.
pub(super) fn object(dice: &mut Dice) -> Json {
    match dice.weighted(&[20, 1, 1]) {
        0 => {
            let mut object = json!({
                "Age": dice.pick(&[5, 17, 18, 30, 60]),
                "Name": dice.pick(&NAMES),
                "Admin": dice.percent(30),
                "Home": {"Country": dice.pick(&["ch", "de", "nz"]), "Level": dice.between(0, 3)},
            });
            if dice.percent(8)
                && let Some(fields) = object.as_object_mut()
            {
                fields.remove(dice.pick(&["Age", "Name", "Home"]));
            }
            object
        }
        1 => json!(dice.pick(&NAMES)),
        _ => json!({}),
    }
}
