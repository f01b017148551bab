//! What the upstream gets of an issuer's tokens.

use doorward_request::{ClaimPath, same_header};
use doorward_token::encode_base64;
use serde_json::{Map, Value};

use crate::error::BundleError;
use crate::identity_headers::is_reserved_header;
use crate::manifest::{Entries, TokenProvider};
use crate::roles::claim_path;
use crate::source::is_token;

/// What the upstream gets of a token that was accepted.
#[derive(Debug, Clone, Default)]
pub struct Forwarding {
    token: bool,
    payload: Option<PayloadHeader>,
    claims: Vec<ClaimHeader>,
}

#[derive(Debug, Clone)]
struct PayloadHeader {
    name: String,
    is_padded: bool,
}

#[derive(Debug, Clone)]
struct ClaimHeader {
    name: String,
    path: ClaimPath,
}

/// A claim that a header cannot carry as it is. The token is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the claim {0} is to be sent in a header, which cannot carry its value")]
pub struct ClaimHeaderError(String);

impl Forwarding {
    /// Checks the fields of the entry at `index`.
    pub(crate) fn load(index: usize, entry: &TokenProvider) -> Result<Self, BundleError> {
        let at = |field: &str| format!("tokens[{index}].{field}");
        let mut forwarding = Self {
            token: entry.forward,
            ..Self::default()
        };
        if let Some(header) = &entry.forward_payload_header {
            let name = header_name(header)
                .map_err(|problem| BundleError::field(at("forward_payload_header"), problem))?;
            forwarding.payload = Some(PayloadHeader {
                name,
                is_padded: entry.pad_forward_payload_header,
            });
        } else if entry.pad_forward_payload_header {
            return Err(BundleError::field(
                at("pad_forward_payload_header"),
                "says how forward_payload_header is written, which is absent: name a header there",
            ));
        }
        for (position, members) in entry.claim_to_headers.iter().enumerate() {
            forwarding.add(members).map_err(|(member, problem)| {
                BundleError::field(
                    at(&format!("claim_to_headers[{position}]{member}")),
                    problem,
                )
            })?;
        }
        Ok(forwarding)
    }

    /// Adds a claim, or says which member is wrong and why.
    fn add(&mut self, members: &Entries<String>) -> Result<(), (&'static str, String)> {
        let known = (members.get("claim"), members.get("header"));
        let ((Some(claim), Some(header)), None) = (known, members.unknown(&["claim", "header"]))
        else {
            return Err((
                "",
                "has to have claim and header, and nothing else".to_owned(),
            ));
        };
        let name = header_name(header).map_err(|problem| (".header", problem))?;
        let is_twice = self
            .headers()
            .any(|known| same_header(known.as_bytes(), name.as_bytes()));
        if is_twice {
            let problem = "is written twice: each claim needs a header of its own, in which dashes and underscores are the same";
            return Err((".header", problem.to_owned()));
        }
        let path = claim_path(claim).map_err(|problem| (".claim", problem))?;
        self.claims.push(ClaimHeader { name, path });
        Ok(())
    }

    /// Whether the upstream gets the token itself.
    #[must_use]
    pub fn token(&self) -> bool {
        self.token
    }

    /// The names of all headers that may be written, in lower case.
    pub fn headers(&self) -> impl Iterator<Item = &str> {
        let payload = self.payload.iter().map(|payload| payload.name.as_str());
        payload.chain(self.claims.iter().map(|claim| claim.name.as_str()))
    }

    /// The headers that a verified token gives, with their values. A claim that
    /// is absent, null or empty gives none, as in Envoy.
    ///
    /// # Errors
    /// A header cannot carry the value of a claim.
    pub fn values(
        &self,
        token: &[u8],
        claims: &Map<String, Value>,
    ) -> Result<Vec<(&str, String)>, ClaimHeaderError> {
        let mut values = Vec::new();
        if let Some(payload) = &self.payload {
            values.push((payload.name.as_str(), payload.value(token)));
        }
        for claim in &self.claims {
            let unfit = || ClaimHeaderError(claim.path.to_string());
            let value = claim.path.find(claims).and_then(text_of);
            let Some(value) = value.filter(|value| !value.is_empty()) else {
                continue;
            };
            if !is_header_value(&value) {
                return Err(unfit());
            }
            values.push((claim.name.as_str(), value));
        }
        Ok(values)
    }
}

impl PayloadHeader {
    /// The middle part of a verified token, which is base64url and nothing
    /// else.
    fn value(&self, token: &[u8]) -> String {
        let payload = token.split(|byte| *byte == b'.').nth(1);
        let mut text: String = payload
            .unwrap_or_default()
            .iter()
            .map(|byte| char::from(*byte))
            .collect();
        while self.is_padded && !text.len().is_multiple_of(4) {
            text.push('=');
        }
        text
    }
}

