//! Where our engine is to differ from Go: each difference by name, with what
//! shows that it is this one.

use crate::generate::Case;
use crate::go::Go;
use crate::wire::{Answer, Call, Request};
use anyhow::Result;
use std::collections::{BTreeMap, BTreeSet};

/// The documented deviation that a refusal of ours is, where Go loads.
///
/// # Errors
///
/// When the Go program cannot be asked.
pub fn refusal(go: &mut Go, case: &Case, words: &str) -> Result<Option<&'static str>> {
    if let Some(function) = function_of(words) {
        let fields: Vec<&String> = case.rows.iter().flatten().collect();
        if function == "keyMatch4" && fields.iter().any(|field| has_group(field)) {
            return Ok(Some(
                "refused when loaded: a group in a keyMatch4 pattern, a panic in Go when it matches",
            ));
        }
        let calls: Vec<Call> = fields
            .iter()
            .map(|pattern| Call {
                function,
                args: vec!["a".to_owned(), (*pattern).clone()],
            })
            .collect();
        let fails = go.call(&calls)?.iter().any(Answer::is_failed);
        return Ok(fails.then_some(
            "refused when loaded: a malformed pattern, a panic or an error in Go when used",
        ));
    }
    let circle = words.contains("the roles run in a circle") && has_circle(&case.rows);
    Ok(circle.then_some("refused when loaded: roles in a circle, unseen by Go with domains"))
}

/// The function that a pattern is refused for.
fn function_of(words: &str) -> Option<&'static str> {
    let (_, after) = words.split_once(" is not a pattern for ")?;
    let name = after.split(':').next()?;
    PATTERN_FUNCTIONS
        .into_iter()
        .find(|function| *function == name)
}

const PATTERN_FUNCTIONS: [&str; 8] = [
    "keyMatch",
    "keyMatch2",
    "keyMatch3",
    "keyMatch4",
    "keyMatch5",
    "regexMatch",
    "ipMatch",
    "globMatch",
];

/// Whether the pattern has a group of its own.
pub(crate) fn has_group(pattern: &str) -> bool {
    pattern.replace("(?:", "").contains('(')
}

/// Whether the links of one graph run in a circle, whatever their domains.
fn has_circle(rows: &[Vec<String>]) -> bool {
    ["g", "g2"].iter().any(|graph| {
        let mut roles: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for row in rows.iter().filter(|row| row[0] == *graph) {
            roles.entry(&row[1]).or_default().insert(&row[2]);
        }
        // Without circles, what has no roles can be taken away until nothing
        // is left.
        while let Some(name) = roles
            .iter()
            .find(|(_, above)| above.iter().all(|role| !roles.contains_key(role)))
            .map(|(name, _)| *name)
        {
            roles.remove(name);
        }
        !roles.is_empty()
    })
}

/// The documented deviation that a difference of decisions is.
#[must_use]
pub fn decision(
    case: &Case,
    request: &Request,
    theirs: &Answer,
    ours: &Answer,
) -> Option<&'static str> {
    let suffix = request.context.first().map_or("", |_| "2");
    let part = case.parts.iter().find(|part| part.suffix == suffix)?;
    match (theirs, ours) {
        (Answer::Decided { allow: a, rule: _ }, Answer::Decided { allow: b, rule })
            if a == b && rule.is_empty() && !part.reads_policy() =>
        {
            Some("a matcher without p names no row")
        }
        (_, Answer::Failed(words))
            if words.contains("keyMatch4: the pattern is malformed")
                && !theirs.is_failed()
                && request
                    .args
                    .iter()
                    .any(|arg| arg.as_str().is_some_and(has_group)) =>
        {
            Some("an error: a group in a keyMatch4 pattern, a panic in Go when it matches")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circle(links: &[(&str, &str, &str)]) -> bool {
        let rows: Vec<Vec<String>> = links
            .iter()
            .map(|(graph, name, role)| [graph, name, role].map(ToString::to_string).to_vec())
            .collect();
        has_circle(&rows)
    }

    #[test]
    fn circles_are_found_within_one_graph() {
        assert!(circle(&[("g", "a", "b"), ("g", "b", "c"), ("g", "c", "a")]));
        assert!(circle(&[("g", "x", "a"), ("g", "a", "a")]));
        assert!(!circle(&[
            ("g", "a", "b"),
            ("g", "a", "c"),
            ("g", "b", "c")
        ]));
        assert!(!circle(&[("g", "a", "b"), ("g2", "b", "a")]));
    }

    #[test]
    fn the_function_of_a_refusal_is_found() {
        let words = "line 2: field obj of p is not a pattern for keyMatch2: a class is not closed";
        assert_eq!(function_of(words), Some("keyMatch2"));
        assert_eq!(function_of("line 2: the roles run in a circle"), None);
    }

    #[test]
    fn groups_of_a_pattern_are_told_from_those_that_do_not_count() {
        assert!(has_group("/a/(b)"));
        assert!(!has_group("/a/(?:b)/{id}"));
    }
}
