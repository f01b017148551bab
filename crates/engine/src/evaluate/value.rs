//! Values while a matcher is evaluated.

use std::borrow::Cow;

use serde_json::{Map, Value as Json};

use crate::decision::EvaluationError;
use crate::request::{Object, Value};

use crate::budget::{Budget, count, scan_steps};

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Val<'a> {
    Null,
    Bool(bool),
    Number(f64),
    Text(Cow<'a, str>),
    List(&'a [Json]),
    Object(&'a Map<String, Json>),
    Members(&'a dyn Object),
}

impl<'a> From<Value<'a>> for Val<'a> {
    fn from(value: Value<'a>) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(value),
            Value::Number(number) => Self::Number(number),
            Value::Text(text) => Self::Text(text.into()),
            Value::Json(json) => Self::from(json),
            Value::Object(object) => Self::Members(object),
        }
    }
}

impl<'a> From<&'a Json> for Val<'a> {
    fn from(json: &'a Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => Self::Number(number.as_f64().unwrap_or(f64::INFINITY)),
            Json::String(text) => Self::Text(text.as_str().into()),
            Json::Array(list) => Self::List(list),
            Json::Object(object) => Self::Object(object),
        }
    }
}

impl<'a> Val<'a> {
    /// Whether it is a list or an object, which most operators do not take.
    pub(crate) fn is_compound(&self) -> bool {
        matches!(self, Self::List(_) | Self::Object(_) | Self::Members(_))
    }

    /// The names of an object's members; none for what is no object.
    pub(crate) fn names(&self) -> Option<Vec<&'a str>> {
        match self {
            Self::Object(object) => Some(object.keys().map(String::as_str).collect()),
            Self::Members(object) => Some(object.names()),
            _ => None,
        }
    }

    /// The member of that name.
    pub(crate) fn member(&self, name: &str) -> Option<Val<'a>> {
        match self {
            Self::Object(object) => object.get(name).map(Val::from),
            Self::Members(object) => object.member(name).map(Val::from),
            _ => None,
        }
    }
}

impl Val<'_> {
    /// Equality: of one type and the same. Numbers are equal as floats. Every
    /// pair of members compared is a step.
    pub(crate) fn equals(&self, other: &Val<'_>, budget: &Budget) -> Result<bool, EvaluationError> {
        // Lists and objects nest as deep as the request likes, so they are
        // compared with a stack of their own.
        let mut pending: Vec<(Val<'_>, Val<'_>)> = Vec::new();
        let mut next = Some((self.clone(), other.clone()));
        while let Some(pair) = next {
            let equal = match &pair {
                (Val::Null, Val::Null) => true,
                (Val::Bool(left), Val::Bool(right)) => left == right,
                #[expect(clippy::float_cmp, reason = "equality is exact, as in Casbin")]
                (Val::Number(left), Val::Number(right)) => left == right,
                (Val::Text(left), Val::Text(right)) => left == right,
                (Val::List(left), Val::List(right)) if left.len() == right.len() => {
                    budget.spend(count(left.len()))?;
                    let pairs = left.iter().zip(right.iter());
                    pending.extend(pairs.map(|(left, right)| (left.into(), right.into())));
                    true
                }
                (left, right) => match (left.names(), right.names()) {
                    (Some(names), Some(others)) if names.len() == others.len() => {
                        budget.spend(count(names.len()))?;
                        names
                            .iter()
                            .all(|name| match left.member(name).zip(right.member(name)) {
                                Some(members) => {
                                    pending.push(members);
                                    true
                                }
                                None => false,
                            })
                    }
                    _ => false,
                },
            };
            if !equal {
                return Ok(false);
            }
            next = pending.pop();
        }
        Ok(true)
    }

    /// The value as part of a text.
    fn display(&self) -> Option<Cow<'_, str>> {
        match self {
            Val::Null => Some("<nil>".into()),
            Val::Bool(value) => Some(value.to_string().into()),
            Val::Number(number) => Some(display_number(*number).into()),
            Val::Text(text) => Some(text.as_ref().into()),
            Val::List(_) | Val::Object(_) | Val::Members(_) => None,
        }
    }

    /// `+`: the sum of numbers; if either is text, both one after the other.
    pub(crate) fn add<'v>(
        left: &Val<'_>,
        right: &Val<'_>,
        budget: &Budget,
    ) -> Result<Val<'v>, EvaluationError> {
        let error = EvaluationError::OperatorType { operator: "+" };
        match (left, right) {
            (Val::Number(left), Val::Number(right)) => Ok(Val::Number(left + right)),
            (Val::Text(_), other) | (other, Val::Text(_)) if !other.is_compound() => {
                let left = left.display().ok_or(error)?;
                let right = right.display().ok_or(error)?;
                budget.spend(scan_steps(&left).saturating_add(scan_steps(&right)))?;
                Ok(Val::Text(format!("{left}{right}").into()))
            }
            _ => Err(error),
        }
    }
}

/// A number as Go's `%v` writes a float: the shortest digits that give it
/// back, with an exponent below 1e-4 and from 1e21 on.
fn display_number(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let magnitude = number.abs();
    if magnitude == 0.0 || (1e-4..1e21).contains(&magnitude) {
        return number.to_string();
    }
    let scientific = format!("{number:e}");
    match scientific.split_once('e') {
        Some((digits, exponent)) => {
            let (sign, exponent) = match exponent.strip_prefix('-') {
                Some(exponent) => ('-', exponent),
                None => ('+', exponent),
            };
            format!("{digits}e{sign}{exponent:0>2}")
        }
        None => scientific,
    }
}
