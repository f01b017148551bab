//! How `jwt.principal` is made of a token's claims.

use doorward_request::ClaimPath;
use serde_json::{Map, Value};

use crate::claim_path::claim_path;

/// A principal form such as `user:{sub}`: text, and claims in braces.
///
/// INVARIANT: two different sets of claim values, as texts, never make the
/// same principal: between two claims stands a separator, and it must end the
/// value before it where it first occurs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrincipalForm {
    prefix: String,
    /// Each claim with the text behind it.
    claims: Vec<(ClaimPath, String)>,
}

/// Why a principal could not be made. The token is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrincipalError {
    /// The claim is absent, empty, or neither text nor an integer.
    #[error("the principal needs the claim {0}, which the token lacks or has in another type")]
    Claim(String),
    /// The claim's value holds the text that separates it from the next.
    #[error("the claim {0} holds the text that ends it in the principal's form")]
    Separator(String),
}

impl PrincipalForm {
    /// Parses a form.
    ///
    /// # Errors
    /// Braces that do not match, a claim that is none, or two claims with
    /// nothing between them; the text says what and where.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = text.split('{');
        let prefix = pieces.next().unwrap_or_default().to_owned();
        if prefix.contains('}') {
            return Err(format!("{text:?} has a }} without a {{ before it"));
        }
        let mut claims: Vec<(ClaimPath, String)> = Vec::new();
        for piece in pieces {
            let Some((claim, behind)) = piece.split_once('}') else {
                return Err(format!("{text:?} has a {{ without a }} behind it"));
            };
            if behind.contains('}') {
                return Err(format!("{text:?} has a }} without a {{ before it"));
            }
            if matches!(claims.last(), Some((_, separator)) if separator.is_empty()) {
                return Err(format!(
                    "{text:?} has two claims with nothing between them: write a separator, so that no two tokens make the same principal"
                ));
            }
            let path = claim_path(claim).map_err(|problem| format!("{text:?}: {problem}"))?;
            claims.push((path, behind.to_owned()));
        }
        if claims.is_empty() {
            return Err(format!(
                "{text:?} names no claim: write one in braces, such as user:{{sub}}"
            ));
        }
        Ok(Self { prefix, claims })
    }

    /// The text before the first claim.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Makes the principal of a verified token.
    ///
    /// # Errors
    /// A claim is absent, of another type, or holds its own separator.
    pub fn make(&self, claims: &Map<String, Value>) -> Result<String, PrincipalError> {
        let mut principal = self.prefix.clone();
        let last = self.claims.len().saturating_sub(1);
        for (position, (path, behind)) in self.claims.iter().enumerate() {
            let value = path
                .find(claims)
                .and_then(text_of)
                .ok_or_else(|| PrincipalError::Claim(path.to_string()))?;
            let ended = value.clone() + behind.as_str();
            if position < last && ended.find(behind.as_str()) != Some(value.len()) {
                return Err(PrincipalError::Separator(path.to_string()));
            }
            principal.push_str(&ended);
        }
        Ok(principal)
    }
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(form: &str, claims: Value) -> Result<String, PrincipalError> {
        PrincipalForm::parse(form)
            .unwrap()
            .make(claims.as_object().unwrap())
    }

    #[test]
    fn principals_are_made_of_text_and_claims() {
        let claims = serde_json::json!({"sub": "alice", "n": 7, "t": "a", "a": {"b": "c"}});
        assert_eq!(
            make("user:{sub}", claims.clone()).as_deref(),
            Ok("user:alice")
        );
        assert_eq!(make("{sub}", claims.clone()).as_deref(), Ok("alice"));
        assert_eq!(make("{n}", claims.clone()).as_deref(), Ok("7"));
        assert_eq!(make("{a.b}", claims.clone()).as_deref(), Ok("c"));
        assert_eq!(make("{t}/{sub}!", claims).as_deref(), Ok("a/alice!"));
    }

    #[test]
    fn no_two_tokens_make_the_same_principal() {
        assert_eq!(
            make("{t}/{sub}", serde_json::json!({"t": "a/b", "sub": "c"})),
            Err(PrincipalError::Separator("jwt.t".to_owned()))
        );
        assert!(make("{t}/{sub}", serde_json::json!({"t": "a", "sub": "b/c"})).is_ok());
        // A value that ends with the start of its separator.
        assert!(make("{t}::{sub}", serde_json::json!({"t": "x", "sub": ":y"})).is_ok());
        assert_eq!(
            make("{t}::{sub}", serde_json::json!({"t": "x:", "sub": "y"})),
            Err(PrincipalError::Separator("jwt.t".to_owned()))
        );
        for claims in [
            serde_json::json!({}),
            serde_json::json!({"sub": ""}),
            serde_json::json!({"sub": null}),
            serde_json::json!({"sub": ["alice"]}),
            serde_json::json!({"sub": 1.5}),
            serde_json::json!({"sub": true}),
        ] {
            assert_eq!(
                make("{sub}", claims),
                Err(PrincipalError::Claim("jwt.sub".to_owned()))
            );
        }
    }

    #[test]
    fn malformed_forms_are_refused() {
        for (form, problem) in [
            ("user", "names no claim"),
            ("{sub", "{ without a }"),
            ("sub}", "} without a {"),
            ("{sub}}", "} without a {"),
            ("{a}{b}", "two claims with nothing between them"),
            ("{}", "empty"),
        ] {
            let error = PrincipalForm::parse(form).unwrap_err();
            assert!(error.contains(problem), "{form}: {error}");
        }
    }

    #[test]
    fn short_texts_over_the_separators_alphabet_never_collide() {
        let texts: Vec<String> = (1..=3)
            .flat_map(|length: u32| (0..2_u32.pow(length)).map(move |bits| (length, bits)))
            .map(|(length, bits)| {
                (0..length)
                    .map(|bit| if bits >> bit & 1 == 1 { ':' } else { 'x' })
                    .collect()
            })
            .collect();
        for form in ["{t}:{sub}", "{t}::{sub}", "{t}:x{sub}", "{t}:x:{sub}"] {
            let mut seen = std::collections::BTreeMap::new();
            for t in &texts {
                for sub in &texts {
                    let claims = serde_json::json!({"t": t, "sub": sub});
                    if let Ok(principal) = make(form, claims) {
                        let other = seen.insert(principal.clone(), (t, sub));
                        assert_eq!(other, None, "{form}: {principal} of {t} and {sub}");
                    }
                }
            }
        }
    }
}