/// A claim as Envoy's jwt_authn writes it to a header: text as it is, numbers
/// and booleans as JSON has them, lists and objects as JSON in base64 (RFC 4648
/// section 4). Where Envoy rounds integers to doubles, they are exact here.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Bool(truth) => Some(truth.to_string()),
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(match number.as_f64() {
            Some(double) if number.is_f64() => double.to_string(),
            _ => number.to_string(),
        }),
        Value::Array(_) | Value::Object(_) => Some(encode_base64(value.to_string().as_bytes())),
    }
}

/// Whether every upstream reads the value as it was sent: printable ASCII, no
/// space at either end. Control characters end a header or are taken out,
/// spaces at the ends are taken off, so that one subject could be read as
/// another; of other bytes RFC 9110 section 5.5 leaves the meaning open.
fn is_header_value(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        && !text.starts_with(' ')
        && !text.ends_with(' ')
}

fn header_name(header: &str) -> Result<String, String> {
    let name = header.to_ascii_lowercase();
    if !is_token(&name) {
        return Err(format!("{header:?} is no header name"));
    }
    if is_reserved_header(&name) {
        return Err(format!(
            "the header {header:?} cannot be written: it holds credentials, or belongs to the proxies, or says how a message is sent; name another"
        ));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forwarding(claim: &str) -> Forwarding {
        Forwarding {
            claims: vec![ClaimHeader {
                name: "x-claim".to_owned(),
                path: claim_path(claim).unwrap(),
            }],
            ..Forwarding::default()
        }
    }

    #[test]
    fn claims_are_written_as_envoy_writes_them() {
        let claims = serde_json::json!({
            "text": "a, b~", "empty": "", "null": null, "true": true, "false": false,
            "zero": 0, "minus": -5, "large": u64::MAX, "whole": 5.0, "half": -0.5,
            "list": ["a", "ü"], "none": [], "object": {"b": 1, "a": {}},
            "nested": {"a": [1, {"b": "deep"}]}, "a.b/c": "url",
        });
        for (claim, value) in [
            ("text", Some("a, b~")),
            ("empty", None),
            ("null", None),
            ("absent", None),
            ("true", Some("true")),
            ("false", Some("false")),
            ("zero", Some("0")),
            ("minus", Some("-5")),
            ("large", Some("18446744073709551615")),
            ("whole", Some("5")),
            ("half", Some("-0.5")),
            ("list", Some("WyJhIiwiw7wiXQ==")),
            ("none", Some("W10=")),
            ("object", Some("eyJhIjp7fSwiYiI6MX0=")),
            ("nested.a[1].b", Some("deep")),
            ("a.b/c", Some("url")),
        ] {
            let forwarding = forwarding(claim);
            let values = forwarding.values(b"", claims.as_object().unwrap()).unwrap();
            let expected: Vec<_> = value
                .map(|value| ("x-claim", value.to_owned()))
                .into_iter()
                .collect();
            assert_eq!(values, expected, "{claim}");
        }
    }

    #[test]
    fn what_a_header_cannot_carry_is_refused() {
        for code in (0..=0x2ff).filter_map(char::from_u32) {
            let fits = code.is_ascii_graphic() || code == ' ';
            let claims = serde_json::json!({ "c": format!("a{code}b") });
            let forwarding = forwarding("c");
            let values = forwarding.values(b"", claims.as_object().unwrap());
            assert_eq!(values.is_ok(), fits, "{code:?}");
        }
        for text in [" a", "a ", " ", "a\r\nx-admin: 1", "\u{0}", "José"] {
            let claims = serde_json::json!({ "c": text });
            assert_eq!(
                forwarding("c")
                    .values(b"", claims.as_object().unwrap())
                    .unwrap_err()
                    .to_string(),
                "the claim jwt.c is to be sent in a header, which cannot carry its value",
                "{text:?}"
            );
        }
    }

    #[test]
    fn the_payload_is_padded_where_asked() {
        for (token, bare, padded) in [
            (b"a.YQ.c".as_slice(), "YQ", "YQ=="),
            (b"a.YWI.c", "YWI", "YWI="),
            (b"a.YWJj.c", "YWJj", "YWJj"),
        ] {
            for (is_padded, value) in [(false, bare), (true, padded)] {
                let name = "x-payload".to_owned();
                let header = PayloadHeader { name, is_padded };
                assert_eq!(header.value(token), value);
            }
        }
    }
}
