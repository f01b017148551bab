//! What is known of one request, and how it becomes the tuple that Casbin decides on.
//!
//! - [`HeaderSnapshot`]: the request's headers as the host gave them, read once.
//! - [`CanonicalPath`]: the one form of the path that policy and upstream both see.
//! - [`Attribute`]: a named fact, with Envoy's attribute names where Envoy has one.
//! - [`Mapping`]: which attribute fills which name of Casbin's `r = ...`, by
//!   itself, through a [`Function`], or as a member of an object.
//!
//! Nothing here makes a host call: the host is behind [`Facts`].

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

mod attribute;
mod client_address;
mod cookies;
mod derived;
mod entry;
mod expression;
mod facts;
mod function;
mod headers;
mod host;
mod kinds;
mod mapping;
mod metadata;
mod object;
mod path;
mod peer;
mod query;
mod read;
mod spiffe;
mod time;
mod value;
mod xfcc;

pub use attribute::{
    Attribute, AttributeError, ClaimPath, HostProperty, Lifetime, PropertyType, Step,
};
pub use cookies::{cookie_values, cookies};
pub use derived::{Derived, DerivedFact, DerivedSettings};
pub use entry::EntrySource;
pub use expression::{Expression, ExpressionError, ExpressionErrorKind, Literal, Term};
pub use facts::{Facts, ReadError};
pub use function::{EmptyPiece, Function};
pub use headers::{HeaderSnapshot, HeaderSnapshotError, HeaderValue, is_token_byte, same_header};
pub use host::host_to_write;
pub use mapping::{Mapping, MappingError};
pub use object::ResolvedObject;
pub use path::{CanonicalPath, MAX_TARGET_BYTES, PathError, PathNormalization};
pub use peer::{PeerPart, PeerSettings, PeerSource};
pub use query::parameter_values;
pub use read::Scope;
pub use spiffe::{SpiffeId, is_trust_domain};
pub use time::{TIME_ZONE_TABLE_END, TimePart, TimeZone};
pub use value::{ResolveError, Resolved};
