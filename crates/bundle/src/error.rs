//! Why a bundle is refused.

use std::fmt;

use doorward_engine::{CompileError, ModelError, PolicyError, TypeError};
use doorward_request::MappingError;
use doorward_token::{JwksError, ProviderError};

/// A part of a bundle, named as its file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// The manifest's own fields.
    Manifest,
    /// The Casbin model.
    Model,
    /// The Casbin policy.
    Policy,
    /// The keys of an issuer.
    Jwks(String),
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manifest => f.write_str("doorward.yaml"),
            Self::Model => f.write_str("model.conf"),
            Self::Policy => f.write_str("policy.csv"),
            Self::Jwks(issuer) => write!(f, "jwks of issuer {issuer:?}"),
        }
    }
}

/// Why a bundle is refused: what, where, and what to do.
///
/// The text names the part by its file name also where the bundle came inline,
/// since that is where its author mends it.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// A field of the manifest.
    #[error("doorward.yaml: {field}: {problem}")]
    Field {
        /// Its path, such as `tokens[0].audiences`.
        field: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// The model does not parse.
    #[error("model.conf: {0}")]
    Model(#[source] ModelError),
    /// The policy does not parse.
    #[error("policy.csv: {0}")]
    Policy(#[source] PolicyError),
    /// Model and policy do not go together.
    #[error("{part}: {0}", part = part_of(.0))]
    Compile(#[source] CompileError),
    /// The matcher or the effect reads `p`, but the policy has no such row.
    #[error(
        "policy.csv: the model reads p, but there is no p row: an empty policy would decide by accident; add a row, or write a matcher and an effect that do not read p"
    )]
    EmptyPolicy,
    /// The mapping does not fit the model.
    #[error("doorward.yaml: {0}")]
    Mapping(#[source] MappingError),
    /// The matcher and the mapping do not go together.
    #[error("model.conf: {0}")]
    Types(#[source] TypeError),
    /// An issuer's keys.
    #[error("jwks of issuer {issuer:?}: {error}")]
    Jwks {
        /// The issuer.
        issuer: String,
        /// What is wrong with its keys.
        #[source]
        error: JwksError,
    },
    /// An issuer's settings.
    #[error("doorward.yaml: tokens: issuer {issuer:?}: {error}")]
    Provider {
        /// The issuer.
        issuer: String,
        /// What is wrong with it.
        #[source]
        error: ProviderError,
    },
}

impl BundleError {
    pub(crate) fn field(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Field {
            field: field.into(),
            problem: problem.into(),
        }
    }

    /// The part to mend.
    #[must_use]
    pub fn part(&self) -> Part {
        match self {
            Self::Field { .. } | Self::Mapping(_) | Self::Provider { .. } => Part::Manifest,
            Self::Model(_) | Self::Types(_) => Part::Model,
            Self::Policy(_) | Self::EmptyPolicy => Part::Policy,
            Self::Compile(error) => part_of(error),
            Self::Jwks { issuer, .. } => Part::Jwks(issuer.clone()),
        }
    }
}

fn part_of(error: &CompileError) -> Part {
    match error {
        CompileError::Model(_) => Part::Model,
        CompileError::Row { .. } | CompileError::Policy { .. } => Part::Policy,
        CompileError::Settings { .. } => Part::Manifest,
    }
}
