//! Claims whose values act as roles of the principal, for one request.

use doorward_request::ClaimPath;
use serde_json::{Map, Value};

pub(crate) use crate::claim_path::claim_path;

/// Claims that hold several values in one text, separated by spaces: `scope`
/// (RFC 8693 section 4.2) and `scp`, its spelling at some issuers.
const SPACE_DELIMITED: &[&str] = &["scope", "scp"];

/// A claim whose values act as roles in one role definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleClaim {
    graph: String,
    path: ClaimPath,
    prefix: String,
}

/// A role claim of a type that roles cannot be read from. The token is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the claim {0} is to give roles, but is neither text nor a list of texts")]
pub struct RoleClaimError(String);

impl RoleClaim {
    /// A claim whose values, with `prefix` before each, act as roles in the
    /// role definition `graph` (`g`, `g2`, ...).
    ///
    /// # Errors
    /// The claim is no path, or the prefix is empty.
    pub fn new(graph: &str, claim: &str, prefix: &str) -> Result<Self, String> {
        if prefix.is_empty() {
            return Err(
                "the prefix is empty: without one, a token could name any role of the policy"
                    .to_owned(),
            );
        }
        Ok(Self {
            graph: graph.to_owned(),
            path: claim_path(claim)?,
            prefix: prefix.to_owned(),
        })
    }

    /// The role definition that the roles act in.
    #[must_use]
    pub fn graph(&self) -> &str {
        &self.graph
    }

    /// What stands before each role.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Whether the claim holds OAuth scopes (RFC 6749 section 3.3).
    #[must_use]
    pub fn is_scope(&self) -> bool {
        SPACE_DELIMITED.iter().any(|name| self.path.is_whole(name))
    }

    /// The claim.
    #[must_use]
    pub fn claim(&self) -> &ClaimPath {
        &self.path
    }

    /// The roles that a verified token gives; none where the claim is absent.
    ///
    /// # Errors
    /// The claim is there but is neither text nor a list of texts.
    pub fn roles(&self, claims: &Map<String, Value>) -> Result<Vec<String>, RoleClaimError> {
        let invalid = || RoleClaimError(self.path.to_string());
        let values: Vec<&str> = match self.path.find(claims) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::String(text)) if self.is_space_delimited() => {
                text.split(' ').filter(|part| !part.is_empty()).collect()
            }
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(items)) => items
                .iter()
                .map(|item| item.as_str().ok_or_else(invalid))
                .collect::<Result<_, _>>()?,
            Some(_) => return Err(invalid()),
        };
        Ok(values
            .into_iter()
            .map(|value| format!("{}{value}", self.prefix))
            .collect())
    }

    fn is_space_delimited(&self) -> bool {
        SPACE_DELIMITED.contains(&self.path.claim())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles(claim: &str, claims: Value) -> Result<Vec<String>, String> {
        RoleClaim::new("g", claim, "r:")
            .unwrap()
            .roles(claims.as_object().unwrap())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn scopes_split_at_spaces_and_nothing_else_does() {
        let text = serde_json::json!({"scope": " a  b:c ", "scp": "a b", "groups": "a b"});
        assert_eq!(roles("scope", text.clone()).unwrap(), ["r:a", "r:b:c"]);
        assert_eq!(roles("scp", text.clone()).unwrap(), ["r:a", "r:b"]);
        assert_eq!(roles("groups", text).unwrap(), ["r:a b"]);
        let list = serde_json::json!({"scope": ["a b"], "realm": {"roles": ["x", "y"]}});
        assert_eq!(roles("scope", list.clone()).unwrap(), ["r:a b"]);
        assert_eq!(roles("realm.roles", list.clone()).unwrap(), ["r:x", "r:y"]);
        assert_eq!(roles("absent", list).unwrap(), [""; 0]);
        let named = serde_json::json!({"https://example.com/roles": "z", "a-b": "w"});
        assert_eq!(
            roles("https://example.com/roles", named.clone()).unwrap(),
            ["r:z"]
        );
        assert_eq!(roles("a-b", named).unwrap(), ["r:w"]);
    }

    #[test]
    fn other_types_are_refused() {
        for value in [
            serde_json::json!(1),
            serde_json::json!(true),
            serde_json::json!({"a": 1}),
            serde_json::json!(["a", 1]),
            serde_json::json!(["a", null]),
        ] {
            assert_eq!(
                roles("groups", serde_json::json!({"groups": value})).unwrap_err(),
                "the claim jwt.groups is to give roles, but is neither text nor a list of texts"
            );
        }
        assert!(
            RoleClaim::new("g", "groups", "")
                .unwrap_err()
                .contains("prefix is empty")
        );
        for claim in ["", ".", "a.", "a'b", "['a", "principal"] {
            assert!(RoleClaim::new("g", claim, "x:").is_err(), "{claim:?}");
        }
    }
}
