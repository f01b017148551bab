//! Which attribute fills which name of Casbin's request definition.

use std::borrow::Cow;

use doorward_engine::Value;
use serde_json::Map;

use crate::attribute::{Attribute, HostProperty, PropertyType};
use crate::expression::{Expression, ExpressionError, Literal, Term};
use crate::facts::Facts;
use crate::headers::{HeaderSnapshot, HeaderValue};
use crate::host::canonical_host;
use crate::path::CanonicalPath;

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

/// The mapping of a whole request definition, in its order.
#[derive(Debug, Clone)]
pub struct Mapping {
    expressions: Vec<Expression>,
}

/// Why a mapping does not fit the request definition of the model.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// An entry's text is wrong.
    #[error("request.{name}: {error}")]
    Expression {
        /// The entry.
        name: String,
        /// What is wrong with it.
        #[source]
        error: ExpressionError,
    },
    /// The model's request definition has a name that nothing fills.
    #[error(
        "request has no entry for {name:?}, which the model's request definition ({definition}) names"
    )]
    Missing {
        /// The name.
        name: String,
        /// The whole definition.
        definition: String,
    },
    /// An entry that the request definition does not name.
    #[error("request.{name} is not in the model's request definition ({definition})")]
    Surplus {
        /// The entry.
        name: String,
        /// The whole definition.
        definition: String,
    },
}

/// The value of one mapping entry for one request.
#[derive(Debug, Clone, PartialEq)]
pub enum Resolved<'a> {
    /// Text.
    Text(Cow<'a, str>),
    /// A number.
    Number(f64),
    /// A boolean.
    Bool(bool),
    /// A list or an object: of a token's claims, or what a text held.
    Json(Cow<'a, serde_json::Value>),
}

impl Resolved<'_> {
    /// The value as the engine takes it.
    #[must_use]
    pub fn value(&self) -> Value<'_> {
        match self {
            Self::Text(text) => Value::Text(text),
            Self::Number(number) => Value::Number(*number),
            Self::Bool(truth) => Value::Bool(*truth),
            Self::Json(json) => Value::from(&**json),
        }
    }
}

/// Why a request has no value for a mapping entry. Each denies.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// No alternative is present.
    #[error("the request has no {0}")]
    Absent(String),
    /// The host has it but could not give it.
    #[error("{0} could not be read from the proxy")]
    Unreadable(String),
    /// It is there, but not of its type: text that is not UTF-8, for example.
    #[error("{0} is not a valid value of its type")]
    Invalid(String),
}

impl ResolveError {
    /// The reason code of the refusal.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Absent(_) => "attribute_absent",
            Self::Unreadable(_) => "attribute_unreadable",
            Self::Invalid(_) => "attribute_invalid",
        }
    }

    /// The attribute that it is about.
    #[must_use]
    pub fn attribute(&self) -> &str {
        match self {
            Self::Absent(name) | Self::Unreadable(name) | Self::Invalid(name) => name,
        }
    }
}

