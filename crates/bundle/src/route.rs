//! Bundles whose policy reads facts of the route or the cluster that the proxy
//! chose. After any change to the headers the proxy chooses anew, perhaps
//! another than the one whose facts were read, so such a bundle changes none.

use crate::error::BundleError;
use crate::manifest::{Presence, TokenProvider};

/// Refuses whatever would change a request's headers.
pub(crate) fn check(tokens: &[TokenProvider]) -> Result<(), BundleError> {
    for (index, entry) in tokens.iter().enumerate() {
        let refuse = |field: &str, problem: &str| {
            Err(BundleError::field(
                format!("tokens[{index}].{field}"),
                format!(
                    "{problem}: request reads facts of the route, and after a change to its headers the proxy could send a request to another one"
                ),
            ))
        };
        if !entry.claim_to_headers.is_empty() {
            return refuse("claim_to_headers", "take it out, since it writes headers");
        }
        if entry.forward_payload_header.is_some() {
            return refuse(
                "forward_payload_header",
                "take it out, since it writes a header",
            );
        }
        if !entry.forward {
            return refuse(
                "forward",
                "set it to true, so that the token stays where it is",
            );
        }
        if entry.presence == Presence::OptionalOrInvalid {
            return refuse(
                "presence",
                "set it to optional, since an invalid token would be taken out",
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(members: serde_json::Value) -> TokenProvider {
        let mut entry = serde_json::json!({"issuer": "https://issuer.example", "audiences": ["a"]});
        if let (Some(entry), serde_json::Value::Object(members)) = (entry.as_object_mut(), members)
        {
            entry.extend(members);
        }
        serde_json::from_value(entry).unwrap()
    }

    #[test]
    fn what_would_change_a_header_is_refused() {
        for (members, problem) in [
            (serde_json::json!({"forward": true}), None),
            (
                serde_json::json!({"forward": true, "presence": "optional"}),
                None,
            ),
            (
                serde_json::json!({}),
                Some("forward: set it to true, so that the token stays where it is"),
            ),
            (
                serde_json::json!({"forward": true, "presence": "optional_or_invalid"}),
                Some("presence: set it to optional, since an invalid token would be taken out"),
            ),
            (
                serde_json::json!({"forward": true, "forward_payload_header": "x-payload"}),
                Some("forward_payload_header: take it out, since it writes a header"),
            ),
            (
                serde_json::json!({"forward": true, "claim_to_headers": [{"claim": "sub", "header": "x-user"}]}),
                Some("claim_to_headers: take it out, since it writes headers"),
            ),
        ] {
            let good = entry(serde_json::json!({"forward": true}));
            let result = check(&[good, entry(members)]).map_err(|error| error.to_string());
            let expected = problem.map(|problem| format!(
                "doorward.yaml: tokens[1].{problem}: request reads facts of the route, and after a change to its headers the proxy could send a request to another one"
            ));
            assert_eq!(result.err(), expected);
        }
    }
}
