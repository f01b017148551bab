//! A matcher against what is known of a request's values.
//!
//! Refused is only what gives an error, or the same answer, for every request
//! and every row: between kinds that cannot meet, `==` is never true and `!=`
//! never false. So an unknown value is never in the way, nor is a date in
//! quotes beside a number, which Casbin's Go implementation compares as the
//! number of its seconds.

use doorward_syntax::display::Written;
use doorward_syntax::expression::{Expr, Operator};
use doorward_syntax::names::Names;

use crate::types::{Kinds, TypeError, ValueType};

/// What is known of an expression.
#[derive(Clone, Copy)]
struct Known<'t> {
    kinds: Kinds,
    members: Option<&'t [(String, ValueType)]>,
}

impl From<Kinds> for Known<'_> {
    fn from(kinds: Kinds) -> Self {
        Self {
            kinds,
            members: None,
        }
    }
}

/// A matcher of the request definition `r`, and the types of its names, in
/// their order.
pub(crate) struct Check<'t> {
    pub(crate) names: &'t Names,
    pub(crate) matcher: &'t str,
    pub(crate) types: &'t [ValueType],
}

impl<'t> Check<'t> {
    /// Checks the matcher.
    pub(crate) fn whole(&self, expr: &Expr) -> Result<(), TypeError> {
        let found = self.known(expr)?;
        let answers = Kinds::BOOL.or(Kinds::NUMBER);
        self.takes(expr, &[expr], found, answers, "a matcher is")
    }

