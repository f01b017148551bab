//! A value that is an object: members that a mapping names, or the claims of
//! the token.

use doorward_engine::{Object, Value};
use serde_json::Map;

use crate::read::{exact, is_exact};
use crate::value::Resolved;

/// An object of one request.
#[derive(Debug, Clone, PartialEq)]
pub enum ResolvedObject<'a> {
    /// What an entry of the mapping names.
    Members(Vec<(&'a str, Resolved<'a>)>),
    /// All claims of the token, with `principal` as `jwt.principal` has it:
    /// a claim of that name is never seen. As in a mapping, a claim that is
    /// null counts as absent, and so does an integer that would be rounded.
    Claims {
        /// The verified claims.
        claims: &'a Map<String, serde_json::Value>,
        /// The principal that the provider's form made.
        principal: Option<&'a str>,
    },
}

/// The member of the claims that is the principal.
const PRINCIPAL: &str = "principal";

impl Object for ResolvedObject<'_> {
    fn member(&self, name: &str) -> Option<Value<'_>> {
        match self {
            Self::Members(members) => members
                .iter()
                .find_map(|(known, value)| (*known == name).then(|| value.value())),
            Self::Claims { principal, .. } if name == PRINCIPAL => principal.map(Value::Text),
            Self::Claims { claims, .. } => match claims.get(name)? {
                serde_json::Value::Null => None,
                serde_json::Value::Number(number) => exact(number).map(Value::Number),
                claim => is_exact(claim).then(|| Value::from(claim)),
            },
        }
    }

    fn names(&self) -> Vec<&str> {
        match self {
            Self::Members(members) => members.iter().map(|(name, _)| *name).collect(),
            Self::Claims { claims, .. } => claims
                .keys()
                .map(String::as_str)
                .filter(|name| *name != PRINCIPAL)
                .chain([PRINCIPAL])
                .filter(|name| self.member(name).is_some())
                .collect(),
        }
    }
}
