//! Whether what became of a request is what had to.

use super::corpus::{Case, Outcome};
use serde_json::Value;

/// What is known of a request after it was sent.
pub(super) struct Observed<'a> {
    /// The decision record; none when Envoy refused the request itself.
    pub(super) record: Option<&'a str>,
    /// The targets that the upstream received for it.
    pub(super) arrived: Vec<&'a [u8]>,
    /// The rules by their number: target and host.
    pub(super) rules: &'a [(String, String)],
}

/// Compares. Where the path was changed before the filter saw it, a refusal may
/// have another reason, and what is expected to be refused may have become
/// something harmless; what the policy saw is compared all the same.
pub(super) fn judge(
    case: &Case,
    expected: &Outcome,
    observed: &Observed<'_>,
    changed_before: bool,
) -> Result<(), String> {
    match observed.arrived.as_slice() {
        [] => refused(case, expected, observed, changed_before),
        [arrived] => received(case, expected, observed, arrived, changed_before),
        several => Err(format!("it reached the upstream {} times", several.len())),
    }
}

fn received(
    case: &Case,
    expected: &Outcome,
    observed: &Observed<'_>,
    arrived: &[u8],
    changed_before: bool,
) -> Result<(), String> {
    let shown = arrived.escape_ascii();
    let record = record(observed).ok_or("it reached the upstream undecided")?;
    let rule = record["rule"].as_str().unwrap_or_default();
    let number = rule
        .split(", ")
        .nth(1)
        .and_then(|number| number.parse().ok());
    let (target, host) = number
        .and_then(|number: usize| observed.rules.get(number))
        .ok_or_else(|| format!("allowed by no known rule: {record}"))?;
    if target.as_bytes() != arrived {
        return Err(format!("the policy saw {target}, the upstream {shown}"));
    }
    if Some(host.as_str()) != case.host() {
        return Err(format!("the policy saw the host {host}"));
    }
    match expected {
        Outcome::Seen(expected) if expected == arrived => Ok(()),
        Outcome::Refused(_) if changed_before => Ok(()),
        _ => Err(format!("the upstream received {shown}, not {expected:?}")),
    }
}

fn refused(
    case: &Case,
    expected: &Outcome,
    observed: &Observed<'_>,
    changed_before: bool,
) -> Result<(), String> {
    let Some(record) = record(observed) else {
        return if case.is_ordinary() && !changed_before {
            Err("it did not reach the filter".to_owned())
        } else {
            Ok(())
        };
    };
    let reason = record["reason"].as_str().unwrap_or_default();
    let as_expected = match expected {
        Outcome::Refused(expected) => reason == expected || changed_before,
        Outcome::Seen(_) => case.host().is_none() && reason == "attribute_invalid: request.host",
    };
    if as_expected && record["decision"] != "allow" {
        Ok(())
    } else {
        Err(format!("it was refused ({record}), not {expected:?}"))
    }
}

fn record(observed: &Observed<'_>) -> Option<Value> {
    serde_json::from_str(observed.record?).ok()
}
