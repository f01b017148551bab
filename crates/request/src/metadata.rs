//! Envoy's metadata: messages `envoy.config.core.v3.Metadata` as the host
//! gives them, which say of each value what type it has (protocol buffers,
//! google/protobuf/struct.proto). The host's own way to one value does not.

use serde_json::Value;

use crate::attribute::Step;

/// `Metadata.filter_metadata`, a map of namespaces to `Struct`.
const FILTER_METADATA: u64 = 1;
/// `Struct.fields` and `ListValue.values`.
const MEMBERS: u64 = 1;
/// How deep lists and objects may stand in one another.
const MAX_DEPTH: usize = 32;

/// The bytes are not that message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// The value to which the steps lead from `filter_metadata`; `None` where they
/// lead nowhere.
pub(crate) fn find(message: &[u8], steps: &[Step]) -> Result<Option<Value>, Malformed> {
    let [Step::Member(namespace), below @ ..] = steps else {
        return Ok(None);
    };
    match entry(message, FILTER_METADATA, namespace)? {
        Some(fields) => find_in_struct(fields, below),
        None => Ok(None),
    }
}

fn find_in_struct(fields: &[u8], steps: &[Step]) -> Result<Option<Value>, Malformed> {
    let mut fields = fields;
    let mut steps = steps.iter();
    let value = loop {
        let Some(Step::Member(name)) = steps.next() else {
            return Ok(None);
        };
        let Some(value) = entry(fields, MEMBERS, name)? else {
            return Ok(None);
        };
        match (steps.as_slice().first(), last_field(value)?) {
            (Some(Step::Member(_)), Some((5, Field::Bytes(inner)))) => fields = inner,
            _ => break json(value, 0)?,
        }
    };
    let found = steps.try_fold(&value, |value, step| match step {
        Step::Member(name) => value.as_object()?.get(name),
        Step::Index(index) => value.as_array()?.get(*index),
    });
    Ok(found.cloned())
}

/// A `google.protobuf.Value`.
fn json(value: &[u8], depth: usize) -> Result<Value, Malformed> {
    if depth > MAX_DEPTH {
        return Err(Malformed);
    }
    let below = depth.saturating_add(1);
    Ok(match last_field(value)? {
        Some((1, Field::Number(_))) => Value::Null,
        Some((2, Field::Fixed(bytes))) => {
            let number = f64::from_le_bytes(bytes);
            Value::Number(serde_json::Number::from_f64(number).ok_or(Malformed)?)
        }
        Some((3, Field::Bytes(text))) => Value::String(utf8(text)?.to_owned()),
        Some((4, Field::Number(truth))) => Value::Bool(truth != 0),
        Some((5, Field::Bytes(fields))) => {
            let mut object = serde_json::Map::new();
            for field in Fields(fields) {
                if let (MEMBERS, Field::Bytes(pair)) = field? {
                    let (name, value) = key_and_value(pair)?;
                    object.insert(utf8(name)?.to_owned(), json(value, below)?);
                }
            }
            Value::Object(object)
        }
        Some((6, Field::Bytes(values))) => {
            let mut list = Vec::new();
            for field in Fields(values) {
                if let (MEMBERS, Field::Bytes(value)) = field? {
                    list.push(json(value, below)?);
                }
            }
            Value::Array(list)
        }
        _ => return Err(Malformed),
    })
}

fn utf8(bytes: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(bytes).map_err(|_| Malformed)
}

/// The value under a key of the map with this field number; the last counts.
fn entry<'m>(message: &'m [u8], number: u64, key: &str) -> Result<Option<&'m [u8]>, Malformed> {
    let mut found = None;
    for field in Fields(message) {
        if let (known, Field::Bytes(pair)) = field?
            && known == number
        {
            let (name, value) = key_and_value(pair)?;
            if name == key.as_bytes() {
                found = Some(value);
            }
        }
    }
    Ok(found)
}

/// An entry of a map: 1 is the key, 2 the value.
fn key_and_value(pair: &[u8]) -> Result<(&[u8], &[u8]), Malformed> {
    let (mut key, mut value): (&[u8], &[u8]) = (&[], &[]);
    for field in Fields(pair) {
        match field? {
            (1, Field::Bytes(bytes)) => key = bytes,
            (2, Field::Bytes(bytes)) => value = bytes,
            _ => {}
        }
    }
    Ok((key, value))
}

