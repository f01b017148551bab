//! Dates and times: those of conditional role links, and date-like text in
//! matchers, which Casbin's expression language orders as numbers.

/// What a layout expects next. Digits are read as Go's `time.Parse` does.
#[derive(Clone, Copy)]
enum Part {
    Literal(&'static str),
    Year,
    Month,
    MonthName,
    Day,
    /// A day of one or two digits, after an optional space.
    PaddedDay,
    /// An hour of one or two digits.
    Hour,
    Minute,
    /// Seconds, with a fraction where one follows.
    Second,
    WeekdayName,
    /// `AM` or `PM`, for the hour before.
    Half,
    /// `+hhmm`, with a colon where told so.
    Offset {
        colon: bool,
    },
    /// `Z` or an offset.
    ZoneOrOffset {
        colon: bool,
    },
}

use Part::{
    Day, Half, Hour, Literal, Minute, Month, MonthName, Offset, PaddedDay, Second, WeekdayName,
    Year, ZoneOrOffset,
};

const DATE_TIME: &[Part] = &[
    Year,
    Literal("-"),
    Month,
    Literal("-"),
    Day,
    Literal(" "),
    Hour,
    Literal(":"),
    Minute,
    Literal(":"),
    Second,
];

/// The layouts that make text a date in Casbin's expression language, each
/// with the least and greatest length of the text.
const LITERALS: [(usize, usize, &[Part]); 11] = [
    (
        23,
        24,
        &[
            WeekdayName,
            Literal(" "),
            MonthName,
            Literal(" "),
            PaddedDay,
            Literal(" "),
            Hour,
            Literal(":"),
            Minute,
            Literal(":"),
            Second,
            Literal(" "),
            Year,
        ],
    ),
    (
        30,
        30,
        &[
            WeekdayName,
            Literal(" "),
            MonthName,
            Literal(" "),
            Day,
            Literal(" "),
            Hour,
            Literal(":"),
            Minute,
            Literal(":"),
            Second,
            Literal(" "),
            Offset { colon: false },
            Literal(" "),
            Year,
        ],
    ),
    (6, 7, &[Hour, Literal(":"), Minute, Half]),
    (
        25,
        35,
        &[
            Year,
            Literal("-"),
            Month,
            Literal("-"),
            Day,
            Literal("T"),
            Hour,
            Literal(":"),
            Minute,
            Literal(":"),
            Second,
            ZoneOrOffset { colon: true },
        ],
    ),
    (10, 10, &[Year, Literal("-"), Month, Literal("-"), Day]),
    (
        16,
        16,
        &[
            Year,
            Literal("-"),
            Month,
            Literal("-"),
            Day,
            Literal(" "),
            Hour,
            Literal(":"),
            Minute,
        ],
    ),
    (19, 19, DATE_TIME),
    (
        25,
        25,
        &[
            Year,
            Literal("-"),
            Month,
            Literal("-"),
            Day,
            Literal(" "),
            Hour,
            Literal(":"),
            Minute,
            Literal(":"),
            Second,
            Offset { colon: true },
        ],
    ),
    (
        18,
        18,
        &[
            Year,
            Literal("-"),
            Month,
            Literal("-"),
            Day,
            Literal("T"),
            Hour,
            ZoneOrOffset { colon: false },
        ],
    ),
    (
        21,
        21,
        &[
            Year,
            Literal("-"),
            Month,
            Literal("-"),
            Day,
            Literal("T"),
            Hour,
            Literal(":"),
            Minute,
            ZoneOrOffset { colon: false },
        ],
    ),
    (
        24,
        34,
        &[
            Year,
            Literal("-"),
            Month,
            Literal("-"),
            Day,
            Literal("T"),
            Hour,
            Literal(":"),
            Minute,
            Literal(":"),
            Second,
            ZoneOrOffset { colon: false },
        ],
    ),
];

/// Whole seconds since 1970-01-01 UTC of a date-like text, none for other
/// text. Without an offset it counts as UTC.
pub fn literal(text: &str) -> Option<f64> {
    let seconds = LITERALS.iter().find_map(|(least, greatest, layout)| {
        if (*least..=*greatest).contains(&text.len()) {
            parse(text, layout)
        } else {
            None
        }
    })?;
    #[expect(
        clippy::cast_precision_loss,
        reason = "the years 0 to 9999 are exact in a float"
    )]
    Some(seconds as f64)
}

/// Whole seconds since 1970-01-01 UTC of `YYYY-MM-DD hh:mm:ss`; a fraction
/// after it is read and dropped.
pub fn date_time(text: &str) -> Option<i64> {
    parse(text, DATE_TIME)
}

#[derive(Default)]
struct Fields {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    offset: i64,
}

fn parse(text: &str, layout: &[Part]) -> Option<i64> {
    let mut fields = Fields::default();
    let mut rest = text;
    for part in layout {
        rest = take(rest, *part, &mut fields)?;
    }
    if !rest.is_empty() {
        return None;
    }
    fields.seconds()
}

