//! Which terms become lookups in a column.

use doorward_syntax::expression::{Expr, Function, Operator};
use doorward_syntax::pattern::Kind;

use super::terms::Term;

/// A question whose answer is a set of values of one column, and that the
/// request alone answers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Lookup {
    /// The value itself.
    Equal(Expr),
    /// One of these values.
    OneOf(Vec<Expr>),
    /// A value of a list.
    In(Expr),
    /// The name, in a domain, or a role of it.
    Role {
        graph: u16,
        name: Expr,
        domain: Option<Expr>,
    },
    /// A pattern that the text matches.
    Pattern { kind: Kind, text: Expr },
}

/// Whether an expression has the same value on every row.
pub(crate) fn is_of_request(expr: &Expr) -> bool {
    !expr.any(&mut |expr| matches!(expr, Expr::Policy(_) | Expr::Eval(_)))
}

/// The column of the policy definition that an expression is.
fn column(expr: &Expr, definition: u16) -> Option<u16> {
    match expr {
        Expr::Policy(slot) if slot.definition == definition => Some(slot.field),
        _ => None,
    }
}

/// The column and the lookup that a term amounts to, if it does.
pub(crate) fn lookup(term: &Term, definition: u16) -> Option<(u16, Lookup)> {
    match (&term.expr, term.negated) {
        (Expr::Binary(Operator::Equal, left, right), false)
        | (Expr::Binary(Operator::NotEqual, left, right), true) => {
            equal(left, right, definition).or_else(|| equal(right, left, definition))
        }
        (Expr::Binary(Operator::In, left, right), false) => {
            let column = column(left, definition)?;
            match &**right {
                Expr::List(all) if all.iter().all(is_of_request) => {
                    Some((column, Lookup::OneOf(all.clone())))
                }
                Expr::List(_) => None,
                list if is_of_request(list) => Some((column, Lookup::In(list.clone()))),
                _ => None,
            }
        }
        (Expr::Binary(Operator::Matches, text, pattern), false)
        | (Expr::Binary(Operator::NotMatches, text, pattern), true) => {
            matched(Kind::Regex, text, pattern, definition)
        }
        (Expr::Call(Function::Match(function), arguments), false) => match arguments.as_slice() {
            [text, pattern] => matched(Kind::from(*function), text, pattern, definition),
            _ => None,
        },
        (Expr::Role(graph, arguments), false) => role(*graph, arguments, definition),
        _ => None,
    }
}

fn equal(column_side: &Expr, value: &Expr, definition: u16) -> Option<(u16, Lookup)> {
    let column = column(column_side, definition)?;
    is_of_request(value).then(|| (column, Lookup::Equal(value.clone())))
}

fn matched(kind: Kind, text: &Expr, pattern: &Expr, definition: u16) -> Option<(u16, Lookup)> {
    let column = column(pattern, definition)?;
    let text = is_of_request(text).then(|| text.clone())?;
    Some((column, Lookup::Pattern { kind, text }))
}

fn role(graph: u16, arguments: &[Expr], definition: u16) -> Option<(u16, Lookup)> {
    let (name, role, domain) = match arguments {
        [name, role] => (name, role, None),
        [name, role, domain] => (name, role, Some(domain)),
        _ => return None,
    };
    let column = column(role, definition)?;
    // Whether another name is reserved is known only where it is evaluated.
    let value = match name {
        Expr::Attribute(value, _) => value,
        name => name,
    };
    let direct = matches!(value, Expr::Request(_) | Expr::Text { .. });
    let of_request = direct && domain.is_none_or(is_of_request);
    of_request.then(|| {
        let (name, domain) = (name.clone(), domain.cloned());
        (
            column,
            Lookup::Role {
                graph,
                name,
                domain,
            },
        )
    })
}

/// Replaces the domain of a question to a role graph by what another term of
/// the same branch says it is equal to: `g(r.sub, p.sub, p.dom)` beside
/// `p.dom == r.dom` asks about `r.dom`, since a row with another domain is
/// false by that term alone.
pub(crate) fn with_domain(
    term: &Term,
    known: &[(u16, Lookup)],
    definition: u16,
) -> Option<(u16, Lookup)> {
    let (Expr::Role(graph, arguments), false) = (&term.expr, term.negated) else {
        return None;
    };
    let [name, role_of, domain] = arguments.as_slice() else {
        return None;
    };
    let field = column(domain, definition)?;
    let value = known.iter().find_map(|(column, lookup)| match lookup {
        Lookup::Equal(value) if *column == field => Some(value),
        _ => None,
    })?;
    role(
        *graph,
        &[name.clone(), role_of.clone(), value.clone()],
        definition,
    )
}
