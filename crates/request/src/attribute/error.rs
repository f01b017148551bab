//! Refusals of paths that name no attribute.

use super::header::SNAPSHOT_NAMES;
use super::is_at_or_below;
use super::property::{HOST_MAPS, HOST_PROPERTIES};
use crate::derived::DERIVED_NAMES;

/// Why a path is no attribute.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AttributeError {
    /// No attribute has this name.
    #[error("unknown attribute {name:?}: the nearest known name is {nearest:?}")]
    Unknown {
        /// The path as written.
        name: String,
        /// The known name that differs least.
        nearest: &'static str,
    },
    /// A map was named without the entry that is wanted.
    #[error("{name} is a map: write {name}['name']")]
    NeedsIndex {
        /// The map.
        name: &'static str,
    },
    /// Metadata without the namespace or the key that is wanted.
    #[error("{name} is a map of maps: write {name}['namespace']['key']")]
    NeedsNamespace {
        /// The map.
        name: &'static str,
    },
    /// Something stands behind a plain value.
    #[error("{name} is a plain value: nothing can stand behind it")]
    NotAMap {
        /// The plain attribute.
        name: String,
    },
    /// A pseudo header by its wire name, which would go past the canonical form.
    #[error("{header:?} is a pseudo header: write {instead}")]
    PseudoHeader {
        /// The header as written.
        header: String,
        /// The attribute to use.
        instead: &'static str,
    },
}

/// The refusal of `name`: what stands behind a plain value, or an unknown name.
pub(super) fn refuse(name: String) -> AttributeError {
    let plain = SNAPSHOT_NAMES
        .iter()
        .chain(HOST_PROPERTIES.iter().map(|(known, _)| known))
        .chain(DERIVED_NAMES.iter().map(|(known, _)| known));
    for known in plain.clone() {
        if is_at_or_below(&name, known) {
            return AttributeError::NotAMap {
                name: (*known).to_owned(),
            };
        }
    }
    let nearest = plain
        .chain(HOST_MAPS)
        .min_by_key(|known| {
            let shortened = known
                .strip_suffix(&name)
                .is_some_and(|rest| rest.ends_with('.'));
            (!shortened, strsim::damerau_levenshtein(known, &name))
        })
        .copied()
        .unwrap_or_default();
    AttributeError::Unknown { name, nearest }
}
