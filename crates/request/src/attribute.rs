//! Attributes: the named facts that a mapping can use.

/// One step of a path behind its first name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// `.name` or `['name']`.
    Member(String),
    /// `[3]`, an element of a list, counted from 0.
    Index(usize),
}

/// The path to a claim of the verified token: at least one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimPath {
    first: String,
    rest: Vec<Step>,
}

impl ClaimPath {
    /// A path from its steps; `None` unless the first names a member.
    #[must_use]
    pub fn new(steps: Vec<Step>) -> Option<Self> {
        let mut steps = steps.into_iter();
        match steps.next()? {
            Step::Member(first) => Some(Self {
                first,
                rest: steps.collect(),
            }),
            Step::Index(_) => None,
        }
    }

    /// The claim that the path starts at.
    #[must_use]
    pub fn claim(&self) -> &str {
        &self.first
    }

    /// Whether the path is the claim of this name, and leads to nothing in it.
    #[must_use]
    pub fn is_whole(&self, name: &str) -> bool {
        self.first == name && self.rest.is_empty()
    }

    /// The value that the path leads to; `None` where it leads nowhere.
    #[must_use]
    pub fn find<'v>(
        &self,
        claims: &'v serde_json::Map<String, serde_json::Value>,
    ) -> Option<&'v serde_json::Value> {
        let claim = claims.get(&self.first)?;
        self.rest.iter().try_fold(claim, |value, step| match step {
            Step::Member(name) => value.as_object()?.get(name),
            Step::Index(index) => value.as_array()?.get(*index),
        })
    }
}

/// How the host encodes a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PropertyType {
    /// Bytes as they are; must be UTF-8.
    Text,
    /// Eight bytes, little-endian, signed.
    Integer,
    /// One byte, 0 or 1.
    Bool,
}

/// A property that is read from the host, one call each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostProperty {
    /// The path, as `proxy_get_property` takes it.
    pub path: Vec<String>,
    /// How its bytes are to be read.
    pub property_type: PropertyType,
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
    /// `jwt.principal`: the principal that the provider's form made.
    Principal,
    /// `jwt.name`, `jwt['name']`: a verified claim.
    Claim(ClaimPath),
    /// Whatever only the host knows.
    Property(HostProperty),
}

/// Why a path is no attribute.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AttributeError {
    /// No attribute has this name.
    #[error("unknown attribute {name:?}: the nearest known name is {nearest:?}")]
    Unknown {
        /// The path as written.
        name: String,
        /// The known name that differs least.
        nearest: &'static str,
    },
    /// A map was named without the entry that is wanted.
    #[error("{name} is a map: write {name}['name']")]
    NeedsIndex {
        /// The map.
        name: &'static str,
    },
    /// Something stands behind a plain value.
    #[error("{name} is a plain value: nothing can stand behind it")]
    NotAMap {
        /// The plain attribute.
        name: String,
    },
    /// A pseudo header by its wire name, which would go past the canonical form.
    #[error("{header:?} is a pseudo header: write {instead}")]
    PseudoHeader {
        /// The header as written.
        header: String,
        /// The attribute to use.
        instead: &'static str,
    },
}

/// Envoy's attributes that only the host knows, and how it encodes them.
/// Source: <https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/attributes>.
///
/// The names of route and cluster are not among them: a header edit sends the
/// request to another route than the one whose name was read.
const HOST_PROPERTIES: &[(&str, PropertyType)] = &[
    ("request.protocol", PropertyType::Text),
    ("source.address", PropertyType::Text),
    ("source.port", PropertyType::Integer),
    ("destination.address", PropertyType::Text),
    ("destination.port", PropertyType::Integer),
    ("connection.mtls", PropertyType::Bool),
    ("connection.requested_server_name", PropertyType::Text),
    ("connection.tls_version", PropertyType::Text),
    ("connection.subject_local_certificate", PropertyType::Text),
    ("connection.subject_peer_certificate", PropertyType::Text),
    ("connection.dns_san_local_certificate", PropertyType::Text),
    ("connection.dns_san_peer_certificate", PropertyType::Text),
    ("connection.uri_san_local_certificate", PropertyType::Text),
    ("connection.uri_san_peer_certificate", PropertyType::Text),
    (
        "connection.sha256_peer_certificate_digest",
        PropertyType::Text,
    ),
    ("xds.node.id", PropertyType::Text),
    ("xds.node.cluster", PropertyType::Text),
    ("xds.filter_chain_name", PropertyType::Text),
];

