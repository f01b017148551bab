//! Compares what was observed with what was expected.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::expect::{Decision, Expect, ExpectPush, ExpectUpstream, ExpectUpstreamRequest};
use super::observed::{DecisionRecord, Observed, ObservedPush, UpstreamRequest};
use super::value::Matcher;

/// One point in which the observed differs from the expected.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Difference {
    /// The field of the expectation, such as `status` or `headers.www-authenticate`.
    pub field: String,
    /// What was expected.
    pub expected: String,
    /// What was observed.
    pub got: String,
}

impl Difference {
    fn new(field: &str, expected: impl fmt::Display, got: impl fmt::Display) -> Self {
        Self {
            field: field.to_owned(),
            expected: expected.to_string(),
            got: got.to_string(),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            field,
            expected,
            got,
        } = self;
        write!(formatter, "{field}: expected {expected}, got {got}")
    }
}

/// The points in which `observed` differs from `expect`; none when all is as expected.
pub fn check(expect: &Expect, observed: &Observed) -> Vec<Difference> {
    let mut differences = Vec::new();
    check_trap(
        expect.trapped,
        observed.trapped.as_deref(),
        &mut differences,
    );
    check_decision(expect, observed.decision.as_deref(), &mut differences);
    if let Some(status) = expect.status
        && status != observed.status
    {
        differences.push(Difference::new("status", status, observed.status));
    }
    check_headers(
        "headers",
        &expect.headers,
        &observed.headers,
        &mut differences,
    );
    check_absent(
        "absent_headers",
        &expect.absent_headers,
        &observed.headers,
        &mut differences,
    );
    check_bytes(
        "body",
        expect.body.as_ref(),
        &observed.body,
        &mut differences,
    );
    check_bytes(
        "details",
        expect.details.as_ref(),
        observed.details.as_bytes(),
        &mut differences,
    );
    match (&expect.upstream, &observed.upstream) {
        (None, _) | (Some(ExpectUpstream::None), None) => {}
        (Some(ExpectUpstream::None), Some(request)) => differences.push(Difference::new(
            "upstream",
            "no request",
            format_args!("{} {}", request.method, request.path),
        )),
        (Some(ExpectUpstream::Request(_)), None) => {
            differences.push(Difference::new("upstream", "a request", "no request"));
        }
        (Some(ExpectUpstream::Request(expect)), Some(request)) => {
            check_upstream(expect, request, &mut differences);
        }
    }
    check_log("log", &expect.log, &observed.log, &mut differences);
    for (name, expected) in &expect.metrics {
        let got = observed.metrics.get(name).copied().unwrap_or(0);
        if got != *expected {
            let field = format!("metrics.{name}");
            differences.push(Difference::new(&field, expected, got));
        }
    }
    if let (Some(expected), Some(calls)) = (expect.data_calls, &observed.host_calls)
        && expected != calls.returning_data
    {
        let by_name = &calls.by_name;
        let got = format!("{}, of {by_name:?}", calls.returning_data);
        differences.push(Difference::new("data_calls", expected, got));
    }
    differences
}

/// The points in which what became of a configuration differs from `expect`.
pub fn check_push(expect: &ExpectPush, observed: &ObservedPush) -> Vec<Difference> {
    let mut differences = Vec::new();
    check_trap(false, observed.trapped.as_deref(), &mut differences);
    match (expect, observed.accepted) {
        (ExpectPush::Accepted, true) => {}
        (ExpectPush::Accepted, false) => differences.push(Difference::new(
            "configuration",
            "accepted",
            format_args!("refused; log: {}", lines(&observed.log)),
        )),
        (ExpectPush::Refused(parts), false) => {
            check_log("refused", parts, &observed.log, &mut differences);
        }
        (ExpectPush::Refused(_), true) => {
            differences.push(Difference::new("configuration", "refused", "accepted"));
        }
    }
    differences
}

fn check_trap(expected: bool, trapped: Option<&str>, differences: &mut Vec<Difference>) {
    match (expected, trapped) {
        (true, Some(_)) | (false, None) => {}
        (true, None) => differences.push(Difference::new("trapped", "a trap", "no trap")),
        (false, Some(trap)) => differences.push(Difference::new("trapped", "no trap", trap)),
    }
}

