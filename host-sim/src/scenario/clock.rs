//! The time at which a scenario begins.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

/// A point in time, written as RFC 3339 in UTC (`2026-11-21T20:00:00Z`) or as Unix seconds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Clock(pub SystemTime);

impl<'de> Deserialize<'de> for Clock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ClockVisitor;

        impl Visitor<'_> for ClockVisitor {
            type Value = Clock;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a time such as 2026-11-21T20:00:00Z, or Unix seconds")
            }

            fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Clock, E> {
                SystemTime::UNIX_EPOCH
                    .checked_add(Duration::from_secs(seconds))
                    .map(Clock)
                    .ok_or_else(|| E::custom(format!("Unix time {seconds} is out of range")))
            }

            fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Clock, E> {
                let seconds = u64::try_from(seconds)
                    .map_err(|_| E::custom(format!("Unix time {seconds} is before 1970")))?;
                self.visit_u64(seconds)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Clock, E> {
                humantime::parse_rfc3339(text).map(Clock).map_err(|error| {
                    E::custom(format!("`{text}` is not an RFC 3339 time: {error}"))
                })
            }
        }

        deserializer.deserialize_any(ClockVisitor)
    }
}