/// Host properties that are maps of text: one more step names the entry.
const HOST_MAPS: &[&str] = &["xds.node.metadata"];

/// Attributes that come from the header snapshot or the token.
const SNAPSHOT_NAMES: &[&str] = &[
    "request.path",
    "request.url_path",
    "request.query",
    "request.host",
    "request.scheme",
    "request.method",
    "request.id",
    "request.useragent",
    "request.referer",
    "request.headers",
    "jwt.principal",
    "jwt",
];

/// The names of Envoy's attributes that say where a request goes: what stands
/// first in them, or is all of them.
const ROUTE_NAMES: &[&str] = &[
    "upstream",
    "xds.route_name",
    "xds.route_metadata",
    "xds.virtual_host_name",
    "xds.virtual_host_metadata",
    "xds.cluster_name",
    "xds.cluster_metadata",
    "xds.upstream_host_metadata",
    "xds.upstream_host_locality_metadata",
];

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
            return claim(steps);
        }
        let name = dotted(first, steps);
        if is_at_or_below(&name, "request.headers") {
            return header(steps);
        }
        if let Some(plain) = snapshot_attribute(&name) {
            return Ok(plain);
        }
        if let Some((_, property_type)) = HOST_PROPERTIES.iter().find(|(known, _)| *known == name) {
            let path = name.split('.').map(str::to_owned).collect();
            return Ok(Self::Property(HostProperty {
                path,
                property_type: *property_type,
            }));
        }
        for map in HOST_MAPS {
            if is_at_or_below(&name, map) {
                return host_map(map, first, steps);
            }
        }
        Err(refuse(name))
    }
}

fn claim(steps: &[Step]) -> Result<Attribute, AttributeError> {
    let path = ClaimPath::new(steps.to_vec()).ok_or(AttributeError::NeedsIndex { name: "jwt" })?;
    if path.first != "principal" {
        return Ok(Attribute::Claim(path));
    }
    if path.rest.is_empty() {
        Ok(Attribute::Principal)
    } else {
        Err(AttributeError::NotAMap {
            name: "jwt.principal".to_owned(),
        })
    }
}

fn snapshot_attribute(name: &str) -> Option<Attribute> {
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
        _ => return None,
    })
}

fn header(steps: &[Step]) -> Result<Attribute, AttributeError> {
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

fn host_map(map: &'static str, first: &str, steps: &[Step]) -> Result<Attribute, AttributeError> {
    let mut path = vec![first.to_owned()];
    for step in steps {
        match step {
            Step::Member(name) => path.push(name.clone()),
            Step::Index(_) => return Err(refuse(dotted(first, steps))),
        }
    }
    if path.len() == map.split('.').count() {
        return Err(AttributeError::NeedsIndex { name: map });
    }
    Ok(Attribute::Property(HostProperty {
        path,
        property_type: PropertyType::Text,
    }))
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

/// The refusal of `name`: what stands behind a plain value, or an unknown name.
fn refuse(name: String) -> AttributeError {
    let plain = SNAPSHOT_NAMES
        .iter()
        .chain(HOST_PROPERTIES.iter().map(|(known, _)| known));
    for known in plain.clone() {
        if is_at_or_below(&name, known) {
            return AttributeError::NotAMap {
                name: (*known).to_owned(),
            };
        }
    }
    let nearest = plain
        .chain(HOST_MAPS)
        .min_by_key(|known| {
            let shortened = known
                .strip_suffix(&name)
                .is_some_and(|rest| rest.ends_with('.'));
            (!shortened, strsim::damerau_levenshtein(known, &name))
        })
        .copied()
        .unwrap_or_default();
    AttributeError::Unknown { name, nearest }
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
            Self::Header(name) => write!(f, "request.headers['{name}']"),
            Self::Principal => f.write_str("jwt.principal"),
            Self::Claim(path) => write!(f, "{path}"),
            Self::Property(property) => f.write_str(&property.path.join(".")),
        }
    }
}