fn take<'a>(text: &'a str, part: Part, fields: &mut Fields) -> Option<&'a str> {
    let (value, rest) = match part {
        Literal(expected) => return text.strip_prefix(expected),
        Year => digits(text, 4, 4)?,
        Month | Day | Minute | Second => digits(text, 2, 2)?,
        Hour => digits(text, 1, 2)?,
        PaddedDay => digits(text.strip_prefix(' ').unwrap_or(text), 1, 2)?,
        MonthName => name(text, &MONTHS)?,
        WeekdayName => name(text, &WEEKDAYS)?,
        Half => return half(text, fields),
        ZoneOrOffset { .. } if text.starts_with('Z') => return text.get(1..),
        ZoneOrOffset { colon } | Offset { colon } => return offset(text, colon, fields),
    };
    match part {
        Year => fields.year = value,
        Month | MonthName => fields.month = Some(value),
        Day | PaddedDay => fields.day = Some(value),
        Hour => fields.hour = value,
        Minute => fields.minute = value,
        Second => {
            fields.second = value;
            return Some(fraction(rest));
        }
        _ => {}
    }
    Some(rest)
}

/// Skips a fraction of a second.
fn fraction(text: &str) -> &str {
    let after = text
        .strip_prefix(['.', ','])
        .map(|rest| rest.trim_start_matches(|digit: char| digit.is_ascii_digit()));
    match after {
        Some(after) if after.len().saturating_add(1) < text.len() => after,
        _ => text,
    }
}

fn digits(text: &str, least: usize, most: usize) -> Option<(i64, &str)> {
    let count = text
        .bytes()
        .take(most)
        .take_while(u8::is_ascii_digit)
        .count();
    if count < least {
        return None;
    }
    let (number, rest) = text.split_at_checked(count)?;
    Some((number.parse().ok()?, rest))
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/// One of the names in any case, as its number from 1.
fn name<'a>(text: &'a str, names: &[&str]) -> Option<(i64, &'a str)> {
    let (word, rest) = text.split_at_checked(3)?;
    names
        .iter()
        .zip(1..)
        .find(|(name, _)| name.eq_ignore_ascii_case(word))
        .map(|(_, number)| (number, rest))
}

fn half<'a>(text: &'a str, fields: &mut Fields) -> Option<&'a str> {
    let (half, rest) = text.split_at_checked(2)?;
    if fields.hour > 12 {
        return None;
    }
    fields.hour = match (half, fields.hour) {
        ("AM", 12) => 0,
        ("PM", hour) if hour < 12 => hour.saturating_add(12),
        ("AM" | "PM", hour) => hour,
        _ => return None,
    };
    Some(rest)
}

fn offset<'a>(text: &'a str, colon: bool, fields: &mut Fields) -> Option<&'a str> {
    let sign = match text.chars().next()? {
        '+' => 1_i64,
        '-' => -1,
        _ => return None,
    };
    let (hours, rest) = digits(text.get(1..)?, 2, 2)?;
    let rest = if colon { rest.strip_prefix(':')? } else { rest };
    let (minutes, rest) = digits(rest, 2, 2)?;
    if hours > 24 || minutes > 60 {
        return None;
    }
    let seconds = hours
        .saturating_mul(60)
        .saturating_add(minutes)
        .saturating_mul(60);
    fields.offset = seconds.saturating_mul(sign);
    Some(rest)
}

impl Fields {
    /// Seconds since 1970-01-01 UTC, if the fields are a date and a time.
    fn seconds(&self) -> Option<i64> {
        let month = self.month.unwrap_or(1);
        let day = self.day.unwrap_or(1);
        let in_range = (1..=12).contains(&month)
            && (1..=days_in(self.year, month)).contains(&day)
            && self.hour < 24
            && self.minute < 60
            && self.second < 60;
        if !in_range {
            return None;
        }
        let days = days_since_1970(self.year, month, day);
        Some(
            days.saturating_mul(24)
                .saturating_add(self.hour)
                .saturating_mul(60)
                .saturating_add(self.minute)
                .saturating_mul(60)
                .saturating_add(self.second)
                .saturating_sub(self.offset),
        )
    }
}

fn is_leap(year: i64) -> bool {
    year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0)
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the Gregorian calendar, carried back to year 0.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let before = year.saturating_sub(1);
    let leaps = before
        .div_euclid(4)
        .saturating_sub(before.div_euclid(100))
        .saturating_add(before.div_euclid(400));
    let months: i64 = (1..month).map(|month| days_in(year, month)).sum();
    // 719,162 days lie between 0001-01-01 and 1970-01-01.
    before
        .saturating_mul(365)
        .saturating_add(leaps)
        .saturating_add(months)
        .saturating_add(day)
        .saturating_sub(1)
        .saturating_sub(719_162)
}
