//! `time.*`: the moment of the request, in the bundle's time zone.

use crate::value::Resolved;

const DAY: i64 = 86_400;

/// The moment at which tables of time zones end: the year 2100 in UTC.
pub const TIME_ZONE_TABLE_END: i64 = 4_102_444_800;

/// The offsets of a time zone from UTC.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum TimeZone {
    /// UTC itself.
    #[default]
    Utc,
    /// Moments in seconds since 1970-01-01 UTC in ascending order, each with
    /// the offset in seconds that holds from it on. Before the first and from
    /// [`TIME_ZONE_TABLE_END`] on, the offset is not known.
    Table(Vec<(i64, i64)>),
}

impl TimeZone {
    /// The offset at a moment.
    fn offset(&self, moment: i64) -> Option<i64> {
        match self {
            Self::Utc => Some(0),
            Self::Table(_) if moment >= TIME_ZONE_TABLE_END => None,
            Self::Table(offsets) => {
                let behind = offsets.partition_point(|(from, _)| *from <= moment);
                let (_, offset) = offsets.get(behind.checked_sub(1)?)?;
                Some(*offset)
            }
        }
    }
}

/// What is read of the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimePart {
    /// `time.hour`, 0 to 23.
    Hour,
    /// `time.minute`, 0 to 59.
    Minute,
    /// `time.weekday` as ISO 8601 counts: Monday is 1, Sunday 7.
    Weekday,
    /// `time.date` as ISO 8601 writes it: `2026-11-23`.
    Date,
    /// `time.unix`: whole seconds since 1970-01-01 UTC.
    Unix,
}

impl TimePart {
    /// The part of a moment, given in seconds since 1970-01-01 UTC; `None`
    /// where it is not known.
    pub(crate) fn of(self, moment: i64, zone: &TimeZone) -> Option<Resolved<'static>> {
        let local = moment.checked_add(zone.offset(moment)?)?;
        let (days, second) = (local.div_euclid(DAY), local.rem_euclid(DAY));
        let number = match self {
            Self::Hour => second / 3600,
            Self::Minute => second / 60 % 60,
            // 1970-01-01 was a Thursday.
            Self::Weekday => days.checked_add(3)?.rem_euclid(7).checked_add(1)?,
            Self::Date => return date(days).map(|date| Resolved::Text(date.into())),
            Self::Unix => moment,
        };
        // An integer beyond these would be rounded.
        let exact = number.unsigned_abs() <= 1 << 53;
        #[expect(
            clippy::as_conversions,
            clippy::cast_precision_loss,
            reason = "exact up to 2^53"
        )]
        exact.then_some(Resolved::Number(number as f64))
    }
}

/// The date so many days after 1970-01-01, of the years 1970 to 9999.
fn date(days: i64) -> Option<String> {
    let days = u32::try_from(days).ok()?;
    // No year is longer than 366 days; the years that are left are few.
    let mut year = (days / 366)
        .checked_add(1970)
        .filter(|year| *year <= 9999)?;
    let mut rest = days.checked_sub(days_before(year)?)?;
    loop {
        let length = if is_leap(year) { 366 } else { 365 };
        let Some(less) = rest.checked_sub(length) else {
            break;
        };
        rest = less;
        year = year.checked_add(1).filter(|year| *year <= 9999)?;
    }
    let february = if is_leap(year) { 29 } else { 28 };
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    for (month, length) in (1_u32..).zip(lengths) {
        match rest.checked_sub(length) {
            Some(less) => rest = less,
            None => return Some(format!("{year:04}-{month:02}-{:02}", rest.checked_add(1)?)),
        }
    }
    None
}

/// The days from 1970-01-01 to the first day of a year.
fn days_before(year: u32) -> Option<u32> {
    // The leap days of all years before this one.
    let leaps = |year: u32| {
        let before = year.checked_sub(1)?;
        (before / 4)
            .checked_sub(before / 100)?
            .checked_add(before / 400)
    };
    year.checked_sub(1970)?
        .checked_mul(365)?
        .checked_add(leaps(year)?)?
        .checked_sub(leaps(1970)?)
}

fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(moment: i64, zone: &TimeZone) -> Option<(f64, f64, f64, String)> {
        let number = |part: TimePart| match part.of(moment, zone) {
            Some(Resolved::Number(number)) => Some(number),
            _ => None,
        };
        let date = match TimePart::Date.of(moment, zone)? {
            Resolved::Text(date) => date.into_owned(),
            _ => return None,
        };
        Some((
            number(TimePart::Hour)?,
            number(TimePart::Minute)?,
            number(TimePart::Weekday)?,
            date,
        ))
    }

    #[test]
    fn moments_in_utc() {
        for (moment, hour, minute, weekday, date) in [
            (0, 0., 0., 4., "1970-01-01"),
            (59, 0., 0., 4., "1970-01-01"),
            (60, 0., 1., 4., "1970-01-01"),
            (951_782_400, 0., 0., 2., "2000-02-29"),
            (1_709_251_199, 23., 59., 4., "2024-02-29"),
            (1_709_251_200, 0., 0., 5., "2024-03-01"),
            (1_795_341_296, 9., 54., 7., "2026-11-22"),
            (1_795_391_999, 23., 59., 7., "2026-11-22"),
            (1_795_392_000, 0., 0., 1., "2026-11-23"),
            (1_798_761_599, 23., 59., 4., "2026-12-31"),
            (4_107_542_400, 0., 0., 1., "2100-03-01"),
            (253_402_300_799, 23., 59., 5., "9999-12-31"),
        ] {
            let expected = Some((hour, minute, weekday, date.to_owned()));
            assert_eq!(parts(moment, &TimeZone::Utc), expected, "{moment}");
        }
        for moment in [-1, 253_402_300_800, i64::MAX, i64::MIN] {
            assert_eq!(TimePart::Date.of(moment, &TimeZone::Utc), None, "{moment}");
        }
        for part in [TimePart::Unix, TimePart::Weekday, TimePart::Hour] {
            let _ = part.of(i64::MIN, &TimeZone::Utc);
            let _ = part.of(i64::MAX, &TimeZone::Utc);
        }
        assert_eq!(TimePart::Unix.of(i64::MAX, &TimeZone::Utc), None);
    }

    #[test]
    fn an_offset_holds_from_its_moment_to_the_next() {
        let zone = TimeZone::Table(vec![(1000, 3600), (90_000, -7200)]);
        for (moment, expected) in [
            (999, None),
            (1000, Some((1., 16., 4., "1970-01-01"))),
            (89_999, Some((1., 59., 5., "1970-01-02"))),
            (90_000, Some((23., 0., 4., "1970-01-01"))),
            (TIME_ZONE_TABLE_END - 1, Some((21., 59., 4., "2099-12-31"))),
            (TIME_ZONE_TABLE_END, None),
        ] {
            let expected =
                expected.map(|(h, m, w, date): (_, _, _, &str)| (h, m, w, date.to_owned()));
            assert_eq!(parts(moment, &zone), expected, "{moment}");
        }
        let far_east = TimeZone::Table(vec![(0, i64::MAX)]);
        assert_eq!(parts(1, &far_east), None);
        assert_eq!(TimePart::Hour.of(0, &TimeZone::Table(vec![])), None);
    }
}
