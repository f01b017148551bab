//! A matcher's value for one request and one row.
//!
//! Where a value is asked for as a truth value at the root of a matcher, down
//! through `&&`, `||`, `!`, `?:`, `??` and `eval`, false wins over an error
//! among terms that must all hold, whatever their order, and terms of which
//! one must hold run from left to right. `!` is carried inwards first, so
//! `!(a || b)` is two terms that must both hold. Everywhere else (inside
//! comparisons, arguments, conditions) everything runs from left to right.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use foldhash::fast::FixedState;
use smallvec::SmallVec;

use crate::budget::{Budget, count, hash_steps, scan_steps};
use crate::decision::EvaluationError as Error;
use crate::load::{Loaded, Subject};
use crate::patterns::Matching;
use crate::plan::Term;
use crate::request::{GraphId, Request, Value};
use crate::roles::Graph;
use crate::roles::closure::{Asked, Closure};
use crate::roles::own::OwnLinks;
use crate::symbols::Symbol;
use doorward_syntax::expression::{Expr, Operator, Slot};
use doorward_syntax::lexer::Dialect;
use doorward_syntax::parser;
use doorward_syntax::pattern::Kind;

use super::arithmetic::{arithmetic, float, signed};
use super::functions::{self, Answer};
use super::value::Val;

/// Closures by graph, name and domain.
pub(crate) type Closures = RefCell<HashMap<(u16, String, String), Rc<Closure>, FixedState>>;

/// What an expression is evaluated against.
#[derive(Clone, Copy)]
pub(crate) struct Frame<'a> {
    pub(crate) loaded: &'a Loaded,
    pub(crate) request: &'a Request<'a>,
    /// None: every field of the policy is empty text.
    pub(crate) row: Option<&'a [Symbol]>,
    /// What this decision may still cost.
    pub(crate) budget: &'a Budget,
    /// The role links of the request.
    pub(crate) own: &'a OwnLinks<'a>,
    /// What was found out about roles in this decision.
    pub(crate) closures: &'a Closures,
}

/// Whether an error ends the decision even where false would win over it.
pub(crate) fn is_final(error: Error) -> bool {
    matches!(error, Error::Limit { .. })
}

fn operator_error(operator: &'static str) -> Error {
    Error::OperatorType { operator }
}