/// The last field of a message: of a `oneof` it is the one that counts.
fn last_field(message: &[u8]) -> Result<Option<(u64, Field<'_>)>, Malformed> {
    Fields(message).last().transpose()
}

/// What a field of a message holds.
#[derive(Debug, Clone, Copy)]
enum Field<'m> {
    Number(u64),
    Fixed([u8; 8]),
    Bytes(&'m [u8]),
    Other,
}

/// The fields of a message with their numbers, in order; ends with the first
/// that is broken.
struct Fields<'m>(&'m [u8]);

impl<'m> Iterator for Fields<'m> {
    type Item = Result<(u64, Field<'m>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.read();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field.ok_or(Malformed))
    }
}

impl<'m> Fields<'m> {
    fn read(&mut self) -> Option<(u64, Field<'m>)> {
        let tag = self.varint()?;
        let field = match tag & 7 {
            0 => Field::Number(self.varint()?),
            1 => Field::Fixed(self.take(8)?.try_into().ok()?),
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Field::Bytes(self.take(length)?)
            }
            5 => {
                self.take(4)?;
                Field::Other
            }
            _ => return None,
        };
        Some((tag >> 3, field))
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let (byte, behind) = self.0.split_first()?;
            self.0 = behind;
            value |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, length: usize) -> Option<&'m [u8]> {
        let (bytes, behind) = self.0.split_at_checked(length)?;
        self.0 = behind;
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Envoy 1.40 gave for `metadata` with the namespace `ns` holding
    /// `{deep: {a: b}, truth: true, text: hello, null: null, number: 5, list: [a, 1]}`.
    const FROM_ENVOY: &str = "0a770a026e7312710a140a0464656570120c2a0a0a080a016112031a01620a0b0a05747275746812022001\
         0a0f0a047465787412071a0568656c6c6f0a0a0a046e756c6c120208000a130a066e756d6265721209110000\
         0000000014400a1a0a046c697374121232100a031a01610a0911000000000000f03f";

    fn message() -> Vec<u8> {
        let digits: Vec<u8> = FROM_ENVOY
            .chars()
            .filter_map(|digit| u8::try_from(digit.to_digit(16)?).ok())
            .collect();
        digits
            .chunks(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect()
    }

    fn found(names: &[&str]) -> Result<Option<Value>, Malformed> {
        let steps: Vec<Step> = names
            .iter()
            .map(|name| match name.parse() {
                Ok(index) => Step::Index(index),
                Err(_) => Step::Member((*name).to_owned()),
            })
            .collect();
        find(&message(), &steps)
    }

    #[test]
    fn values_keep_the_types_that_envoy_names() {
        for (path, value) in [
            (&["ns", "text"][..], serde_json::json!("hello")),
            (&["ns", "number"], serde_json::json!(5.0)),
            (&["ns", "truth"], serde_json::json!(true)),
            (&["ns", "null"], Value::Null),
            (&["ns", "list"], serde_json::json!(["a", 1.0])),
            (&["ns", "list", "1"], serde_json::json!(1.0)),
            (&["ns", "deep"], serde_json::json!({"a": "b"})),
            (&["ns", "deep", "a"], serde_json::json!("b")),
        ] {
            assert_eq!(found(path), Ok(Some(value)), "{path:?}");
        }
        for path in [
            &["ns", "none"][..],
            &["none", "text"],
            &["ns", "text", "a"],
            &["ns", "list", "2"],
            &["ns", "deep", "b"],
        ] {
            assert_eq!(found(path), Ok(None), "{path:?}");
        }
        assert_eq!(find(b"", &[Step::Member("ns".to_owned())]), Ok(None));
    }

    #[test]
    fn no_cut_message_gives_a_value_of_another_type() {
        let message = message();
        let steps = ["ns", "number"].map(|name| Step::Member(name.to_owned()));
        for length in 1..message.len() {
            assert_eq!(find(&message[..length], &steps), Err(Malformed), "{length}");
        }
    }

    #[test]
    fn lists_in_lists_end_somewhere() {
        let mut value = vec![0x1a, 1, b'a'];
        for _ in 0..40 {
            let length = |bytes: &[u8]| u8::try_from(bytes.len()).unwrap();
            let mut list = vec![0x0a, length(&value)];
            list.extend(&value);
            value = vec![0x32, length(&list)];
            value.extend(list);
            if value.len() > 120 {
                break;
            }
        }
        assert!(json(&value, 0).is_ok());
        assert_eq!(json(&value, MAX_DEPTH), Err(Malformed));
    }
}
