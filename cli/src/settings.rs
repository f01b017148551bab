//! The settings file: what Casbin sets in code, in the form of a bundle's
//! fields of the same names.

use doorward_bundle::CasbinSettings;

/// Parses a file's text.
///
/// # Errors
///
/// Text that is not YAML of this shape: unknown fields too.
pub(crate) fn parse(text: &str) -> Result<CasbinSettings, String> {
    let options = serde_saphyr::options! { with_snippet: false };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| error.to_string())
}
