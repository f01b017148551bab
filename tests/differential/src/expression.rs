//! A matcher as it is generated: its terms, and how they are joined.

use std::fmt;

/// A generated expression.
#[derive(Debug, Clone)]
pub enum Expr {
    /// All must hold.
    And(Vec<Expr>),
    /// One must hold.
    Or(Vec<Expr>),
    /// It must not hold.
    Not(Box<Expr>),
    /// In brackets that change nothing.
    Group(Box<Expr>),
    /// Condition, value and other value.
    Choice(Box<[Expr; 3]>),
    /// `eval` of this field of the policy, such as `p.rule`.
    Eval(String),
    /// Anything else, as text.
    Term(String),
}

impl Expr {
    /// A term.
    pub fn term(text: impl Into<String>) -> Self {
        Self::Term(text.into())
    }

    fn list(f: &mut fmt::Formatter<'_>, list: &[Expr], operator: &str) -> fmt::Result {
        for (index, expr) in list.iter().enumerate() {
            if index > 0 {
                write!(f, " {operator} ")?;
            }
            match expr {
                Self::And(_) | Self::Or(_) => write!(f, "({expr})")?,
                _ => write!(f, "{expr}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Expr {
    /// With brackets wherever the reading of the operators' rank could matter.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(list) => Self::list(f, list, "&&"),
            Self::Or(list) => Self::list(f, list, "||"),
            Self::Not(expr) => write!(f, "!({expr})"),
            Self::Group(expr) => write!(f, "({expr})"),
            Self::Choice(parts) => {
                let [condition, value, other] = &**parts;
                write!(f, "(({condition}) ? ({value}) : ({other}))")
            }
            Self::Eval(field) => write!(f, "eval({field})"),
            Self::Term(text) => write!(f, "{text}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_stand_wherever_ranks_could_matter() {
        let term = |text: &str| Expr::term(text);
        let either = Expr::Or(vec![term("a"), term("b")]);
        let all = Expr::And(vec![
            either.clone(),
            Expr::Not(Box::new(either.clone())),
            Expr::Choice(Box::new([term("c"), either, term("d")])),
            Expr::Eval("p.rule".to_owned()),
        ]);
        assert_eq!(
            all.to_string(),
            "(a || b) && !(a || b) && ((c) ? (a || b) : (d)) && eval(p.rule)"
        );
    }
}
