//! The manifest's `client_address`, checked.

use crate::error::BundleError;
use crate::manifest::{Entries, whole_number};

/// How many trusted proxies have appended to x-forwarded-for.
pub(crate) fn trusted_hops(fields: &Entries<f64>) -> Result<u32, BundleError> {
    if let Some(name) = fields.unknown(&["trusted_hops"]) {
        let problem = format!("has the field {name:?}: write trusted_hops");
        return Err(BundleError::field("client_address", problem));
    }
    let Some(hops) = fields.get("trusted_hops") else {
        return Ok(0);
    };
    whole_number(*hops).ok_or_else(|| {
        BundleError::field(
            "client_address.trusted_hops",
            format!("{hops} is not a whole number from 0"),
        )
    })
}