impl Mapping {
    /// Parses the entries and brings them into the order of `definition`, the
    /// names of the model's request definition.
    ///
    /// # Errors
    /// An entry's text is wrong, or entries and definition do not name the
    /// same things.
    pub fn parse<'e>(
        definition: &[&str],
        entries: impl IntoIterator<Item = (&'e str, &'e str)>,
    ) -> Result<Self, MappingError> {
        let mut slots: Vec<Option<Expression>> = vec![None; definition.len()];
        for (name, text) in entries {
            let expression = Expression::parse(text).map_err(|error| MappingError::Expression {
                name: name.to_owned(),
                error,
            })?;
            let slot = definition
                .iter()
                .zip(&mut slots)
                .find(|(known, _)| **known == name);
            let Some((_, slot)) = slot else {
                return Err(MappingError::Surplus {
                    name: name.to_owned(),
                    definition: definition.join(", "),
                });
            };
            *slot = Some(expression);
        }
        let expressions = definition
            .iter()
            .zip(slots)
            .map(|(name, slot)| {
                slot.ok_or_else(|| MappingError::Missing {
                    name: (*name).to_owned(),
                    definition: definition.join(", "),
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { expressions })
    }

    /// Whether any entry uses a fact of the token.
    #[must_use]
    pub fn reads_token(&self) -> bool {
        self.expressions
            .iter()
            .flat_map(Expression::alternatives)
            .any(|term| {
                matches!(
                    term,
                    Term::Attribute(Attribute::Principal | Attribute::Claim(_))
                )
            })
    }

    /// Whether any entry may be the whole claim of this name.
    #[must_use]
    pub fn reads_claim(&self, name: &str) -> bool {
        self.expressions
            .iter()
            .flat_map(Expression::alternatives)
            .any(|term| is_claim(term, name))
    }

    /// Whether some entry is the whole claim of this name wherever a token has
    /// it.
    #[must_use]
    pub fn always_reads_claim(&self, name: &str) -> bool {
        self.expressions
            .iter()
            .filter_map(|expression| expression.alternatives().first())
            .any(|term| is_claim(term, name))
    }

    /// Whether any entry depends on the route or the cluster that the proxy
    /// chose. A request to which that matters is not rewritten: see
    /// [`Attribute::depends_on_route`].
    #[must_use]
    pub fn reads_route(&self) -> bool {
        self.expressions
            .iter()
            .flat_map(Expression::alternatives)
            .any(|term| matches!(term, Term::Attribute(attribute) if attribute.depends_on_route()))
    }

    /// The values of one request, in the order of the request definition.
    ///
    /// # Errors
    /// A fact is absent without a default, unreadable, or not of its type.
    pub fn resolve<'a>(&'a self, scope: &Scope<'a>) -> Result<Vec<Resolved<'a>>, ResolveError> {
        self.expressions
            .iter()
            .map(|expression| resolve(expression, scope))
            .collect()
    }
}

fn resolve<'a>(
    expression: &'a Expression,
    scope: &Scope<'a>,
) -> Result<Resolved<'a>, ResolveError> {
    for term in expression.alternatives() {
        let value = match term {
            Term::Literal(literal) => Some(literal_value(literal)),
            Term::Attribute(attribute) => attribute_value(attribute, scope)?,
        };
        if let Some(value) = value {
            return Ok(value);
        }
    }
    let names: Vec<String> = expression
        .alternatives()
        .iter()
        .filter_map(|term| match term {
            Term::Attribute(attribute) => Some(attribute.to_string()),
            Term::Literal(_) => None,
        })
        .collect();
    Err(ResolveError::Absent(names.join(" or ")))
}

fn literal_value(literal: &Literal) -> Resolved<'_> {
    match literal {
        Literal::Text(text) => Resolved::Text(Cow::Borrowed(text)),
        Literal::Number(number) => Resolved::Number(*number),
        Literal::Bool(truth) => Resolved::Bool(*truth),
    }
}

/// The value of one attribute; `None` where it is absent.
fn attribute_value<'a>(
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
        Attribute::Property(property) => property_value(property, attribute, scope)?,
    })
}

