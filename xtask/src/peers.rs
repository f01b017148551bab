//! The ext_authz server that Doorward is measured against in Envoy.

use crate::{bench, place, step};
use anyhow::Result;
use std::path::PathBuf;

/// The package; no default member, since nothing but a benchmark needs it.
pub(crate) const PACKAGE: &str = "doorward-ext-authz";

/// Builds the ext_authz server in release and returns its path.
///
/// # Errors
///
/// When it does not compile.
pub(crate) fn ext_authz() -> Result<PathBuf> {
    step::say("Building the ext_authz server (release; the first time takes minutes)");
    step::must(bench::cargo("build", PACKAGE).arg("--bins"))?;
    Ok(place::build().join("release").join(PACKAGE))
}
