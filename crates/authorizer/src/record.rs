//! The decision record: what was decided, why, by which rule and revision.

use serde::Serialize;

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The request goes on.
    Allow,
    /// The request is refused.
    Deny,
    /// No decision could be made, so the request is refused.
    Error,
}

/// One decision, as operators see it in access logs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Record {
    /// What was decided.
    pub decision: Verdict,
    /// The reason code, with the attribute or fault where there is one.
    pub reason: String,
    /// The deciding policy row as Casbin writes it, if one decided.
    pub rule: Option<String>,
    /// The bundle's name and revision, such as `orders@2026-11-21.1`.
    pub revision: String,
    /// Why the request's token counted as none, where the bundle has it so: the
    /// reason code with which it would have been refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignored_token: Option<&'static str>,
}

impl Record {
    /// The record as one line of JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Texts and no maps: serialization has nothing that could fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The response code details of a refusal, such as
    /// `doorward_denied[orders@7 no_rule]`: printable ASCII, at most
    /// 256 bytes.
    #[must_use]
    pub fn details(&self) -> String {
        let mut details = format!("doorward_denied[{} {}", self.revision, self.reason);
        if let Some(rule) = &self.rule {
            details.push(' ');
            details.push_str(rule);
        }
        let mut printable: String = details
            .chars()
            .map(|character| {
                if character.is_ascii_graphic() {
                    character
                } else {
                    '_'
                }
            })
            .take(MAX_DETAILS_BYTES.saturating_sub(1))
            .collect();
        printable.push(']');
        printable
    }
}

/// The greatest size of the response code details, in bytes.
const MAX_DETAILS_BYTES: usize = 256;
