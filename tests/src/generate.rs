//! Writes the ready configurations from the example bundle, or checks that
//! they are what would be written.

use crate::bundle;
use crate::scenarios::root;
use anyhow::{Context, Result};
use doorward_bundle::Manifest;
use serde::Serialize;

/// The files, by path in the repository, with their templates.
const FILES: [(&str, &str); 4] = [
    ("envoy/static.yaml", include_str!("templates/static.yaml")),
    (
        "envoy/ecds/envoy.yaml",
        include_str!("templates/ecds-envoy.yaml"),
    ),
    (
        "envoy/ecds/doorward.yaml",
        include_str!("templates/ecds-doorward.yaml"),
    ),
    (
        "istio/wasmplugin.yaml",
        include_str!("templates/wasmplugin.yaml"),
    ),
];

/// The HTTP filter's configuration, which two files have.
const FILTER: &str = include_str!("templates/filter.yaml");

/// The plugin configuration in the order of doorward.yaml.
#[derive(Serialize)]
struct Inline<'a> {
    bundle: &'a Manifest,
}

/// All generated files: path in the repository, and text.
///
/// # Errors
///
/// When the example bundle cannot be read.
pub fn files() -> Result<Vec<(&'static str, String)>> {
    let manifest = bundle::manifest(&root().join("policies").join("orders"), None)?;
    let inline = Inline { bundle: &manifest };
    let bundle = yaml(&inline)?;
    let filter = fill(FILTER, "json", &serde_json::to_string_pretty(&inline)?);
    Ok(FILES
        .iter()
        .map(|(path, template)| {
            let text = fill(&fill(template, "filter", &filter), "bundle", &bundle);
            (*path, text)
        })
        .collect())
}

/// Multi-line texts as literal blocks, and no text folded: a policy is to be
/// read and compared line by line.
fn yaml(value: &impl Serialize) -> Result<String> {
    let options = serde_saphyr::ser_options! { folded_wrap_chars: usize::MAX };
    Ok(serde_saphyr::to_string_with_options(value, options)?)
}

/// Puts `text` in the place of the line `{{name:N}}`, indented by N spaces.
fn fill(template: &str, name: &str, text: &str) -> String {
    let mark = format!("{{{{{name}:");
    let mut filled = String::with_capacity(template.len() + text.len());
    for line in template.lines() {
        let indent = line
            .strip_prefix(&mark)
            .and_then(|rest| rest.strip_suffix("}}"))
            .and_then(|indent| indent.parse().ok());
        match indent {
            None => {
                filled.push_str(line);
                filled.push('\n');
            }
            Some(indent) => indented(&mut filled, text, indent),
        }
    }
    filled
}

fn indented(filled: &mut String, text: &str, indent: usize) {
    for line in text.lines() {
        if !line.is_empty() {
            filled.push_str(&" ".repeat(indent));
            filled.push_str(line);
        }
        filled.push('\n');
    }
}

/// Writes the files; with `check` it writes none and says which are stale.
/// Whether all is well.
///
/// # Errors
///
/// When a file cannot be written.
pub fn run(check: bool) -> Result<bool> {
    let mut fresh = true;
    for (path, text) in files()? {
        let file = root().join(path);
        let is_fresh = std::fs::read_to_string(&file).is_ok_and(|found| found == text);
        if is_fresh {
            println!("{path}: up to date");
        } else if check {
            println!("{path}: stale; run `cargo xtask generate` and commit it");
            fresh = false;
        } else {
            let folder = file.parent().unwrap_or(&file);
            std::fs::create_dir_all(folder)
                .and_then(|()| std::fs::write(&file, &text))
                .with_context(|| format!("{} cannot be written", file.display()))?;
            println!("{path}: written");
        }
    }
    Ok(fresh)
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_bundle::Configuration;
    use serde_json::Value;

    /// The plugin configuration at `pointer` of the generated file.
    fn configuration(path: &str, pointer: &str) -> Value {
        let files = files().expect("generated");
        let (_, text) = files
            .iter()
            .find(|(found, _)| *found == path)
            .expect("the file");
        let value: Value = serde_saphyr::from_str(text).expect("YAML");
        value.pointer(pointer).expect("the place").clone()
    }

    #[test]
    fn every_file_has_the_bundle_unchanged() {
        let manifest =
            bundle::manifest(&root().join("policies").join("orders"), None).expect("orders");
        let expected: Value =
            serde_json::from_str(&Configuration::inline(&manifest).expect("inline")).expect("JSON");
        let filter = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config\
                      /http_filters/0/typed_config/config/configuration/value";
        for (path, pointer) in [
            ("envoy/static.yaml", filter),
            (
                "envoy/ecds/doorward.yaml",
                "/resources/0/typed_config/config/configuration/value",
            ),
            ("istio/wasmplugin.yaml", "/spec/pluginConfig"),
        ] {
            let found = match configuration(path, pointer) {
                Value::String(text) => serde_json::from_str(&text).expect("JSON"),
                value => value,
            };
            assert_eq!(found, expected, "{path}");
        }
    }

    #[test]
    fn no_mark_is_left() {
        for (path, text) in files().expect("generated") {
            assert!(!text.contains("{{"), "{path}");
        }
    }
}
