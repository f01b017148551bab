//! Pushing a plugin configuration through extension config discovery.

use super::process::{Envoy, PATIENCE};
use crate::wait::until;
use anyhow::{Context, Result};
use std::path::Path;

/// What Envoy has counted of the filter's configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Updates that were taken.
    pub success: u64,
    /// Updates that were refused.
    pub rejected: u64,
}

impl Counters {
    /// The counters as they are now.
    ///
    /// # Errors
    ///
    /// When the admin interface does not answer.
    pub fn read(envoy: &Envoy) -> Result<Self> {
        let stats = envoy.stats("extension_config_discovery.http_filter")?;
        let sum = |end: &str| {
            let values = stats.iter().filter(|(name, _)| name.ends_with(end));
            values.map(|(_, value)| value).sum()
        };
        Ok(Self {
            success: sum(".update_success"),
            rejected: sum(".update_rejected"),
        })
    }
}

/// Writes the file of [`super::config::discovered`] as a ConfigMap mount
/// does: a temporary file beside it, then a rename.
///
/// # Errors
///
/// When it cannot be written.
pub fn replace(file: &Path, text: &str) -> Result<()> {
    let beside = file.with_extension("new");
    std::fs::write(&beside, text)
        .and_then(|()| std::fs::rename(&beside, file))
        .with_context(|| format!("{} cannot be written", file.display()))
}

/// Replaces the file and waits until Envoy has taken or refused it; whether
/// it was taken.
///
/// # Errors
///
/// When Envoy does neither in time.
pub fn push(envoy: &Envoy, file: &Path, text: &str) -> Result<bool> {
    let before = Counters::read(envoy)?;
    replace(file, text)?;
    until(PATIENCE, || {
        let now = Counters::read(envoy)?;
        Ok((now != before).then_some(now.success > before.success))
    })
    .context("Envoy did not answer to the replaced file")
}
