//! From a bundle's folder to its manifest: `doorward.yaml`, `model.conf`,
//! `policy.csv`, and the JWKS files that the manifest names.
//!
//! The caller reads the files, so that this crate does no I/O.

use crate::error::{BundleError, Part};
use crate::manifest::{Jwks, Manifest};

pub use crate::time_zone_database::time_zone;

/// Why a folder is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A file of the bundle could not be read.
    #[error("{file}: {error}")]
    Read {
        /// The file, by its name in the folder.
        file: String,
        /// What the reader said.
        #[source]
        error: std::io::Error,
    },
    /// `doorward.yaml` does not parse, or has fields that are not known.
    #[error("doorward.yaml: {0}")]
    Yaml(String),
    /// A JWKS file is not a JSON object with `keys`.
    #[error("{file}: {error}")]
    JwksFile {
        /// The file.
        file: String,
        /// What is wrong with it.
        #[source]
        error: serde_json::Error,
    },
    /// A field of the manifest.
    #[error(transparent)]
    Bundle(#[from] BundleError),
}

/// Reads the manifest of a folder, with everything that it refers to put in
/// place. `read` gives the text of a file by its name in the folder.
///
/// # Errors
/// A file is missing or does not parse; see [`FolderError`].
pub fn manifest(
    read: &dyn Fn(&str) -> Result<String, std::io::Error>,
) -> Result<Manifest, FolderError> {
    let open = |file: &str| {
        read(file).map_err(|error| FolderError::Read {
            file: file.to_owned(),
            error,
        })
    };
    let mut manifest: Manifest = serde_saphyr::from_str(&open("doorward.yaml")?)
        .map_err(|error| FolderError::Yaml(error.to_string()))?;
    for (field, given, part) in [
        ("model", manifest.model.is_some(), Part::Model),
        ("policy", manifest.policy.is_some(), Part::Policy),
    ] {
        if given {
            let problem = format!("belongs in the file {part} beside it");
            return Err(BundleError::field(field, problem).into());
        }
    }
    manifest.model = Some(open("model.conf")?);
    manifest.policy = Some(open("policy.csv")?);
    if let Some(serde_json::Value::String(name)) = &manifest.time_zone {
        manifest.time_zone = Some(time_zone(name)?);
    }
    for (index, entry) in manifest.tokens.iter_mut().enumerate() {
        let Some(file) = entry.jwks.file.take() else {
            continue;
        };
        let field = format!("tokens[{index}].jwks");
        if entry.jwks.keys.is_some() {
            return Err(
                BundleError::field(field, "has both keys and a file: leave one out").into(),
            );
        }
        if let Some(remote) = entry.jwks.remote_field() {
            let problem = format!("has both a file and {remote}: leave one out");
            return Err(BundleError::field(field, problem).into());
        }
        if file.contains(['/', '\\']) || file.starts_with('.') {
            let problem =
                format!("file {file:?} is not a plain name: keep it in the bundle's folder");
            return Err(BundleError::field(field, problem).into());
        }
        entry.jwks = jwks(&file, &open(&file)?)?;
    }
    Ok(manifest)
}

fn jwks(file: &str, text: &str) -> Result<Jwks, FolderError> {
    #[derive(serde::Deserialize)]
    struct KeySet {
        keys: Vec<serde_json::Value>,
    }
    // Members beside "keys" are allowed and ignored: RFC 7517 section 5.
    let error = |error| FolderError::JwksFile {
        file: file.to_owned(),
        error,
    };
    crate::configuration::check_members(text).map_err(error)?;
    let set: KeySet = serde_json::from_str(text).map_err(error)?;
    Ok(Jwks {
        keys: Some(set.keys),
        ..Jwks::default()
    })
}
