//! The manifest's `time_zone` in its built form.

use doorward_request::TimeZone;
use serde_json::Value;

use crate::error::BundleError;

/// The greatest offset from UTC that is accepted, in seconds: below a day.
const MAX_OFFSET: i64 = 86_399;

/// Reads the built form: nothing, `UTC`, or a table of offsets. The proxy has
/// no database of time zones, so another name is refused.
pub(crate) fn load(time_zone: Option<&Value>) -> Result<TimeZone, BundleError> {
    match time_zone {
        None => Ok(TimeZone::Utc),
        Some(Value::String(name)) if name == "UTC" => Ok(TimeZone::Utc),
        Some(Value::String(name)) => Err(BundleError::field(
            "time_zone",
            format!(
                "{name:?} is a name, and the proxy has no database of time zones: build the bundle with `doorward inline`, which writes the zone's offsets"
            ),
        )),
        Some(Value::Object(fields)) => {
            if let Some(name) = fields
                .keys()
                .find(|name| !matches!(name.as_str(), "name" | "offsets"))
            {
                return Err(BundleError::field(
                    "time_zone",
                    format!("has the field {name:?}: write name and offsets"),
                ));
            }
            if !matches!(fields.get("name"), None | Some(Value::String(_))) {
                return Err(BundleError::field("time_zone.name", "is not a text"));
            }
            let offsets = fields.get("offsets").and_then(Value::as_array);
            table(offsets.map_or(&[][..], Vec::as_slice)).map(TimeZone::Table)
        }
        Some(_) => Err(BundleError::field(
            "time_zone",
            "is neither a name such as \"Europe/Berlin\" nor a map with offsets",
        )),
    }
}

fn table(pairs: &[Value]) -> Result<Vec<(i64, i64)>, BundleError> {
    let mut offsets: Vec<(i64, i64)> = Vec::new();
    for (index, pair) in pairs.iter().enumerate() {
        let offset = offset(pair)
            .filter(|(moment, _)| offsets.last().is_none_or(|(earlier, _)| earlier < moment))
            .ok_or_else(|| {
                BundleError::field(
                    format!("time_zone.offsets[{index}]"),
                    "is not a later moment and an offset below a day, both in whole seconds: build the bundle with `doorward inline`",
                )
            })?;
        offsets.push(offset);
    }
    if offsets.is_empty() {
        return Err(BundleError::field(
            "time_zone.offsets",
            "names no offset: build the bundle with `doorward inline`",
        ));
    }
    Ok(offsets)
}

fn offset(pair: &Value) -> Option<(i64, i64)> {
    let [moment, offset] = pair.as_array()?.as_slice() else {
        return None;
    };
    let offset = seconds(offset)?;
    (offset.abs() <= MAX_OFFSET).then_some((seconds(moment)?, offset))
}

/// A whole number, also where Istio's Struct made it a double.
fn seconds(value: &Value) -> Option<i64> {
    let number = value.as_f64()?;
    // Up to here a double tells every integer from the next.
    let whole = number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0;
    #[expect(
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        reason = "the range is checked on the line before"
    )]
    whole.then_some(number as i64)
}
