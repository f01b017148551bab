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

use crate::derived::DerivedFact;
use claim_path::write_step;
use error::refuse;
use property::ROUTE_NAMES;

/// For how long a fact stays what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// As long as the proxy runs.
    Node,
    /// As long as the client's connection.
    Connection,
    /// One request.
    Request,
}

impl std::fmt::Display for Lifetime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Node => "node",
            Self::Connection => "connection",
            Self::Request => "request",
        })
    }
}

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
    /// `request.size`: the length of the body, from the headers alone.
    Size,
    /// `request.query_params['name']`: a parameter of the query, decoded.
    QueryParameter(String),
    /// `grpc.service`: of `/package.Service/Method`, what the first segment is.
    GrpcService,
    /// `grpc.method`: what the second segment is.
    GrpcMethod,
    /// `jwt.principal`: the principal that the provider's form made.
    Principal,
    /// `jwt.name`, `jwt['name']`: a verified claim.
    Claim(ClaimPath),
    /// `peer.*`, `client.address` and `time.*`.
    Derived(DerivedFact),
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
        self.host_property().is_some_and(|property| {
            let name = property.path.join(".");
            ROUTE_NAMES.iter().any(|known| is_at_or_below(&name, known))
        })
    }

    /// The property that is read from the host for it, if one is.
    #[must_use]
    pub fn host_property(&self) -> Option<&HostProperty> {
        match self {
            Self::Property(property) => Some(property),
            _ => None,
        }
    }

    /// For how long its value stays what it is.
    #[must_use]
    pub fn lifetime(&self) -> Lifetime {
        self.host_property().map_or(Lifetime::Request, |property| {
            let path: Vec<&str> = property.path.iter().map(String::as_str).collect();
            HostProperty::lifetime(&path)
        })
    }

    /// Whether an earlier filter of the proxy made it of the request: dynamic
    /// metadata and filter state. It may have gone by the request's route, which
    /// many filters have settings of their own for, or by its path.
    #[must_use]
    pub fn depends_on_filters(&self) -> bool {
        let Self::Property(property) = self else {
            return false;
        };
        let first = property.path.first().map(String::as_str);
        matches!(first, Some("metadata" | "filter_state"))
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
        if is_at_or_below(&name, "request.query_params") {
            return header::query_parameter(steps);
        }
        header::plain(&name)
            .or_else(|| property::plain(&name))
            .or_else(|| DerivedFact::named(&name).map(Self::Derived))
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
            Self::Size => f.write_str("request.size"),
            Self::QueryParameter(name) => {
                f.write_str("request.query_params[")?;
                quoted(f, name)?;
                f.write_str("]")
            }
            Self::GrpcService => f.write_str("grpc.service"),
            Self::GrpcMethod => f.write_str("grpc.method"),
            Self::Principal => f.write_str("jwt.principal"),
            Self::Claim(path) => write!(f, "{path}"),
            Self::Claims => f.write_str("jwt"),
            Self::Derived(fact) => write!(f, "{fact}"),
            Self::Property(property) => write!(f, "{property}"),
        }
    }
}

impl std::fmt::Display for HostProperty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut names = self.path.iter();
        f.write_str(names.next().map_or("", String::as_str))?;
        for name in names {
            write_step(f, &Step::Member(name.clone()))?;
        }
        if let PropertyType::Metadata(steps) = &self.property_type {
            f.write_str(".filter_metadata")?;
            for step in steps {
                write_step(f, step)?;
            }
        }
        Ok(())
    }
}
