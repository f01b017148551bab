//! The fuzz targets in `fuzz/`, each for a while.

use crate::{place, step};
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// The targets, in `fuzz/fuzz_targets/`.
const TARGETS: [&str; 8] = [
    "model", "matcher", "policy", "decide", "token", "jwks", "path", "mapping",
];

/// A single input that takes longer, in seconds, is a finding.
const TIMEOUT: u32 = 20;

/// Memory beyond which a run is a finding, in MiB.
const MEMORY: u32 = 2_048;

/// Runs one target, or all, each for so many minutes; exit status 1 when
/// anything was found.
///
/// # Errors
///
/// What is missing cannot be installed, or the targets do not build.
pub(crate) fn run(target: Option<&str>, minutes: u32) -> Result<ExitCode> {
    let targets: Vec<&str> = match target {
        None => TARGETS.to_vec(),
        Some(name) => match TARGETS.iter().find(|known| **known == name) {
            Some(known) => vec![known],
            None => bail!(
                "there is no target {name}: take one of {}",
                TARGETS.join(", ")
            ),
        },
    };
    nightly()?;
    cargo_fuzz()?;
    step::say("Building the fuzz targets");
    step::must(&mut cargo_fuzz_command("build"))?;
    let mut lines = Vec::new();
    let mut findings = 0;
    for target in targets {
        step::say(&format!("Fuzzing {target}, {minutes} min"));
        let (line, found) = fuzz(target, minutes)?;
        lines.push(line);
        findings += found;
    }
    println!();
    for line in lines {
        println!("{line}");
    }
    Ok(ExitCode::from(u8::from(findings > 0)))
}

/// Runs one target: its line in the summary, and the number of findings.
fn fuzz(target: &str, minutes: u32) -> Result<(String, usize)> {
    let artifacts = folder().join("artifacts").join(target);
    let before = files(&artifacts)?;
    let mut command = cargo_fuzz_command("run");
    command.arg(target).args(inputs(target)?).arg("--");
    command.args([
        format!("-max_total_time={}", u64::from(minutes) * 60),
        format!("-timeout={TIMEOUT}"),
        format!("-rss_limit_mb={MEMORY}"),
        format!("-max_len={}", if target == "decide" { 512 } else { 4_096 }),
        "-verbosity=0".to_owned(),
        "-print_funcs=0".to_owned(),
        "-print_final_stats=1".to_owned(),
    ]);
    if target == "decide" {
        // Its inputs say little before they are long.
        command.arg("-len_control=0");
    } else {
        let dictionary = match target {
            "token" | "jwks" => "jose.dict",
            "path" => "path.dict",
            _ => "casbin.dict",
        };
        command.arg(format!("-dict={}", folder().join(dictionary).display()));
    }
    let outcome = step::run(&mut command)?;
    let new: Vec<PathBuf> = files(&artifacts)?.difference(&before).cloned().collect();
    if new.is_empty() && !outcome.status.success() {
        bail!("{target} ended with {} and left no input", outcome.status);
    }
    let runs = outcome
        .lines
        .iter()
        .find_map(|line| line.strip_prefix("stat::number_of_executed_units:"))
        .map_or("no", str::trim);
    let mut line = format!("{target}: {runs} runs, {} findings", new.len());
    for input in &new {
        line.push_str(&format!(
            "\n    {}\n    again: (cd fuzz && cargo +nightly fuzz run --fuzz-dir . --sanitizer none {target} {})",
            input.display(),
            input.display()
        ));
    }
    Ok((line, new.len()))
}

fn folder() -> PathBuf {
    place::root().join("fuzz")
}

/// What is fuzzed has no unsafe code: without a sanitizer a run covers more.
fn cargo_fuzz_command(subcommand: &str) -> Command {
    let mut command = Command::new("rustup");
    command
        .args(["run", "nightly", "cargo", "fuzz", subcommand])
        .args(["--sanitizer", "none", "--fuzz-dir"])
        .arg(folder())
        .arg("--target-dir")
        .arg(place::build().join("fuzz"))
        .current_dir(folder())
        // Both would lead back to the toolchain that runs this program.
        .env_remove("CARGO")
        .env_remove("RUSTUP_TOOLCHAIN");
    command
}

