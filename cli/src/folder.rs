//! A bundle's folder, for the commands that read one.

use std::path::Path;

use doorward_bundle::folder::FolderError;
use doorward_bundle::{Bundle, BundleError, Manifest, Secrets};

/// Reads and checks a folder. Errors start with the path of the file they are
/// about.
pub(crate) fn load(folder: &Path) -> Result<(Manifest, Bundle), String> {
    let read = |file: &str| std::fs::read_to_string(folder.join(file));
    let manifest =
        doorward_bundle::folder::manifest(&read).map_err(|error| locate(folder, &error))?;
    let bundle = Bundle::load_with(&manifest, &secrets(&manifest))
        .map_err(|error| locate(folder, &FolderError::Bundle(error)))?;
    Ok((manifest, bundle))
}

/// As the proxy reads its VM's environment, this command reads its own.
fn secrets(manifest: &Manifest) -> Secrets {
    let mut secrets = Secrets::default();
    for variable in manifest.secret_variables() {
        if let Some(value) = std::env::var_os(variable) {
            secrets.add(variable, value.into_encoded_bytes());
        }
    }
    secrets
}

fn locate(folder: &Path, error: &FolderError) -> String {
    let text = match error {
        // An issuer's keys are named by the issuer; the manifest says the file.
        FolderError::Bundle(BundleError::Jwks { .. }) => format!("doorward.yaml: {error}"),
        error => error.to_string(),
    };
    format!("{}/{text}", folder.display())
}
