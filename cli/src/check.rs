//! `doorward check`: is a bundle one that the proxy takes?

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::folder;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The folder with doorward.yaml, model.conf and policy.csv.
    folder: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    check(&arguments.folder, arguments.json)
}

fn check(folder: &Path, json: bool) -> ExitCode {
    match folder::load(folder) {
        Ok((_, bundle)) => {
            let rows = bundle.engine().row_count();
            let issuers = bundle.providers().len();
            let bypasses: &[&str] = if bundle.answers().allow_cors_preflight() {
                &["cors_preflight"]
            } else {
                &[]
            };
            if json {
                let object = serde_json::json!({
                    "ok": true, "name": bundle.name(), "revision": bundle.revision(),
                    "rows": rows, "issuers": issuers, "bypasses": bypasses,
                });
                println!("{object}");
            } else {
                println!(
                    "{}@{}: {rows} policy rows, {issuers} issuers",
                    bundle.name(),
                    bundle.revision()
                );
                if !bypasses.is_empty() {
                    println!("undecided: CORS preflight requests (answers.allow_cors_preflight)");
                }
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
