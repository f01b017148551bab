//! JSON read strictly: UTF-8, no member twice at any depth, bounded depth.
//!
//! Readers that take the first and readers that take the last of two members
//! with one name see different tokens; RFC 7515 section 4 and RFC 7519
//! section 4 allow to refuse both, which is done here.

use std::cell::Cell;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::map::{Entry, Map};
use serde_json::{Number, Value};
use thiserror::Error;

/// How deep arrays and objects may be nested in a token, a key set or a value
/// of a request.
pub const MAX_JSON_DEPTH: usize = 32;

/// Why a text is not acceptable JSON. It carries nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum JsonFault {
    /// The bytes are not UTF-8.
    #[error("is not UTF-8")]
    NotUtf8,
    /// RFC 8259's grammar is broken, or a number is beyond a double's range.
    #[error("is not valid JSON")]
    Syntax,
    /// Two members of one object have the same name.
    #[error("has a member twice")]
    DuplicateMember,
    /// Nested deeper than [`MAX_JSON_DEPTH`].
    #[error("is nested deeper than {MAX_JSON_DEPTH} levels")]
    TooDeep,
    /// The text is JSON, but not an object.
    #[error("is not a JSON object")]
    NotAnObject,
}

/// A fault and where it is, counted from 1; line 0 where it has no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct JsonError {
    pub(crate) fault: JsonFault,
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl From<JsonFault> for JsonError {
    fn from(fault: JsonFault) -> Self {
        Self {
            fault,
            line: 0,
            column: 0,
        }
    }
}

/// Reads one JSON value, by the same rules as tokens, and nothing after it but
/// white space.
///
/// # Errors
/// The text is no JSON, has a member twice, or is nested too deep.
pub fn parse_json(text: &str) -> Result<Value, JsonFault> {
    parse_value(text).map_err(|error| error.fault)
}

/// Reads one JSON object and nothing after it but white space.
pub(crate) fn parse_object(bytes: &[u8]) -> Result<Map<String, Value>, JsonError> {
    let text = std::str::from_utf8(bytes).map_err(|_| JsonFault::NotUtf8)?;
    match parse_value(text)? {
        Value::Object(members) => Ok(members),
        _ => Err(JsonFault::NotAnObject.into()),
    }
}

fn parse_value(text: &str) -> Result<Value, JsonError> {
    let fault = Cell::new(JsonFault::Syntax);
    let seed = StrictValue {
        levels_left: MAX_JSON_DEPTH,
        fault: &fault,
    };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    seed.deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| JsonError {
            fault: fault.get(),
            line: error.line(),
            column: error.column(),
        })
}

/// Builds a [`Value`]. serde's errors carry text alone, so the kind of a fault
/// travels beside them.
#[derive(Clone, Copy)]
struct StrictValue<'a> {
    levels_left: usize,
    fault: &'a Cell<JsonFault>,
}

impl StrictValue<'_> {
    fn inner<E: de::Error>(self) -> Result<Self, E> {
        match self.levels_left.checked_sub(1) {
            Some(levels_left) => Ok(Self {
                levels_left,
                ..self
            }),
            None => Err(self.refuse(JsonFault::TooDeep)),
        }
    }

    fn refuse<E: de::Error>(self, fault: JsonFault) -> E {
        self.fault.set(fault);
        E::custom(fault)
    }
}

