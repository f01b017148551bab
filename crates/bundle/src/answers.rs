//! What a refused client is told, and who gets through undecided: the
//! manifest's `answers`.

use serde_json::Value;

use crate::error::BundleError;
use crate::identity_headers::is_reserved_header;
use crate::source::is_token;

/// The longest text for a client, in bytes.
const MAX_TEXT_BYTES: usize = 1_024;

/// The statuses that refusals have.
const STATUSES: &[&str] = &["400", "401", "403", "503"];

/// The reason codes of refusals: all of `doorward_authorizer::Denial::code`.
const REASONS: &[&str] = &[
    "attribute_absent",
    "attribute_invalid",
    "attribute_unreadable",
    "deny_rule",
    "evaluation_error",
    "filter_error",
    "header_forged",
    "keys_missing",
    "keys_queue_full",
    "keys_unavailable",
    "no_rule",
    "path_ambiguous_encoding",
    "path_backslash",
    "path_dot_segment",
    "path_empty_segment",
    "path_fragment",
    "path_invalid_byte",
    "path_malformed_encoding",
    "path_missing",
    "path_not_absolute",
    "path_not_canonical",
    "path_parameter",
    "path_too_long",
    "subject_reserved",
    "token_algorithm_none",
    "token_algorithm_not_allowed",
    "token_algorithm_unsupported",
    "token_ambiguous",
    "token_audience_mismatch",
    "token_base64",
    "token_claim_header",
    "token_claim_invalid",
    "token_claim_missing",
    "token_critical_header",
    "token_duplicate_member",
    "token_expired",
    "token_header_parameter",
    "token_issued_in_future",
    "token_issuer_unknown",
    "token_json",
    "token_key_ambiguous",
    "token_key_mismatch",
    "token_key_unknown",
    "token_lifetime_exceeded",
    "token_malformed",
    "token_missing",
    "token_not_yet_valid",
    "token_principal",
    "token_roles",
    "token_signature_invalid",
    "token_subject_not_allowed",
    "token_too_large",
    "token_type_mismatch",
    "token_unencoded_payload",
    "verification_budget",
    "verification_failed",
];

/// Response headers that say what the answer is, beside those of requests.
const RESERVED: &[&str] = &[
    "date",
    "grpc-message",
    "grpc-status",
    "location",
    "server",
    "set-cookie",
    "www-authenticate",
];

const FIELDS: &[&str] = &[
    "allow_cors_preflight",
    "name_missing_scope",
    "problem_json",
    "reason_header",
    "texts",
];

/// How refused requests are answered. By default a line of plain text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers {
    problem_json: bool,
    reason_header: Option<String>,
    name_missing_scope: bool,
    allow_cors_preflight: bool,
    texts: Vec<(String, String)>,
}

impl Answers {
    pub(crate) fn load(block: &Value) -> Result<Self, BundleError> {
        let Some(block) = block.as_object() else {
            let problem = format!("{block} is no map of {}", FIELDS.join(", "));
            return Err(BundleError::field("answers", problem));
        };
        let mut answers = Self::default();
        for (name, value) in block {
            let field = || format!("answers.{name}");
            match name.as_str() {
                "problem_json" => answers.problem_json = truth(field(), value)?,
                "name_missing_scope" => answers.name_missing_scope = truth(field(), value)?,
                "allow_cors_preflight" => answers.allow_cors_preflight = truth(field(), value)?,
                "reason_header" => answers.reason_header = Some(reason_header(field(), value)?),
                "texts" => answers.texts = texts(field(), value)?,
                _ => {
                    let problem = format!("is no field here: {}", nearest(name, FIELDS));
                    return Err(BundleError::field(field(), problem));
                }
            }
        }
        Ok(answers)
    }

    /// The reason codes of refusals, which [`Self::text`] may be asked for.
    #[must_use]
    pub fn reason_codes() -> &'static [&'static str] {
        REASONS
    }

    /// Whether bodies are problem details (RFC 9457).
    #[must_use]
    pub fn problem_json(&self) -> bool {
        self.problem_json
    }

    /// The response header that gets the reason code, in lower case.
    #[must_use]
    pub fn reason_header(&self) -> Option<&str> {
        self.reason_header.as_deref()
    }

    /// Whether a challenge names the scope that a token lacks, where it lacks
    /// nothing else.
    #[must_use]
    pub fn name_missing_scope(&self) -> bool {
        self.name_missing_scope
    }

    /// Whether CORS preflight requests go on without a token and without a
    /// decision.
    #[must_use]
    pub fn allow_cors_preflight(&self) -> bool {
        self.allow_cors_preflight
    }

    /// The text for refusals with this reason code, or else for those with this
    /// status; `None`: the usual one.
    #[must_use]
    pub fn text(&self, status: u16, code: &str) -> Option<&str> {
        let of = |key: &str| self.texts.iter().find(|(known, _)| known == key);
        let (_, text) = of(code).or_else(|| of(&status.to_string()))?;
        Some(text)
    }
}

fn truth(field: String, value: &Value) -> Result<bool, BundleError> {
    let problem = || BundleError::field(field, format!("{value} is neither true nor false"));
    value.as_bool().ok_or_else(problem)
}

