//! What the fuzz targets share: the bounds, a set of models, a decision that
//! is held to what every decision must be, an issuer of tokens, and what the
//! network may answer.

pub mod jose;
mod models;
pub mod network;

pub use models::{MODELS, Setup};

use doorward_engine::{Decision, Engine, Limits, Outcome, Request};

/// The bounds under which everything runs: the engine's own, but for the steps
/// of a decision, of which a run gets through more when they are few.
#[must_use]
pub fn limits() -> Limits {
    Limits {
        expression_steps: 1_000_000,
        ..Limits::default()
    }
}

/// Decides twice, and holds the decision to what every decision must be.
///
/// # Panics
///
/// The two decisions differ, or the rule that they name is not the engine's.
pub fn decide(engine: &Engine, request: &Request<'_>) -> Decision {
    let decision = engine.decide(request);
    assert_eq!(decision, engine.decide(request), "a decision by chance");
    if let Some(rule) = decision.rule {
        let rule = engine.rule(rule).expect("a rule of the engine");
        // As it goes into every decision record.
        assert!(!rule.to_string().is_empty());
    }
    if let Outcome::Error(error) = decision.outcome {
        assert!(!error.to_string().is_empty());
    }
    decision
}