impl<'de> DeserializeSeed<'de> for StrictValue<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for StrictValue<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| self.refuse(JsonFault::Syntax))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut elements = Vec::new();
        while let Some(element) = sequence.next_element_seed(inner)? {
            elements.push(element);
        }
        Ok(Value::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut members = Map::new();
        while let Some(name) = object.next_key::<String>()? {
            let Entry::Vacant(member) = members.entry(name) else {
                return Err(self.refuse(JsonFault::DuplicateMember));
            };
            member.insert(object.next_value_seed(inner)?);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> JsonFault {
        parse_object(text.as_bytes()).unwrap_err().fault
    }

    fn nested(arrays: usize) -> String {
        format!("{{\"a\":{}{}}}", "[".repeat(arrays), "]".repeat(arrays))
    }

    #[test]
    fn reads_what_serde_json_reads() {
        let text = r#" {"a":[1,-2,2.5,"t\u00e9xt",null,true,{}],"b":{"a":18446744073709551615}} "#;
        assert_eq!(
            Value::Object(parse_object(text.as_bytes()).unwrap()),
            serde_json::from_str::<Value>(text).unwrap()
        );
    }

    #[test]
    fn numbers_are_numbers() {
        // Fails should another package switch on serde_json's
        // `arbitrary_precision`, which hands numbers over as objects.
        let members = parse_object(br#"{"i":-3,"u":7,"f":0.5,"e":1e3}"#).unwrap();
        assert_eq!(members["i"].as_i64(), Some(-3));
        assert_eq!(members["u"].as_u64(), Some(7));
        assert_eq!(members["f"].as_f64(), Some(0.5));
        assert_eq!(members["e"].as_f64(), Some(1000.0));
        let literal = parse_object(br#"{"$serde_json::private::Number":"7"}"#).unwrap();
        assert_eq!(literal["$serde_json::private::Number"].as_str(), Some("7"));
    }

    #[test]
    fn faults() {
        for (text, expected) in [
            ("", JsonFault::Syntax),
            ("{", JsonFault::Syntax),
            ("{}{}", JsonFault::Syntax),
            ("{} x", JsonFault::Syntax),
            ("\u{feff}{}", JsonFault::Syntax),
            ("{\"a\":1,}", JsonFault::Syntax),
            ("{'a':1}", JsonFault::Syntax),
            ("{\"a\":01}", JsonFault::Syntax),
            ("{\"a\":NaN}", JsonFault::Syntax),
            ("{\"a\":1e400}", JsonFault::Syntax),
            ("{\"a\":-1e400}", JsonFault::Syntax),
            ("{\"a\":\"\\ud800\"}", JsonFault::Syntax),
            ("{\"a\":\"\u{1}\"}", JsonFault::Syntax),
            ("{/**/}", JsonFault::Syntax),
            ("[]", JsonFault::NotAnObject),
            ("\"{}\"", JsonFault::NotAnObject),
            ("null", JsonFault::NotAnObject),
            ("1", JsonFault::NotAnObject),
            ("{\"a\":1,\"a\":1}", JsonFault::DuplicateMember),
            ("{\"a\":1,\"\\u0061\":2}", JsonFault::DuplicateMember),
            (
                "{\"a\":{\"b\":[{\"c\":1,\"c\":2}]}}",
                JsonFault::DuplicateMember,
            ),
        ] {
            assert_eq!(fault(text), expected, "{text:?}");
        }
        assert_eq!(
            parse_object(b"{\"a\":\"\xff\"}").unwrap_err().fault,
            JsonFault::NotUtf8
        );
    }

    #[test]
    fn a_name_may_occur_in_several_objects() {
        assert!(parse_object(br#"{"a":{"a":1},"b":[{"a":1},{"a":2}]}"#).is_ok());
    }

    #[test]
    fn depth_is_bounded_exactly() {
        assert_eq!(MAX_JSON_DEPTH, 32);
        assert!(parse_object(nested(31).as_bytes()).is_ok());
        assert_eq!(fault(&nested(32)), JsonFault::TooDeep);
        assert_eq!(fault(&nested(100_000)), JsonFault::TooDeep);
        assert_eq!(fault(&"{\"a\":".repeat(100_000)), JsonFault::TooDeep);
    }

    #[test]
    fn a_fault_has_its_place() {
        let error = parse_object(b"{\"a\":1,\n \"a\":2}").unwrap_err();
        assert_eq!((error.line, error.column), (2, 4));
    }
}
