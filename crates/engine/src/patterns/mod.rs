//! Patterns, compiled once when the policy loads.

mod glob;
pub(crate) mod key;
mod regex;

use std::borrow::Cow;
use std::collections::HashMap;

use doorward_syntax::Limits;
use doorward_syntax::pattern::{self, Glob, Kind, Pattern, PatternError, ip};
use foldhash::fast::FixedState;
use regex_syntax::hir::{Hir, HirKind, Look};

use crate::budget::{Budget, hash_steps, scan_steps, scanned};
use crate::decision::EvaluationError;
use crate::symbols::{Symbol, Symbols};

use key::KeyPattern;
use regex::Expression;

/// What compiling a pattern that comes with a request costs of a decision.
const COMPILE_STEPS: u64 = 100_000;

/// What reading a key pattern costs, however short.
const KEY_STEPS: u64 = 4;

/// The patterns of a model and a policy that have to be compiled. Those that
/// are matched as they stand are not here.
#[derive(Debug, Default)]
pub(crate) struct Patterns {
    compiled: HashMap<(Kind, Symbol), Compiled, FixedState>,
    expressions: usize,
}

/// A pattern, ready to match.
#[derive(Debug)]
enum Compiled {
    /// A regular expression that matches nothing but one text.
    Exact(Box<str>),
    Regex(Box<Named>),
    Ip(ip::IpPattern),
    Glob(Box<Glob>),
}

/// A regular expression and the names of its groups.
#[derive(Debug)]
struct Named {
    regex: Expression,
    names: Vec<Box<str>>,
}