    /// What is known of an expression all parts of which were checked.
    fn known(&self, expr: &Expr) -> Result<Known<'t>, TypeError> {
        Ok(match expr {
            Expr::Text { .. } | Expr::Policy(_) => Kinds::TEXT.into(),
            Expr::Number(_) => Kinds::NUMBER.into(),
            Expr::Bool(_) => Kinds::BOOL.into(),
            Expr::Request(slot) if slot.definition == 0 => {
                match self.types.get(usize::from(slot.field)) {
                    Some(known) => Known {
                        kinds: known.kinds,
                        members: known.members.as_deref(),
                    },
                    None => Kinds::ANY.into(),
                }
            }
            Expr::Request(_) => Kinds::ANY.into(),
            Expr::Attribute(value, path) => self.member(expr, value, path)?,
            Expr::Not(inner) => self.operand(expr, inner, Kinds::BOOL, "! takes")?,
            Expr::Negate(inner) => self.operand(expr, inner, Kinds::NUMBER, "- takes")?,
            Expr::BitNot(inner) => self.operand(expr, inner, Kinds::NUMBER, "~ takes")?,
            Expr::And(all) | Expr::Or(all) => {
                let takes = if matches!(expr, Expr::And(_)) {
                    "&& takes"
                } else {
                    "|| takes"
                };
                for operand in all {
                    self.operand(expr, operand, Kinds::BOOL, takes)?;
                }
                Kinds::BOOL.into()
            }
            Expr::Binary(operator, left, right) => self.binary(expr, *operator, left, right)?,
            Expr::List(all) => {
                for element in all {
                    self.known(element)?;
                }
                Kinds::LIST.into()
            }
            Expr::Then(condition, value) => {
                self.operand(expr, condition, Kinds::BOOL, "? takes")?;
                self.known(value)?.kinds.or(Kinds::NULL).into()
            }
            Expr::Else(value, other) => {
                let (value, other) = (self.known(value)?.kinds, self.known(other)?.kinds);
                if value.may_be(Kinds::NULL) {
                    value.without(Kinds::NULL).or(other).into()
                } else {
                    value.into()
                }
            }
            Expr::Call(function, arguments) => {
                self.texts(expr, arguments, function.name())?;
                match function {
                    doorward_syntax::expression::Function::Match(_) => Kinds::BOOL.into(),
                    _ => Kinds::TEXT.into(),
                }
            }
            Expr::Role(_, arguments) => {
                self.texts(expr, arguments, "g")?;
                Kinds::BOOL.into()
            }
            Expr::Eval(rule) => {
                self.texts(expr, std::slice::from_ref(rule), "eval")?;
                Kinds::ANY.into()
            }
        })
    }

    /// An operand of which a kind is wanted, which is also that of the result.
    fn operand(
        &self,
        expr: &Expr,
        operand: &Expr,
        wanted: Kinds,
        takes: &str,
    ) -> Result<Known<'t>, TypeError> {
        let found = self.known(operand)?;
        self.takes(expr, &[operand], found, wanted, takes)?;
        Ok(wanted.into())
    }

    fn texts(&self, expr: &Expr, arguments: &[Expr], function: &str) -> Result<(), TypeError> {
        for argument in arguments {
            let takes = format!("{function} takes");
            self.operand(expr, argument, Kinds::TEXT, &takes)?;
        }
        Ok(())
    }

    /// Refuses what is never of a kind that is wanted.
    fn takes(
        &self,
        expr: &Expr,
        operands: &[&Expr],
        found: Known<'_>,
        wanted: Kinds,
        takes: &str,
    ) -> Result<(), TypeError> {
        if found.kinds.may_be(wanted) {
            return Ok(());
        }
        let (Some(operand), kinds) = (operands.first(), found.kinds) else {
            return Ok(());
        };
        let operand = self.written(operand);
        let problem = format!("{operand} is {kinds}, and {takes} {wanted}");
        self.refuse(expr, operands, problem)
    }

    /// A member of an object, or of one in it.
    fn member(&self, expr: &Expr, value: &Expr, path: &[Box<str>]) -> Result<Known<'t>, TypeError> {
        let mut found = self.known(value)?;
        let mut place = self.written(value);
        for name in path {
            let kinds = found.kinds;
            if !kinds.may_be(Kinds::OBJECT) {
                let problem = format!("{place} is {kinds}, which has no member {name}");
                self.refuse(expr, &[value], problem)?;
                return Ok(Kinds::ANY.into());
            }
            let Some(members) = found.members else {
                return Ok(Kinds::ANY.into());
            };
            let Some((_, member)) = members.iter().find(|(known, _)| **known == **name) else {
                let known: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
                let known = known.join(", ");
                let problem = format!("{place} has no member {name}, its members are {known}");
                self.refuse(expr, &[value], problem)?;
                return Ok(Kinds::ANY.into());
            };
            found = Known {
                kinds: member.kinds,
                members: member.members.as_deref(),
            };
            place = format!("{place}.{name}");
        }
        Ok(found)
    }

    fn binary(
        &self,
        expr: &Expr,
        operator: Operator,
        left: &Expr,
        right: &Expr,
    ) -> Result<Known<'t>, TypeError> {
        let symbol = operator.symbol();
        let takes = format!("{symbol} takes");
        match operator {
            Operator::Equal | Operator::NotEqual => {
                let kinds = [self.compared(left)?, self.compared(right)?];
                let equal = kinds[0].may_be(kinds[1]);
                self.agree(expr, [left, right], kinds, equal, "are never equal")?;
                Ok(Kinds::BOOL.into())
            }
            Operator::Less
            | Operator::LessOrEqual
            | Operator::Greater
            | Operator::GreaterOrEqual => {
                let kinds = [self.ordered(left)?, self.ordered(right)?];
                let both = |kind| kinds.iter().all(|kinds| kinds.may_be(kind));
                let ordered = both(Kinds::NUMBER) || both(Kinds::TEXT);
                self.agree(expr, [left, right], kinds, ordered, "cannot be ordered")?;
                Ok(Kinds::BOOL.into())
            }
            Operator::Matches | Operator::NotMatches => {
                self.operand(expr, left, Kinds::TEXT, &takes)?;
                self.operand(expr, right, Kinds::TEXT, &takes)?;
                Ok(Kinds::BOOL.into())
            }
            Operator::In => {
                self.contained(expr, left, right)?;
                Ok(Kinds::BOOL.into())
            }
            Operator::Add => self.sum(expr, left, right),
            _ => {
                self.operand(expr, left, Kinds::NUMBER, &takes)?;
                self.operand(expr, right, Kinds::NUMBER, &takes)
            }
        }
    }

    /// What `==` may find in an expression.
    fn compared(&self, expr: &Expr) -> Result<Kinds, TypeError> {
        let kinds = self.known(expr)?.kinds;
        Ok(match expr {
            Expr::Text { time: Some(_), .. } => kinds.or(Kinds::NUMBER),
            _ => kinds,
        })
    }

    /// What `<` may find in an expression.
    fn ordered(&self, expr: &Expr) -> Result<Kinds, TypeError> {
        Ok(match expr {
            Expr::Text { time: Some(_), .. } => Kinds::NUMBER,
            expr => self.known(expr)?.kinds,
        })
    }

    fn contained(&self, expr: &Expr, left: &Expr, right: &Expr) -> Result<(), TypeError> {
        let sought = self.compared(left)?;
        let plain = Kinds::ANY.without(Kinds::LIST.or(Kinds::OBJECT));
        self.takes(expr, &[left], sought.into(), plain, "in takes")?;
        let Expr::List(all) = right else {
            self.operand(expr, right, Kinds::LIST, "in takes")?;
            return Ok(());
        };
        let mut elements = Kinds::NONE;
        for element in all {
            elements = elements.or(self.compared(element)?);
        }
        let found = all.is_empty() || sought.may_be(elements);
        let kinds = [sought, elements];
        self.agree(expr, [left, right], kinds, found, "are never equal")
    }

    /// `+`: of numbers a number, of a text and anything plain a text.
    fn sum(&self, expr: &Expr, left: &Expr, right: &Expr) -> Result<Known<'t>, TypeError> {
        let kinds = [self.known(left)?.kinds, self.known(right)?.kinds];
        let plain = Kinds::ANY.without(Kinds::LIST.or(Kinds::OBJECT));
        let both = |kind| kinds.iter().all(|kinds| kinds.may_be(kind));
        let text = both(plain) && kinds.iter().any(|kinds| kinds.may_be(Kinds::TEXT));
        let number = both(Kinds::NUMBER);
        self.agree(expr, [left, right], kinds, text || number, "have no sum")?;
        Ok(match (text, number) {
            (true, false) => Kinds::TEXT,
            (false, true) => Kinds::NUMBER,
            _ => Kinds::TEXT.or(Kinds::NUMBER),
        }
        .into())
    }

    /// Refuses two operands that do not go together.
    fn agree(
        &self,
        expr: &Expr,
        operands: [&Expr; 2],
        kinds: [Kinds; 2],
        fit: bool,
        problem: &str,
    ) -> Result<(), TypeError> {
        if fit {
            return Ok(());
        }
        let [left, right] = operands.map(|operand| self.written(operand));
        let [first, second] = kinds;
        let problem = format!("{left} is {first} and {right} is {second}, which {problem}");
        self.refuse(expr, &operands, problem)
    }

    fn written(&self, expr: &Expr) -> String {
        Written::new(expr, self.names).to_string()
    }

    /// The refusal of `expr`, if it is the request's doing: a type that is
    /// known of a value that the operands read.
    fn refuse(&self, expr: &Expr, operands: &[&Expr], problem: String) -> Result<(), TypeError> {
        let mut name = None;
        for operand in operands {
            operand.any(&mut |part| {
                let Expr::Request(slot) = part else {
                    return false;
                };
                let known = self.types.get(usize::from(slot.field));
                let is_known = known.is_some_and(|known| known.kinds != Kinds::ANY);
                if slot.definition == 0 && is_known && name.is_none() {
                    name = Some(self.written(part));
                }
                name.is_some()
            });
        }
        match name {
            None => Ok(()),
            Some(name) => Err(TypeError {
                matcher: self.matcher.to_owned(),
                expression: self.written(expr),
                problem,
                name,
            }),
        }
    }
}
