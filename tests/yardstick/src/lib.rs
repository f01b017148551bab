//! The yardstick: a slow, obvious evaluator of Casbin models that walks every
//! row, and generated cases on which the engine has to agree with it.
//!
//! It shares the parsed syntax (`doorward-syntax`) and the plain types of
//! requests and settings with the engine, and nothing else.

pub mod case;
pub mod compare;
pub mod coverage;
pub mod evaluator;
pub mod faults;
pub mod generator;
pub mod run;
pub mod shrink;