fn reason_header(field: String, value: &Value) -> Result<String, BundleError> {
    let name = value.as_str().unwrap_or_default().to_ascii_lowercase();
    if !is_token(&name) {
        return Err(BundleError::field(
            field,
            format!("{value} is no header name: write one such as x-doorward-reason"),
        ));
    }
    if is_reserved_header(&name) || RESERVED.contains(&name.as_str()) {
        return Err(BundleError::field(
            field,
            format!("the header {value} has a meaning of its own: name another"),
        ));
    }
    Ok(name)
}

fn texts(field: String, value: &Value) -> Result<Vec<(String, String)>, BundleError> {
    let Some(texts) = value.as_object() else {
        let problem = format!("{value} is no map of reason codes or statuses to texts");
        return Err(BundleError::field(field, problem));
    };
    let mut all = Vec::new();
    for (key, value) in texts {
        let refuse = |problem| Err(BundleError::field(format!("{field}.{key}"), problem));
        let known = STATUSES.iter().chain(REASONS).any(|known| known == key);
        if !known && key.bytes().all(|byte| byte.is_ascii_digit()) {
            return refuse(format!(
                "no refusal has this status: those are {}",
                STATUSES.join(", ")
            ));
        }
        if !known {
            return refuse(format!(
                "is no reason code of a refusal: {}",
                nearest(key, REASONS)
            ));
        }
        let Some(text) = value.as_str() else {
            return refuse(format!("{value} is no text"));
        };
        if text.len() > MAX_TEXT_BYTES {
            return refuse(format!("is longer than {MAX_TEXT_BYTES} bytes: shorten it"));
        }
        if text.chars().any(|one| one.is_control() && one != '\n') {
            return refuse(
                "holds a control character: line breaks alone are plain text".to_owned(),
            );
        }
        all.push((key.clone(), text.to_owned()));
    }
    Ok(all)
}

fn nearest(name: &str, known: &[&str]) -> String {
    let nearest = known
        .iter()
        .min_by_key(|known| strsim::damerau_levenshtein(known, name));
    format!("the nearest is {:?}", nearest.copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(block: Value) -> Result<Answers, String> {
        Answers::load(&block).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (block, error) in [
            (
                serde_json::json!(["problem_json"]),
                "answers: [\"problem_json\"] is no map of allow_cors_preflight, name_missing_scope, problem_json, reason_header, texts",
            ),
            (
                serde_json::json!({"problem_jsn": true}),
                "answers.problem_jsn: is no field here: the nearest is \"problem_json\"",
            ),
            (
                serde_json::json!({"problem_json": "yes"}),
                "answers.problem_json: \"yes\" is neither true nor false",
            ),
            (
                serde_json::json!({"allow_cors_preflight": 1}),
                "answers.allow_cors_preflight: 1 is neither true nor false",
            ),
            (
                serde_json::json!({"name_missing_scope": null}),
                "answers.name_missing_scope: null is neither true nor false",
            ),
            (
                serde_json::json!({"reason_header": "x reason"}),
                "answers.reason_header: \"x reason\" is no header name: write one such as x-doorward-reason",
            ),
            (
                serde_json::json!({"reason_header": ""}),
                "answers.reason_header: \"\" is no header name: write one such as x-doorward-reason",
            ),
            (
                serde_json::json!({"reason_header": true}),
                "answers.reason_header: true is no header name: write one such as x-doorward-reason",
            ),
            (
                serde_json::json!({"reason_header": "Content-Length"}),
                "answers.reason_header: the header \"Content-Length\" has a meaning of its own: name another",
            ),
            (
                serde_json::json!({"reason_header": "grpc-status"}),
                "answers.reason_header: the header \"grpc-status\" has a meaning of its own: name another",
            ),
            (
                serde_json::json!({"texts": ["no"]}),
                "answers.texts: [\"no\"] is no map of reason codes or statuses to texts",
            ),
            (
                serde_json::json!({"texts": {"404": "no"}}),
                "answers.texts.404: no refusal has this status: those are 400, 401, 403, 503",
            ),
            (
                serde_json::json!({"texts": {"token_expird": "no"}}),
                "answers.texts.token_expird: is no reason code of a refusal: the nearest is \"token_expired\"",
            ),
            (
                serde_json::json!({"texts": {"403": 7}}),
                "answers.texts.403: 7 is no text",
            ),
            (
                serde_json::json!({"texts": {"403": "a\rb"}}),
                "answers.texts.403: holds a control character: line breaks alone are plain text",
            ),
            (
                serde_json::json!({"texts": {"403": "a".repeat(1_025)}}),
                "answers.texts.403: is longer than 1024 bytes: shorten it",
            ),
        ] {
            assert_eq!(load(block).unwrap_err(), format!("doorward.yaml: {error}"));
        }
    }

    #[test]
    fn a_code_comes_before_its_status() {
        let texts = serde_json::json!({"403": "status", "no_rule": "code", "token_expired": ""});
        let answers = load(serde_json::json!({ "texts": texts })).unwrap();
        for (status, code, text) in [
            (403, "no_rule", Some("code")),
            (403, "deny_rule", Some("status")),
            (401, "token_expired", Some("")),
            (401, "token_missing", None),
        ] {
            assert_eq!(answers.text(status, code), text, "{code}");
        }
    }
}
