//! Expressions where a truth value is asked for: the root of a matcher, and
//! from there on down through `&&`, `||`, `!`, `? :`, `??` and `eval`.
//!
//! Among terms that must all hold, false wins over an error, wherever it
//! stands. Terms of which one has to hold run from left to right. `!` is
//! carried inwards first, so `!(a || b)` is two terms that must both hold.

use doorward_syntax::expression::Expr;
use doorward_syntax::lexer::Dialect;
use doorward_syntax::parser;

use super::Failed;
use super::scope::Scope;
use super::value::Value;

impl Scope<'_> {
    /// Whether the matcher matches the row: true, or a number other than 0.
    pub(crate) fn matches(&self, matcher: &Expr) -> Result<bool, Failed> {
        match self.asked(matcher, false)? {
            Value::Bool(value) => Ok(value),
            Value::Number(number) if number.is_nan() => Err(Failed::Plain),
            Value::Number(number) => Ok(number != 0.0),
            _ => Err(Failed::Plain),
        }
    }

    /// The value of an expression where a truth value is asked for. `negated`
    /// says whether an odd number of `!` stand before it; the value is that
    /// without them.
    pub(crate) fn asked(&self, expr: &Expr, negated: bool) -> Result<Value, Failed> {
        match expr {
            Expr::And(_) | Expr::Or(_) | Expr::Not(_) => {
                let holds = self.holds(expr, negated)?;
                Ok(Value::Bool(if negated { !holds } else { holds }))
            }
            Expr::Then(condition, value) => {
                self.touch("?");
                if self.value(condition)?.truth()? {
                    self.asked(value, negated)
                } else {
                    Ok(Value::Null)
                }
            }
            Expr::Else(value, other) => {
                self.touch("??");
                match self.asked(value, negated)? {
                    Value::Null => self.asked(other, negated),
                    value => Ok(value),
                }
            }
            Expr::Eval(rule) => {
                let rule = self.rule(rule)?;
                rule_value(self.asked(&rule, negated)?)
            }
            _ => self.value(expr),
        }
    }

    /// Whether the expression holds, or its negation.
    fn holds(&self, expr: &Expr, negated: bool) -> Result<bool, Failed> {
        match expr {
            Expr::Not(inner) => {
                self.touch("!");
                self.holds(inner, !negated)
            }
            Expr::And(terms) => {
                self.touch("&&");
                if negated {
                    self.one(terms, true)
                } else {
                    self.all(terms, false)
                }
            }
            Expr::Or(terms) => {
                self.touch("||");
                if negated {
                    self.all(terms, true)
                } else {
                    self.one(terms, false)
                }
            }
            _ => Ok(self.asked(expr, negated)?.truth()? != negated),
        }
    }

    fn all(&self, terms: &[Expr], negated: bool) -> Result<bool, Failed> {
        let mut failed = None;
        for term in terms {
            match self.holds(term, negated) {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(true), Err)
    }

    fn one(&self, terms: &[Expr], negated: bool) -> Result<bool, Failed> {
        for term in terms {
            if self.holds(term, negated)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The expression that the text of a rule holds. A rule that uses `eval`
    /// is malformed.
    pub(crate) fn rule(&self, text: &Expr) -> Result<Expr, Failed> {
        self.touch("eval");
        let text = self.value(text)?.text()?;
        let limits = &self.settings.limits;
        let rule = parser::parse(&text, Dialect::Rule, &self.model.names, limits);
        let rule = rule.map_err(|_| Failed::Plain)?;
        if rule.any(&mut |expr| matches!(expr, Expr::Eval(_))) {
            return Err(Failed::Plain);
        }
        Ok(rule)
    }
}

/// A rule gives anything but a list or an object.
pub(crate) fn rule_value(value: Value) -> Result<Value, Failed> {
    match value {
        Value::List(_) | Value::Object(_) => Err(Failed::Plain),
        value => Ok(value),
    }
}
