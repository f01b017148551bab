//! The manifest's `client_address`, checked.

use serde_json::Value;

use crate::error::BundleError;
use crate::manifest::whole_number;

/// How many trusted proxies have appended to x-forwarded-for, and whether the
/// one in which this runs has not.
pub(crate) fn load(fields: Option<&Value>) -> Result<(u32, bool), BundleError> {
    let Some(fields) = fields else {
        return Ok((0, false));
    };
    let Some(fields) = fields.as_object() else {
        let problem = "is no map: write {trusted_hops: 1}, for example";
        return Err(BundleError::field("client_address", problem));
    };
    let (mut hops, mut appended) = (0, true);
    for (name, value) in fields {
        match name.as_str() {
            "trusted_hops" => {
                hops = value.as_f64().and_then(whole_number).ok_or_else(|| {
                    BundleError::field(
                        "client_address.trusted_hops",
                        format!("{value} is not a whole number from 0"),
                    )
                })?;
            }
            "use_remote_address" => {
                appended = value.as_bool().ok_or_else(|| {
                    BundleError::field(
                        "client_address.use_remote_address",
                        format!("{value} is neither true nor false"),
                    )
                })?;
            }
            name => {
                let problem =
                    format!("has the field {name:?}: write trusted_hops or use_remote_address");
                return Err(BundleError::field("client_address", problem));
            }
        }
    }
    Ok((hops, !appended))
}
