//! Reads scenario files.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::substitute::{Substitute, Unresolved, Variables};
use super::{Configuration, Host, Scenario, Step};

/// Why a scenario file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file does not hold a scenario; the message names the field.
    #[error("{}:{line}:{column}: {message}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Line in the file, from 1.
        line: u64,
        /// Column in the line, from 1, in characters.
        column: u64,
        /// What is wrong and, where it is not plain, what to do.
        message: String,
    },
}

/// The scenarios of the file at `path`, one for each YAML document in it. Files that they name
/// are read, variables have their values.
///
/// # Errors
///
/// When a file cannot be read, is not YAML, or is not a scenario: an unknown or repeated field,
/// a variable without a value.
pub fn load(path: &Path, variables: &Variables) -> Result<Vec<Scenario>, ScenarioError> {
    let text = std::fs::read_to_string(path).map_err(|source| ScenarioError::Read {
        path: path.to_owned(),
        source,
    })?;
    parse(path, &text, variables)
}

/// As [`load`], of a text that was read from `path` or that shall be named so.
///
/// # Errors
///
/// As [`load`].
pub fn parse(
    path: &Path,
    text: &str,
    variables: &Variables,
) -> Result<Vec<Scenario>, ScenarioError> {
    let options = serde_saphyr::options! {
        with_snippet: false,
        // Only true and false are booleans, so that `no` is text.
        strict_booleans: true,
    };
    let documents: Vec<Document> = serde_saphyr::from_multiple_with_options(text, options)
        .map_err(|error| {
            let (line, column) = error
                .location()
                .map_or((1, 1), |location| (location.line(), location.column()));
            invalid(path, line, column, message_of(&error, line, column))
        })?;
    if documents.is_empty() {
        return Err(invalid(path, 1, 1, "the file has no scenario".to_owned()));
    }
    documents
        .into_iter()
        .map(|document| finish(path, text, document, variables))
        .collect()
}

/// A scenario with its place in the file.
#[derive(Deserialize)]
#[serde(transparent)]
struct Document(Spanned<Scenario>);

/// Completes a scenario that is well-formed.
fn finish(
    path: &Path,
    text: &str,
    document: Document,
    variables: &Variables,
) -> Result<Scenario, ScenarioError> {
    let Document(Spanned {
        value: mut scenario,
        referenced,
        ..
    }) = document;
    check_hosts(&scenario)
        .map_err(|message| invalid(path, referenced.line(), referenced.column(), message))?;
    scenario
        .substitute(variables)
        .map_err(|Unresolved { message, part }| {
            let (line, column) = position_of(text, referenced.line(), &part);
            invalid(path, line, column, message)
        })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    read_file(folder, &mut scenario.configuration)?;
    for step in &mut scenario.steps {
        if let Step::Push { push, .. } = step {
            read_file(folder, &mut push.configuration)?;
        }
    }
    Ok(scenario)
}

/// A scenario leaves a host out for a reason, or not at all.
fn check_hosts(scenario: &Scenario) -> Result<(), String> {
    let everywhere = Host::ALL.iter().all(|host| scenario.is_for(*host));
    match (&scenario.why, everywhere) {
        _ if scenario.runs_on.is_empty() => Err("`runs_on` names no host".to_owned()),
        (None, false) => {
            Err("`runs_on` leaves a host out; say in `why` what cannot exist there".to_owned())
        }
        (Some(_), true) => {
            Err("`why` says why a host is left out, but `runs_on` has all".to_owned())
        }
        (None, true) | (Some(_), false) => Ok(()),
    }
}

/// Puts the file's text in the place of its name.
fn read_file(folder: &Path, configuration: &mut Configuration) -> Result<(), ScenarioError> {
    if let Configuration::File(file) = configuration {
        let path = folder.join(file);
        let text = std::fs::read_to_string(&path)
            .map_err(|source| ScenarioError::Read { path, source })?;
        *configuration = Configuration::Text(text);
    }
    Ok(())
}

/// Line and column of `part`, looked for from line `first` on.
fn position_of(text: &str, first: u64, part: &str) -> (u64, u64) {
    (1..)
        .zip(text.lines())
        .skip_while(|(number, _)| *number < first)
        .find_map(|(number, line)| {
            let before = line.split_once(part)?.0;
            Some((number, 1 + u64::try_from(before.chars().count()).ok()?))
        })
        .unwrap_or((first, 1))
}

/// The error without its place, which is given in front of it.
fn message_of(error: &serde_saphyr::Error, line: u64, column: u64) -> String {
    let message = error.without_snippet().to_string();
    let place = format!(" at line {line}, column {column}");
    match message.trim_end().strip_suffix(&place) {
        Some(message) => message.to_owned(),
        None => message,
    }
}

fn invalid(path: &Path, line: u64, column: u64, message: String) -> ScenarioError {
    ScenarioError::Invalid {
        path: path.to_owned(),
        line,
        column,
        message,
    }
}
