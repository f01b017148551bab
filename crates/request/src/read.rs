//! Reading the attributes of one request.

use std::borrow::Cow;

use serde_json::Map;

use crate::attribute::{Attribute, HostProperty, PropertyType};
use crate::facts::Facts;
use crate::headers::{HeaderSnapshot, HeaderValue};
use crate::host::canonical_host;
use crate::object::ResolvedObject;
use crate::path::CanonicalPath;
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
    /// The host.
    pub facts: &'a dyn Facts,
}

/// The value of one attribute; `None` where it is absent.
pub(crate) fn attribute_value<'a>(
    attribute: &'a Attribute,
    scope: &Scope<'a>,
) -> Result<Option<Resolved<'a>>, ResolveError> {
    let borrowed = |text: &'a str| Resolved::Text(Cow::Borrowed(text));
    Ok(match attribute {
        Attribute::Path => Some(borrowed(scope.path.target())),
        Attribute::UrlPath => Some(borrowed(scope.path.path())),
        // Without a `?` it is empty, as Envoy has it, not absent.
        Attribute::Query => Some(borrowed(scope.path.query().unwrap_or_default())),
        Attribute::Host => host_value(attribute, scope)?,
        Attribute::Scheme => header_value(":scheme", attribute, scope)?,
        Attribute::Method => header_value(":method", attribute, scope)?,
        Attribute::Header(name) => header_value(name, attribute, scope)?,
        Attribute::Principal => scope.principal.map(borrowed),
        Attribute::Claim(path) => scope
            .claims
            .and_then(|claims| path.find(claims))
            .filter(|claim| !claim.is_null())
            .map(|claim| claim_value(claim, attribute))
            .transpose()?,
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
    let secure = scope.headers.get(":scheme") == HeaderValue::One(b"https");
    canonical_host(authority, secure)
        .map(|host| Some(Resolved::Text(host)))
        .ok_or_else(|| ResolveError::Invalid(attribute.to_string()))
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
        json => Resolved::Json(Cow::Borrowed(json)),
    })
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
    decode(bytes, property.property_type)
        .map(Some)
        .ok_or_else(|| ResolveError::Invalid(attribute.to_string()))
}

fn decode(bytes: Vec<u8>, property_type: PropertyType) -> Option<Resolved<'static>> {
    match property_type {
        PropertyType::Text => String::from_utf8(bytes)
            .ok()
            .map(|text| Resolved::Text(Cow::Owned(text))),
        PropertyType::Integer => {
            let integer = i64::from_le_bytes(bytes.try_into().ok()?);
            // Ports and sizes are far below 2^53, where the two types part.
            #[expect(
                clippy::as_conversions,
                clippy::cast_precision_loss,
                reason = "exact below 2^53"
            )]
            let number = integer as f64;
            Some(Resolved::Number(number))
        }
        PropertyType::Bool => match bytes.as_slice() {
            [0] => Some(Resolved::Bool(false)),
            [1] => Some(Resolved::Bool(true)),
            _ => None,
        },
    }
}
