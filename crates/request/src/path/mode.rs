//! How far a path is normalized before it is decided on.

/// The modes of a bundle's `path_normalization`. All but [`Self::Strict`] are
/// those of Istio's `MeshConfig.pathNormalization`, by the same names.
/// Source: <https://istio.io/latest/docs/reference/config/istio.mesh.v1alpha1/#MeshConfig-ProxyPathNormalization-NormalizationType>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PathNormalization {
    /// Nothing is repaired: what servers read in different ways is refused.
    #[default]
    Strict,
    /// The path is taken as it came.
    None,
    /// Dot segments are removed (RFC 3986 section 5.2.4), and a backslash is a
    /// slash, as with Envoy's `normalize_path`.
    Base,
    /// [`Self::Base`], and slashes in a row become one (Envoy's `merge_slashes`).
    MergeSlashes,
    /// [`Self::MergeSlashes`] after `%2F` and `%5C` have been decoded (Envoy's
    /// `path_with_escaped_slashes_action: UNESCAPE_AND_FORWARD`).
    DecodeAndMergeSlashes,
}

impl PathNormalization {
    /// Every mode, in the order in which they are documented.
    pub const ALL: [Self; 5] = [
        Self::Strict,
        Self::Base,
        Self::MergeSlashes,
        Self::DecodeAndMergeSlashes,
        Self::None,
    ];

    /// The name in a bundle.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Strict => "STRICT",
            Self::None => "NONE",
            Self::Base => "BASE",
            Self::MergeSlashes => "MERGE_SLASHES",
            Self::DecodeAndMergeSlashes => "DECODE_AND_MERGE_SLASHES",
        }
    }

    /// The mode of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.name() == name)
    }

    pub(super) fn merges_slashes(self) -> bool {
        matches!(self, Self::MergeSlashes | Self::DecodeAndMergeSlashes)
    }

    pub(super) fn decodes_slashes(self) -> bool {
        self == Self::DecodeAndMergeSlashes
    }
}
