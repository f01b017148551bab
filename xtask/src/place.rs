//! Where things are: the repository, its target folders and the tools.

use std::ffi::OsString;
use std::path::PathBuf;

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    let package = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    package.parent().map(PathBuf::from).unwrap_or(package)
}

/// The folder for products that have one fixed place: `target/` in the root.
pub(crate) fn products() -> PathBuf {
    root().join("target")
}

/// The folder that cargo builds in: `CARGO_TARGET_DIR`, or `target/`.
pub(crate) fn build() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) if !folder.is_empty() => root().join(folder),
        _ => products(),
    }
}

/// The cargo that runs this program.
pub(crate) fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"))
}

/// The program of this name that `PATH` finds, if any.
pub(crate) fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}
