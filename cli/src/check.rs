//! `doorward check`: is a bundle one that the proxy takes?

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use doorward_request::{Lifetime, Mapping};
use serde::Serialize;

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
                    "reads": reads(bundle.mapping()),
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
                for read in reads(bundle.mapping()) {
                    println!("  reads {}, {}", read.attribute, read.cost());
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

/// What a bundle reads of a request, and what it costs.
#[derive(Serialize)]
struct Read {
    attribute: String,
    /// How long its value stands: `node`, `connection` or `request`.
    constant_for: String,
    /// The property that the proxy is asked for, unless it is in what the
    /// filter has anyway.
    host_property: Option<String>,
}

impl Read {
    fn cost(&self) -> String {
        match &self.host_property {
            None => "at no cost".to_owned(),
            Some(_) if self.constant_for == Lifetime::Node.to_string() => {
                "by one host call for all requests".to_owned()
            }
            Some(property) => format!("by a host call for {property}"),
        }
    }
}

fn reads(mapping: &Mapping) -> Vec<Read> {
    let mut reads: Vec<Read> = Vec::new();
    for attribute in mapping.attributes() {
        let name = attribute.to_string();
        if reads.iter().all(|read| read.attribute != name) {
            reads.push(Read {
                attribute: name,
                constant_for: attribute.lifetime().to_string(),
                host_property: attribute
                    .host_property()
                    .map(|property| property.path.join(".")),
            });
        }
    }
    reads
}