fn is_claim(term: &Term, name: &str) -> bool {
    matches!(term, Term::Attribute(Attribute::Claim(path)) if path.is_whole(name))
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
fn exact(number: &serde_json::Number) -> Option<f64> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::ReadError;

    struct Host;

    impl Facts for Host {
        fn property(&self, path: &[&str]) -> Result<Option<Vec<u8>>, ReadError> {
            match path.join(".").as_str() {
                "source.address" => Ok(Some(b"10.0.0.1:9".to_vec())),
                "source.port" => Ok(Some(9_i64.to_le_bytes().to_vec())),
                "destination.port" => Ok(Some(vec![1, 2])),
                "connection.mtls" => Ok(Some(vec![1])),
                "connection.tls_version" => Err(ReadError),
                "xds.node.id" => Ok(Some(vec![0xff])),
                _ => Ok(None),
            }
        }
    }

    fn resolve_text(text: &str) -> Result<String, String> {
        let headers = HeaderSnapshot::from_headers([
            (":method", b"GET".as_slice()),
            (":authority", b"Orders.EXAMPLE"),
            ("x-team", b"red"),
            ("x-bytes", b"\xff"),
        ]);
        let path = CanonicalPath::new(b"/%6frders?a=1").unwrap();
        let claims = serde_json::json!({
            "dept": "it", "level": 3, "admin": false, "nothing": null,
            "groups": ["a", "b"], "realm": {"roles": ["x"]}, "principal": "forged",
            "exact": 9_007_199_254_740_992_u64, "rounded": 9_007_199_254_740_993_u64,
            "negative": -9_007_199_254_740_993_i64,
        });
        let scope = Scope {
            headers: &headers,
            path: &path,
            claims: claims.as_object(),
            principal: Some("user:alice"),
            facts: &Host,
        };
        let mapping = Mapping::parse(&["v"], [("v", text)]).map_err(|error| error.to_string())?;
        let values = mapping.resolve(&scope).map_err(|error| error.to_string())?;
        Ok(format!("{:?}", values[0]))
    }

    #[test]
    fn each_kind_of_fact_is_read() {
        for (text, value) in [
            ("request.path", r#"Text("/orders?a=1")"#),
            ("request.url_path", r#"Text("/orders")"#),
            ("request.query", r#"Text("a=1")"#),
            ("request.method", r#"Text("GET")"#),
            ("request.host", r#"Text("orders.example")"#),
            ("request.headers['X-Team']", r#"Text("red")"#),
            ("request.headers['x-none'] ?? 'no'", r#"Text("no")"#),
            ("request.scheme ?? 7", "Number(7.0)"),
            ("jwt.principal", r#"Text("user:alice")"#),
            ("jwt.dept", r#"Text("it")"#),
            ("jwt.level", "Number(3.0)"),
            ("jwt.exact", "Number(9007199254740992.0)"),
            ("jwt.admin", "Bool(false)"),
            ("jwt.nothing ?? 'absent'", r#"Text("absent")"#),
            ("jwt.groups[1]", r#"Text("b")"#),
            ("jwt.groups[2] ?? 'absent'", r#"Text("absent")"#),
            ("jwt.realm.roles[0]", r#"Text("x")"#),
            ("jwt.groups", r#"Json(Array [String("a"), String("b")])"#),
            ("source.address", r#"Text("10.0.0.1:9")"#),
            ("source.port", "Number(9.0)"),
            ("connection.mtls", "Bool(true)"),
        ] {
            assert_eq!(resolve_text(text).as_deref(), Ok(value), "{text}");
        }
    }

    #[test]
    fn a_default_stands_in_for_absence_only() {
        for (text, message) in [
            ("request.scheme", "the request has no request.scheme"),
            (
                "jwt.none ?? jwt.nothing",
                "the request has no jwt.none or jwt.nothing",
            ),
            (
                "request.headers['x-bytes'] ?? 'd'",
                "request.headers['x-bytes'] is not a valid value of its type",
            ),
            (
                "connection.tls_version ?? 'd'",
                "connection.tls_version could not be read from the proxy",
            ),
            (
                "destination.port ?? 1",
                "destination.port is not a valid value of its type",
            ),
            (
                "xds.node.id ?? 'd'",
                "xds.node.id is not a valid value of its type",
            ),
        ] {
            assert_eq!(resolve_text(text), Err(message.to_owned()), "{text}");
        }
    }

    #[test]
    fn mapping_and_definition_name_the_same_things() {
        let parse = |entries: &[(&'static str, &'static str)]| {
            Mapping::parse(&["sub", "obj"], entries.iter().copied()).map_err(|e| e.to_string())
        };
        assert!(parse(&[("obj", "request.url_path"), ("sub", "'a'")]).is_ok());
        assert_eq!(
            parse(&[("sub", "'a'")]).unwrap_err(),
            "request has no entry for \"obj\", which the model's request definition (sub, obj) names"
        );
        assert_eq!(
            parse(&[("sub", "'a'"), ("act", "'b'")]).unwrap_err(),
            "request.act is not in the model's request definition (sub, obj)"
        );
        assert_eq!(
            parse(&[("sub", "jwt.")]).unwrap_err(),
            "request.sub: column 5: expected a name behind the dot, found the end"
        );
    }
}
