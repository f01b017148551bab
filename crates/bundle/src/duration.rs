//! Spans of time as a manifest writes them: `10m`, `500ms`, `1h30m`.

/// The span in milliseconds: whole numbers, each with its unit `ms`, `s`, `m`,
/// `h` or `d`, the greatest unit first.
pub(crate) fn milliseconds(text: &str) -> Result<u64, String> {
    let wrong = || {
        format!("{text:?} is no duration: write a number and its unit, such as \"30s\" or \"10m\"")
    };
    let mut rest = text;
    let mut total = 0_u64;
    let mut smallest = u64::MAX;
    while !rest.is_empty() {
        let (number, behind) = split(rest, |byte| byte.is_ascii_digit()).ok_or_else(wrong)?;
        let (unit, behind) = split(behind, |byte| byte.is_ascii_lowercase()).ok_or_else(wrong)?;
        let unit = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(wrong()),
        };
        if unit >= smallest {
            return Err(wrong());
        }
        smallest = unit;
        let number: u64 = number.parse().map_err(|_| wrong())?;
        total = total.saturating_add(number.saturating_mul(unit));
        rest = behind;
    }
    if text.is_empty() {
        Err(wrong())
    } else {
        Ok(total)
    }
}

/// What `belongs` at the start of the text, which must be something.
fn split(text: &str, belongs: impl Fn(u8) -> bool) -> Option<(&str, &str)> {
    let end = text
        .bytes()
        .position(|byte| !belongs(byte))
        .unwrap_or(text.len());
    text.split_at_checked(end)
        .filter(|(start, _)| !start.is_empty())
}

#[cfg(test)]
mod tests {
    use super::milliseconds;

    #[test]
    fn numbers_with_units() {
        for (text, expected) in [
            ("10m", Some(600_000)),
            ("500ms", Some(500)),
            ("1h30m", Some(5_400_000)),
            ("1d1h1m1s1ms", Some(90_061_001)),
            ("0s", Some(0)),
            ("99999999999999999d", Some(u64::MAX)),
            ("999999999999999999999d", None),
            ("", None),
            ("10", None),
            ("m", None),
            ("1.5h", None),
            ("-1s", None),
            ("10 m", None),
            ("10M", None),
            ("1m1h", None),
            ("1s1s", None),
            ("1ä", None),
        ] {
            assert_eq!(milliseconds(text).ok(), expected, "{text}");
        }
    }
}
