//! The corpus in `tests/paths/corpus.yaml`, whose head says what its fields mean.

use crate::scenarios::root;
use anyhow::{Context, Result, ensure};
use doorward_request::PathNormalization;
use serde::Deserialize;

/// The host that a request names unless it says otherwise.
pub const HOST: &str = "orders.example";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    group: String,
    cases: Vec<Case>,
}

/// One request and what is to become of it in each mode.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    #[serde(default)]
    target: String,
    method: Option<String>,
    http: Option<u8>,
    protocol: Option<String>,
    authority: Option<String>,
    arrives: Option<String>,
    host: Option<String>,
    all: Option<String>,
    repaired: Option<String>,
    strict: Option<String>,
    base: Option<String>,
    merge: Option<String>,
    decode: Option<String>,
    none: Option<String>,
}

/// What is to become of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Policy and upstream see this target.
    Seen(Vec<u8>),
    /// It is refused with this reason.
    Refused(String),
}

/// All cases, in order.
///
/// # Errors
///
/// When the file cannot be read, or a case lacks an outcome.
pub fn load() -> Result<Vec<Case>> {
    let file = root().join("tests").join("paths").join("corpus.yaml");
    let text = std::fs::read_to_string(&file)
        .with_context(|| format!("{} cannot be read", file.display()))?;
    let groups: Vec<Group> = serde_saphyr::from_str(&text)?;
    let mut cases = Vec::new();
    for group in groups {
        ensure!(!group.cases.is_empty(), "{} has no cases", group.group);
        for case in group.cases {
            for mode in PathNormalization::ALL {
                case.outcome(mode)
                    .with_context(|| format!("{}: {}", group.group, case.target))?;
            }
            cases.push(case);
        }
    }
    Ok(cases)
}

impl Case {
    /// A request for `/`.
    #[must_use]
    pub fn plain() -> Self {
        Self {
            target: "/".to_owned(),
            all: Some("=".to_owned()),
            ..Self::default()
        }
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &str {
        self.method.as_deref().unwrap_or("GET")
    }

    /// The request target as it is sent.
    ///
    /// # Errors
    ///
    /// When an escape in it is wrong.
    pub fn target(&self) -> Result<Vec<u8>> {
        unescape(&self.target)
    }

    /// The path that a filter gets; none for a request that has none.
    ///
    /// # Errors
    ///
    /// When an escape in it is wrong.
    pub fn path(&self) -> Result<Option<Vec<u8>>> {
        if self.method() == "CONNECT" && self.protocol.is_none() {
            return Ok(None);
        }
        unescape(self.arrives.as_ref().unwrap_or(&self.target)).map(Some)
    }

    /// HTTP/2's `:protocol`.
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        self.protocol.as_deref()
    }

    /// Whether it is sent over this version.
    #[must_use]
    pub fn runs_on(&self, http: u8) -> bool {
        self.http.is_none_or(|only| only == http)
    }

    /// The Host header.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.authority.as_deref().unwrap_or(HOST)
    }

    /// The host that the policy sees; none where it is refused.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        let host = self.host.as_deref().unwrap_or(HOST);
        (host != "refused").then_some(host)
    }

    /// Whether nothing about it gives a proxy a reason to refuse it.
    #[must_use]
    pub fn is_ordinary(&self) -> bool {
        let plain = self.target.bytes().all(|byte| byte.is_ascii_graphic());
        plain
            && self.target.starts_with('/')
            && !self.target.contains(['#', '\\'])
            && self.authority.is_none()
            && self.method.is_none()
    }

    /// What is to become of it in this mode.
    ///
    /// # Errors
    ///
    /// When it has no outcome, or an escape is wrong.
    pub fn outcome(&self, mode: PathNormalization) -> Result<Outcome> {
        let (own, repairs) = match mode {
            PathNormalization::Strict => (&self.strict, false),
            PathNormalization::Base => (&self.base, true),
            PathNormalization::MergeSlashes => (&self.merge, true),
            PathNormalization::DecodeAndMergeSlashes => (&self.decode, true),
            PathNormalization::None => (&self.none, false),
        };
        let repaired = self.repaired.as_ref().filter(|_| repairs);
        let outcome = own.as_ref().or(repaired).or(self.all.as_ref());
        let outcome = outcome.with_context(|| format!("no outcome in {}", mode.name()))?;
        Ok(match outcome.as_str() {
            "=" => Outcome::Seen(self.path()?.context("= where there is no path")?),
            reason if reason.starts_with("path_") => Outcome::Refused(reason.to_owned()),
            path => Outcome::Seen(unescape(path)?),
        })
    }

    /// The request in one line.
    #[must_use]
    pub fn title(&self) -> String {
        let authority = self.authority.as_deref().unwrap_or_default();
        let title = format!("{} {} {authority}", self.method(), self.target);
        title.trim_end().to_owned()
    }
}

/// The bytes of a text in which `\xNN` is a byte and `\\` a backslash.
fn unescape(text: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        if let Some(after) = after.strip_prefix('\\') {
            bytes.push(b'\\');
            rest = after;
        } else {
            let digits = after.strip_prefix('x').and_then(|rest| rest.get(..2));
            let digits = digits.with_context(|| format!("a wrong escape in {text}"))?;
            bytes.push(u8::from_str_radix(digits, 16)?);
            rest = after.get(3..).unwrap_or_default();
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(bytes)
}
