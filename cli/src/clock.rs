//! The time that conditions of role links are held against.

use std::time::{SystemTime, UNIX_EPOCH};

/// The given time, else the system clock's: seconds since 1970-01-01 UTC.
pub(crate) fn now(given: Option<i64>) -> i64 {
    given.unwrap_or_else(|| {
        let seconds =
            |duration: std::time::Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => seconds(since),
            Err(before) => seconds(before.duration()).saturating_neg(),
        }
    })
}
