//! Faults seeded into a copy of the engine, to show that the comparison finds
//! them.
//!
//! All are built at once, each behind a question to the environment, so that
//! twenty of them take one build.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;

/// The variable that says which fault is on, by its number from 0.
const VARIABLE: &str = "DOORWARD_SEEDED_FAULT";

/// The crates that the copy has.
const CRATES: [&str; 3] = ["crates/syntax", "crates/engine", "tests/yardstick"];

/// How long one comparison may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// A fault.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What is wrong, in words.
    pub name: String,
    /// A file under crates/engine/src.
    pub file: String,
    /// An expression that stands once in the file.
    pub original: String,
    /// What stands there instead.
    pub faulty: String,
}

/// How a comparison ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// Whether a disagreement was found.
    pub found: bool,
    /// After how many requests.
    pub triples: u64,
}

/// Reads the data file.
///
/// # Errors
///
/// A file that cannot be read, or is not a list of faults.
pub fn read(path: &Path) -> Result<Vec<Fault>> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let options = serde_saphyr::options! { with_snippet: false };
    serde_saphyr::from_str_with_options(&text, options)
        .with_context(|| format!("{} is not a list of faults", path.display()))
}

/// A copy of the engine with all the faults in it.
#[derive(Debug)]
pub struct Copy {
    folder: PathBuf,
}

impl Copy {
    /// Copies what the comparison needs from the workspace at `root`, and
    /// seeds the faults.
    ///
    /// # Errors
    ///
    /// A file that cannot be read or written, and a fault whose original does
    /// not stand in its file exactly once.
    pub fn make(root: &Path, folder: &Path, faults: &[Fault]) -> Result<Self> {
        let manifest = fs::read_to_string(root.join("Cargo.toml"))
            .with_context(|| format!("reading Cargo.toml in {}", root.display()))?;
        write(&folder.join("Cargo.toml"), &with_members(&manifest)?)?;
        let lock = root.join("Cargo.lock");
        if !folder.join("Cargo.lock").exists() {
            let text =
                fs::read_to_string(&lock).with_context(|| format!("reading {}", lock.display()))?;
            write(&folder.join("Cargo.lock"), &text)?;
        }
        for name in CRATES {
            copy(&root.join(name), &folder.join(name), &|path, text| {
                let engine = root.join("crates/engine/src");
                match path.strip_prefix(&engine) {
                    Ok(file) => seed(file, text, faults),
                    Err(_) => Ok(text),
                }
            })?;
        }
        let missing = faults
            .iter()
            .find(|fault| !root.join("crates/engine/src").join(&fault.file).is_file());
        if let Some(fault) = missing {
            bail!("fault \"{}\": there is no file {}", fault.name, fault.file);
        }
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// Builds the comparison against the copy.
    ///
    /// # Errors
    ///
    /// A build that fails: what the compiler says.
    pub fn build(&self) -> Result<()> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .current_dir(&self.folder)
            .env("CARGO_TARGET_DIR", self.folder.join("build"))
            .args([
                "build",
                "--package",
                "doorward-yardstick",
                "--bin",
                "doorward-yardstick",
                "--message-format=short",
            ])
            .stdin(Stdio::null())
            .output()
            .context("starting cargo")?;
        // The seeded expressions raise warnings that say nothing here.
        let said = String::from_utf8_lossy(&output.stderr);
        let errors: Vec<&str> = said.lines().filter(|line| line.contains("error")).collect();
        ensure!(
            output.status.success(),
            "the copy with faults does not build:\n{}",
            errors.join("\n")
        );
        Ok(())
    }

