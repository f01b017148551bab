//! Reading the attributes of one request.

use std::borrow::Cow;

use serde_json::Map;

use crate::attribute::{Attribute, HostProperty, PropertyType};
use crate::derived::Derived;
use crate::facts::Facts;
use crate::headers::{HeaderSnapshot, HeaderValue};
use crate::host::{canonical_host, is_secure};
use crate::metadata;
use crate::object::ResolvedObject;
use crate::path::CanonicalPath;
use crate::query::single_parameter;
use crate::value::{ResolveError, Resolved};

/// Everything that a mapping may read of one request.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// The headers, forgeable ones already taken out.
    pub headers: &'a HeaderSnapshot,
    /// The path that policy and upstream agree on.
    pub path: &'a CanonicalPath<'a>,
    /// The claims of the verified token, if there is one.
    pub claims: Option<&'a Map<String, serde_json::Value>>,
    /// The principal that the provider's form made of the claims.
    pub principal: Option<&'a str>,
    /// What the facts of our own are derived from.
    pub derived: &'a Derived<'a>,
    /// The host.
    pub facts: &'a dyn Facts,
}

/// The value of an attribute that is a text of the request or its token in
/// most policies: `None` where it is absent, and for any other attribute.
pub(crate) fn plain_text<'a>(attribute: &Attribute, scope: &Scope<'a>) -> Option<&'a str> {
    match attribute {
        Attribute::Path => Some(scope.path.target()),
        Attribute::UrlPath => Some(scope.path.path()),
        // Without a `?` it is empty, as Envoy has it, not absent.
        Attribute::Query => Some(scope.path.query().unwrap_or_default()),
        Attribute::Principal => scope.principal,
        _ => None,
    }
}

/// The value of one attribute; `None` where it is absent.
pub(crate) fn attribute_value<'a>(
    attribute: &'a Attribute,
    scope: &Scope<'a>,
) -> Result<Option<Resolved<'a>>, ResolveError> {
    let borrowed = |text: &'a str| Resolved::Text(Cow::Borrowed(text));
    Ok(match attribute {
        Attribute::Path | Attribute::UrlPath | Attribute::Query | Attribute::Principal => {
            plain_text(attribute, scope).map(borrowed)
        }
        Attribute::Host => host_value(attribute, scope)?,
        Attribute::Scheme => header_value(":scheme", attribute, scope)?,
        Attribute::Method => header_value(":method", attribute, scope)?,
        Attribute::Header(name) => header_value(name, attribute, scope)?,
        Attribute::Size => size(attribute, scope)?,
        Attribute::QueryParameter(name) => {
            single_parameter(scope.path.query().unwrap_or_default(), name)
                .map_err(|_| ResolveError::Invalid(attribute.to_string()))?
                .map(Resolved::Text)
        }
        Attribute::GrpcService => grpc(attribute, scope)?.map(|(service, _)| borrowed(service)),
        Attribute::GrpcMethod => grpc(attribute, scope)?.map(|(_, method)| borrowed(method)),
        Attribute::Claim(path) => scope
            .claims
            .and_then(|claims| path.find(claims))
            .filter(|claim| !claim.is_null())
            .map(|claim| claim_value(claim, attribute))
            .transpose()?,
        Attribute::Derived(fact) => fact.value(scope)?,
        Attribute::Claims => scope.claims.map(|claims| {
            let principal = scope.principal;
            Resolved::Object(ResolvedObject::Claims { claims, principal })
        }),
        Attribute::Property(property) => property_value(property, attribute, scope)?,
    })
}

fn header_value<'a>(
    name: &'a str,
    attribute: &Attribute,
    scope: &Scope<'a>,
) -> Result<Option<Resolved<'a>>, ResolveError> {
    match scope.headers.get(name).text() {
        Ok(text) => Ok(text.map(Resolved::Text)),
        Err(_) => Err(ResolveError::Invalid(attribute.to_string())),
    }
}

