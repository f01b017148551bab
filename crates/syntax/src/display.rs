//! Expressions, written as matchers write them.

use std::fmt::{self, Display};

use crate::expression::{Expr, Operator, Slot};
use crate::names::{Definition, Names};

/// An expression and the names that it refers to, to be written.
#[derive(Debug, Clone, Copy)]
pub struct Written<'a> {
    expr: &'a Expr,
    names: &'a Names,
    /// How tightly what stands around it binds.
    around: u8,
}

impl<'a> Written<'a> {
    /// An expression to be written by itself.
    #[must_use]
    pub fn new(expr: &'a Expr, names: &'a Names) -> Self {
        Self {
            expr,
            names,
            around: 0,
        }
    }

    fn inside(&self, expr: &'a Expr, around: u8) -> Self {
        Self {
            expr,
            names: self.names,
            around,
        }
    }

    fn list(&self, f: &mut fmt::Formatter<'_>, all: &'a [Expr]) -> fmt::Result {
        f.write_str("(")?;
        for (index, expr) in all.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            self.inside(expr, 0).fmt(f)?;
        }
        f.write_str(")")
    }

    fn joined(
        &self,
        f: &mut fmt::Formatter<'_>,
        all: &'a [Expr],
        by: &str,
        level: u8,
    ) -> fmt::Result {
        for (index, expr) in all.iter().enumerate() {
            if index > 0 {
                write!(f, " {by} ")?;
            }
            self.inside(expr, level).fmt(f)?;
        }
        Ok(())
    }

    fn slot(&self, f: &mut fmt::Formatter<'_>, of: &[Definition], slot: Slot) -> fmt::Result {
        let definition = of.get(usize::from(slot.definition));
        let field = definition.and_then(|known| known.fields.get(usize::from(slot.field)));
        match definition.zip(field) {
            Some((definition, field)) => write!(f, "{}.{field}", definition.name),
            None => f.write_str("?"),
        }
    }
}

/// How tightly an expression binds, loosest first, as in the parser.
fn level(expr: &Expr) -> u8 {
    match expr {
        Expr::Then(..) | Expr::Else(..) => 1,
        Expr::Or(_) => 2,
        Expr::And(_) => 3,
        Expr::Binary(operator, ..) => match operator {
            Operator::BitAnd | Operator::BitOr | Operator::BitXor => 5,
            Operator::ShiftLeft | Operator::ShiftRight => 6,
            Operator::Add | Operator::Subtract => 7,
            Operator::Multiply | Operator::Divide | Operator::Remainder => 8,
            Operator::Power => 9,
            _ => 4,
        },
        Expr::Not(_) | Expr::Negate(_) | Expr::BitNot(_) => 10,
        _ => 11,
    }
}

impl Display for Written<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own = level(self.expr);
        if own <= self.around {
            f.write_str("(")?;
            self.inside(self.expr, 0).fmt(f)?;
            return f.write_str(")");
        }
        match self.expr {
            Expr::Text { text, .. } if text.contains('\'') => write!(f, "\"{text}\""),
            Expr::Text { text, .. } => write!(f, "'{text}'"),
            Expr::Number(number) => write!(f, "{number}"),
            Expr::Bool(value) => write!(f, "{value}"),
            Expr::Request(slot) => self.slot(f, &self.names.requests, *slot),
            Expr::Policy(slot) => self.slot(f, &self.names.policies, *slot),
            Expr::Attribute(value, path) => {
                self.inside(value, own.saturating_sub(1)).fmt(f)?;
                path.iter().try_for_each(|name| write!(f, ".{name}"))
            }
            Expr::Not(inner) => write!(f, "!{}", self.inside(inner, own)),
            Expr::Negate(inner) => write!(f, "-{}", self.inside(inner, own)),
            Expr::BitNot(inner) => write!(f, "~{}", self.inside(inner, own)),
            Expr::And(all) => self.joined(f, all, "&&", own),
            Expr::Or(all) => self.joined(f, all, "||", own),
            Expr::Binary(operator, left, right) => {
                let left = self.inside(left, own.saturating_sub(1));
                let right = self.inside(right, own);
                write!(f, "{left} {} {right}", operator.symbol())
            }
            Expr::List(all) => self.list(f, all),
            Expr::Then(condition, value) => {
                let condition = self.inside(condition, own);
                write!(f, "{condition} ? {}", self.inside(value, own))
            }
            Expr::Else(value, other) => {
                let by = if matches!(**value, Expr::Then(..)) {
                    ":"
                } else {
                    "??"
                };
                let value = self.inside(value, own.saturating_sub(1));
                write!(f, "{value} {by} {}", self.inside(other, own))
            }
            Expr::Call(function, arguments) => {
                f.write_str(function.name())?;
                self.list(f, arguments)
            }
            Expr::Role(graph, arguments) => {
                let graph = self.names.graphs.get(usize::from(*graph));
                f.write_str(graph.map_or("?", |graph| &graph.name))?;
                self.list(f, arguments)
            }
            Expr::Eval(rule) => write!(f, "eval({})", self.inside(rule, 0)),
        }
    }
}