/// The folder that a run adds to, then those that it only reads.
fn inputs(target: &str) -> Result<Vec<PathBuf>> {
    let corpus = folder().join("corpus").join(target);
    fs::create_dir_all(&corpus).with_context(|| format!("{} cannot be made", corpus.display()))?;
    let mut folders = vec![corpus, folder().join("seeds").join(target)];
    if target == "token" {
        folders.push(minted()?);
    }
    let Some(conformance) = conformance() else {
        println!("    Casbin's conformance data is not at hand: only the seeds here are used");
        return Ok(folders);
    };
    match target {
        "model" => folders.push(conformance.join("models")),
        "policy" => folders.push(conformance.join("policies")),
        "matcher" => folders.push(matchers(&conformance.join("models"))?),
        _ => {}
    }
    Ok(folders)
}

/// As the engine's tests look for it: under `DOORWARD_SHARED`, else beside the
/// workspace.
fn conformance() -> Option<PathBuf> {
    let shared = std::env::var_os("DOORWARD_SHARED")
        .map_or_else(|| place::root().join("../shared"), PathBuf::from);
    let folder = shared.join("conformance/casbin");
    folder.is_dir().then_some(folder)
}

/// Writes the matchers of the models below a folder, each to a file.
fn matchers(models: &Path) -> Result<PathBuf> {
    let to = place::build().join("fuzz-matchers");
    fs::create_dir_all(&to).with_context(|| format!("{} cannot be made", to.display()))?;
    for model in files(models)? {
        let text = fs::read_to_string(&model)
            .with_context(|| format!("{} cannot be read", model.display()))?;
        let definition = text.lines().find_map(|line| {
            let (name, matcher) = line.split_once('=')?;
            (name.trim() == "m").then(|| matcher.trim())
        });
        if let (Some(matcher), Some(name)) = (definition, model.file_stem()) {
            let file = to.join(name);
            fs::write(&file, matcher)
                .with_context(|| format!("{} cannot be written", file.display()))?;
        }
    }
    Ok(to)
}

/// Writes the tokens of tests/tokens, each to a file.
fn minted() -> Result<PathBuf> {
    let to = place::build().join("fuzz-tokens");
    fs::create_dir_all(&to).with_context(|| format!("{} cannot be made", to.display()))?;
    let from = place::root().join("tests/tokens/minted.json");
    let text =
        fs::read_to_string(&from).with_context(|| format!("{} cannot be read", from.display()))?;
    // A token on each line, between the last two quotation marks (but for the
    // two that are JSON themselves, of which a part is good enough here).
    for token in text.lines().filter_map(|line| line.rsplit('"').nth(1)) {
        let name = token.rsplit('.').next().unwrap_or_default();
        let name: String = name
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(24)
            .collect();
        let file = to.join(format!("{}-{name}", token.len()));
        fs::write(&file, token).with_context(|| format!("{} cannot be written", file.display()))?;
    }
    Ok(to)
}

/// All files below a folder; none where there is no such folder.
fn files(folder: &Path) -> Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    if !folder.is_dir() {
        return Ok(found);
    }
    let unread = || format!("{} cannot be read", folder.display());
    for entry in fs::read_dir(folder).with_context(unread)? {
        let path = entry.with_context(unread)?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.insert(path);
        }
    }
    Ok(found)
}

fn nightly() -> Result<()> {
    if succeeds(Command::new("rustup").args(["run", "nightly", "rustc", "--version"])) {
        return Ok(());
    }
    step::say("Installing the nightly toolchain with rustup");
    let install = ["toolchain", "install", "nightly", "--profile", "minimal"];
    step::must(Command::new("rustup").args(install))?;
    Ok(())
}

fn cargo_fuzz() -> Result<()> {
    if succeeds(Command::new("rustup").args(["run", "nightly", "cargo", "fuzz", "--version"])) {
        return Ok(());
    }
    step::say("Installing cargo-fuzz");
    step::must(Command::new(place::cargo()).args(["install", "--locked", "cargo-fuzz"]))?;
    Ok(())
}

fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_targets_are_those_in_the_folder() {
        let sources = files(&folder().join("fuzz_targets")).expect("the folder is there");
        let names: BTreeSet<&str> = sources
            .iter()
            .filter_map(|source| source.file_stem()?.to_str())
            .collect();
        assert_eq!(names, BTreeSet::from(TARGETS));
    }

    #[test]
    fn each_target_has_seeds() {
        for target in TARGETS {
            let seeds = files(&folder().join("seeds").join(target)).expect("the folder is there");
            assert!(!seeds.is_empty(), "{target}");
        }
    }
}
