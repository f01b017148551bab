//! Attributes that come from the header snapshot.

use super::error::AttributeError;
use super::{Attribute, Step};

/// Attributes that come from the header snapshot or the token.
pub(super) const SNAPSHOT_NAMES: &[&str] = &[
    "request.path",
    "request.url_path",
    "request.query",
    "request.host",
    "request.scheme",
    "request.method",
    "request.id",
    "request.useragent",
    "request.referer",
    "request.size",
    "request.headers",
    "request.query_params",
    "grpc.service",
    "grpc.method",
    "jwt.principal",
    "jwt",
];

/// An attribute that is plainly named.
pub(super) fn plain(name: &str) -> Option<Attribute> {
    Some(match name {
        "request.path" => Attribute::Path,
        "request.url_path" => Attribute::UrlPath,
        "request.query" => Attribute::Query,
        "request.host" => Attribute::Host,
        "request.scheme" => Attribute::Scheme,
        "request.method" => Attribute::Method,
        "request.id" => Attribute::Header("x-request-id".to_owned()),
        "request.useragent" => Attribute::Header("user-agent".to_owned()),
        "request.referer" => Attribute::Header("referer".to_owned()),
        "request.size" => Attribute::Size,
        "grpc.service" => Attribute::GrpcService,
        "grpc.method" => Attribute::GrpcMethod,
        _ => return None,
    })
}

/// An entry of `request.query_params`.
pub(super) fn query_parameter(steps: &[Step]) -> Result<Attribute, AttributeError> {
    match steps {
        [_, Step::Member(name)] => Ok(Attribute::QueryParameter(name.clone())),
        [_] | [] => Err(AttributeError::NeedsIndex {
            name: "request.query_params",
        }),
        _ => Err(AttributeError::NotAMap {
            name: "request.query_params[...]".to_owned(),
        }),
    }
}

/// An entry of `request.headers`.
pub(super) fn resolve(steps: &[Step]) -> Result<Attribute, AttributeError> {
    let name = match steps {
        [_, Step::Member(name)] => name.to_ascii_lowercase(),
        [_] | [] => {
            return Err(AttributeError::NeedsIndex {
                name: "request.headers",
            });
        }
        _ => {
            return Err(AttributeError::NotAMap {
                name: "request.headers[...]".to_owned(),
            });
        }
    };
    let instead = match name.as_str() {
        ":path" => "request.path or request.url_path",
        ":method" => "request.method",
        // Envoy answers for `host` with the authority.
        ":authority" | "host" => "request.host",
        ":scheme" => "request.scheme",
        _ if name.starts_with(':') => "an attribute of request",
        _ => return Ok(Attribute::Header(name)),
    };
    Err(AttributeError::PseudoHeader {
        header: name,
        instead,
    })
}