impl<'a> Frame<'a> {
    /// Patterns, and what running them takes.
    pub(crate) fn matching(&self) -> Matching<'a> {
        Matching {
            symbols: &self.loaded.symbols,
            patterns: &self.loaded.patterns,
            limits: &self.loaded.settings.limits,
            budget: self.budget,
        }
    }

    /// A role graph and its number, to be asked about a name.
    pub(crate) fn asked<'n>(&self, number: u16, graph: &'n Graph, name: &'n str) -> Asked<'n>
    where
        'a: 'n,
    {
        Asked {
            graph,
            id: GraphId(number),
            own: self.own,
            name,
            now: self.request.now,
            max_level: self.loaded.settings.max_hierarchy_level,
            matching: self.matching(),
            only_known: false,
        }
    }

    /// Whether no question to a graph can fail, and names that the policy does
    /// not have mean nothing to its rows.
    pub(crate) fn is_simple(&self, graph: &Graph) -> bool {
        let (names, _) = graph.size();
        let most = names.saturating_add(self.own.len());
        graph.is_literal() && most < self.loaded.settings.limits.role_visits
    }

    /// Whether a term holds.
    pub(crate) fn holds(&self, term: &Term) -> Result<bool, Error> {
        if let Some(operator) = term.operator {
            return self.truth(&term.expr, term.negated, operator);
        }
        match self.root(&term.expr)? {
            Val::Bool(value) => Ok(value),
            Val::Number(number) if !number.is_nan() => Ok(number != 0.0),
            _ => Err(Error::MatcherResult),
        }
    }

    /// The value of a whole matcher.
    pub(crate) fn root<'e>(&self, expr: &'e Expr) -> Result<Val<'e>, Error>
    where
        'a: 'e,
    {
        self.position(expr, false)
    }

    /// Refuses a request whose subject starts with a reserved prefix, for
    /// every role graph that the matcher asks about a value of the request.
    pub(crate) fn check_subjects(&self, subjects: &[Subject]) -> Result<(), Error> {
        for subject in subjects {
            let name = match self.request_text(&subject.value) {
                Some(text) => Cow::Borrowed(text),
                None => match self.value(&subject.value) {
                    Ok(Val::Text(name)) => name,
                    _ => continue,
                },
            };
            let mut reserved = subject.reserved.iter();
            if reserved.any(|prefix| name.starts_with(prefix.as_str())) {
                return Err(Error::ReservedSubject);
            }
        }
        Ok(())
    }

    /// The value of an expression that stands where a truth value is asked
    /// for, under an odd number of `!` if `negated`.
    fn position<'e>(&self, expr: &'e Expr, negated: bool) -> Result<Val<'e>, Error>
    where
        'a: 'e,
    {
        match expr {
            Expr::And(_) | Expr::Or(_) | Expr::Not(_) => {
                Ok(Val::Bool(self.truth(expr, negated, "!")? != negated))
            }
            Expr::Else(value, other) => match self.position(value, negated)? {
                Val::Null => self.position(other, negated),
                value => Ok(value),
            },
            Expr::Then(condition, value) => {
                if self.strict_bool(condition, "?")? {
                    self.position(value, negated)
                } else {
                    Ok(Val::Null)
                }
            }
            Expr::Eval(rule) => self.eval(rule, Some(negated)),
            _ => self.value(expr),
        }
    }

    /// The truth of an expression, or of its negation.
    fn truth(&self, expr: &Expr, negated: bool, operator: &'static str) -> Result<bool, Error> {
        self.budget.spend(1)?;
        match (expr, negated) {
            (Expr::Not(inner), _) => self.truth(inner, !negated, "!"),
            (Expr::And(all), false) => self.all_hold(all, false, "&&"),
            (Expr::Or(all), true) => self.all_hold(all, true, "||"),
            (Expr::Or(all), false) => self.one_holds(all, false, "||"),
            (Expr::And(all), true) => self.one_holds(all, true, "&&"),
            _ => match self.position(expr, negated)? {
                Val::Bool(value) => Ok(value != negated),
                _ => Err(operator_error(operator)),
            },
        }
    }

    fn all_hold(&self, all: &[Expr], negated: bool, operator: &'static str) -> Result<bool, Error> {
        let mut first = None;
        for expr in all {
            match self.truth(expr, negated, operator) {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(error) if is_final(error) => return Err(error),
                Err(error) => first = first.or(Some(error)),
            }
        }
        first.map_or(Ok(true), Err)
    }

    fn one_holds(
        &self,
        all: &[Expr],
        negated: bool,
        operator: &'static str,
    ) -> Result<bool, Error> {
        for expr in all {
            if self.truth(expr, negated, operator)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn strict_bool(&self, expr: &Expr, operator: &'static str) -> Result<bool, Error> {
        match self.value(expr)? {
            Val::Bool(value) => Ok(value),
            _ => Err(operator_error(operator)),
        }
    }

    fn strict_number(&self, expr: &Expr, operator: &'static str) -> Result<f64, Error> {
        match self.value(expr)? {
            Val::Number(number) => Ok(number),
            _ => Err(operator_error(operator)),
        }
    }

    /// The value of an expression, from left to right.
    pub(crate) fn value<'e>(&self, expr: &'e Expr) -> Result<Val<'e>, Error>
    where
        'a: 'e,
    {
        self.budget.spend(1)?;
        match expr {
            Expr::Text { text, .. } => Ok(Val::Text(Cow::Borrowed(text))),
            Expr::Number(number) => Ok(Val::Number(*number)),
            Expr::Bool(value) => Ok(Val::Bool(*value)),
            Expr::Request(slot) => self.request_value(*slot),
            Expr::Policy(slot) => self.policy_value(*slot),
            Expr::Attribute(value, path) => attribute(self.value(value)?, path),
            Expr::Not(inner) => Ok(Val::Bool(!self.strict_bool(inner, "!")?)),
            Expr::Negate(inner) => Ok(Val::Number(-self.strict_number(inner, "-")?)),
            Expr::BitNot(inner) => {
                let bits = signed(self.strict_number(inner, "~")?, "~")?;
                Ok(Val::Number(float(!bits)))
            }
            Expr::And(all) => {
                for expr in all {
                    if !self.strict_bool(expr, "&&")? {
                        return Ok(Val::Bool(false));
                    }
                }
                Ok(Val::Bool(true))
            }
            Expr::Or(all) => {
                for expr in all {
                    if self.strict_bool(expr, "||")? {
                        return Ok(Val::Bool(true));
                    }
                }
                Ok(Val::Bool(false))
            }
            Expr::Then(condition, value) => {
                if self.strict_bool(condition, "?")? {
                    self.value(value)
                } else {
                    Ok(Val::Null)
                }
            }
            Expr::Else(value, other) => match self.value(value)? {
                Val::Null => self.value(other),
                value => Ok(value),
            },
            Expr::Binary(operator, left, right) => self.binary(*operator, left, right),
            // The parser leaves lists only after `in`, which reads them itself.
            Expr::List(_) => Err(operator_error("in")),
            Expr::Call(function, arguments) => {
                let arguments = self.texts(arguments, function.name())?;
                let arguments: SmallVec<[&str; 3]> = arguments.iter().map(AsRef::as_ref).collect();
                match functions::call(*function, &arguments, self.matching())? {
                    Answer::Bool(value) => Ok(Val::Bool(value)),
                    Answer::Text(text) => Ok(Val::Text(text.into())),
                }
            }
            Expr::Role(graph, arguments) => self.role(*graph, arguments).map(Val::Bool),
            Expr::Eval(rule) => self.eval(rule, None),
        }
    }

    fn request_value(&self, slot: Slot) -> Result<Val<'a>, Error> {
        if slot.definition != self.request.context.request {
            return Err(Error::UnknownName);
        }
        let value = self.request.values.get(usize::from(slot.field));
        value.copied().map(Val::from).ok_or(Error::UnknownName)
    }

    fn policy_value(&self, slot: Slot) -> Result<Val<'a>, Error> {
        if slot.definition != self.request.context.policy {
            return Err(Error::UnknownName);
        }
        let Some(row) = self.row else {
            return Ok(Val::Text("".into()));
        };
        let field = row.get(usize::from(slot.field));
        field
            .map(|field| Val::Text(self.loaded.symbols.text(*field).into()))
            .ok_or(Error::UnknownName)
    }

    /// The text that an expression is, if it is nothing but a value of the
    /// request: what most lookups ask for, without the detour over a value.
    pub(crate) fn request_text(&self, expr: &Expr) -> Option<&'a str> {
        let Expr::Request(slot) = expr else {
            return None;
        };
        if slot.definition != self.request.context.request {
            return None;
        }
        match self.request.values.get(usize::from(slot.field)) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The values of arguments, all of which must be text.
    fn texts<'e>(
        &self,
        arguments: &'e [Expr],
        function: &'static str,
    ) -> Result<SmallVec<[Cow<'e, str>; 3]>, Error>
    where
        'a: 'e,
    {
        let values: Result<SmallVec<[Val<'e>; 3]>, Error> =
            arguments.iter().map(|expr| self.value(expr)).collect();
        values?
            .into_iter()
            .zip(1..)
            .map(|(value, argument)| match value {
                Val::Text(text) => Ok(text),
                _ => Err(Error::ArgumentType { function, argument }),
            })
            .collect()
    }

    fn role(&self, graph: u16, arguments: &[Expr]) -> Result<bool, Error> {
        let texts = self.texts(arguments, "g")?;
        let Some(found) = self.loaded.graphs.get(usize::from(graph)) else {
            return Err(Error::UnknownGraph);
        };
        let (name, target, domain) = match texts.as_slice() {
            [name, target] => (name, target, ""),
            [name, target, domain] => (name, target, domain.as_ref()),
            _ => return Err(Error::UnknownGraph),
        };
        let from_request = arguments
            .first()
            .is_some_and(|first| first.any(&mut |expr| matches!(expr, Expr::Request(_))));
        if from_request && self.loaded.is_reserved(graph, name) {
            return Err(Error::ReservedSubject);
        }
        let asked = self.asked(graph, found, name);
        let hashed = [name.as_ref(), target.as_ref(), domain];
        for text in hashed {
            self.budget.spend(hash_steps(text))?;
        }
        let key = (graph, name.to_string(), domain.to_owned());
        let known = self.closures.borrow().get(&key).cloned();
        let closure = match known {
            Some(closure) => closure,
            None => {
                let closure = Rc::new(asked.closure(domain)?);
                let mut closures = self.closures.borrow_mut();
                closures.insert(key, Rc::clone(&closure));
                closure
            }
        };
        asked.has_role(&closure, target)
    }

    /// The value of the expression that a text holds, asked for as a truth
    /// value if `negated` is given.
    fn eval<'e>(&self, rule: &'e Expr, negated: Option<bool>) -> Result<Val<'e>, Error>
    where
        'a: 'e,
    {
        let Val::Text(text) = self.value(rule)? else {
            return Err(Error::ArgumentType {
                function: "eval",
                argument: 1,
            });
        };
        self.budget.spend(hash_steps(&text))?;
        let symbol = self.loaded.symbols.find(&text);
        if let Some(parsed) = symbol.and_then(|symbol| self.loaded.rules.get(&symbol)) {
            let parsed = parsed.as_ref().ok_or(Error::MalformedRule)?;
            return self.eval_parsed(parsed, negated);
        }
        let limits = &self.loaded.settings.limits;
        if text.len() > limits.pattern_bytes {
            return Err(Error::MalformedRule);
        }
        self.budget.spend(count(text.len()))?;
        let parsed = parser::parse(&text, Dialect::Rule, &self.loaded.names, limits)
            .map_err(|_| Error::MalformedRule)?;
        self.eval_parsed(&parsed, negated)
    }

    /// The value of a rule, which may give anything but a list or an object.
    fn eval_parsed<'e>(&self, parsed: &Expr, negated: Option<bool>) -> Result<Val<'e>, Error> {
        // A rule that calls eval again could do so for ever.
        if parsed.any(&mut |expr| matches!(expr, Expr::Eval(_))) {
            return Err(Error::MalformedRule);
        }
        let value = match negated {
            Some(negated) => self.position(parsed, negated)?,
            None => self.value(parsed)?,
        };
        match value {
            Val::Null => Ok(Val::Null),
            Val::Bool(value) => Ok(Val::Bool(value)),
            Val::Number(number) => Ok(Val::Number(number)),
            Val::Text(text) => {
                self.budget.spend(scan_steps(&text))?;
                Ok(Val::Text(text.into_owned().into()))
            }
            Val::List(_) | Val::Object(_) | Val::Members(_) => Err(operator_error("eval")),
        }
    }

    fn binary<'e>(
        &self,
        operator: Operator,
        left: &'e Expr,
        right: &'e Expr,
    ) -> Result<Val<'e>, Error>
    where
        'a: 'e,
    {
        let symbol = operator.symbol();
        match operator {
            Operator::Equal => self.equal(left, right).map(Val::Bool),
            Operator::NotEqual => self.equal(left, right).map(|equal| Val::Bool(!equal)),
            Operator::Less
            | Operator::LessOrEqual
            | Operator::Greater
            | Operator::GreaterOrEqual => self.order(operator, left, right).map(Val::Bool),
            Operator::Matches => self.regex(left, right, symbol).map(Val::Bool),
            Operator::NotMatches => self
                .regex(left, right, symbol)
                .map(|matches| Val::Bool(!matches)),
            Operator::In => self.contains(left, right).map(Val::Bool),
            Operator::Add => {
                let left = self.value(left)?;
                Val::add(&left, &self.value(right)?, self.budget)
            }
            _ => {
                let left = self.value(left)?;
                let right = self.value(right)?;
                let (Val::Number(left), Val::Number(right)) = (left, right) else {
                    return Err(operator_error(symbol));
                };
                arithmetic(operator, left, right).map(Val::Number)
            }
        }
    }

    fn equal(&self, left: &Expr, right: &Expr) -> Result<bool, Error> {
        let left = self.value(left)?;
        left.equals(&self.value(right)?, self.budget)
    }

    /// `<`, `<=`, `>`, `>=`: between numbers, or between texts. A date in
    /// quotes is a number here.
    fn order(&self, operator: Operator, left: &Expr, right: &Expr) -> Result<bool, Error> {
        let ordered = |expr| match expr {
            &Expr::Text {
                time: Some(time), ..
            } => Ok(Val::Number(time)),
            expr => self.value(expr),
        };
        let ordering = match (ordered(left)?, ordered(right)?) {
            (Val::Number(left), Val::Number(right)) => left.partial_cmp(&right),
            (Val::Text(left), Val::Text(right)) => Some(left.cmp(&right)),
            _ => return Err(operator_error(operator.symbol())),
        };
        Ok(ordering.is_some_and(|ordering| match operator {
            Operator::Less => ordering.is_lt(),
            Operator::LessOrEqual => ordering.is_le(),
            Operator::Greater => ordering.is_gt(),
            _ => ordering.is_ge(),
        }))
    }

    fn regex(&self, left: &Expr, right: &Expr, symbol: &'static str) -> Result<bool, Error> {
        let left = self.value(left)?;
        let right = self.value(right)?;
        let (Val::Text(text), Val::Text(pattern)) = (left, right) else {
            return Err(operator_error(symbol));
        };
        self.matching()
            .matches(Kind::Regex, &text, &pattern)
            .map_err(|error| match error {
                Error::MalformedPattern { .. } => Error::MalformedPattern { function: symbol },
                error => error,
            })
    }

    fn contains(&self, left: &Expr, right: &Expr) -> Result<bool, Error> {
        let wanted = self.value(left)?;
        if wanted.is_compound() {
            return Err(operator_error("in"));
        }
        if let Expr::List(all) = right {
            let mut found = false;
            for expr in all {
                match self.value(expr)? {
                    Val::List(_) => return Err(operator_error("in")),
                    value => found = found || wanted.equals(&value, self.budget)?,
                }
            }
            return Ok(found);
        }
        match self.value(right)? {
            Val::List(all) => {
                for json in all {
                    self.budget.spend(1)?;
                    if wanted.equals(&Val::from(json), self.budget)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            _ => Err(operator_error("in")),
        }
    }
}

fn attribute<'v>(value: Val<'v>, path: &[Box<str>]) -> Result<Val<'v>, Error> {
    let mut value = value;
    for name in path {
        if !matches!(value, Val::Object(_) | Val::Members(_)) {
            return Err(Error::NotAnObject);
        }
        value = value.member(name).ok_or(Error::MissingField)?;
    }
    Ok(value)
}
