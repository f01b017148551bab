//! The decision pipeline, as a state machine that needs no host.
//!
//! [`Authorizer::begin`] takes one request and answers with a [`Step`]: either
//! a [`Permitted`], the only value with which a request may go on, or a
//! [`Denied`], which holds the whole answer to the client. What a host has to
//! do for either is data; it makes no choice of its own. A request whose token
//! needs keys that are still fetched is [`Awaiting`]; [`Authorizer::resume`]
//! goes on with it.

#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "this code runs in the proxy, where a panic is a trap"
)]

mod answer;
mod authorizer;
mod credentials;
mod denial;
mod forwarding;
mod grants;
mod json;
mod keys;
mod missing_scope;
mod outcome;
mod preflight;
mod reading;
mod record;
mod tokens;

pub use answer::Answer;
pub use authorizer::Authorizer;
pub use denial::Denial;
pub use json::JsonValueError;
pub use outcome::{Awaiting, Denied, HeaderEdit, Permitted, Step};
pub use record::{Record, Verdict};
