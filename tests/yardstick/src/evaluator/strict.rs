//! Expressions whose value is asked for: inside comparisons, arguments and
//! conditions. Everything runs from left to right, and the first error ends
//! it.

use std::cmp::Ordering;

use doorward_syntax::expression::{Expr, Operator};
use doorward_syntax::pattern::Kind;

use super::Failed;
use super::arithmetic;
use super::pattern;
use super::scope::Scope;
use super::truth::rule_value;
use super::value::Value;

impl Scope<'_> {
    /// The value of an expression.
    pub(crate) fn value(&self, expr: &Expr) -> Result<Value, Failed> {
        Ok(match expr {
            Expr::Text { text, .. } => Value::Text(text.to_string()),
            Expr::Number(number) => Value::Number(*number),
            Expr::Bool(value) => Value::Bool(*value),
            Expr::Request(slot) => self.request(*slot)?,
            Expr::Policy(slot) => self.policy(*slot)?,
            Expr::Attribute(value, path) => {
                self.touch("attribute");
                self.value(value)?.attribute(path)?
            }
            Expr::Not(inner) => {
                self.touch("!");
                Value::Bool(!self.value(inner)?.truth()?)
            }
            Expr::Negate(inner) => {
                self.touch("- before a value");
                Value::Number(-self.value(inner)?.number()?)
            }
            Expr::BitNot(inner) => {
                self.touch("~");
                Value::Number(arithmetic::complement(self.value(inner)?.number()?)?)
            }
            Expr::And(terms) => {
                self.touch("&&");
                Value::Bool(self.first(terms, false)?)
            }
            Expr::Or(terms) => {
                self.touch("||");
                Value::Bool(self.first(terms, true)?)
            }
            Expr::Then(condition, value) => {
                self.touch("?");
                if self.value(condition)?.truth()? {
                    self.value(value)?
                } else {
                    Value::Null
                }
            }
            Expr::Else(value, other) => {
                self.touch("??");
                match self.value(value)? {
                    Value::Null => self.value(other)?,
                    value => value,
                }
            }
            Expr::Binary(operator, left, right) => self.binary(*operator, left, right)?,
            // A list stands after `in` only.
            Expr::List(_) => return Err(Failed::Plain),
            Expr::Call(function, arguments) => {
                self.touch(function.name());
                pattern::call(*function, &self.texts(arguments)?)?
            }
            Expr::Role(graph, arguments) => Value::Bool(self.role(*graph, arguments)?),
            Expr::Eval(rule) => {
                let rule = self.rule(rule)?;
                rule_value(self.value(&rule)?)?
            }
        })
    }

    /// Terms up to the first that is `end`: `end`, or the opposite.
    fn first(&self, terms: &[Expr], end: bool) -> Result<bool, Failed> {
        for term in terms {
            if self.value(term)?.truth()? == end {
                return Ok(end);
            }
        }
        Ok(!end)
    }

    /// All values first; then they have to be text.
    fn texts(&self, arguments: &[Expr]) -> Result<Vec<String>, Failed> {
        let values: Result<Vec<Value>, Failed> =
            arguments.iter().map(|expr| self.value(expr)).collect();
        values?.into_iter().map(Value::text).collect()
    }

    fn role(&self, graph: u16, arguments: &[Expr]) -> Result<bool, Failed> {
        self.touch(if arguments.len() == 3 {
            "g with a domain"
        } else {
            "g"
        });
        let texts = self.texts(arguments)?;
        let name = &texts[0];
        let from_request = arguments[0].any(&mut |expr| matches!(expr, Expr::Request(_)));
        if from_request && self.is_reserved(graph, name) {
            return Err(Failed::Plain);
        }
        let domain = texts.get(2).map_or("", String::as_str);
        self.graphs[usize::from(graph)].has(self.ask, name, &texts[1], domain)
    }

    fn binary(&self, operator: Operator, left: &Expr, right: &Expr) -> Result<Value, Failed> {
        self.touch(operator.symbol());
        Ok(match operator {
            Operator::Equal => Value::Bool(self.value(left)? == self.value(right)?),
            Operator::NotEqual => Value::Bool(self.value(left)? != self.value(right)?),
            Operator::Less => Value::Bool(self.order(left, right)? == Some(Ordering::Less)),
            Operator::Greater => Value::Bool(self.order(left, right)? == Some(Ordering::Greater)),
            Operator::LessOrEqual => {
                let order = self.order(left, right)?;
                Value::Bool(matches!(order, Some(Ordering::Less | Ordering::Equal)))
            }
            Operator::GreaterOrEqual => {
                let order = self.order(left, right)?;
                Value::Bool(matches!(order, Some(Ordering::Greater | Ordering::Equal)))
            }
            Operator::Matches => Value::Bool(self.regex(left, right)?),
            Operator::NotMatches => Value::Bool(!self.regex(left, right)?),
            Operator::In => Value::Bool(self.is_in(left, right)?),
            Operator::Add => self.value(left)?.plus(self.value(right)?)?,
            _ => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                Value::Number(arithmetic::calculate(
                    operator,
                    left.number()?,
                    right.number()?,
                )?)
            }
        })
    }

    /// How two numbers or two texts are ordered. A date in quotes is a number
    /// here.
    fn order(&self, left: &Expr, right: &Expr) -> Result<Option<Ordering>, Failed> {
        let value = |expr: &Expr| match expr {
            Expr::Text {
                time: Some(time), ..
            } => Ok(Value::Number(*time)),
            _ => self.value(expr),
        };
        match (value(left)?, value(right)?) {
            (Value::Number(left), Value::Number(right)) => Ok(left.partial_cmp(&right)),
            (Value::Text(left), Value::Text(right)) => Ok(Some(left.cmp(&right))),
            _ => Err(Failed::Plain),
        }
    }

    fn regex(&self, left: &Expr, right: &Expr) -> Result<bool, Failed> {
        let (text, pattern) = (self.value(left)?, self.value(right)?);
        pattern::matches(Kind::Regex, &text.text()?, &pattern.text()?)
    }

    fn is_in(&self, left: &Expr, right: &Expr) -> Result<bool, Failed> {
        let wanted = self.value(left)?;
        if matches!(wanted, Value::List(_) | Value::Object(_)) {
            return Err(Failed::Plain);
        }
        let list = match right {
            Expr::List(all) => {
                let mut list = Vec::new();
                for expr in all {
                    match self.value(expr)? {
                        Value::List(_) => return Err(Failed::Plain),
                        value => list.push(value),
                    }
                }
                list
            }
            other => match self.value(other)? {
                Value::List(list) => list,
                _ => return Err(Failed::Plain),
            },
        };
        Ok(list.contains(&wanted))
    }
}
