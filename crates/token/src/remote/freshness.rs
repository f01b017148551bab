//! How long an answer is fresh (RFC 9111 sections 4.2 and 5.2.2).

use super::{Millis, SECOND};

/// The remaining freshness that an answer states with `max-age` less `Age`;
/// none where it states nothing. `no-store` and `no-cache` are no freshness.
pub(super) fn stated(cache_control: &[u8], age: &[u8]) -> Option<Millis> {
    let text = std::str::from_utf8(cache_control).ok()?;
    let seconds = text
        .split(',')
        .filter_map(|directive| {
            let directive = directive.trim();
            let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
            if name.eq_ignore_ascii_case("max-age") {
                // Section 4.2.1: what is no number is stale.
                return Some(seconds(value.trim_matches('"').as_bytes()).unwrap_or(0));
            }
            let never = ["no-store", "no-cache"];
            never
                .iter()
                .any(|known| name.eq_ignore_ascii_case(known))
                .then_some(0)
        })
        .min()?;
    let age = seconds_of_header(age);
    Some(seconds.saturating_sub(age).saturating_mul(SECOND))
}

fn seconds_of_header(value: &[u8]) -> u64 {
    seconds(value.trim_ascii()).unwrap_or(0)
}

/// Section 1.2.2: delta-seconds; one that is too large counts as very large.
fn seconds(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| byte.wrapping_sub(b'0'))?;
        Some(number.saturating_mul(10).saturating_add(u64::from(digit)))
    })
}

#[cfg(test)]
mod tests {
    use super::stated;

    #[test]
    fn max_age_less_age() {
        for (cache_control, age, expected) in [
            ("", "", None),
            ("public", "", None),
            ("max-age=60", "", Some(60_000)),
            ("public, Max-Age=60 , must-revalidate", "20", Some(40_000)),
            ("max-age=\"60\"", "x", Some(60_000)),
            ("max-age=60, max-age=30", "", Some(30_000)),
            ("max-age=60", "61", Some(0)),
            ("max-age=", "", Some(0)),
            ("max-age=-1", "", Some(0)),
            ("max-age=99999999999999999999999", "", Some(u64::MAX)),
            ("no-cache, max-age=60", "", Some(0)),
            ("No-Store", "", Some(0)),
            ("s-maxage=10", "", None),
        ] {
            assert_eq!(
                stated(cache_control.as_bytes(), age.as_bytes()),
                expected,
                "{cache_control:?} {age:?}"
            );
        }
        assert_eq!(stated(b"max-age=60, \xff", b""), None);
    }
}
