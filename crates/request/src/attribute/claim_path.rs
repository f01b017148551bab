//! Paths to the claims of a verified token.

use super::{Attribute, AttributeError, member};

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

/// `jwt` and what stands behind it.
pub(super) fn resolve(steps: &[Step]) -> Result<Attribute, AttributeError> {
    if steps.is_empty() {
        return Ok(Attribute::Claims);
    }
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

impl std::fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("jwt")?;
        let first = Step::Member(self.first.clone());
        for step in std::iter::once(&first).chain(&self.rest) {
            write_step(f, step)?;
        }
        Ok(())
    }
}

/// A step as a mapping would write it.
pub(super) fn write_step(f: &mut std::fmt::Formatter<'_>, step: &Step) -> std::fmt::Result {
    match step {
        Step::Member(name) => member(f, name),
        Step::Index(index) => write!(f, "[{index}]"),
    }
}
