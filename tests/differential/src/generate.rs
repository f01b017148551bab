//! Models, policies and requests of the language that both sides share.
//!
//! Left out are the words that only provoke what [`documented`] lists once:
//! brackets, dates, `r.`, quotes and backslashes inside literals, lists as arguments.
//!
//! [`documented`]: crate::documented

mod matcher;
mod values;

use crate::dice::Dice;
use crate::expression::Expr;
use crate::wire::{Matching, Question, Request};
use matcher::Scope;
use std::collections::BTreeMap;
use std::fmt::Write;
use values::{NAMES, SUBJECTS};

/// A generated model and policy, and requests to decide.
#[derive(Debug, Clone)]
pub struct Case {
    /// As both sides are asked.
    pub question: Question,
    /// The definitions `r`, `p`, `e`, `m`, and `r2`, `p2`, `e2`, `m2`.
    pub parts: Vec<Part>,
    /// The number of fields of `g`, `g2`, ...
    pub graphs: Vec<usize>,
    /// All rows, their kind first.
    pub rows: Vec<Vec<String>>,
    /// What the rules for `eval` say, by their text. One that is missing is
    /// malformed.
    pub rules: BTreeMap<String, Expr>,
}

/// The definitions that decide a request together.
#[derive(Debug, Clone)]
pub struct Part {
    /// After the definitions' letters: nothing, or `2`.
    pub suffix: &'static str,
    /// Names of the request's values.
    pub request: Vec<&'static str>,
    /// Names of the policy's columns.
    pub columns: Vec<&'static str>,
    /// The policy effect.
    pub effect: &'static str,
    /// The matcher.
    pub matcher: Expr,
}

impl Part {
    /// Whether the matcher reads the policy, as Go Casbin sees it.
    #[must_use]
    pub fn reads_policy(&self) -> bool {
        let text = self.matcher.to_string();
        text.contains(&format!("p{}.", self.suffix)) || text.contains(&format!("p{}_", self.suffix))
    }
}

/// Stops at the first row that allows.
pub const ALLOW_OVERRIDE: &str = "some(where (p.eft == allow))";
/// Allows unless a row denies.
pub const DENY_OVERRIDE: &str = "!some(where (p.eft == deny))";
/// Allows if a row allows and none denies.
pub const ALLOW_AND_DENY: &str = "some(where (p.eft == allow)) && !some(where (p.eft == deny))";
/// The first row that says something decides.
pub const PRIORITY: &str = "priority(p.eft) || deny";
/// The same, rows ordered by the subject's place in the hierarchy of roles.
pub const SUBJECT_PRIORITY: &str = "subjectPriority(p.eft) || deny";

const EFFECTS: [&str; 5] = [
    ALLOW_OVERRIDE,
    DENY_OVERRIDE,
    ALLOW_AND_DENY,
    PRIORITY,
    SUBJECT_PRIORITY,
];

/// The text of a model.
#[must_use]
pub fn model_text(parts: &[Part], graphs: &[usize]) -> String {
    let mut text = String::new();
    let mut section = |name: &str, letter: &str, value: &dyn Fn(&Part) -> String| {
        let _ = writeln!(text, "[{name}]");
        for part in parts {
            let _ = writeln!(text, "{letter}{} = {}", part.suffix, value(part));
        }
    };
    section("request_definition", "r", &|part| part.request.join(", "));
    section("policy_definition", "p", &|part| part.columns.join(", "));
    section("policy_effect", "e", &|part| part.effect.to_owned());
    section("matchers", "m", &|part| part.matcher.to_string());
    if !graphs.is_empty() {
        text.push_str("[role_definition]\n");
    }
    for (arity, name) in graphs.iter().zip(["g", "g2"]) {
        let _ = writeln!(text, "{name} = {}", vec!["_"; *arity].join(", "));
    }
    text
}

/// The text of a policy.
#[must_use]
pub fn policy_text(rows: &[Vec<String>]) -> String {
    rows.iter().map(|row| values::line(row) + "\n").collect()
}

/// The definitions to name in a request.
#[must_use]
pub fn context(suffix: &str) -> Vec<&'static str> {
    if suffix.is_empty() {
        Vec::new()
    } else {
        vec!["r2", "p2", "e2", "m2"]
    }
}

/// A case with this many requests.
#[must_use]
pub fn case(dice: &mut Dice, requests: usize) -> Case {
    let graphs = match dice.weighted(&[5, 8, 5, 2, 1]) {
        0 => vec![],
        1 => vec![2],
        2 => vec![3],
        3 => vec![2, 2],
        _ => vec![2, 3],
    };
    let mut rules = BTreeMap::new();
    let mut parts = vec![part(dice, "", &graphs)];
    if dice.percent(8) {
        parts.push(part(dice, "2", &graphs));
    }
    let rows = rows(dice, &parts, &graphs, &mut rules);
    let requests = (0..requests)
        .map(|_| {
            let part = dice.pick(&parts);
            request(dice, &part, &rows)
        })
        .collect();
    let question = Question {
        model: model_text(&parts, &graphs),
        policy: policy_text(&rows),
        role_matching: role_matching(dice, &graphs),
        requests,
        ..Question::default()
    };
    Case {
        question,
        parts,
        graphs,
        rows,
        rules,
    }
}

