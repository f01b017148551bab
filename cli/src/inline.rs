//! `doorward inline`: a bundle as plugin configuration.

use std::path::PathBuf;
use std::process::ExitCode;

use doorward_bundle::Configuration;

use crate::folder;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The folder with doorward.yaml, model.conf and policy.csv.
    folder: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let text = folder::load(&arguments.folder).and_then(|(manifest, _)| {
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
