//! Which attribute fills which name of Casbin's request definition.

use std::borrow::Cow;

use doorward_engine::{Kinds, ValueType};

use crate::attribute::Attribute;
use crate::derived::DerivedFact;
use crate::entry::{Entry, EntrySource};
use crate::expression::{Expression, ExpressionError, Literal, Term};
use crate::function::Function;
use crate::kinds;
use crate::object::ResolvedObject;
use crate::read::{Scope, attribute_value, plain_text};
use crate::value::{ResolveError, Resolved};

/// The mapping of a whole request definition, in its order.
#[derive(Debug, Clone)]
pub struct Mapping {
    entries: Vec<Entry>,
    /// All that an entry may read, each once.
    attributes: Vec<Attribute>,
    /// Whether `request.host` is among them.
    reads_host: bool,
    /// See [`Mapping::reads_what_rewriting_changes`].
    reads_what_rewriting_changes: bool,
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
    /// An object is wrong.
    #[error("request.{name} {problem}")]
    Object {
        /// The entry, or the object in it.
        name: String,
        /// What is wrong with it.
        problem: String,
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
        entries: impl IntoIterator<Item = (&'e str, EntrySource<'e>)>,
    ) -> Result<Self, MappingError> {
        let mut slots: Vec<Option<Entry>> = vec![None; definition.len()];
        for (name, source) in entries {
            let entry = Entry::parse(name, &source)?;
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
            *slot = Some(entry);
        }
        let entries = definition
            .iter()
            .zip(slots)
            .map(|(name, slot)| {
                slot.ok_or_else(|| MappingError::Missing {
                    name: (*name).to_owned(),
                    definition: definition.join(", "),
                })
            })
            .collect::<Result<Vec<Entry>, _>>()?;
        let mut attributes: Vec<Attribute> = Vec::new();
        for expression in expressions(&entries) {
            let mut found = Vec::new();
            expression.add_attributes(&mut found);
            for attribute in found {
                if !attributes.contains(attribute) {
                    attributes.push(attribute.clone());
                }
            }
        }
        let is_changed =
            |attribute: &Attribute| attribute.depends_on_route() || attribute.depends_on_filters();
        Ok(Self {
            entries,
            reads_host: attributes.contains(&Attribute::Host),
            reads_what_rewriting_changes: attributes.iter().any(is_changed),
            attributes,
        })
    }

    /// Every attribute that an entry may read, each once: alternatives,
    /// arguments of functions and members of objects among them.
    pub fn attributes(&self) -> impl Iterator<Item = &Attribute> {
        self.attributes.iter()
    }

    /// Whether any entry uses a fact of the token.
    #[must_use]
    pub fn reads_token(&self) -> bool {
        self.attributes().any(|attribute| {
            matches!(
                attribute,
                Attribute::Principal | Attribute::Claim(_) | Attribute::Claims
            )
        })
    }

    /// Whether any entry may be made of the whole claim of this name, which is
    /// also among all claims.
    #[must_use]
    pub fn reads_claim(&self, name: &str) -> bool {
        self.attributes()
            .any(|attribute| *attribute == Attribute::Claims || is_claim(attribute, name))
    }

    /// The entries, by number, and the members of objects that are the whole
    /// claim of this name wherever a token has it. A function may make two
    /// claims equal, and who maps all claims need not look at this one, so
    /// neither counts.
    #[must_use]
    pub fn places_of_claim(&self, name: &str) -> Vec<(usize, Vec<&str>)> {
        let is =
            |term: &Term| matches!(term, Term::Attribute(attribute) if is_claim(attribute, name));
        let mut places = Vec::new();
        for (number, entry) in self.entries.iter().enumerate() {
            let members = entry.places_that_are(&is).into_iter();
            places.extend(members.map(|members| (number, members)));
        }
        places
    }

    /// Whether a function gets the principal: what it makes of two principals
    /// may be equal.
    #[must_use]
    pub fn computes_principal(&self) -> bool {
        let is = |attribute: &Attribute| *attribute == Attribute::Principal;
        expressions(&self.entries)
            .into_iter()
            .any(|expression| expression.computes(is))
    }

