//! Values that a scenario may write in more than one form.

use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde_json::Value;

/// A type that is written either as text or as a mapping.
pub(super) trait TextOrMap: Sized {
    /// What the mapping form deserializes to.
    type Map: for<'de> Deserialize<'de>;

    /// What the two forms look like, for messages.
    const EXPECTING: &'static str;

    /// The value written as text.
    fn from_text(text: String) -> Self;

    /// The value written as a mapping, or what is wrong with it.
    fn from_map(map: Self::Map) -> Result<Self, String>;
}

/// Reads a [`TextOrMap`] without buffering it, so that errors keep their place in the file.
pub(super) fn text_or_map<'de, T: TextOrMap, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    struct Form<T>(PhantomData<T>);

    impl<'de, T: TextOrMap> Visitor<'de> for Form<T> {
        type Value = T;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str(T::EXPECTING)
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            Ok(T::from_text(text.to_owned()))
        }

        fn visit_string<E: de::Error>(self, text: String) -> Result<T, E> {
            Ok(T::from_text(text))
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            let map = T::Map::deserialize(MapAccessDeserializer::new(map))?;
            T::from_map(map).map_err(de::Error::custom)
        }
    }

    deserializer.deserialize_any(Form(PhantomData))
}

/// Text, or `{hex: "ff00"}` for bytes that are not text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Bytes {
    /// The UTF-8 bytes of a text; variables in it are substituted.
    Text(String),
    /// Raw bytes.
    Raw(Vec<u8>),
}

impl Bytes {
    /// The bytes themselves.
    pub fn as_slice(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Raw(bytes) => bytes,
        }
    }
}

impl Default for Bytes {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

impl From<&str> for Bytes {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// The mapping form of [`Bytes`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Hex {
    hex: String,
}

impl TextOrMap for Bytes {
    type Map = Hex;

    const EXPECTING: &'static str = "text in quotes, or {hex: \"ff00\"}";

    fn from_text(text: String) -> Self {
        Self::Text(text)
    }

    fn from_map(map: Hex) -> Result<Self, String> {
        decode_hex(&map.hex).map(Self::Raw)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text_or_map(deserializer)
    }
}

/// The bytes that pairs of hexadecimal digits stand for.
fn decode_hex(text: &str) -> Result<Vec<u8>, String> {
    let nibbles = text
        .chars()
        .map(|c| {
            c.to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
                .ok_or_else(|| format!("`{c}` in hex {text:?} is not a hexadecimal digit"))
        })
        .collect::<Result<Vec<u8>, String>>()?;
    if nibbles.len() % 2 != 0 {
        return Err(format!("hex {text:?} has an odd number of digits"));
    }
    Ok(nibbles
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |byte, nibble| (byte << 4) | nibble))
        .collect())
}

/// A text that is expected: `exact text`, or `{contains: "part"}`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Matcher {
    /// The whole text.
    Exact(String),
    /// A part of the text.
    Contains(String),
}

impl Matcher {
    /// Whether `bytes` are as expected.
    pub fn matches(&self, bytes: &[u8]) -> bool {
        match self {
            Self::Exact(text) => text.as_bytes() == bytes,
            Self::Contains(part) if part.is_empty() => true,
            Self::Contains(part) => bytes
                .windows(part.len())
                .any(|window| window == part.as_bytes()),
        }
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(text) => write!(formatter, "{text:?}"),
            Self::Contains(part) => write!(formatter, "text with {part:?} in it"),
        }
    }
}

/// The mapping form of [`Matcher`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Contains {
    contains: String,
}

impl TextOrMap for Matcher {
    type Map = Contains;

    const EXPECTING: &'static str = "text in quotes, or {contains: \"part of it\"}";

    fn from_text(text: String) -> Self {
        Self::Exact(text)
    }

    fn from_map(map: Contains) -> Result<Self, String> {
        Ok(Self::Contains(map.contains))
    }
}

impl<'de> Deserialize<'de> for Matcher {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text_or_map(deserializer)
    }
}

/// A plugin configuration.
#[derive(Clone, Debug, PartialEq)]
pub enum Configuration {
    /// The bytes themselves.
    Text(String),
    /// A mapping, given to the module as JSON with sorted keys.
    Mapping(serde_json::Map<String, Value>),
    /// A file whose bytes are given as they are. The path is relative to the scenario's file.
    /// [`super::load`] reads the file and leaves [`Configuration::Text`] in its place.
    File(PathBuf),
}

impl Configuration {
    /// The text that the module is given.
    ///
    /// # Errors
    ///
    /// When the configuration is a file that cannot be read; this does not happen for a scenario
    /// that [`super::load`] returned.
    pub fn text(&self) -> std::io::Result<String> {
        match self {
            Self::Text(text) => Ok(text.clone()),
            Self::Mapping(map) => Ok(Value::Object(map.clone()).to_string()),
            Self::File(path) => std::fs::read_to_string(path),
        }
    }
}

impl TextOrMap for Configuration {
    type Map = serde_json::Map<String, Value>;

    const EXPECTING: &'static str = "text in quotes, a mapping, or {file: path}";

    fn from_text(text: String) -> Self {
        Self::Text(text)
    }

    fn from_map(map: Self::Map) -> Result<Self, String> {
        match map.get("file") {
            Some(Value::String(path)) if map.len() == 1 => Ok(Self::File(path.into())),
            _ => Ok(Self::Mapping(map)),
        }
    }
}

impl<'de> Deserialize<'de> for Configuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text_or_map(deserializer)
    }
}
