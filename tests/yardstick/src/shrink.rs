//! A smaller case on which the two still disagree.

use crate::case::Case;
use crate::compare::{Disagreement, differ};

/// Tries at most this often.
const TRIES: usize = 3_000;

/// Leaves out whatever the disagreement does not need: rows, role links,
/// settings, parts of the matchers.
#[must_use]
pub fn shrink(found: Disagreement) -> Disagreement {
    let mut best = found;
    let mut tries = 0;
    'again: while tries < TRIES {
        for smaller in smaller(&best.case) {
            tries += 1;
            if let Some((engine, yardstick)) = differ(&smaller) {
                best = Disagreement {
                    seed: best.seed,
                    case: smaller,
                    engine,
                    yardstick,
                };
                continue 'again;
            }
        }
        break;
    }
    best
}

/// Cases a little smaller than this one.
fn smaller(case: &Case) -> Vec<Case> {
    let mut all = Vec::new();
    let mut with = |change: &dyn Fn(&mut Case)| {
        let mut smaller = case.clone();
        change(&mut smaller);
        all.push(smaller);
    };
    let lines: Vec<&str> = case.policy.lines().collect();
    for half in [0, 1] {
        let rest = lines.iter().enumerate();
        let rest = rest.filter(|(at, _)| at * 2 / lines.len().max(1) != half);
        let rest: String = rest.map(|(_, line)| format!("{line}\n")).collect();
        if lines.len() > 1 {
            with(&|case| case.policy.clone_from(&rest));
        }
    }
    for left_out in 0..lines.len() {
        let rest = lines.iter().enumerate().filter(|(at, _)| *at != left_out);
        let rest: String = rest.map(|(_, line)| format!("{line}\n")).collect();
        with(&|case| case.policy.clone_from(&rest));
    }
    if let Some(ask) = case.requests.first() {
        for index in 0..ask.roles.len() {
            with(&|case| {
                case.requests[0].roles.remove(index);
            });
        }
    }
    for index in 0..case.settings.role_matching.len() {
        with(&|case| {
            case.settings.role_matching.remove(index);
        });
    }
    for index in 0..case.settings.reserved.len() {
        with(&|case| {
            case.settings.reserved.remove(index);
        });
    }
    for (number, line) in case.model.lines().enumerate() {
        if let Some((key, matcher)) = line.split_once(" = ").filter(|_| line.starts_with('m')) {
            for shorter in shorter(matcher) {
                let model: String = case
                    .model
                    .lines()
                    .enumerate()
                    .map(|(at, old)| {
                        if at == number {
                            format!("{key} = {shorter}\n")
                        } else {
                            format!("{old}\n")
                        }
                    })
                    .collect();
                with(&|case| case.model.clone_from(&model));
            }
        }
    }
    all
}

/// The matcher with one term, or one bracket, made `true` or `false`. What
/// is no matcher any more is refused, and so left out.
fn shorter(matcher: &str) -> Vec<String> {
    let mut cuts: Vec<usize> = vec![0, matcher.len()];
    for operator in [" && ", " || ", " ? ", " : ", " ?? "] {
        for (at, _) in matcher.match_indices(operator) {
            cuts.extend([at, at + operator.len()]);
        }
    }
    for (at, _) in matcher.match_indices('(') {
        cuts.extend([at, at + 1]);
    }
    for (at, _) in matcher.match_indices(')') {
        cuts.extend([at, at + 1]);
    }
    cuts.sort_unstable();
    cuts.dedup();
    let mut all = Vec::new();
    for (index, start) in cuts.iter().enumerate() {
        for end in cuts.iter().skip(index + 1).rev() {
            let Some(part) = matcher.get(*start..*end) else {
                continue;
            };
            let balanced = part.matches('(').count() == part.matches(')').count();
            if part.len() <= 5 || !balanced {
                continue;
            }
            for value in ["true", "false"] {
                all.push(format!("{}{value}{}", &matcher[..*start], &matcher[*end..]));
            }
            if part.starts_with('(') && part.ends_with(')') {
                all.push(format!(
                    "{}{}{}",
                    &matcher[..*start],
                    &part[1..part.len() - 1],
                    &matcher[*end..]
                ));
            }
        }
    }
    for neutral in ["true && ", " && true", "false || ", " || false"] {
        for (at, _) in matcher.match_indices(neutral) {
            all.push(format!(
                "{}{}",
                &matcher[..at],
                &matcher[at + neutral.len()..]
            ));
        }
    }
    all.retain(|shorter| shorter.len() < matcher.len());
    all
}