/// What a text has to be, or to start with, to match a pattern.
pub(crate) enum Shape<'p> {
    /// This text.
    Exact(&'p str),
    /// Any text that starts so.
    Prefix(&'p str),
    /// Texts of these segments.
    Key(KeyPattern<'p>),
    /// Addresses of this block.
    Block(ip::IpPattern),
    /// Among the texts that start so, those that match when it is run.
    Run(Cow<'p, str>),
}

/// The text before the first `*`, and whether there is one.
fn key_match(pattern: &str) -> (&str, bool) {
    // A search for a character takes longer to begin than most patterns are.
    let star = pattern.bytes().position(|byte| byte == b'*');
    match star.and_then(|star| pattern.get(..star)) {
        Some(prefix) => (prefix, true),
        None => (pattern, false),
    }
}

/// Whether a text is what [`key_match`] says of a pattern, in one pass over
/// both.
fn matches_key(text: &[u8], pattern: &[u8]) -> bool {
    let pairs = text.iter().zip(pattern);
    let same = pairs.take_while(|(left, right)| left == right && **right != b'*');
    let same = same.count();
    match pattern.get(same) {
        Some(byte) => *byte == b'*',
        None => text.len() == same,
    }
}

/// Whether a pattern is matched as it stands.
fn is_plain(kind: Kind, text: &str) -> bool {
    kind == Kind::KeyMatch || KeyPattern::read(kind, text).is_some()
}

fn check_length(text: &str, limits: &Limits) -> Result<(), PatternError> {
    if text.len() <= limits.pattern_bytes {
        return Ok(());
    }
    Err(PatternError(format!(
        "it has {} bytes, the limit is {}",
        text.len(),
        limits.pattern_bytes
    )))
}

fn compile(kind: Kind, text: &str, limits: &Limits) -> Result<Compiled, PatternError> {
    Ok(match pattern::parse(kind, text)? {
        // keyMatch is never compiled; what is, is what it says.
        Pattern::Prefix {
            prefix,
            open: false,
        } => Compiled::Exact(prefix),
        Pattern::Prefix { .. } => {
            return Err(PatternError("it is matched as it stands".to_owned()));
        }
        Pattern::Ip(block) => Compiled::Ip(block),
        Pattern::Glob(glob) => Compiled::Glob(Box::new(glob)),
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
            Compiled::Regex(Box::new(Named { regex, names }))
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
    /// Takes a pattern of the policy or the model, and compiles it once.
    pub(crate) fn add(
        &mut self,
        kind: Kind,
        symbol: Symbol,
        symbols: &Symbols,
        limits: &Limits,
    ) -> Result<(), PatternError> {
        let text = symbols.text(symbol);
        check_length(text, limits)?;
        if is_plain(kind, text) || self.compiled.contains_key(&(kind, symbol)) {
            return Ok(());
        }
        let compiled = compile(kind, text, limits)?;
        if matches!(compiled, Compiled::Regex(_)) {
            self.expressions = self.expressions.saturating_add(1);
            if self.expressions > limits.patterns {
                return Err(PatternError(format!(
                    "the policy has more than {} distinct patterns",
                    limits.patterns
                )));
            }
        }
        self.compiled.insert((kind, symbol), compiled);
        Ok(())
    }

    /// What texts have to be to match a pattern that was added.
    pub(crate) fn shape<'p>(
        &'p self,
        kind: Kind,
        symbol: Symbol,
        symbols: &'p Symbols,
    ) -> Shape<'p> {
        let text = symbols.text(symbol);
        if kind == Kind::KeyMatch {
            return match key_match(text) {
                (prefix, true) => Shape::Prefix(prefix),
                (exact, false) => Shape::Exact(exact),
            };
        }
        if let Some(key) = KeyPattern::read(kind, text) {
            return match key.only() {
                Some(only) => Shape::Exact(only),
                None if key.dots => Shape::Run(key.prefix().into()),
                None => Shape::Key(key),
            };
        }
        match self.compiled.get(&(kind, symbol)) {
            Some(Compiled::Exact(exact)) => Shape::Exact(exact),
            Some(Compiled::Ip(block)) => Shape::Block(*block),
            Some(Compiled::Regex(named)) => Shape::Run(named.regex.prefix().into()),
            Some(Compiled::Glob(glob)) => Shape::Run(glob::prefix(glob).into()),
            None => Shape::Run("".into()),
        }
    }

    /// Whether a pattern that was added can match nothing but its own text.
    pub(crate) fn is_literal(&self, kind: Kind, symbol: Symbol, symbols: &Symbols) -> bool {
        // keyMatch5 drops the query of what it compares, so that two texts
        // match any pattern.
        let text = symbols.text(symbol);
        kind != Kind::KeyMatch5
            && matches!(self.shape(kind, symbol, symbols), Shape::Exact(exact) if exact == text)
    }
}

/// Patterns, and what a decision needs to run them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Matching<'a> {
    pub(crate) symbols: &'a Symbols,
    pub(crate) patterns: &'a Patterns,
    pub(crate) limits: &'a Limits,
    pub(crate) budget: &'a Budget,
}

/// The text that a pattern of this kind is compared with: the query is no
/// part of it for keyMatch5.
pub(crate) fn compared(kind: Kind, text: &str) -> &str {
    if kind != Kind::KeyMatch5 {
        return text;
    }
    text.split_once('?').map_or(text, |(path, _)| path)
}

impl Matching<'_> {
    /// Whether the text matches a pattern, which may come with the request.
    pub(crate) fn matches(
        &self,
        kind: Kind,
        text: &str,
        pattern: &str,
    ) -> Result<bool, EvaluationError> {
        if let Some(answer) = self.plain(kind, text, pattern)? {
            return Ok(answer);
        }
        self.with(kind, pattern, |compiled| self.run(kind, text, compiled))
    }

    /// Whether the text matches a pattern of the policy.
    pub(crate) fn matches_symbol(
        &self,
        kind: Kind,
        text: &str,
        pattern: Symbol,
    ) -> Result<bool, EvaluationError> {
        if kind == Kind::KeyMatch {
            let pattern = self.symbols.bytes(pattern);
            if pattern.len() <= self.limits.pattern_bytes {
                return self.key_match(text, pattern);
            }
        }
        let written = self.symbols.text(pattern);
        if let Some(answer) = self.plain(kind, text, written)? {
            return Ok(answer);
        }
        match self.patterns.compiled.get(&(kind, pattern)) {
            Some(compiled) => self.run(kind, text, compiled),
            None => self.with(kind, written, |compiled| self.run(kind, text, compiled)),
        }
    }

    /// Whether the text matches, for a pattern that is matched as it stands.
    fn plain(
        &self,
        kind: Kind,
        text: &str,
        pattern: &str,
    ) -> Result<Option<bool>, EvaluationError> {
        if pattern.len() > self.limits.pattern_bytes {
            return Ok(None);
        }
        if kind == Kind::KeyMatch {
            return self.key_match(text, pattern.as_bytes()).map(Some);
        }
        let Some(key) = KeyPattern::read(kind, pattern) else {
            return Ok(None);
        };
        let steps = hash_steps(text).saturating_add(hash_steps(pattern));
        self.budget.spend(steps.saturating_add(KEY_STEPS))?;
        Ok(Some(key.matches(compared(kind, text))))
    }

    fn key_match(&self, text: &str, pattern: &[u8]) -> Result<bool, EvaluationError> {
        let steps = scanned(pattern.len()).saturating_add(1);
        self.budget.spend(steps)?;
        Ok(matches_key(text.as_bytes(), pattern))
    }

    /// Runs `ask` on a pattern: the one compiled when the policy was loaded,
    /// or one compiled now if the pattern comes with the request.
    fn with<T>(
        &self,
        kind: Kind,
        pattern: &str,
        ask: impl FnOnce(&Compiled) -> Result<T, EvaluationError>,
    ) -> Result<T, EvaluationError> {
        self.budget.spend(hash_steps(pattern))?;
        let symbol = self.symbols.find(pattern);
        let known = symbol.and_then(|symbol| self.patterns.compiled.get(&(kind, symbol)));
        if let Some(compiled) = known {
            return ask(compiled);
        }
        let malformed = EvaluationError::MalformedPattern {
            function: kind.function(),
        };
        check_length(pattern, self.limits).map_err(|_| malformed)?;
        self.budget.spend(COMPILE_STEPS)?;
        ask(&compile(kind, pattern, self.limits).map_err(|_| malformed)?)
    }

    fn run(&self, kind: Kind, text: &str, compiled: &Compiled) -> Result<bool, EvaluationError> {
        if kind == Kind::KeyMatch5 {
            self.budget.spend(scan_steps(text))?;
        }
        let text = compared(kind, text);
        match compiled {
            Compiled::Exact(exact) => Ok(text == &**exact),
            Compiled::Regex(named) if kind == Kind::KeyMatch4 => {
                repeats_agree(&named.regex, &named.names, text, self.budget)
            }
            Compiled::Regex(named) => named.regex.is_match(text, self.budget),
            Compiled::Ip(block) => match ip::address(text) {
                Some(address) => Ok(block.contains(address)),
                None => Err(EvaluationError::NotAnIpAddress),
            },
            Compiled::Glob(glob) => glob::matches(glob, text, self.budget),
        }
    }

    /// The part of the text that the variable `name` of the pattern stands
    /// for, empty if there is none.
    pub(crate) fn get(
        &self,
        kind: Kind,
        text: &str,
        pattern: &str,
        name: &str,
    ) -> Result<String, EvaluationError> {
        self.with(kind, pattern, |compiled| {
            let Compiled::Regex(named) = compiled else {
                return Ok(String::new());
            };
            let group = named.names.iter().position(|known| **known == *name);
            let Some(group) = group.and_then(|group| group.checked_add(1)) else {
                return Ok(String::new());
            };
            let captures = named.regex.captures(text, self.budget)?;
            let span = captures.and_then(|captures| captures.get_group(group));
            let part = span.and_then(|span| text.get(span.range())).unwrap_or("");
            Ok(part.to_owned())
        })
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

#[cfg(test)]
mod tests {
    use super::{key_match, matches_key};

    #[test]
    fn one_pass_says_what_the_prefix_says() {
        let mut texts = vec![String::new()];
        for _ in 0..4 {
            for text in texts.clone() {
                texts.extend(["a", "/", "*"].map(|part| format!("{text}{part}")));
            }
            texts.sort_unstable();
            texts.dedup();
        }
        for text in &texts {
            for pattern in &texts {
                let expected = match key_match(pattern) {
                    (prefix, true) => text.starts_with(prefix),
                    (exact, false) => text == exact,
                };
                let found = matches_key(text.as_bytes(), pattern.as_bytes());
                assert_eq!(found, expected, "{text} {pattern}");
            }
        }
    }
}
