//! A matcher as a bounded OR of ANDs.
//!
//! A row's value stays what evaluating the matcher as it stands gives. Within
//! a branch false wins over an error, and the first branch that is not false
//! decides; both follow from the same rules for `&&` and `||`, since the
//! branches are in the order in which `||` runs from left to right.

use doorward_syntax::expression::Expr;

/// The most branches that a matcher is brought to. What would make more stays
/// one term, which is evaluated as it stands.
const MOST_BRANCHES: usize = 16;

/// An expression that has to be true, or false where it is negated.
#[derive(Debug, Clone)]
pub(crate) struct Term {
    pub(crate) expr: Expr,
    pub(crate) negated: bool,
    /// The operator that asks for a truth value; none for a whole matcher,
    /// which may also be a number.
    pub(crate) operator: Option<&'static str>,
}

/// The branches of a matcher, in order, each with its terms in order.
pub(crate) fn branches(matcher: &Expr) -> Vec<Vec<Term>> {
    match matcher {
        Expr::And(_) | Expr::Or(_) | Expr::Not(_) => expand(matcher, false, "!"),
        _ => vec![vec![Term {
            expr: matcher.clone(),
            negated: false,
            operator: None,
        }]],
    }
}

fn whole(expr: &Expr, negated: bool, operator: &'static str) -> Vec<Vec<Term>> {
    vec![vec![Term {
        expr: expr.clone(),
        negated,
        operator: Some(operator),
    }]]
}

fn expand(expr: &Expr, negated: bool, operator: &'static str) -> Vec<Vec<Term>> {
    match (expr, negated) {
        (Expr::Not(inner), _) => Some(expand(inner, !negated, "!")),
        (Expr::And(all), false) => all_of(all, false, "&&"),
        (Expr::Or(all), true) => all_of(all, true, "||"),
        (Expr::Or(all), false) => one_of(all, false, "||"),
        (Expr::And(all), true) => one_of(all, true, "&&"),
        _ => None,
    }
    .unwrap_or_else(|| whole(expr, negated, operator))
}

/// Every choice of one branch from each part.
fn all_of(all: &[Expr], negated: bool, operator: &'static str) -> Option<Vec<Vec<Term>>> {
    let mut branches: Vec<Vec<Term>> = vec![Vec::new()];
    for expr in all {
        let mut parts = expand(expr, negated, operator);
        if branches.len().saturating_mul(parts.len()) > MOST_BRANCHES {
            parts = whole(expr, negated, operator);
        }
        if let [only] = parts.as_slice() {
            for branch in &mut branches {
                branch.extend_from_slice(only);
            }
            continue;
        }
        let longer = branches.iter().flat_map(|branch| {
            let parts = parts.iter();
            parts.map(|part| branch.iter().chain(part).cloned().collect())
        });
        branches = longer.collect();
    }
    Some(branches)
}

/// The branches of all parts; none if they are too many.
fn one_of(all: &[Expr], negated: bool, operator: &'static str) -> Option<Vec<Vec<Term>>> {
    let mut branches = Vec::new();
    for expr in all {
        branches.extend(expand(expr, negated, operator));
        if branches.len() > MOST_BRANCHES {
            return None;
        }
    }
    Some(branches)
}
