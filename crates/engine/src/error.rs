//! Why a model, a policy and settings do not go together.

use doorward_syntax::ModelError;
use thiserror::Error;

/// Why a model, a policy and settings do not make an engine.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CompileError {
    /// The model and the settings do not fit, whatever the policy.
    #[error("{0}")]
    Model(#[source] ModelError),
    /// A setting is wrong by itself or for this model.
    #[error("settings, {field}: {message}")]
    Settings {
        /// The field of [`Settings`](crate::Settings).
        field: &'static str,
        /// What is wrong and what to do.
        message: String,
    },
    /// A row of the policy is refused.
    #[error("line {line}: {message}")]
    Row {
        /// The row's line, from 1.
        line: u32,
        /// What is wrong and what to do.
        message: String,
    },
    /// The policy is refused as a whole.
    #[error("{message}")]
    Policy {
        /// What is wrong and what to do.
        message: String,
    },
}