fn check_decision(expect: &Expect, record: Option<&str>, differences: &mut Vec<Difference>) {
    let expects_record = expect.decision.is_some()
        || expect.reason.is_some()
        || expect.rule.is_some()
        || expect.revision.is_some();
    if !expects_record {
        return;
    }
    if expect.decision == Some(Decision::None) {
        if let Some(record) = record {
            differences.push(Difference::new("decision", "no record", record));
        }
        if expect.reason.is_some() || expect.rule.is_some() || expect.revision.is_some() {
            let both = "decision none without reason, rule and revision";
            differences.push(Difference::new("decision", both, "an expectation of both"));
        }
        return;
    }
    let record = match record.map(serde_json::from_str::<DecisionRecord>) {
        Some(Ok(record)) => record,
        Some(Err(error)) => {
            differences.push(Difference::new(
                "decision",
                "a JSON object with decision, reason, rule and revision",
                format_args!("{:?} ({error})", record.unwrap_or_default()),
            ));
            return;
        }
        None => {
            differences.push(Difference::new("decision", "a record", "no record"));
            return;
        }
    };
    if let Some(decision) = expect.decision
        && decision.as_str() != record.decision
    {
        let got = format_args!("{} ({})", record.decision, record.reason);
        differences.push(Difference::new("decision", decision, got));
    }
    check_bytes(
        "reason",
        expect.reason.as_ref(),
        record.reason.as_bytes(),
        differences,
    );
    check_text(
        "rule",
        expect.rule.as_deref(),
        record.rule.as_deref().unwrap_or_default(),
        differences,
    );
    check_text(
        "revision",
        expect.revision.as_deref(),
        &record.revision,
        differences,
    );
}

fn check_upstream(
    expect: &ExpectUpstreamRequest,
    request: &UpstreamRequest,
    differences: &mut Vec<Difference>,
) {
    check_bytes(
        "upstream.path",
        expect.path.as_ref(),
        request.path.as_bytes(),
        differences,
    );
    check_bytes(
        "upstream.authority",
        expect.authority.as_ref(),
        request.authority.as_bytes(),
        differences,
    );
    check_bytes(
        "upstream.method",
        expect.method.as_ref(),
        request.method.as_bytes(),
        differences,
    );
    check_headers(
        "upstream.headers",
        &expect.headers,
        &request.headers,
        differences,
    );
    check_absent(
        "upstream.absent_headers",
        &expect.absent_headers,
        &request.headers,
        differences,
    );
    check_bytes(
        "upstream.body",
        expect.body.as_ref(),
        &request.body,
        differences,
    );
    check_headers(
        "upstream.trailers",
        &expect.trailers,
        &request.trailers,
        differences,
    );
    check_absent(
        "upstream.absent_trailers",
        &expect.absent_trailers,
        &request.trailers,
        differences,
    );
}

fn check_text(field: &str, expect: Option<&str>, got: &str, differences: &mut Vec<Difference>) {
    if let Some(expect) = expect
        && expect != got
    {
        differences.push(Difference::new(
            field,
            format_args!("{expect:?}"),
            format_args!("{got:?}"),
        ));
    }
}

fn check_bytes(
    field: &str,
    expect: Option<&Matcher>,
    got: &[u8],
    differences: &mut Vec<Difference>,
) {
    if let Some(expect) = expect
        && !expect.matches(got)
    {
        differences.push(Difference::new(field, expect, shown(got)));
    }
}

fn check_headers(
    field: &str,
    expect: &BTreeMap<String, Matcher>,
    headers: &[(String, Vec<u8>)],
    differences: &mut Vec<Difference>,
) {
    for (name, matcher) in expect {
        let values = values_of(name, headers);
        if !values.iter().any(|value| matcher.matches(value)) {
            let got = if values.is_empty() {
                "no such header".to_owned()
            } else {
                values
                    .iter()
                    .map(|value| shown(value))
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            differences.push(Difference::new(&format!("{field}.{name}"), matcher, got));
        }
    }
}

fn check_absent(
    field: &str,
    names: &[String],
    headers: &[(String, Vec<u8>)],
    differences: &mut Vec<Difference>,
) {
    for name in names {
        if let Some(value) = values_of(name, headers).first() {
            differences.push(Difference::new(
                &format!("{field}.{name}"),
                "no such header",
                shown(value),
            ));
        }
    }
}

fn check_log(field: &str, parts: &[String], log: &[String], differences: &mut Vec<Difference>) {
    for part in parts {
        if !log.iter().any(|line| line.contains(part)) {
            differences.push(Difference::new(
                field,
                format_args!("a line with {part:?} in it"),
                lines(log),
            ));
        }
    }
}

/// The values of the header `name`, whose case does not matter.
fn values_of<'a>(name: &str, headers: &'a [(String, Vec<u8>)]) -> Vec<&'a [u8]> {
    headers
        .iter()
        .filter(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_slice())
        .collect()
}

/// Bytes for a reader: quoted text where they are text, else with escapes.
fn shown(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => format!("{text:?}"),
        Err(_) => format!("b\"{}\"", bytes.escape_ascii()),
    }
}

fn lines(log: &[String]) -> String {
    if log.is_empty() {
        "no log line".to_owned()
    } else {
        log.join(" | ")
    }
}