fn part(dice: &mut Dice, suffix: &'static str, graphs: &[usize]) -> Part {
    let domains = graphs.contains(&3) || dice.percent(30);
    let request = if domains {
        vec!["sub", "dom", "obj", "act"]
    } else {
        vec!["sub", "obj", "act"]
    };
    let effect = loop {
        let effect = dice.pick(&EFFECTS);
        if effect != SUBJECT_PRIORITY || !graphs.is_empty() {
            break effect;
        }
    };
    let mut columns = request.clone();
    let with_rule = dice.percent(12);
    if with_rule {
        columns.push("rule");
    }
    if dice.percent(60) {
        let at = dice.between(0, columns.len());
        columns.insert(at, "eft");
    }
    if dice.percent(25) {
        columns.insert(0, "priority");
    }
    let scope = Scope {
        suffix,
        names: &request,
        graphs,
        object: with_rule || dice.percent(5),
        rule: with_rule,
    };
    let matcher = scope.matcher(dice);
    Part {
        suffix,
        request,
        columns,
        effect,
        matcher,
    }
}

fn rows(
    dice: &mut Dice,
    parts: &[Part],
    graphs: &[usize],
    rules: &mut BTreeMap<String, Expr>,
) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for part in parts {
        for _ in 0..dice.between(0, 6) {
            let mut row = vec![format!("p{}", part.suffix)];
            for column in &part.columns {
                row.push(match *column {
                    "eft" => dice
                        .pick(&["allow", "allow", "deny", "indeterminate"])
                        .to_owned(),
                    "priority" => (dice.between(0, 15) as i64 - 3).to_string(),
                    "rule" => matcher::rule(dice, part.suffix, rules),
                    _ => dice.pick(&NAMES).to_owned(),
                });
            }
            rows.push(row);
        }
    }
    for (arity, graph) in graphs.iter().zip(["g", "g2"]) {
        // Links run from earlier to later names only, so there is no circle,
        // but for a few.
        for _ in 0..dice.between(0, 6) {
            let mut ends = [0; 2].map(|_| dice.between(0, SUBJECTS.len() - 1));
            if ends[0] == ends[1] {
                continue;
            }
            if !dice.percent(2) || parts.iter().any(|part| part.effect == SUBJECT_PRIORITY) {
                ends.sort_unstable();
            }
            let mut row = vec![graph.to_owned()];
            row.extend(ends.map(|end| SUBJECTS[end].to_owned()));
            if *arity == 3 {
                row.push(dice.pick(&["data1", "alice", "/foo", "*"]).to_owned());
            }
            rows.push(row);
        }
    }
    dice.shuffle(&mut rows);
    if graphs.first() == Some(&2) && dice.percent(5) {
        rows.extend(values::chain(dice));
    }
    rows
}

fn request(dice: &mut Dice, part: &Part, rows: &[Vec<String>]) -> Request {
    let kind = format!("p{}", part.suffix);
    let own: Vec<&Vec<String>> = rows.iter().filter(|row| row[0] == kind).collect();
    let like = (!own.is_empty() && dice.percent(65)).then(|| dice.pick(&own));
    let text = part.matcher.to_string();
    let object = text.contains(".sub.") || text.contains("eval(");
    let args = part.request.iter().map(|name| {
        let column = part.columns.iter().position(|column| column == name);
        if object && *name == "sub" {
            values::object(dice)
        } else {
            let like = like.zip(column).map(|(row, column)| &*row[column + 1]);
            values::argument(dice, like)
        }
    });
    let mut args: Vec<_> = args.collect();
    if dice.percent(1) {
        args.pop();
    }
    Request {
        args,
        context: context(part.suffix),
    }
}

/// keyMatch4 is left out: names with a group, which are among the values, make
/// Go panic whenever a role question comes across them.
fn role_matching(dice: &mut Dice, graphs: &[usize]) -> BTreeMap<String, Matching> {
    let mut matching = BTreeMap::new();
    for (arity, graph) in graphs.iter().zip(["g", "g2"]) {
        let mut functions = Matching::default();
        if dice.percent(25) {
            functions.role = dice.pick(&["keyMatch", "keyMatch2", "keyMatch3"]);
        }
        if *arity == 3 && dice.percent(35) {
            functions.domain = dice.pick(&["keyMatch", "keyMatch", "keyMatch2"]);
        }
        if functions != Matching::default() {
            matching.insert(graph.to_owned(), functions);
        }
    }
    matching
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_seed_determines_the_cases() {
        let texts = |seed| {
            let mut dice = Dice::new(seed);
            let cases = (0..20).map(|_| case(&mut dice, 3).question);
            cases
                .map(|question| serde_json::to_string(&question).unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!(texts(7), texts(7));
        assert_ne!(texts(7), texts(8));
    }

    #[test]
    fn every_part_of_the_language_occurs() {
        let mut dice = Dice::new(1);
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        let words = [
            "&&",
            "||",
            "!(",
            " == ",
            " != ",
            " < ",
            " <= ",
            " > ",
            " >= ",
            " in (",
            " in [",
            " =~ ",
            " ?? ",
            ") ? (",
            " + ",
            " - ",
            " * ",
            " / ",
            " % ",
            " ** ",
            " << ",
            " >> ",
            " & ",
            " | ",
            " ^ ",
            "g(",
            "g2(",
            "eval(",
            "keyMatch(",
            "keyMatch2(",
            "keyMatch3(",
            "keyMatch4(",
            "regexMatch(",
            "globMatch(",
            "keyGet2(",
            ".Age",
            ".Home.Country",
            ALLOW_OVERRIDE,
            DENY_OVERRIDE,
            ALLOW_AND_DENY,
            PRIORITY,
            SUBJECT_PRIORITY,
            "m2 = ",
        ];
        for _ in 0..3_000 {
            let model = case(&mut dice, 1).question.model;
            for word in words {
                *seen.entry(word).or_default() += usize::from(model.contains(word));
            }
        }
        for word in words {
            assert!(seen[word] >= 10, "{word} occurs in {} models", seen[word]);
        }
    }
}
