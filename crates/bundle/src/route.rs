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
