//! Properties: named facts of the proxy, the connection and the request, and their bytes.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{Status, pairs};

/// A property's value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Property {
    /// The property is not there, also where the simulator would make one up.
    Absent,
    /// Null in a `google.protobuf.Struct`, which Envoy cannot serialize.
    Null,
    /// Text or bytes, given as they are.
    Bytes(Vec<u8>),
    /// Eight bytes, little endian.
    Int(i64),
    /// Eight bytes, little endian.
    Uint(u64),
    /// Eight bytes, little endian.
    Double(f64),
    /// One byte.
    Bool(bool),
    /// Pairs of an element and nothing.
    List(Vec<Self>),
    /// Pairs of a name and a value.
    Map(BTreeMap<String, Self>),
}

impl Property {
    pub(crate) fn text(text: &str) -> Self {
        Self::Bytes(text.as_bytes().to_vec())
    }

    /// The value that a scenario gives: null is an absent property.
    pub(crate) fn from_json(value: &Value) -> Self {
        match value {
            Value::Null => Self::Absent,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => number
                .as_i64()
                .map(Self::Int)
                .or(number.as_u64().map(Self::Uint))
                .unwrap_or(Self::Double(number.as_f64().unwrap_or_default())),
            Value::String(text) => Self::text(text),
            Value::Array(items) => Self::List(items.iter().map(Self::from_json).collect()),
            Value::Object(map) => Self::Map(
                map.iter()
                    .map(|(name, value)| (name.clone(), Self::from_json(value)))
                    .collect(),
            ),
        }
    }

    /// The value that a scenario gives in a `google.protobuf.Struct`, where all numbers are
    /// doubles, and null is a value.
    pub(crate) fn of_struct(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Number(number) => Self::Double(number.as_f64().unwrap_or_default()),
            Value::Array(items) => Self::List(items.iter().map(Self::of_struct).collect()),
            Value::Object(map) => Self::Map(
                map.iter()
                    .map(|(name, value)| (name.clone(), Self::of_struct(value)))
                    .collect(),
            ),
            Value::Bool(_) | Value::String(_) => Self::from_json(value),
        }
    }

    /// The bytes that the module gets.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, Status> {
        match self {
            Self::Absent => Err(Status::NotFound),
            Self::Null => Err(Status::SerializationFailure),
            Self::Bytes(bytes) => Ok(bytes.clone()),
            Self::Int(value) => Ok(value.to_le_bytes().to_vec()),
            Self::Uint(value) => Ok(value.to_le_bytes().to_vec()),
            Self::Double(value) => Ok(value.to_le_bytes().to_vec()),
            Self::Bool(value) => Ok(vec![u8::from(*value)]),
            Self::List(items) => {
                let items = items
                    .iter()
                    .map(|item| Ok((item.to_bytes()?, Vec::new())))
                    .collect::<Result<Vec<pairs::Pair>, Status>>()?;
                Ok(pairs::encode(&items))
            }
            Self::Map(map) => {
                let map = map
                    .iter()
                    .map(|(name, value)| Ok((name.as_bytes().to_vec(), value.to_bytes()?)))
                    .collect::<Result<Vec<pairs::Pair>, Status>>()?;
                Ok(pairs::encode(&map))
            }
        }
    }

    /// What a path leads to from here.
    pub(crate) fn get(&self, path: &[String]) -> Option<&Self> {
        let Some((first, rest)) = path.split_first() else {
            return Some(self);
        };
        match self {
            Self::Map(map) => map.get(first)?.get(rest),
            Self::List(items) => items.get(first.parse::<usize>().ok()?)?.get(rest),
            _ => None,
        }
    }

    /// Puts a value at a path, making the maps on the way; an error names the part of the path
    /// that is already a value.
    pub(crate) fn insert(&mut self, path: &[String], value: Self) -> Result<(), String> {
        let Some((first, rest)) = path.split_first() else {
            *self = value;
            return Ok(());
        };
        match self {
            Self::Map(map) => map
                .entry(first.clone())
                .or_insert_with(|| Self::Map(BTreeMap::new()))
                .insert(rest, value),
            _ => Err(first.clone()),
        }
    }
}

/// The parts of a path as a module gives it: parts with zero bytes between them.
pub(crate) fn split_path(path: &[u8]) -> Vec<String> {
    let path = path.strip_suffix(&[0]).unwrap_or(path);
    if path.is_empty() {
        return Vec::new();
    }
    path.split(|byte| *byte == 0)
        .map(|part| String::from_utf8_lossy(part).into_owned())
        .collect()
}

/// The parts of a path as a scenario writes it: `request.headers['x-team']`; `None` where the text
/// is no path.
#[must_use]
pub fn parse_path(path: &str) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    let mut rest = path;
    loop {
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        if name.is_empty() {
            return None;
        }
        parts.push(name.to_owned());
        rest = after;
        while let Some(quoted) = rest.strip_prefix("['") {
            let (key, after) = quoted.split_once("']")?;
            parts.push(key.to_owned());
            rest = after;
        }
        match rest.strip_prefix('.') {
            Some(after) => rest = after,
            None if rest.is_empty() => return Some(parts),
            None => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(parts: &[&str]) -> Vec<String> {
        parts.iter().map(|part| (*part).to_owned()).collect()
    }

    #[test]
    fn values_have_the_bytes_that_envoy_gives() {
        let cases = [
            (serde_json::json!("10.0.0.1:80"), b"10.0.0.1:80".to_vec()),
            (serde_json::json!(443), 443_i64.to_le_bytes().to_vec()),
            (serde_json::json!(true), vec![1]),
            (serde_json::json!(0.5), 0.5_f64.to_le_bytes().to_vec()),
            (serde_json::json!(["a"]), pairs::encode(&[("a", "")])),
            (
                serde_json::json!({"k": "v", "n": 1}),
                pairs::encode(&[(&b"k"[..], &b"v"[..]), (b"n", &1_i64.to_le_bytes()[..])]),
            ),
        ];
        for (value, bytes) in cases {
            assert_eq!(Property::from_json(&value).to_bytes(), Ok(bytes), "{value}");
        }
        assert_eq!(Property::Absent.to_bytes(), Err(Status::NotFound));
    }

    #[test]
    fn paths_are_split_at_zero_bytes() {
        assert_eq!(
            split_path(b"request\0headers\0x-a"),
            owned(&["request", "headers", "x-a"])
        );
        assert_eq!(split_path(b"request\0path\0"), owned(&["request", "path"]));
        assert_eq!(split_path(b""), owned(&[]));
    }

    #[test]
    fn scenario_paths_have_dots_and_brackets() {
        assert_eq!(
            parse_path("metadata.filter_metadata['envoy.x']['y'].z"),
            Some(owned(&["metadata", "filter_metadata", "envoy.x", "y", "z"]))
        );
        assert_eq!(parse_path("plugin_name"), Some(owned(&["plugin_name"])));
        for path in ["", ".", "a.", "a['b", "a['b']c", "a[b]"] {
            assert_eq!(parse_path(path), None, "{path:?}");
        }
    }
}