/// The host in its one spelling; one that has none is invalid.
fn host_value<'a>(
    attribute: &Attribute,
    scope: &Scope<'a>,
) -> Result<Option<Resolved<'a>>, ResolveError> {
    let authority = match scope.headers.get(":authority") {
        HeaderValue::Absent => return Ok(None),
        HeaderValue::One(authority) => authority,
        HeaderValue::Joined(_) => return Err(ResolveError::Invalid(attribute.to_string())),
    };
    canonical_host(authority, is_secure(scope.headers))
        .map(|host| Some(Resolved::Text(host)))
        .ok_or_else(|| ResolveError::Invalid(attribute.to_string()))
}

/// The length that the client announced. Of a request that ends with its
/// headers it is 0; of any other that announces none, nobody knows.
fn size(
    attribute: &Attribute,
    scope: &Scope<'_>,
) -> Result<Option<Resolved<'static>>, ResolveError> {
    let invalid = || ResolveError::Invalid(attribute.to_string());
    match scope.headers.get("content-length") {
        HeaderValue::One(digits) => {
            let size = std::str::from_utf8(digits).ok();
            let size = size.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
            let size = size.and_then(|text| text.parse().ok()).and_then(number);
            size.map(Some).ok_or_else(invalid)
        }
        HeaderValue::Absent if scope.headers.is_end_of_stream() => Ok(Some(Resolved::Number(0.0))),
        HeaderValue::Absent => Ok(None),
        HeaderValue::Joined(_) => Err(invalid()),
    }
}

/// Service and method of a gRPC request, by its content type and its path
/// (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>): in any
/// letter case, with a format behind `+` or parameters behind `;`, as servers
/// take it. What says that it is gRPC and has no service and method that all
/// servers agree on is invalid: gRPC-Web, which a filter behind this one may
/// turn into gRPC, a repeated content type, `te: trailers` with another one,
/// another path than `/service/method`, a query.
fn grpc<'a>(
    attribute: &Attribute,
    scope: &Scope<'a>,
) -> Result<Option<(&'a str, &'a str)>, ResolveError> {
    const GRPC: &[u8] = b"application/grpc";
    let invalid = || ResolveError::Invalid(attribute.to_string());
    let value = match scope.headers.get("content-type") {
        HeaderValue::Absent => b"",
        HeaderValue::One(value) => value.trim_ascii(),
        HeaderValue::Joined(_) => return Err(invalid()),
    };
    // Some servers look at nothing else, and only gRPC asks for trailers so.
    let asks_for_trailers = scope.headers.values("te").any(|value| {
        let mut words = value.split(|byte| matches!(byte, b',' | b';'));
        words.any(|word| word.trim_ascii().eq_ignore_ascii_case(b"trailers"))
    });
    let subtype = value
        .split_at_checked(GRPC.len())
        .filter(|(start, _)| start.eq_ignore_ascii_case(GRPC));
    match subtype.map(|(_, rest)| rest.first()) {
        Some(None | Some(b'+' | b';' | b' ' | b'\t')) if !value.contains(&b',') => {}
        Some(_) => return Err(invalid()),
        None if asks_for_trailers => return Err(invalid()),
        None => return Ok(None),
    }
    let names = scope.path.path().strip_prefix('/');
    let names = names.and_then(|names| names.split_once('/'));
    let names = names.filter(|(service, method)| {
        !service.is_empty() && !method.is_empty() && !method.contains('/')
    });
    match names {
        Some(names) if scope.path.query().is_none() => Ok(Some(names)),
        _ => Err(invalid()),
    }
}

/// The largest integer up to which a double tells every integer from the next.
const MAX_EXACT_INTEGER: u64 = 1 << 53;

/// A claim that is null counts as absent before it comes here: OpenID Connect
/// Core 5.3.2 asks issuers to leave such claims out.
fn claim_value<'a>(
    claim: &'a serde_json::Value,
    attribute: &Attribute,
) -> Result<Resolved<'a>, ResolveError> {
    Ok(match claim {
        serde_json::Value::Bool(truth) => Resolved::Bool(*truth),
        serde_json::Value::Number(number) => Resolved::Number(
            exact(number).ok_or_else(|| ResolveError::Invalid(attribute.to_string()))?,
        ),
        serde_json::Value::String(text) => Resolved::Text(Cow::Borrowed(text)),
        json if is_exact(json) => Resolved::Json(Cow::Borrowed(json)),
        _ => return Err(ResolveError::Invalid(attribute.to_string())),
    })
}

