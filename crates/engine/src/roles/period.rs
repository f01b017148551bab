//! The time within which a conditional role link holds.

use doorward_syntax::time;

/// The time within which a role link holds, ends excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Period {
    start: Option<i64>,
    end: Option<i64>,
}

impl Period {
    /// Reads the parameters of timeMatch: `_` or `YYYY-MM-DD hh:mm:ss` in UTC.
    pub(crate) fn parse(start: &str, end: &str) -> Option<Self> {
        let bound = |text: &str| match text {
            "_" => Some(None),
            text => time::date_time(text).map(Some),
        };
        Some(Self {
            start: bound(start)?,
            end: bound(end)?,
        })
    }

    /// Whether the time, in seconds since 1970, is within.
    pub(crate) fn contains(&self, now: i64) -> bool {
        self.start.is_none_or(|start| now > start) && self.end.is_none_or(|end| now < end)
    }
}
