//! Which attribute fills which name of Casbin's request definition.

use std::borrow::Cow;

use crate::attribute::Attribute;
use crate::derived::DerivedFact;
use crate::expression::{Expression, ExpressionError, Literal, Term};
use crate::read::{Scope, attribute_value};
use crate::value::{ResolveError, Resolved};

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

    /// The attributes that some entry may read, in their order; one that is
    /// named twice comes twice.
    pub fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        self.expressions
            .iter()
            .flat_map(Expression::alternatives)
            .filter_map(|term| match term {
                Term::Attribute(attribute) => Some(attribute),
                Term::Literal(_) => None,
            })
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

    /// Whether any entry uses a fact of the peer.
    #[must_use]
    pub fn reads_peer(&self) -> bool {
        self.expressions
            .iter()
            .flat_map(Expression::alternatives)
            .any(|term| {
                matches!(
                    term,
                    Term::Attribute(Attribute::Derived(DerivedFact::Peer(_)))
                )
            })
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

fn is_claim(term: &Term, name: &str) -> bool {
    matches!(term, Term::Attribute(Attribute::Claim(path)) if path.is_whole(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::derived::{Derived, DerivedSettings};
    use crate::facts::{Facts, ReadError};
    use crate::headers::HeaderSnapshot;
    use crate::path::CanonicalPath;

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
        let settings = DerivedSettings::default();
        let scope = Scope {
            headers: &headers,
            path: &path,
            claims: claims.as_object(),
            principal: Some("user:alice"),
            derived: &Derived::new(&settings, 0),
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
