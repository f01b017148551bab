//! The module: target/doorward.wasm.
//!
//! A wasm32-wasip1 standard library is looked for in the toolchain in use,
//! then asked of rustup, then built from Debian's packages of Rust's source.

use crate::{apt, exports, optimize, place, step};
use anyhow::{Context, Result, bail, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const TARGET: &str = "wasm32-wasip1";

/// The environment variable with what the compiler is told for the target.
const FLAGS: &str = "CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS";

/// How long rustup may take to download the target (some 20 MB).
const RUSTUP_LIMIT: Duration = Duration::from_secs(120);

/// Debian's compiler for the browser and server targets, the standard
/// library's source, the linker, and the C library that WASI needs.
const DEBIAN_PACKAGES: [&str; 6] = [
    "rustc-web",
    "cargo-web",
    "rust-web-src",
    "rust-web-llvm",
    "lld-22",
    "wasi-libc",
];

/// Files without which Debian's toolchain is not complete.
const DEBIAN_FILES: [&str; 5] = [
    "/usr/bin/rustc",
    "/usr/bin/cargo",
    "/usr/lib/rustlib/src/rust/library/std/Cargo.toml",
    "/usr/bin/rust-lld",
    "/usr/lib/wasm32-wasi/libc.a",
];

/// What every worker of a proxy has to read and compile: 1.5 MiB at most.
const MAX_MODULE_BYTES: u64 = 1_572_864;

/// What builds the module.
enum Toolchain {
    /// The one in use; it has the target.
    Current,
    /// Debian's, which builds the standard library too.
    Debian,
}

/// Builds the module and returns its path.
///
/// # Errors
///
/// When no toolchain for the target can be had, or the build fails.
pub(crate) fn build() -> Result<PathBuf> {
    step::say("Building the module (package doorward-filter, profile module)");
    within_limit(build_as("doorward.wasm", &[], "")?)
}

/// Builds the module with what its tests of signatures need, and returns its
/// path. It is no module to deploy.
///
/// # Errors
///
/// As [`build`].
pub(crate) fn build_vectors() -> Result<PathBuf> {
    step::say("Building the module of the signature tests (feature vectors)");
    within_limit(build_as(
        "doorward-vectors.wasm",
        &["--features", "vectors"],
        "",
    )?)
}

/// Builds the module with the casbin crate as its engine and returns its path.
/// It is no module to deploy, and has no limit of size.
///
/// # Errors
///
/// As [`build`].
pub(crate) fn build_casbin() -> Result<PathBuf> {
    step::say("Building the module that decides by the casbin crate (feature casbin-engine)");
    let features = ["--features", "casbin-engine"];
    // tokio, whose traits the crate names, asks for it on this target.
    let (module, _) = build_as("doorward-casbin.wasm", &features, "--cfg tokio_unstable")?;
    Ok(module)
}

fn within_limit((module, bytes): (PathBuf, u64)) -> Result<PathBuf> {
    ensure!(
        bytes <= MAX_MODULE_BYTES,
        "{} has more than the {MAX_MODULE_BYTES} bytes that a module may have",
        module.display()
    );
    Ok(module)
}

/// Builds, and returns the module's path and size.
fn build_as(name: &str, features: &[&str], flags: &str) -> Result<(PathBuf, u64)> {
    let built = match toolchain()? {
        Toolchain::Current => with_current(features, flags)?,
        Toolchain::Debian => with_debian(features, flags)?,
    };
    let module = place::products().join(name);
    install(&built, &module)?;
    let bytes = std::fs::metadata(&module)
        .with_context(|| format!("{} cannot be read", module.display()))?
        .len();
    println!(
        "    target/{name}: {bytes} bytes ({} KiB)",
        bytes.div_ceil(1024)
    );
    Ok((module, bytes))
}

/// Reduces the linked module to what it must export, and that to fewer bytes.
/// Writes beside the goal and renames, so that nobody reads half a module.
fn install(linked: &Path, module: &Path) -> Result<()> {
    let (beside, optimized) = (
        module.with_extension("wasm.reduced"),
        module.with_extension("wasm.new"),
    );
    let bytes =
        std::fs::read(linked).with_context(|| format!("{} cannot be read", linked.display()))?;
    let reduced = exports::reduce(&bytes)?;
    std::fs::create_dir_all(place::products())
        .and_then(|()| std::fs::write(&beside, reduced))
        .with_context(|| format!("{} cannot be written", beside.display()))?;
    optimize::optimize(&beside, &optimized)?;
    std::fs::remove_file(&beside)
        .and_then(|()| std::fs::rename(&optimized, module))
        .with_context(|| format!("{} cannot be written", module.display()))
}

fn toolchain() -> Result<Toolchain> {
    step::say("Looking for a Rust toolchain that can build for wasm32-wasip1");
    if current_has_target() {
        println!("    the toolchain in use has the target");
        return Ok(Toolchain::Current);
    }
    println!("    the toolchain in use does not have the target");
    if debian_is_complete() {
        println!("    Debian's toolchain is installed and can build it");
        return Ok(Toolchain::Debian);
    }
    if rustup_adds_target()? {
        return Ok(Toolchain::Current);
    }
    apt::install(&DEBIAN_PACKAGES, "a Rust toolchain for wasm32-wasip1").context(
        "no toolchain can build the module: the one in use has no wasm32-wasip1 target, and \
         `rustup target add wasm32-wasip1` did not bring it",
    )?;
    if let Some(missing) = DEBIAN_FILES.iter().find(|file| !Path::new(file).exists()) {
        bail!(
            "Debian's packages are installed, but {missing} is not there; use a Rust toolchain \
             from rustup with the target wasm32-wasip1"
        );
    }
    Ok(Toolchain::Debian)
}

/// Whether the compiler in use has the target's standard library.
fn current_has_target() -> bool {
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let Ok(output) = Command::new(compiler)
        .args(["--print", "target-libdir", "--target", TARGET])
        .current_dir(place::root())
        .output()
    else {
        return false;
    };
    let folder = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    std::fs::read_dir(folder).is_ok_and(|entries| {
        entries.flatten().any(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.starts_with("libstd-") && name.ends_with(".rlib")
        })
    })
}