    /// Whether any entry depends on the route or the cluster that the proxy
    /// chose. A request to which that matters is not rewritten: see
    /// [`Attribute::depends_on_route`].
    #[must_use]
    pub fn reads_route(&self) -> bool {
        self.attributes().any(Attribute::depends_on_route)
    }

    /// Whether any entry holds for the request as it came alone: it depends on
    /// the route, or on what an earlier filter made of the request, which may
    /// have gone by the route too. To such a request neither path nor host is
    /// rewritten.
    #[must_use]
    pub const fn reads_what_rewriting_changes(&self) -> bool {
        self.reads_what_rewriting_changes
    }

    /// Whether any entry uses the host.
    #[must_use]
    pub const fn reads_host(&self) -> bool {
        self.reads_host
    }

    /// What is known of the values before there is a request, in the order of
    /// the request definition. `expands_json`: whether a text that starts as
    /// JSON does becomes an object or a list.
    #[must_use]
    pub fn types(&self, expands_json: bool) -> Vec<ValueType> {
        let types = self.entries.iter().map(kinds::of_entry);
        types
            .map(|mut known| {
                if expands_json && known.kinds.may_be(Kinds::TEXT) {
                    known.kinds = known.kinds.or(Kinds::LIST).or(Kinds::OBJECT);
                }
                known
            })
            .collect()
    }

    /// Whether any entry uses a fact of the peer.
    #[must_use]
    pub fn reads_peer(&self) -> bool {
        self.attributes()
            .any(|attribute| matches!(attribute, Attribute::Derived(DerivedFact::Peer(_))))
    }

    /// The values of one request, in the order of the request definition.
    ///
    /// # Errors
    /// A fact is absent without a default, unreadable, or not of its type.
    pub fn resolve<'a>(&'a self, scope: &Scope<'a>) -> Result<Vec<Resolved<'a>>, ResolveError> {
        let mut values = Vec::with_capacity(self.entries.len());
        for entry in &self.entries {
            values.push(resolve(entry, scope)?);
        }
        Ok(values)
    }
}

/// The expressions of all entries.
fn expressions(entries: &[Entry]) -> Vec<&Expression> {
    let mut all = Vec::new();
    for entry in entries {
        entry.add_expressions(&mut all);
    }
    all
}

fn resolve<'a>(entry: &'a Entry, scope: &Scope<'a>) -> Result<Resolved<'a>, ResolveError> {
    match entry {
        Entry::Expression(expression) => {
            value(expression, scope)?.ok_or_else(|| ResolveError::Absent(absent(expression)))
        }
        Entry::Object(members) => members
            .iter()
            .map(|(name, entry)| Ok((name.as_str(), resolve(entry, scope)?)))
            .collect::<Result<_, _>>()
            .map(|members| Resolved::Object(ResolvedObject::Members(members))),
    }
}

/// The first alternative that is present.
fn value<'a>(
    expression: &'a Expression,
    scope: &Scope<'a>,
) -> Result<Option<Resolved<'a>>, ResolveError> {
    for term in expression.alternatives() {
        if let Term::Attribute(attribute) = term
            && let Some(text) = plain_text(attribute, scope)
        {
            return Ok(Some(Resolved::Text(Cow::Borrowed(text))));
        }
        let value = match term {
            Term::Literal(literal) => Some(literal_value(literal)),
            Term::Attribute(attribute) => attribute_value(attribute, scope)?,
            Term::Call(function, argument) => called(function, argument, term, scope)?,
        };
        if value.is_some() {
            return Ok(value);
        }
    }
    Ok(None)
}

/// The value of a call; without its argument it has none.
fn called<'a>(
    function: &Function,
    argument: &'a Expression,
    term: &Term,
    scope: &Scope<'a>,
) -> Result<Option<Resolved<'a>>, ResolveError> {
    match value(argument, scope)? {
        None => Ok(None),
        Some(Resolved::Text(text)) => match function.apply(text) {
            Ok(text) => Ok(text.map(Resolved::Text)),
            Err(_) => Err(ResolveError::Invalid(term.to_string())),
        },
        Some(_) => Err(ResolveError::Invalid(term.to_string())),
    }
}

