//! The example bundles as plugin configurations.

use anyhow::{Context, Result};
use doorward_bundle::{Configuration, Manifest, folder};
use std::path::Path;

/// The manifest of the bundle in a folder, with all its files in it.
///
/// # Errors
///
/// When the folder does not hold a bundle.
pub fn manifest(path: &Path) -> Result<Manifest> {
    folder::manifest(&|name| std::fs::read_to_string(path.join(name)))
        .with_context(|| format!("the bundle {}", path.display()))
}

/// The plugin configuration, `{"bundle": {...}}`, of the bundle in a folder.
///
/// # Errors
///
/// When the folder does not hold a bundle.
pub fn inline_configuration(path: &Path) -> Result<String> {
    Ok(Configuration::inline(&manifest(path)?)?)
}
