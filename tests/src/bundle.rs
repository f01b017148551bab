//! The example bundles as plugin configurations.

use anyhow::{Context, Result};
use doorward_bundle::{Configuration, Manifest, folder};
use std::path::Path;

/// The file of a bundle's manifest.
const FILE: &str = "doorward.yaml";

/// The manifest of the bundle in a folder, with all its files in it. Its own
/// file is `doorward.yaml` unless another is named.
///
/// # Errors
///
/// When the folder does not hold a bundle.
pub fn manifest(path: &Path, file: Option<&str>) -> Result<Manifest> {
    let file = file.unwrap_or(FILE);
    folder::manifest(&|name| {
        let name = if name == FILE { file } else { name };
        std::fs::read_to_string(path.join(name))
    })
    .with_context(|| format!("the bundle {}", path.display()))
}

/// The plugin configuration, `{"bundle": {...}}`, of the bundle in a folder.
///
/// # Errors
///
/// When the folder does not hold a bundle.
pub fn inline_configuration(path: &Path, file: Option<&str>) -> Result<String> {
    Ok(Configuration::inline(&manifest(path, file)?)?)
}