/// Whether every number in a value has one. Tokens and metadata are read with a
/// bounded depth.
pub(crate) fn is_exact(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Number(number) => exact(number).is_some(),
        serde_json::Value::Array(values) => values.iter().all(is_exact),
        serde_json::Value::Object(members) => members.values().all(is_exact),
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::String(_) => true,
    }
}

/// Casbin's numbers are doubles. An integer that would be rounded could equal
/// another one, another tenant's for example, so it has no value here.
pub(crate) fn exact(number: &serde_json::Number) -> Option<f64> {
    let magnitude = number
        .as_u64()
        .or_else(|| number.as_i64().map(i64::unsigned_abs));
    match magnitude {
        Some(magnitude) if magnitude > MAX_EXACT_INTEGER => None,
        _ => number.as_f64().filter(|number| number.is_finite()),
    }
}

fn property_value(
    property: &HostProperty,
    attribute: &Attribute,
    scope: &Scope<'_>,
) -> Result<Option<Resolved<'static>>, ResolveError> {
    let path: Vec<&str> = property.path.iter().map(String::as_str).collect();
    let bytes = match scope.facts.property(&path) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Ok(None),
        Err(_) => return Err(ResolveError::Unreadable(attribute.to_string())),
    };
    let invalid = || ResolveError::Invalid(attribute.to_string());
    if let PropertyType::Metadata(steps) = &property.property_type {
        let found = metadata::find(&bytes, steps).map_err(|_| invalid())?;
        return match found.filter(|value| !value.is_null()) {
            Some(value) => metadata_value(value).map(Some).ok_or_else(invalid),
            None => Ok(None),
        };
    }
    decode(bytes, &property.property_type)
        .map(Some)
        .ok_or_else(invalid)
}

/// A control plane's numbers are doubles already: one that may have been
/// rounded has no value.
fn metadata_value(value: serde_json::Value) -> Option<Resolved<'static>> {
    if !is_unrounded(&value) {
        return None;
    }
    Some(match value {
        serde_json::Value::Bool(truth) => Resolved::Bool(truth),
        serde_json::Value::Number(number) => Resolved::Number(number.as_f64()?),
        serde_json::Value::String(text) => Resolved::Text(Cow::Owned(text)),
        json => Resolved::Json(Cow::Owned(json)),
    })
}

/// Whether no number in the value may stand for another one: 2^53 may be what
/// was left of 2^53 + 1.
fn is_unrounded(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Number(number) => number
            .as_f64()
            .is_some_and(|number| number.abs() < 9_007_199_254_740_992.0),
        serde_json::Value::Array(values) => values.iter().all(is_unrounded),
        serde_json::Value::Object(members) => members.values().all(is_unrounded),
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::String(_) => true,
    }
}

fn decode(bytes: Vec<u8>, property_type: &PropertyType) -> Option<Resolved<'static>> {
    let text = |bytes| {
        let text = String::from_utf8(bytes).ok()?;
        Some(Resolved::Text(Cow::Owned(text)))
    };
    match property_type {
        PropertyType::Text => text(bytes),
        PropertyType::PlainText if bytes.iter().any(u8::is_ascii_control) => None,
        PropertyType::PlainText => text(bytes),
        PropertyType::Integer => number(integer(bytes)?),
        PropertyType::Time => number(integer(bytes)?.div_euclid(1_000_000_000)),
        PropertyType::Bool => match bytes.as_slice() {
            [0] => Some(Resolved::Bool(false)),
            [1] => Some(Resolved::Bool(true)),
            _ => None,
        },
        PropertyType::Metadata(_) => None,
    }
}

fn integer(bytes: Vec<u8>) -> Option<i64> {
    Some(i64::from_le_bytes(bytes.try_into().ok()?))
}

/// An integer as a number; one that would be rounded has no value, as a claim
/// has none.
fn number(integer: i64) -> Option<Resolved<'static>> {
    if integer.unsigned_abs() > MAX_EXACT_INTEGER {
        return None;
    }
    #[expect(
        clippy::as_conversions,
        clippy::cast_precision_loss,
        reason = "exact up to 2^53"
    )]
    let number = integer as f64;
    Some(Resolved::Number(number))
}
