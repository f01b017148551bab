//! Metadata as Envoy gives it: of one value its bytes alone, of the whole a message
//! `envoy.config.core.v3.Metadata` (protocol buffers), which has the values' types.

use std::collections::BTreeMap;

use crate::property::Property;

/// Whether what is at this path, or below it, is a `google.protobuf.Struct`.
pub(crate) fn is_struct(path: &[String]) -> bool {
    match path {
        [xds, node, metadata, ..] if xds == "xds" && node == "node" => metadata == "metadata",
        _ => !path.is_empty() && message_length(path).is_some(),
    }
}

/// The bytes of the property at this path where it is a whole message.
pub(crate) fn message(path: &[String], property: &Property) -> Option<Vec<u8>> {
    if message_length(path) != Some(path.len()) {
        return None;
    }
    let mut message = Vec::new();
    if let Some(Property::Map(namespaces)) = property.get(&["filter_metadata".to_owned()]) {
        for (namespace, fields) in namespaces {
            if let Property::Map(fields) = fields {
                put_entry(&mut message, namespace, &structure(fields));
            }
        }
    }
    Some(message)
}

/// How many parts of the path lead to the message; `None` where there is none.
fn message_length(path: &[String]) -> Option<usize> {
    match path {
        [metadata, ..] if metadata == "metadata" => Some(1),
        [xds, name, ..] if xds == "xds" && name.ends_with("_metadata") => Some(2),
        _ => None,
    }
}

/// `Struct`: 1 is the map of fields.
fn structure(fields: &BTreeMap<String, Property>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, field) in fields {
        put_entry(&mut bytes, name, &value(field));
    }
    bytes
}

/// `Value`, of which each type has a field of its own.
fn value(property: &Property) -> Vec<u8> {
    let mut bytes = Vec::new();
    match property {
        Property::Absent => {}
        Property::Null => bytes.extend([0x08, 0]),
        Property::Double(number) => {
            bytes.push(0x11);
            bytes.extend(number.to_le_bytes());
        }
        // Whole numbers do not come here: in a Struct all are doubles.
        Property::Int(_) | Property::Uint(_) => {}
        Property::Bytes(text) => put_bytes(&mut bytes, 0x1a, text),
        Property::Bool(truth) => bytes.extend([0x20, u8::from(*truth)]),
        Property::Map(fields) => put_bytes(&mut bytes, 0x2a, &structure(fields)),
        Property::List(items) => {
            let mut list = Vec::new();
            for item in items {
                put_bytes(&mut list, 0x0a, &value(item));
            }
            put_bytes(&mut bytes, 0x32, &list);
        }
    }
    bytes
}

/// An entry of a map in field 1: 1 is its key, 2 its value.
fn put_entry(bytes: &mut Vec<u8>, key: &str, value: &[u8]) {
    let mut entry = Vec::new();
    put_bytes(&mut entry, 0x0a, key.as_bytes());
    put_bytes(&mut entry, 0x12, value);
    put_bytes(bytes, 0x0a, &entry);
}

fn put_bytes(bytes: &mut Vec<u8>, tag: u8, content: &[u8]) {
    bytes.push(tag);
    let mut length = content.len();
    while length > 0x7f {
        bytes.push(0x80 | u8::try_from(length & 0x7f).unwrap_or(0));
        length >>= 7;
    }
    bytes.push(u8::try_from(length).unwrap_or(0));
    bytes.extend(content);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Vec<String> {
        text.split('.').map(str::to_owned).collect()
    }

    #[test]
    fn a_message_has_the_bytes_that_envoy_gives() {
        let metadata = Property::of_struct(&serde_json::json!({"filter_metadata": {"ns": {
            "deep": {"a": "b"}, "list": ["a", 1], "null": null, "number": 5, "text": "hello", "truth": true,
        }}}));
        // Of Envoy 1.40, with the fields in the order of their names.
        let expected = "0a770a026e7312710a140a0464656570120c2a0a0a080a016112031a01620a1a0a046c697374121232100a\
                        031a01610a0911000000000000f03f0a0a0a046e756c6c120208000a130a066e756d62657212091100000000\
                        000014400a0f0a047465787412071a0568656c6c6f0a0b0a05747275746812022001";
        for place in ["metadata", "xds.route_metadata", "xds.cluster_metadata"] {
            let message = message(&path(place), &metadata).unwrap_or_default();
            let hex: String = message.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex, expected.replace(' ', ""), "{place}");
        }
        for place in [
            "metadata.filter_metadata",
            "xds.node",
            "xds",
            "filter_state",
        ] {
            assert_eq!(message(&path(place), &metadata), None, "{place}");
        }
    }

    #[test]
    fn structs_are_known_by_their_paths() {
        for (place, is) in [
            ("metadata.filter_metadata.ns.key", true),
            ("xds.route_metadata.filter_metadata.ns", true),
            ("xds.node.metadata.NAMESPACE", true),
            ("xds.node.id", false),
            ("xds.route_name", false),
            ("source.port", false),
        ] {
            assert_eq!(is_struct(&path(place)), is, "{place}");
        }
    }
}