/// What would have been the value, had it been there.
fn absent(expression: &Expression) -> String {
    let names: Vec<String> = expression
        .alternatives()
        .iter()
        .filter_map(|term| match term {
            Term::Literal(_) => None,
            term => Some(term.to_string()),
        })
        .collect();
    names.join(" or ")
}

fn literal_value(literal: &Literal) -> Resolved<'_> {
    match literal {
        Literal::Text(text) => Resolved::Text(Cow::Borrowed(text)),
        Literal::Number(number) => Resolved::Number(*number),
        Literal::Bool(truth) => Resolved::Bool(*truth),
    }
}

fn is_claim(attribute: &Attribute, name: &str) -> bool {
    matches!(attribute, Attribute::Claim(path) if path.is_whole(name))
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
        let mapping = Mapping::parse(&["v"], [("v", EntrySource::Text(text))])
            .map_err(|error| error.to_string())?;
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
    fn a_piece_that_servers_count_in_different_ways_has_no_value() {
        for call in [
            "segment('/a//b/', 1)",
            "segment('/a//b/', 2)",
            "segment('.a', 1, '.')",
            "segment('//a', 0)",
            "segment('.a', 0, '.')",
        ] {
            assert_eq!(
                resolve_text(&format!("{call} ?? 'empty'")),
                Err(format!("{call} is not a valid value of its type"))
            );
        }
    }

    #[test]
    fn functions_of_texts() {
        for (text, value) in [
            ("lower('AbÄ')", "abÄ"),
            ("upper(jwt.dept)", "IT"),
            ("lower(request.method)", "get"),
            ("strip_prefix(jwt.principal, 'user:')", "alice"),
            ("strip_prefix(jwt.principal, 'group:') ?? 'none'", "none"),
            ("strip_prefix(jwt.dept, '')", "it"),
            ("strip_prefix('ab', 'ab')", ""),
            ("segment(request.url_path, 0)", "orders"),
            ("segment(request.url_path, 1) ?? 'none'", "none"),
            ("segment('/a//b/', 0)", "a"),
            ("segment('/a/b//', 2) ?? 'empty'", "empty"),
            ("segment('a/b', 0)", "a"),
            ("segment('a/b', 1, '/')", "b"),
            ("segment('/', 0) ?? 'empty'", "empty"),
            ("segment('', 0) ?? 'empty'", "empty"),
            ("segment(request.host, 0, '.')", "orders"),
            ("segment('//', 0) ?? 'empty'", "empty"),
            ("segment('a::b:c', 1, '::')", "b:c"),
            ("segment('a', 4294967295) ?? 'far'", "far"),
            ("upper(segment(request.path, 0, '?'))", "/ORDERS"),
            (
                "lower(strip_prefix(jwt.none ?? jwt.principal, 'user:') ?? 'X')",
                "alice",
            ),
            ("lower(jwt.none) ?? 'absent'", "absent"),
            ("lower(jwt.nothing) ?? upper(jwt.dept)", "IT"),
        ] {
            assert_eq!(resolve_text(text), Ok(format!("Text({value:?})")), "{text}");
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
            (
                "lower(jwt.level) ?? 'd'",
                "lower(jwt.level) is not a valid value of its type",
            ),
            (
                "lower(jwt.groups ?? 'd')",
                "lower(jwt.groups ?? 'd') is not a valid value of its type",
            ),
            (
                "lower(connection.tls_version) ?? 'd'",
                "connection.tls_version could not be read from the proxy",
            ),
            (
                "lower(jwt.none) ?? segment(request.url_path, 7)",
                "the request has no lower(jwt.none) or segment(request.url_path, 7)",
            ),
        ] {
            assert_eq!(resolve_text(text), Err(message.to_owned()), "{text}");
        }
    }

    #[test]
    fn mapping_and_definition_name_the_same_things() {
        let parse = |entries: &[(&'static str, &'static str)]| {
            let entries = entries
                .iter()
                .map(|(name, text)| (*name, EntrySource::Text(text)));
            Mapping::parse(&["sub", "obj"], entries).map_err(|e| e.to_string())
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
