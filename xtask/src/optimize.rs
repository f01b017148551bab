//! What binaryen's wasm-opt still finds in the linked module.
//!
//! Some 5 % of its bytes, and the calls of small functions that the compiler,
//! told to make some crates small, left in. The module decides the same
//! without this step.

use crate::{apt, place, step};
use anyhow::{Context, Result};
use std::path::Path;
use std::process::Command;

const PROGRAM: &str = "wasm-opt";

/// What the compiler may use, so what wasm-opt has to understand: all of it is
/// in every proxy that runs WebAssembly.
const FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// Writes the module in `from` to `to`, smaller.
///
/// # Errors
///
/// When wasm-opt is missing and cannot be installed, or does not understand
/// the module.
pub(crate) fn optimize(from: &Path, to: &Path) -> Result<()> {
    if place::in_path(PROGRAM).is_none() {
        apt::install(&["binaryen"], "wasm-opt")?;
    }
    step::must(
        Command::new(PROGRAM)
            .arg("-Os")
            .args(FEATURES)
            .arg(from)
            .arg("-o")
            .arg(to),
    )
    .context("the linked module cannot be optimized")?;
    Ok(())
}
