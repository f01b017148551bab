//! Values, each with all that is in it.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::Failed;

/// A value. Two are equal if they are of one type and the same.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Value>),
    Object(BTreeMap<String, Value>),
}

impl From<&Json> for Value {
    fn from(json: &Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => Self::Number(number.as_f64().unwrap_or(f64::INFINITY)),
            Json::String(text) => Self::Text(text.clone()),
            Json::Array(all) => Self::List(all.iter().map(Self::from).collect()),
            Json::Object(all) => Self::Object(
                all.iter()
                    .map(|(name, value)| (name.clone(), Self::from(value)))
                    .collect(),
            ),
        }
    }
}

impl Value {
    pub(crate) fn truth(self) -> Result<bool, Failed> {
        match self {
            Self::Bool(value) => Ok(value),
            _ => Err(Failed::Plain),
        }
    }

    pub(crate) fn number(self) -> Result<f64, Failed> {
        match self {
            Self::Number(number) => Ok(number),
            _ => Err(Failed::Plain),
        }
    }

    pub(crate) fn text(self) -> Result<String, Failed> {
        match self {
            Self::Text(text) => Ok(text),
            _ => Err(Failed::Plain),
        }
    }

    /// The field that a path leads to.
    pub(crate) fn attribute(self, path: &[Box<str>]) -> Result<Self, Failed> {
        let Some((name, rest)) = path.split_first() else {
            return Ok(self);
        };
        match self {
            Self::Object(mut fields) => {
                let field = fields.remove(&**name).ok_or(Failed::Plain)?;
                field.attribute(rest)
            }
            _ => Err(Failed::Plain),
        }
    }

    /// `+`: numbers are added; as soon as one is text, both are joined.
    pub(crate) fn plus(self, other: Self) -> Result<Self, Failed> {
        match (&self, &other) {
            (Self::Number(left), Self::Number(right)) => Ok(Self::Number(left + right)),
            (Self::Text(_), _) | (_, Self::Text(_)) => {
                Ok(Self::Text(self.written()? + &other.written()?))
            }
            _ => Err(Failed::Plain),
        }
    }

    fn written(&self) -> Result<String, Failed> {
        match self {
            Self::Null => Ok("<nil>".to_owned()),
            Self::Bool(value) => Ok(value.to_string()),
            Self::Number(number) => Ok(written_number(*number)),
            Self::Text(text) => Ok(text.clone()),
            Self::List(_) | Self::Object(_) => Err(Failed::Plain),
        }
    }
}

/// A number as Go's `%v` writes it: the fewest digits that say which float it
/// is, with an exponent of at least two digits where it is below -4 or above
/// 20.
fn written_number(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number == f64::INFINITY {
        return "+Inf".to_owned();
    }
    if number == f64::NEG_INFINITY {
        return "-Inf".to_owned();
    }
    let scientific = format!("{number:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..=20).contains(&exponent) {
        return format!("{number}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}
