//! The ext_authz server that Doorward is measured against in Envoy.

use crate::{place, step};
use anyhow::Result;
use std::path::PathBuf;
use std::process::Command;

/// The package; no default member, since nothing but a benchmark needs it.
pub(crate) const PACKAGE: &str = "doorward-ext-authz";

/// Builds the ext_authz server in release and returns its path.
///
/// # Errors
///
/// When it does not compile.
pub(crate) fn ext_authz() -> Result<PathBuf> {
    step::say("Building the ext_authz server (release; the first time takes minutes)");
    step::must(cargo("build").arg("--bins"))?;
    Ok(place::build().join("release").join(PACKAGE))
}

/// A command of cargo for the package.
pub(crate) fn cargo(subcommand: &str) -> Command {
    let mut command = Command::new(place::cargo());
    command
        .args([subcommand, "--locked", "--release", "--package", PACKAGE])
        .current_dir(place::root());
    command
}