fn debian_is_complete() -> bool {
    DEBIAN_FILES.iter().all(|file| Path::new(file).exists())
}

/// Asks rustup for the target; `false` when that does not work here.
fn rustup_adds_target() -> Result<bool> {
    if place::in_path("rustup").is_none() {
        println!("    there is no rustup to ask for it");
        return Ok(false);
    }
    step::say(&format!(
        "Asking rustup for the target (at most {} s; without a network this fails)",
        RUSTUP_LIMIT.as_secs()
    ));
    let outcome = step::run_within(
        Command::new("rustup")
            .args(["target", "add", TARGET])
            .current_dir(place::root()),
        Some(RUSTUP_LIMIT),
    )?;
    match outcome {
        Some(outcome) if outcome.status.success() && current_has_target() => return Ok(true),
        Some(_) => println!("    rustup could not add the target; trying Debian's packages"),
        None => println!("    rustup took too long; trying Debian's packages"),
    }
    Ok(false)
}

fn with_current(features: &[&str], flags: &str) -> Result<PathBuf> {
    let target = place::build();
    let mut command = Command::new(place::cargo());
    command
        .args(BUILD)
        .args(features)
        .arg("--target-dir")
        .arg(&target)
        .current_dir(place::root());
    if !flags.is_empty() {
        command.env(FLAGS, flags);
    }
    step::must(&mut command)?;
    Ok(product(&target))
}

fn with_debian(features: &[&str], flags: &str) -> Result<PathBuf> {
    // A folder of its own: two compilers would rebuild each other's work.
    let target = place::build().join("wasm");
    println!("    the standard library is built first, which takes a minute or two, once");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(
        std::iter::once(PathBuf::from("/usr/bin")).chain(std::env::split_paths(&path)),
    )
    .context("PATH has an entry that cannot be in a PATH")?;
    let mut command = Command::new("/usr/bin/cargo");
    command
        .args(BUILD)
        .args(features)
        .arg("-Zbuild-std=std,panic_abort")
        .arg("--target-dir")
        .arg(&target)
        .current_dir(place::root())
        .env("PATH", path)
        .env("RUSTC", "/usr/bin/rustc")
        .env("RUSTC_BOOTSTRAP", "1")
        .env(
            FLAGS,
            format!("-L native=/usr/lib/wasm32-wasi {flags}").trim_end(),
        );
    // What the cargo that runs this program set for its own toolchain, and what
    // a user set for it.
    for inherited in [
        "RUSTUP_TOOLCHAIN",
        "RUSTFLAGS",
        "CARGO_ENCODED_RUSTFLAGS",
        "LD_LIBRARY_PATH",
        "CARGO",
        "CARGO_BUILD_TARGET",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
    ] {
        command.env_remove(inherited);
    }
    step::must(&mut command)?;
    Ok(product(&target))
}

const BUILD: [&str; 8] = [
    "build",
    "--locked",
    "--package",
    "doorward-filter",
    "--profile",
    "module",
    "--target",
    TARGET,
];

fn product(target: &Path) -> PathBuf {
    target
        .join(TARGET)
        .join("module")
        .join("doorward_filter.wasm")
}
