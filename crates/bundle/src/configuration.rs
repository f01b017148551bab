//! The plugin configuration: what Envoy hands to `proxy_on_configure`.

use serde::Deserialize;

use crate::bundle::Bundle;
use crate::error::BundleError;
use crate::manifest::Manifest;
use crate::secrets::Secrets;

/// The variable of the VM's environment that admits unsigned bundles with the
/// value `allow`. It is set beside the module (`vmConfig.env` in Istio,
/// `environment_variables` in Envoy), never by whoever pushes a policy.
pub const UNSIGNED_VARIABLE: &str = "DOORWARD_UNSIGNED";

/// What the plugin configuration holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Configuration {
    manifest: Manifest,
}

/// Why a plugin configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    /// There is none.
    #[error("the plugin configuration is empty: give {{\"bundle\": {{...}}}}")]
    Empty,
    /// It is not UTF-8.
    #[error("the plugin configuration is not UTF-8 from byte {0} on")]
    NotText(usize),
    /// It is not JSON of the expected shape, or a member stands there twice.
    #[error("the plugin configuration does not parse: {0}")]
    Json(#[source] serde_json::Error),
    /// It holds a signed bundle, which this version cannot verify.
    #[error(
        "bundle is a text, as signed bundles are: this version of the module takes the bundle's fields as an object"
    )]
    Signed,
    /// It holds an unsigned bundle and the VM's environment does not admit one.
    #[error(
        "this bundle is unsigned: the module accepts it only where the VM's environment says {UNSIGNED_VARIABLE}=allow"
    )]
    Unsigned,
    /// The bundle itself.
    #[error(transparent)]
    Bundle(#[from] BundleError),
}

impl Configuration {
    /// Parses the bytes of the plugin configuration. `unsigned_allowed` is
    /// what the VM's environment says of unsigned bundles.
    ///
    /// # Errors
    /// See [`ConfigurationError`]; nothing of a refused configuration is kept.
    pub fn parse(bytes: &[u8], unsigned_allowed: bool) -> Result<Self, ConfigurationError> {
        if bytes.is_empty() {
            return Err(ConfigurationError::Empty);
        }
        let text = std::str::from_utf8(bytes)
            .map_err(|error| ConfigurationError::NotText(error.valid_up_to()))?;
        let outline: Outline = serde_json::from_str(text).map_err(ConfigurationError::Json)?;
        match outline.bundle {
            Unique::Text => return Err(ConfigurationError::Signed),
            Unique::Other if !unsigned_allowed => return Err(ConfigurationError::Unsigned),
            Unique::Other => {}
        }
        let inline: Inline = serde_json::from_str(text).map_err(ConfigurationError::Json)?;
        Ok(Self {
            manifest: inline.bundle,
        })
    }

    /// The variables of the environment that [`Self::load_with`] is to be
    /// given.
    pub fn secret_variables(&self) -> impl Iterator<Item = &str> {
        self.manifest.secret_variables()
    }

    /// Loads the bundle that the configuration holds, which names no secret.
    ///
    /// # Errors
    /// See [`BundleError`].
    pub fn load(&self) -> Result<Bundle, ConfigurationError> {
        self.load_with(&Secrets::default())
    }

    /// Loads the bundle that the configuration holds.
    ///
    /// # Errors
    /// See [`BundleError`].
    pub fn load_with(&self, secrets: &Secrets) -> Result<Bundle, ConfigurationError> {
        Ok(Bundle::load_with(&self.manifest, secrets)?)
    }

    /// The plugin configuration that holds `manifest` as an unsigned bundle.
    ///
    /// # Errors
    /// A number that JSON cannot write.
    pub fn inline(manifest: &Manifest) -> Result<String, serde_json::Error> {
        #[derive(serde::Serialize)]
        struct Inline<'a> {
            bundle: &'a Manifest,
        }
        serde_json::to_string(&Inline { bundle: manifest })
    }
}

/// A first look: is the bundle a text or an object, and does no member stand
/// twice?
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outline {
    bundle: Unique,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Inline {
    bundle: Manifest,
}

/// Refuses a member that stands twice in one object, at any depth: which of
/// the two counts would be the parser's choice, not the author's.
#[cfg(feature = "folder")]
pub(crate) fn check_members(text: &str) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    Unique::deserialize(&mut deserializer)?;
    deserializer.end()
}

/// JSON without repeated members, of which only the kind is kept.
enum Unique {
    Text,
    Other,
}

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueVisitor)
    }
}

struct UniqueVisitor;

impl<'de> serde::de::Visitor<'de> for UniqueVisitor {
    type Value = Unique;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Unique, E> {
        Ok(Unique::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Unique, E> {
        Ok(Unique::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Unique, E> {
        Ok(Unique::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Unique, E> {
        Ok(Unique::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Unique, E> {
        Ok(Unique::Text)
    }

    fn visit_unit<E>(self) -> Result<Unique, E> {
        Ok(Unique::Other)
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut items: A) -> Result<Unique, A::Error> {
        while items.next_element::<Unique>()?.is_some() {}
        Ok(Unique::Other)
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut members: A) -> Result<Unique, A::Error> {
        let mut names = std::collections::BTreeSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if names.contains(&name) {
                return Err(serde::de::Error::custom(format!(
                    "member {name:?} stands there twice"
                )));
            }
            members.next_value::<Unique>()?;
            names.insert(name);
        }
        Ok(Unique::Other)
    }
}
