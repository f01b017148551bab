//! From a time zone's name to its offsets, for tools: the proxy has no
//! database of time zones.

use doorward_request::TIME_ZONE_TABLE_END;
use jiff::Timestamp;
use jiff::tz::TimeZoneDatabase;
use serde_json::{Value, json};

use crate::error::BundleError;

/// The moment at which tables begin: the year 2000 in UTC. A fixed one, so that
/// a folder is built to the same bytes in every year.
const TABLE_START: i64 = 946_684_800;

/// The built form of a zone by its name in the IANA database, such as
/// `Europe/Berlin`.
///
/// # Errors
/// The database has no zone of this name.
pub fn time_zone(name: &str) -> Result<Value, BundleError> {
    let wrong = |problem: String| BundleError::field("time_zone", problem);
    // The bundled one, so that every machine builds alike.
    let zone = TimeZoneDatabase::bundled().get(name).map_err(|_| {
        wrong(format!(
            "{name:?} is no time zone of the IANA database: write a name such as \"Europe/Berlin\", or \"UTC\""
        ))
    })?;
    let start = Timestamp::from_second(TABLE_START).map_err(|error| wrong(error.to_string()))?;
    let mut offset = zone.to_offset(start).seconds();
    let mut offsets = vec![(TABLE_START, offset)];
    for transition in zone.following(start) {
        let moment = transition.timestamp().as_second();
        if moment >= TIME_ZONE_TABLE_END {
            break;
        }
        // Some transitions change the zone's abbreviation alone.
        if transition.offset().seconds() != offset {
            offset = transition.offset().seconds();
            offsets.push((moment, offset));
        }
    }
    Ok(json!({"name": zone.iana_name().unwrap_or(name), "offsets": offsets}))
}