impl std::fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("jwt")?;
        let first = Step::Member(self.first.clone());
        for step in std::iter::once(&first).chain(&self.rest) {
            match step {
                Step::Member(name) if is_plain_name(name) => write!(f, ".{name}")?,
                Step::Member(name) => write!(f, "['{name}']")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

fn is_plain_name(name: &str) -> bool {
    !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !name.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(path: &[&str]) -> Result<Attribute, AttributeError> {
        let steps: Vec<Step> = path[1..]
            .iter()
            .map(|name| Step::Member((*name).to_owned()))
            .collect();
        Attribute::resolve(path[0], &steps)
    }

    #[test]
    fn every_known_name_resolves_and_displays_as_itself() {
        let plain = SNAPSHOT_NAMES
            .iter()
            .filter(|name| !matches!(**name, "jwt" | "request.headers"));
        for name in plain.chain(HOST_PROPERTIES.iter().map(|(name, _)| name)) {
            let attribute = resolve(&name.split('.').collect::<Vec<_>>()).unwrap();
            if !matches!(attribute, Attribute::Header(_)) {
                assert_eq!(attribute.to_string(), *name);
            }
            let below: Vec<&str> = name.split('.').chain(["x"]).collect();
            assert_eq!(
                resolve(&below),
                Err(AttributeError::NotAMap {
                    name: (*name).to_owned()
                })
            );
        }
        assert_eq!(
            resolve(&["xds", "node", "metadata", "NAMESPACE"])
                .unwrap()
                .to_string(),
            "xds.node.metadata.NAMESPACE"
        );
        assert_eq!(
            resolve(&["jwt", "a.b/c", "d"]).unwrap().to_string(),
            "jwt['a.b/c'].d"
        );
    }

    #[test]
    fn what_the_route_decides_is_known() {
        for (path, depends) in [
            (&["xds", "route_name"][..], true),
            (&["xds", "route_metadata", "filter_metadata", "tags"], true),
            (&["xds", "cluster_metadata"], true),
            (&["upstream", "address"], true),
            (&["xds", "node", "cluster"], false),
            (&["xds", "filter_chain_name"], false),
            (&["connection", "mtls"], false),
        ] {
            let attribute = Attribute::Property(HostProperty {
                path: path.iter().map(|part| (*part).to_owned()).collect(),
                property_type: PropertyType::Text,
            });
            assert_eq!(attribute.depends_on_route(), depends, "{path:?}");
        }
        assert!(!Attribute::Path.depends_on_route());
    }

    #[test]
    fn refusals_say_what_to_write_instead() {
        for (path, message) in [
            (
                ["request", "headers"].as_slice(),
                "request.headers is a map: write request.headers['name']",
            ),
            (
                &["request", "headers", ":path"],
                "\":path\" is a pseudo header: write request.path or request.url_path",
            ),
            (
                &["request", "headers", ":Authority"],
                "\":authority\" is a pseudo header: write request.host",
            ),
            (
                &["request", "headers", "Host"],
                "\"host\" is a pseudo header: write request.host",
            ),
            (&["jwt"], "jwt is a map: write jwt['name']"),
            (
                &["jwt", "principal", "x"],
                "jwt.principal is a plain value: nothing can stand behind it",
            ),
            (
                &["xds", "node", "metadata"],
                "xds.node.metadata is a map: write xds.node.metadata['name']",
            ),
            (
                &["source", "adress"],
                "unknown attribute \"source.adress\": the nearest known name is \"source.address\"",
            ),
            (
                &["url_path"],
                "unknown attribute \"url_path\": the nearest known name is \"request.url_path\"",
            ),
        ] {
            assert_eq!(resolve(path).unwrap_err().to_string(), message);
        }
    }
}
