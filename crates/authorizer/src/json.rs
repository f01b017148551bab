//! Text values that hold JSON, where the bundle says `accept_json_request`.

use std::borrow::Cow;

use doorward_request::Resolved;
use doorward_token::{JsonFault, parse_json};

use crate::denial::Denial;

/// The longest text that is read as JSON, in bytes. What JSON takes in memory
/// is up to a hundred times its text.
const MAX_JSON_BYTES: usize = 16 * 1_024;

/// Why a value that starts as JSON does has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonValueError {
    /// It is not acceptable JSON.
    #[error("{0}")]
    Fault(JsonFault),
    /// It is too long to be read.
    #[error("is JSON of more than {MAX_JSON_BYTES} bytes")]
    TooLong,
}

/// Replaces text that starts with `{` or `[` by the JSON it holds. `names` are
/// those of the request definition, in the order of `values`.
pub(crate) fn expand(values: &mut [Resolved<'_>], names: &[Box<str>]) -> Result<(), Denial> {
    for (value, name) in values.iter_mut().zip(names) {
        if let Resolved::Text(text) = value
            && text.starts_with(['{', '['])
        {
            let json = read(text).map_err(|error| Denial::Json {
                name: name.to_string(),
                error,
            })?;
            *value = Resolved::Json(Cow::Owned(json));
        }
    }
    Ok(())
}

fn read(text: &str) -> Result<serde_json::Value, JsonValueError> {
    if text.len() > MAX_JSON_BYTES {
        return Err(JsonValueError::TooLong);
    }
    parse_json(text).map_err(JsonValueError::Fault)
}
