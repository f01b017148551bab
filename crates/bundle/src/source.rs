//! Where an issuer's tokens stand in a request.

use doorward_request::is_token_byte;

use crate::error::BundleError;
use crate::identity_headers::is_reserved_header;
use crate::manifest::Entries;

/// One place where a token may stand, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenSource {
    /// A header.
    Header {
        /// Its name, in lower case.
        name: String,
        /// What stands before the token, `Bearer ` for example.
        prefix: String,
    },
    /// The cookie of this name (RFC 6265).
    Cookie(String),
    /// The query parameter of this name (RFC 6750 section 2.3).
    Parameter(String),
}

impl TokenSource {
    /// The places that the entry at `index` names.
    pub(crate) fn load_all(
        index: usize,
        from: Option<&[Entries<String>]>,
    ) -> Result<Vec<Self>, BundleError> {
        let Some(from) = from else {
            return Ok(vec![Self::Header {
                name: "authorization".to_owned(),
                prefix: "Bearer ".to_owned(),
            }]);
        };
        if from.is_empty() {
            return Err(BundleError::field(
                format!("tokens[{index}].from"),
                "is empty: name a header, a cookie or a param, or leave it out for authorization: Bearer",
            ));
        }
        let mut sources: Vec<Self> = Vec::new();
        for (position, location) in from.iter().enumerate() {
            let at = format!("tokens[{index}].from[{position}]");
            let source = Self::load(location).map_err(|(member, problem)| {
                BundleError::field(format!("{at}{member}"), problem)
            })?;
            if sources.contains(&source) {
                let member = source.member();
                return Err(BundleError::field(
                    format!("{at}{member}"),
                    "is there twice: take one out",
                ));
            }
            sources.push(source);
        }
        Ok(sources)
    }

    fn member(&self) -> &'static str {
        match self {
            Self::Header { .. } => ".header",
            Self::Cookie(_) => ".cookie",
            Self::Parameter(_) => ".param",
        }
    }

    /// The place, or which member is wrong and why.
    fn load(location: &Entries<String>) -> Result<Self, (&'static str, String)> {
        if let Some(name) = location.unknown(&["header", "prefix", "cookie", "param"]) {
            let problem = format!("has {name:?}: write header (and prefix), cookie or param");
            return Err(("", problem));
        }
        let prefix = location.get("prefix");
        let header = location.get("header");
        let (cookie, param) = (location.get("cookie"), location.get("param"));
        if header.is_none() && prefix.is_some() {
            let problem = "stands before tokens in a header: name the header, or take it out";
            return Err((".prefix", problem.to_owned()));
        }
        let source = match (header, cookie, param) {
            (Some(name), None, None) => Self::Header {
                name: name.to_ascii_lowercase(),
                prefix: prefix.cloned().unwrap_or_default(),
            },
            (None, Some(name), None) => Self::Cookie(name.clone()),
            (None, None, Some(name)) => Self::Parameter(name.clone()),
            _ => {
                let problem =
                    "has to name one of header, cookie and param: write an entry for each place";
                return Err(("", problem.to_owned()));
            }
        };
        source
            .check()
            .map_err(|problem| (source.member(), problem))?;
        Ok(source)
    }

    fn check(&self) -> Result<(), String> {
        match self {
            Self::Header { name, .. } if !is_token(name) => {
                Err(format!("{name:?} is no header name"))
            }
            Self::Header { name, .. } if name == "cookie" => Err(
                "holds many values: write {cookie: NAME} for the cookie with the token".to_owned(),
            ),
            Self::Header { name, .. }
                if is_reserved_header(name) && !name.ends_with("authorization") =>
            {
                Err(format!(
                    "{name:?} cannot hold tokens: it belongs to the proxies, or says how a message is sent"
                ))
            }
            Self::Cookie(name) if !is_token(name) => Err(format!("{name:?} is no cookie name")),
            Self::Parameter(name) if !is_unreserved(name) => Err(format!(
                "{name:?} is no name that is written in one way only: use letters, digits, '-', '.', '_' and '~'"
            )),
            Self::Header { .. } | Self::Cookie(_) | Self::Parameter(_) => Ok(()),
        }
    }
}

/// `token` of RFC 9110 section 5.6.2, of which header names (section 5.1; so
/// never pseudo headers) and cookie names (RFC 6265 section 4.1.1) are made.
pub(crate) fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(is_token_byte)
}

/// RFC 3986 section 2.3: what needs no encoding anywhere.
fn is_unreserved(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    !name.is_empty() && name.bytes().all(fits)
}
