//! The `doorward` command.
//!
//! Exit status: 0 ok, 1 refused or failed, 2 wrong usage.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use doorward_bundle::folder::FolderError;
use doorward_bundle::{Bundle, BundleError, Configuration, Manifest};

/// Check Doorward bundles and print the plugin configuration that holds one.
#[derive(Parser)]
#[command(name = "doorward", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check a bundle's folder as the proxy would, and say what it holds.
    Check {
        /// The folder with doorward.yaml, model.conf and policy.csv.
        folder: PathBuf,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Print the plugin configuration that holds a folder's bundle, unsigned.
    Inline {
        /// The folder with doorward.yaml, model.conf and policy.csv.
        folder: PathBuf,
    },
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Check { folder, json } => check(&folder, json),
        Command::Inline { folder } => inline(&folder),
    }
}

fn check(folder: &Path, json: bool) -> ExitCode {
    match load(folder) {
        Ok((_, bundle)) => {
            let rows = bundle.engine().row_count();
            let issuers = bundle.providers().len();
            if json {
                let object = serde_json::json!({
                    "ok": true, "name": bundle.name(), "revision": bundle.revision(),
                    "rows": rows, "issuers": issuers,
                });
                println!("{object}");
            } else {
                println!(
                    "{}@{}: {rows} policy rows, {issuers} issuers",
                    bundle.name(),
                    bundle.revision()
                );
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            if json {
                println!("{}", serde_json::json!({"ok": false, "error": error}));
            } else {
                eprintln!("doorward: {error}");
            }
            ExitCode::FAILURE
        }
    }
}

fn inline(folder: &Path) -> ExitCode {
    let text = load(folder).and_then(|(manifest, _)| {
        Configuration::inline(&manifest).map_err(|error| error.to_string())
    });
    match text {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("doorward: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Reads and checks a folder. Errors start with the path of the file they are
/// about.
fn load(folder: &Path) -> Result<(Manifest, Bundle), String> {
    let read = |file: &str| std::fs::read_to_string(folder.join(file));
    let manifest =
        doorward_bundle::folder::manifest(&read).map_err(|error| locate(folder, &error))?;
    let bundle =
        Bundle::load(&manifest).map_err(|error| locate(folder, &FolderError::Bundle(error)))?;
    Ok((manifest, bundle))
}

fn locate(folder: &Path, error: &FolderError) -> String {
    let text = match error {
        // An issuer's keys are named by the issuer; the manifest says the file.
        FolderError::Bundle(BundleError::Jwks { .. }) => format!("doorward.yaml: {error}"),
        error => error.to_string(),
    };
    format!("{}/{text}", folder.display())
}
