//! Attributes: the named facts that a mapping can use.
//!
//! To add one: a variant of [`Attribute`], an arm in [`Attribute::resolve`],
//! its name in [`Attribute`]'s `Display`, and how it is read in `read.rs`.

mod claim_path;
mod error;
mod header;
mod property;
#[cfg(test)]
mod tests;

pub use claim_path::{ClaimPath, Step};
pub use error::AttributeError;
pub use property::{HostProperty, PropertyType};

use error::refuse;
use property::ROUTE_NAMES;

/// A named fact of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attribute {
    /// `request.path`: canonical path with the query.
    Path,
    /// `request.url_path`: canonical path without the query.
    UrlPath,
    /// `request.query`: what stands behind the first `?`, empty without one.
    Query,
    /// `request.host`: the `:authority` in its one spelling, in lower case and
    /// without the scheme's own port (RFC 3986 section 6.2).
    Host,
    /// `request.scheme`.
    Scheme,
    /// `request.method`.
    Method,
    /// `request.headers['name']`, `request.id`, `request.useragent` and
    /// `request.referer`: a header by its name in lower case.
    Header(String),
    /// `jwt.principal`: the principal that the provider's form made.
    Principal,
    /// `jwt.name`, `jwt['name']`: a verified claim.
    Claim(ClaimPath),
    /// `jwt`: all verified claims, and the principal, as an object.
    Claims,
    /// Whatever only the host knows.
    Property(HostProperty),
}

impl Attribute {
    /// Whether its value depends on the route that the proxy chose. Every
    /// change of a header has the proxy choose anew, by the rewritten path, so
    /// what was read before says nothing of where the request then goes.
    #[must_use]
    pub fn depends_on_route(&self) -> bool {
        let Self::Property(property) = self else {
            return false;
        };
        let name = property.path.join(".");
        ROUTE_NAMES.iter().any(|known| is_at_or_below(&name, known))
    }

    /// Resolves a path to an attribute.
    ///
    /// # Errors
    /// The path names nothing that is known.
    pub fn resolve(first: &str, steps: &[Step]) -> Result<Self, AttributeError> {
        if first == "jwt" {
            return claim_path::resolve(steps);
        }
        let name = dotted(first, steps);
        if is_at_or_below(&name, "request.headers") {
            return header::resolve(steps);
        }
        header::plain(&name)
            .or_else(|| property::plain(&name))
            .map(Ok)
            .or_else(|| property::entry(&name, first, steps))
            .unwrap_or_else(|| Err(refuse(name)))
    }
}

/// Whether `name` is `map`, or an entry of it.
fn is_at_or_below(name: &str, map: &str) -> bool {
    name.strip_prefix(map)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn dotted(first: &str, steps: &[Step]) -> String {
    let mut name = first.to_owned();
    for step in steps {
        match step {
            Step::Member(member) => {
                name.push('.');
                name.push_str(member);
            }
            Step::Index(index) => name.push_str(&format!("[{index}]")),
        }
    }
    name
}

/// Writes a text as a literal: one of the two quotes is not in it, since there
/// are no escapes.
pub(crate) fn quoted(f: &mut std::fmt::Formatter<'_>, text: &str) -> std::fmt::Result {
    if text.contains('\'') {
        write!(f, "\"{text}\"")
    } else {
        write!(f, "'{text}'")
    }
}

/// Writes a step to the member of that name.
fn member(f: &mut std::fmt::Formatter<'_>, name: &str) -> std::fmt::Result {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(plain) {
        return write!(f, ".{name}");
    }
    f.write_str("[")?;
    quoted(f, name)?;
    f.write_str("]")
}

impl std::fmt::Display for Attribute {
    /// The attribute as a mapping would write it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Path => f.write_str("request.path"),
            Self::UrlPath => f.write_str("request.url_path"),
            Self::Query => f.write_str("request.query"),
            Self::Host => f.write_str("request.host"),
            Self::Scheme => f.write_str("request.scheme"),
            Self::Method => f.write_str("request.method"),
            Self::Header(name) => {
                f.write_str("request.headers[")?;
                quoted(f, name)?;
                f.write_str("]")
            }
            Self::Principal => f.write_str("jwt.principal"),
            Self::Claim(path) => write!(f, "{path}"),
            Self::Claims => f.write_str("jwt"),
            Self::Property(property) => {
                for (index, name) in property.path.iter().enumerate() {
                    match index {
                        0 => f.write_str(name)?,
                        _ => member(f, name)?,
                    }
                }
                Ok(())
            }
        }
    }
}
