//! How strictly an issuer's tokens are judged: the fields of its entry, made
//! into settings of the token crate.

use doorward_token::{JwsAlgorithm, ProviderSettings, SubjectMatcher};

use crate::duration::milliseconds;
use crate::error::BundleError;
use crate::manifest::{Entries, TokenProvider, whole_number};

/// The algorithms that the entry at `index` names; `None` where it names none.
pub(crate) fn algorithms(
    index: usize,
    entry: &TokenProvider,
) -> Result<Option<Vec<JwsAlgorithm>>, BundleError> {
    let Some(names) = &entry.algorithms else {
        return Ok(None);
    };
    let mut algorithms = Vec::new();
    for (position, name) in names.iter().enumerate() {
        let algorithm = JwsAlgorithm::from_name(name).ok_or_else(|| {
            let known: Vec<_> = JwsAlgorithm::all().map(JwsAlgorithm::name).collect();
            BundleError::field(
                format!("tokens[{index}].algorithms[{position}]"),
                format!("{name:?} is not supported: use {}", known.join(", ")),
            )
        })?;
        algorithms.push(algorithm);
    }
    Ok(Some(algorithms))
}

/// Puts the other fields into the settings.
pub(crate) fn apply(
    index: usize,
    entry: &TokenProvider,
    settings: &mut ProviderSettings,
) -> Result<(), BundleError> {
    let wrong = |field: &str, problem: String| {
        BundleError::field(format!("tokens[{index}].{field}"), problem)
    };
    settings.subjects = subjects(&entry.subjects).map_err(|problem| wrong("subjects", problem))?;
    settings.token_type.clone_from(&entry.typ);
    if let Some(required) = entry.require_expiration {
        settings.require_expiration = required;
    }
    if let Some(text) = &entry.max_lifetime {
        let seconds = seconds(text).map_err(|problem| wrong("max_lifetime", problem))?;
        settings.max_lifetime_seconds = Some(seconds);
    }
    if let Some(bytes) = entry.max_token_bytes {
        settings.max_token_bytes = whole_number(bytes)
            .and_then(|bytes| usize::try_from(bytes).ok())
            .ok_or_else(|| {
                wrong(
                    "max_token_bytes",
                    format!("{bytes} is not a whole number of bytes"),
                )
            })?;
    }
    Ok(())
}

fn subjects(fields: &Entries<String>) -> Result<Option<SubjectMatcher>, String> {
    const FORMS: &str = "exact, prefix, suffix and contains";
    let mut fields = fields.iter();
    let Some((form, text)) = fields.next() else {
        return Ok(None);
    };
    if fields.next().is_some() {
        return Err(format!("has several forms: write one of {FORMS}"));
    }
    if text.is_empty() {
        return Err(format!("{form} is empty: write what subjects must have"));
    }
    let text = text.clone();
    match form {
        "exact" => Ok(Some(SubjectMatcher::Exact(text))),
        "prefix" => Ok(Some(SubjectMatcher::Prefix(text))),
        "suffix" => Ok(Some(SubjectMatcher::Suffix(text))),
        "contains" => Ok(Some(SubjectMatcher::Contains(text))),
        _ => Err(format!("has the form {form:?}: write one of {FORMS}")),
    }
}

fn seconds(text: &str) -> Result<u32, String> {
    let milliseconds = milliseconds(text)?;
    if milliseconds.checked_rem(1000) != Some(0) {
        return Err(format!("{text:?} is not in whole seconds"));
    }
    milliseconds
        .checked_div(1000)
        .and_then(|seconds| u32::try_from(seconds).ok())
        .ok_or_else(|| format!("{text:?} is too long: give at most {}s", u32::MAX))
}
