//! What a scenario file is given before its scenarios: tokens and bundles.
//!
//! A scenario file may begin with a document of its own:
//!
//! ```yaml
//! given:
//!   bundles:
//!     orders: {folder: ../../policies/orders}
//!     broken: {folder: ../../policies/orders, patch: {model: "[request_definition"}}
//!     other: {folder: ../tokens, manifest: one-issuer.yaml}
//!   minted: ../tokens/minted.json
//!   key_sets:
//!     first: {file: ../keys/jwks.json, kids: [orders-rs256]}
//!   tokens:
//!     alice: {algorithm: RS256, key: ../keys/orders-rs256.pem, kid: orders-rs256,
//!             claims: {sub: alice, exp: "+3600"}}
//! ---
//! name: a scenario of host-sim's format
//! configuration: ${bundles.orders}
//! ```
//!
//! They become the variables `${bundles.NAME}` (the plugin configuration's
//! text), `${key_sets.NAME}` (a JWKS of some of a file's keys) and
//! `${tokens.NAME}` (the compact token) of the scenarios behind it.

use crate::bundle;
use crate::token::Token;
use anyhow::{Context, Result, bail};
use doorward_bundle::folder::time_zone;
use host_sim::scenario::{Scenario, Variables, parse};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    given: Given,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    #[serde(default)]
    bundles: BTreeMap<String, BundleSource>,
    #[serde(default)]
    key_sets: BTreeMap<String, KeySet>,
    #[serde(default)]
    tokens: BTreeMap<String, Token>,
    /// A file of tokens that were minted before, compact ones by name,
    /// relative to the scenario file.
    minted: Option<PathBuf>,
}

/// Some keys of a JWKS file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeySet {
    /// The file, relative to the scenario file.
    file: PathBuf,
    /// The keys that are taken, by their names.
    kids: Vec<String>,
}

impl KeySet {
    fn text(&self, folder: &Path) -> Result<String> {
        let path = folder.join(&self.file);
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("{} cannot be read", path.display()))?;
        let set: Value = serde_json::from_str(&text)?;
        let keys = set.get("keys").and_then(Value::as_array);
        let key = |kid: &String| {
            let mut keys = keys?.iter();
            keys.find(|key| key.get("kid").and_then(Value::as_str) == Some(kid))
        };
        let keys = self
            .kids
            .iter()
            .map(|kid| key(kid).with_context(|| format!("{} has no key {kid}", path.display())));
        let keys: Vec<&Value> = keys.collect::<Result<_>>()?;
        Ok(serde_json::json!({ "keys": keys }).to_string())
    }
}

/// A bundle as a scenario file describes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BundleSource {
    /// The bundle's folder, relative to the scenario file.
    folder: PathBuf,
    /// The manifest's file in the folder; `doorward.yaml` when absent.
    manifest: Option<String>,
    /// A JSON Merge Patch (RFC 7396) on the bundle in its inline form. A time
    /// zone's name in it is looked up as in a folder.
    #[serde(default)]
    patch: Value,
}

/// The scenarios of the file, with their tokens minted and bundles read.
///
/// # Errors
///
/// When the file, or anything that it names, cannot be read or understood.
pub fn load(path: &Path) -> Result<Vec<Scenario>> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let (head, scenarios) = split(&text);
    let variables = match head {
        None => Variables::new(),
        Some(head) => {
            let head: Head = serde_saphyr::from_str(head)
                .with_context(|| format!("{}: the document `given`", path.display()))?;
            variables(&head.given, folder, SystemTime::now())
                .with_context(|| format!("{}: the document `given`", path.display()))?
        }
    };
    Ok(parse(path, &scenarios, &variables)?)
}

/// The `given` document, if there is one, and the rest of the text with empty
/// lines in its place, so that lines keep their numbers.
fn split(text: &str) -> (Option<&str>, String) {
    let begins = text
        .lines()
        .find(|line| !line.is_empty() && !line.starts_with('#'))
        .is_some_and(|line| line.starts_with("given:"));
    if !begins {
        return (None, text.to_owned());
    }
    match text.split_once("\n---\n") {
        None => (Some(text), String::new()),
        Some((head, rest)) => {
            let lines = head.lines().count() + 1;
            (Some(head), "\n".repeat(lines) + rest)
        }
    }
}

fn variables(given: &Given, folder: &Path, now: SystemTime) -> Result<Variables> {
    let mut variables = Variables::new();
    for (name, source) in &given.bundles {
        let manifest = source.manifest.as_deref();
        let text = bundle::inline_configuration(&folder.join(&source.folder), manifest)
            .and_then(|text| patched(text, &source.patch))
            .with_context(|| format!("bundles.{name}"))?;
        variables.insert(format!("bundles.{name}"), text);
    }
    for (name, set) in &given.key_sets {
        let text = set
            .text(folder)
            .with_context(|| format!("key_sets.{name}"))?;
        variables.insert(format!("key_sets.{name}"), text);
    }
    for (name, token) in &given.tokens {
        let text = token
            .mint(folder, now)
            .with_context(|| format!("tokens.{name}"))?;
        variables.insert(format!("tokens.{name}"), text);
    }
    if let Some(path) = &given.minted {
        let path = folder.join(path);
        let minted =
            std::fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        let minted: BTreeMap<String, String> = serde_json::from_slice(&minted)
            .with_context(|| format!("{} does not hold tokens by name", path.display()))?;
        for (name, token) in minted {
            if variables.insert(format!("tokens.{name}"), token).is_some() {
                bail!("tokens.{name} is there twice");
            }
        }
    }
    Ok(variables)
}

fn patched(text: String, patch: &Value) -> Result<String> {
    if patch.is_null() {
        return Ok(text);
    }
    let mut configuration: Value = serde_json::from_str(&text)?;
    let Some(bundle) = configuration.get_mut("bundle") else {
        bail!("the configuration has no `bundle` to patch");
    };
    merge(bundle, patch);
    // A patch is the author's word, as a folder's manifest is.
    if let Some(name) = bundle.get("time_zone").and_then(Value::as_str) {
        let built = time_zone(name)?;
        if let Some(field) = bundle.get_mut("time_zone") {
            *field = built;
        }
    }
    Ok(configuration.to_string())
}

/// JSON Merge Patch, RFC 7396 section 2.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    if let Value::Object(target) = target {
        for (name, value) in patch {
            if value.is_null() {
                target.remove(name);
            } else {
                merge(target.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenarios_keep_their_line_numbers_behind_the_given_document() {
        let (head, rest) = split("# why\ngiven:\n  tokens: {}\n---\nname: x\n");
        assert_eq!(head, Some("# why\ngiven:\n  tokens: {}"));
        assert_eq!(rest, "\n\n\n\nname: x\n");
        assert_eq!(rest.lines().position(|line| line == "name: x"), Some(4));
    }

    #[test]
    fn a_file_without_given_is_left_alone() {
        let text = "name: x\n---\nname: y\n";
        assert_eq!(split(text), (None, text.to_owned()));
    }

    #[test]
    fn the_patch_follows_rfc_7396() {
        let mut target = serde_json::json!({"a": "b", "c": {"d": "e", "f": "g"}});
        merge(
            &mut target,
            &serde_json::json!({"a": "z", "c": {"f": null}, "h": {"i": null, "j": 1}}),
        );
        assert_eq!(
            target,
            serde_json::json!({"a": "z", "c": {"d": "e"}, "h": {"j": 1}})
        );
    }
}