    /// Runs the comparison, with one fault or none.
    ///
    /// # Errors
    ///
    /// A run that ends otherwise than with an answer.
    pub fn run(&self, fault: Option<usize>, triples: u64, seed: u64) -> Result<Finding> {
        let program = self.folder.join("build/debug/doorward-yardstick");
        let mut command = Command::new(&program);
        command
            .args([
                "--as-found",
                "--triples",
                &triples.to_string(),
                "--seed",
                &seed.to_string(),
            ])
            .env_remove(VARIABLE)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        if let Some(fault) = fault {
            command.env(VARIABLE, fault.to_string());
        }
        let child = command
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let output = within(child, PATIENCE)?;
        let text = String::from_utf8_lossy(&output.stdout);
        let triples = text.split(' ').next().and_then(|count| count.parse().ok());
        match (output.status.code(), triples) {
            (Some(0), Some(triples)) => Ok(Finding {
                found: false,
                triples,
            }),
            (Some(1), Some(triples)) => Ok(Finding {
                found: true,
                triples,
            }),
            _ => bail!(
                "the comparison ended with {} and said: {text}",
                output.status
            ),
        }
    }
}

/// Waits for a program, and ends it when it takes too long. Its output is
/// short enough for the pipe, so reading it can wait until it has ended.
fn within(mut child: Child, patience: Duration) -> Result<std::process::Output> {
    let end = Instant::now() + patience;
    while child
        .try_wait()
        .context("waiting for the comparison")?
        .is_none()
    {
        if Instant::now() > end {
            child.kill().context("ending the comparison")?;
            child.wait().context("ending the comparison")?;
            bail!("the comparison takes longer than {} s", patience.as_secs());
        }
        thread::sleep(Duration::from_millis(20));
    }
    child
        .wait_with_output()
        .context("reading the comparison's output")
}

/// The workspace manifest with only the members that the copy has.
fn with_members(manifest: &str) -> Result<String> {
    let start = manifest
        .find("[workspace.package]")
        .context("the workspace says nothing of its packages")?;
    let shared = &manifest[start..];
    let members: Vec<String> = CRATES.iter().map(|name| format!("\"{name}\"")).collect();
    let members = members.join(", ");
    Ok(format!(
        "[workspace]\nresolver = \"3\"\nmembers = [{members}]\n\n{shared}"
    ))
}

/// The text of a file of the engine with its faults in it.
fn seed(file: &Path, text: String, faults: &[Fault]) -> Result<String> {
    let mut text = text;
    for (number, fault) in faults.iter().enumerate() {
        if Path::new(&fault.file) != file {
            continue;
        }
        let found = text.matches(&fault.original).count();
        ensure!(
            found == 1,
            "fault \"{}\": the original stands {found} times in {}, it has to stand there once",
            fault.name,
            fault.file
        );
        let seeded = format!(
            "(if crate::seeded_fault({number}) {{ {} }} else {{ {} }})",
            fault.faulty, fault.original
        );
        text = text.replace(&fault.original, &seeded);
    }
    if file == Path::new("lib.rs") {
        text.push_str(&format!(
            "\n/// Whether the fault of that number is on.\n\
             pub(crate) fn seeded_fault(number: usize) -> bool {{\n\
             \x20   static FAULT: std::sync::OnceLock<Option<usize>> = std::sync::OnceLock::new();\n\
             \x20   let set = || std::env::var(\"{VARIABLE}\").ok()?.parse().ok();\n\
             \x20   *FAULT.get_or_init(set) == Some(number)\n\
             }}\n"
        ));
    }
    Ok(text)
}

/// Copies a folder, each file's text changed by `change`.
fn copy(from: &Path, to: &Path, change: &dyn Fn(&Path, String) -> Result<String>) -> Result<()> {
    let entries = fs::read_dir(from).with_context(|| format!("reading {}", from.display()))?;
    for entry in entries {
        let path = entry
            .with_context(|| format!("reading {}", from.display()))?
            .path();
        let Some(name) = path.file_name() else {
            continue;
        };
        let target = to.join(name);
        if path.is_dir() {
            copy(&path, &target, change)?;
        } else {
            let text =
                fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            write(&target, &change(&path, text)?)?;
        }
    }
    Ok(())
}

/// Writes a file unless it is so already, which spares cargo a build.
fn write(path: &Path, text: &str) -> Result<()> {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    let write = || -> std::io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, text)
    };
    write().with_context(|| format!("writing {}", path.display()))
}
