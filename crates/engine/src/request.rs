//! What is asked of an engine: values, role links for one request, and which
//! definitions of the model to use.

use std::fmt;

use serde_json::Value as Json;

/// An object whose members are found where they are, so that a request need
/// not be copied into JSON.
pub trait Object {
    /// The member of that name.
    fn member(&self, name: &str) -> Option<Value<'_>>;

    /// The names of all members, each once.
    fn names(&self) -> Vec<&str>;
}

impl fmt::Debug for dyn Object + '_ {
    // Not asked of every object, whose table of functions would hold it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.names();
        let members = names.iter().map(|name| (name, self.member(name)));
        f.debug_map().entries(members).finish()
    }
}

impl PartialEq for dyn Object + '_ {
    fn eq(&self, other: &Self) -> bool {
        let names = self.names();
        names.len() == other.names().len()
            && names
                .iter()
                .all(|name| self.member(name) == other.member(name))
    }
}

/// One value of a request, in the order of the request definition.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// No value. Equal only to itself; what `??` replaces.
    Null,
    /// A truth value.
    Bool(bool),
    /// A number. Casbin knows only floats.
    Number(f64),
    /// Text.
    Text(&'a str),
    /// A JSON value: an object whose fields the matcher can reach
    /// (`r.sub.Age`), or a list for `in`. Scalars in JSON form count as the
    /// scalars above.
    Json(&'a Json),
    /// An object that is not in JSON form.
    Object(&'a dyn Object),
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Value::Text(text)
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Value::Text(text)
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

impl From<f64> for Value<'_> {
    fn from(value: f64) -> Self {
        Value::Number(value)
    }
}

impl From<i32> for Value<'_> {
    fn from(value: i32) -> Self {
        Value::Number(f64::from(value))
    }
}

impl<'a> From<&'a Json> for Value<'a> {
    /// Scalars become scalars; objects and lists stay JSON. A JSON number
    /// outside the range of a float becomes infinite.
    fn from(value: &'a Json) -> Self {
        match value {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(number) => Value::Number(number.as_f64().unwrap_or(f64::INFINITY)),
            Json::String(text) => Value::Text(text),
            Json::Array(_) | Json::Object(_) => Value::Json(value),
        }
    }
}

/// A role graph of one engine, from [`Engine::graph`](crate::Engine::graph).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GraphId(pub(crate) u16);

/// A role link that holds for one request only, beside the policy's own.
///
/// Both names are literal: neither is ever taken for a pattern. In a graph
/// with domains the link holds in whatever domain is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoleLink<'a> {
    /// The graph that the link is added to.
    pub graph: GraphId,
    /// Who gets the role.
    pub subject: &'a str,
    /// The role.
    pub role: &'a str,
}

/// Which request, policy, effect and matcher definitions decide a request,
/// from [`Engine::context`](crate::Engine::context). The default is `r`, `p`,
/// `e`, `m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Context {
    pub(crate) request: u16,
    pub(crate) policy: u16,
    pub(crate) effect: u16,
    pub(crate) matcher: u16,
}

/// One request to decide.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The values, in the order of the request definition.
    pub values: &'a [Value<'a>],
    /// Role links that hold for this request only.
    pub roles: &'a [RoleLink<'a>],
    /// The time in seconds since 1970-01-01 UTC, for conditional role links.
    pub now: i64,
    /// The definitions to use.
    pub context: Context,
}

impl<'a> Request<'a> {
    /// A request with these values, without role links of its own, at the
    /// time 0, decided by `r`, `p`, `e` and `m`.
    #[must_use]
    pub fn new(values: &'a [Value<'a>]) -> Self {
        Self {
            values,
            roles: &[],
            now: 0,
            context: Context::default(),
        }
    }
}
