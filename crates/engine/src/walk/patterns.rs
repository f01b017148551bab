//! Patterns, compiled once when the policy loads.

use std::collections::{BTreeMap, HashMap};

use regex_syntax::hir::{Hir, HirKind, Look};

use crate::decision::EvaluationError;
use doorward_syntax::Limits;
use doorward_syntax::pattern::{self, Glob, Kind, Pattern, PatternError, ip};

use super::budget::{Budget, hash_steps, scan_steps};
use super::glob;
use super::regex::Expression;

/// What compiling a pattern that comes with a request costs of a decision.
const COMPILE_STEPS: u64 = 100_000;

/// The patterns of a model and a policy.
#[derive(Debug, Default)]
pub(crate) struct Patterns {
    compiled: BTreeMap<Kind, HashMap<Box<str>, Compiled>>,
    count: usize,
}

/// A pattern, ready to match.
#[derive(Debug)]
enum Compiled {
    Prefix {
        prefix: Box<str>,
        open: bool,
    },
    /// A regular expression that matches nothing but one text.
    Exact(Box<str>),
    Regex {
        regex: Expression,
        names: Vec<Box<str>>,
    },
    Ip(ip::IpPattern),
    Glob(Glob),
}

fn compile(kind: Kind, text: &str, limits: &Limits) -> Result<Compiled, PatternError> {
    if text.len() > limits.pattern_bytes {
        return Err(PatternError(format!(
            "it has {} bytes, the limit is {}",
            text.len(),
            limits.pattern_bytes
        )));
    }
    Ok(match pattern::parse(kind, text)? {
        Pattern::Prefix { prefix, open } => Compiled::Prefix { prefix, open },
        Pattern::Ip(block) => Compiled::Ip(block),
        Pattern::Glob(glob) => Compiled::Glob(glob),
        Pattern::Regex { hir, names } => {
            if let Some(exact) = exact(&hir) {
                return Ok(Compiled::Exact(exact.into()));
            }
            let regex = Expression::new(&hir, limits.regex_bytes).map_err(|_| {
                PatternError(format!(
                    "its regular expression needs more than {} bytes",
                    limits.regex_bytes
                ))
            })?;
            Compiled::Regex { regex, names }
        }
    })
}

/// The only text that a regular expression matches, if it is one.
fn exact(hir: &Hir) -> Option<&str> {
    let HirKind::Concat(parts) = hir.kind() else {
        return None;
    };
    let kinds: Vec<&HirKind> = parts.iter().map(Hir::kind).collect();
    match kinds.as_slice() {
        [
            HirKind::Look(Look::Start),
            HirKind::Literal(literal),
            HirKind::Look(Look::End),
        ] => std::str::from_utf8(&literal.0).ok(),
        _ => None,
    }
}

impl Patterns {
    /// Compiles a pattern of the policy or the model, once.
    pub(crate) fn add(
        &mut self,
        kind: Kind,
        text: &str,
        limits: &Limits,
    ) -> Result<(), PatternError> {
        let known = self.compiled.entry(kind).or_default();
        if known.contains_key(text) {
            return Ok(());
        }
        let compiled = compile(kind, text, limits)?;
        if matches!(compiled, Compiled::Regex { .. }) {
            self.count = self.count.saturating_add(1);
            if self.count > limits.patterns {
                return Err(PatternError(format!(
                    "the policy has more than {} distinct patterns",
                    limits.patterns
                )));
            }
        }
        known.insert(text.into(), compiled);
        Ok(())
    }

    /// Runs `ask` on a pattern: the one compiled when the policy was loaded,
    /// or one compiled now if the pattern comes with the request.
    fn with<T>(
        &self,
        kind: Kind,
        text: &str,
        limits: &Limits,
        budget: &Budget,
        ask: impl FnOnce(&Compiled) -> Result<T, EvaluationError>,
    ) -> Result<T, EvaluationError> {
        budget.spend(hash_steps(text))?;
        let known = self.compiled.get(&kind).and_then(|known| known.get(text));
        if let Some(compiled) = known {
            return ask(compiled);
        }
        if kind != Kind::KeyMatch {
            budget.spend(COMPILE_STEPS)?;
        }
        let compiled =
            compile(kind, text, limits).map_err(|_| EvaluationError::MalformedPattern {
                function: kind.function(),
            })?;
        ask(&compiled)
    }

    /// Whether the text matches the pattern.
    pub(crate) fn matches(
        &self,
        kind: Kind,
        text: &str,
        pattern: &str,
        limits: &Limits,
        budget: &Budget,
    ) -> Result<bool, EvaluationError> {
        if kind == Kind::KeyMatch5 {
            budget.spend(scan_steps(text))?;
        }
        // The query is no part of what keyMatch5 compares.
        let text = match (kind, text.split_once('?')) {
            (Kind::KeyMatch5, Some((path, _))) => path,
            _ => text,
        };
        self.with(kind, pattern, limits, budget, |compiled| match compiled {
            Compiled::Prefix { prefix, open: true } => Ok(text.starts_with(&**prefix)),
            Compiled::Prefix { prefix, .. } | Compiled::Exact(prefix) => Ok(text == &**prefix),
            Compiled::Regex { regex, names } if kind == Kind::KeyMatch4 => {
                repeats_agree(regex, names, text, budget)
            }
            Compiled::Regex { regex, .. } => regex.is_match(text, budget),
            Compiled::Ip(block) => match ip::address(text) {
                Some(address) => Ok(block.contains(address)),
                None => Err(EvaluationError::NotAnIpAddress),
            },
            Compiled::Glob(glob) => glob::matches(glob, text, budget),
        })
    }

    /// The part of the text that the variable `name` of the pattern stands
    /// for, empty if there is none.
    pub(crate) fn get(
        &self,
        kind: Kind,
        text: &str,
        pattern: &str,
        name: &str,
        limits: &Limits,
        budget: &Budget,
    ) -> Result<String, EvaluationError> {
        self.with(kind, pattern, limits, budget, |compiled| {
            let Compiled::Regex { regex, names } = compiled else {
                return Ok(String::new());
            };
            let group = names.iter().position(|known| **known == *name);
            let Some(group) = group.and_then(|group| group.checked_add(1)) else {
                return Ok(String::new());
            };
            let captures = regex.captures(text, budget)?;
            let span = captures.and_then(|captures| captures.get_group(group));
            let part = span.and_then(|span| text.get(span.range())).unwrap_or("");
            Ok(part.to_owned())
        })
    }

    /// Whether a pattern that was added can match nothing but its own text.
    pub(crate) fn is_literal(&self, kind: Kind, text: &str) -> bool {
        let known = self.compiled.get(&kind).and_then(|known| known.get(text));
        match known {
            Some(Compiled::Prefix { open, .. }) => !open,
            Some(Compiled::Exact(exact)) => **exact == *text,
            _ => false,
        }
    }
}

/// Whether the text matches, and variables of one name stand for one text.
fn repeats_agree(
    regex: &Expression,
    names: &[Box<str>],
    text: &str,
    budget: &Budget,
) -> Result<bool, EvaluationError> {
    let Some(captures) = regex.captures(text, budget)? else {
        return Ok(false);
    };
    let mut seen: HashMap<&str, &str> = HashMap::new();
    Ok(names.iter().zip(1..).all(|(name, group)| {
        let span = captures.get_group(group);
        let part = span.and_then(|span| text.get(span.range())).unwrap_or("");
        *seen.entry(name).or_insert(part) == part
    }))
}
