//! Patterns, compiled once when the policy loads.

use std::collections::{BTreeMap, HashMap};

use regex_automata::meta::{Config, Regex};
use regex_automata::util::captures::Captures;

use regex_syntax::hir::{Hir, HirKind, Look};

use crate::decision::EvaluationError;
use crate::settings::Limits;
use crate::syntax::pattern::glob::Token;
use crate::syntax::pattern::{self, Glob, Kind, Pattern, PatternError, ip};

use super::budget::Budget;

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
        regex: Regex,
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
            // Thousands of patterns are built when a policy loads, and each
            // is run on short text: what speeds up long searches is not worth
            // its price.
            let config = Config::new()
                .auto_prefilter(false)
                .dfa(false)
                .onepass(false)
                .nfa_size_limit(Some(limits.regex_bytes))
                .hybrid_cache_capacity(limits.regex_bytes);
            let regex = Regex::builder()
                .configure(config)
                .build_from_hir(&hir)
                .map_err(|_| {
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
        // The query is no part of what keyMatch5 compares.
        let text = match (kind, text.split_once('?')) {
            (Kind::KeyMatch5, Some((path, _))) => path,
            _ => text,
        };
        self.with(kind, pattern, limits, budget, |compiled| match compiled {
            Compiled::Prefix { prefix, open: true } => Ok(text.starts_with(&**prefix)),
            Compiled::Prefix { prefix, .. } | Compiled::Exact(prefix) => Ok(text == &**prefix),
            Compiled::Regex { regex, names } if kind == Kind::KeyMatch4 => {
                Ok(repeats_agree(regex, names, text))
            }
            Compiled::Regex { regex, .. } => Ok(regex.is_match(text)),
            Compiled::Ip(block) => match ip::address(text) {
                Some(address) => Ok(block.contains(address)),
                None => Err(EvaluationError::NotAnIpAddress),
            },
            Compiled::Glob(glob) => Ok(glob_matches(glob, text)),
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
            let part = group
                .and_then(|group| captured(regex, text, group.checked_add(1)?))
                .unwrap_or("");
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

fn captures(regex: &Regex, text: &str) -> Option<Captures> {
    let mut captures = regex.create_captures();
    regex.captures(text, &mut captures);
    captures.is_match().then_some(captures)
}

fn captured<'a>(regex: &Regex, text: &'a str, group: usize) -> Option<&'a str> {
    let span = captures(regex, text)?.get_group(group)?;
    text.get(span.range())
}

/// Whether the text matches, and variables of one name stand for one text.
fn repeats_agree(regex: &Regex, names: &[Box<str>], text: &str) -> bool {
    let Some(captures) = captures(regex, text) else {
        return false;
    };
    let mut seen: HashMap<&str, &str> = HashMap::new();
    names.iter().zip(1..).all(|(name, group)| {
        let span = captures.get_group(group);
        let part = span.and_then(|span| text.get(span.range())).unwrap_or("");
        *seen.entry(name).or_insert(part) == part
    })
}

fn glob_matches(glob: &Glob, text: &str) -> bool {
    glob.alternatives
        .iter()
        .any(|tokens| glob_alternative(tokens, text))
}

/// Follows all ways to match at once, a character at a time.
///
/// `places` are the tokens that may come next; `inside` are the stars and
/// segments that may take more characters.
fn glob_alternative(tokens: &[Token], text: &str) -> bool {
    let size = tokens.len().saturating_add(1);
    let mut places = vec![false; size];
    let mut inside = vec![false; size];
    set(&mut places, 0);
    for character in text.chars() {
        let mut next_places = vec![false; size];
        let mut next_inside = vec![false; size];
        let mut open = false;
        for (index, token) in tokens.iter().enumerate() {
            let here = is_set(&places, index) || open;
            let within = is_set(&inside, index);
            // Stars and segments may also stand for nothing.
            open = here && matches!(token, Token::Star | Token::Segments);
            let after = index.saturating_add(1);
            match token {
                Token::Rest if here => return true,
                Token::Star if (here || within) && character != '/' => {
                    set(&mut next_inside, index);
                    set(&mut next_places, after);
                }
                Token::Segments if here || within => {
                    set(&mut next_inside, index);
                    if character == '/' {
                        set(&mut next_places, after);
                    }
                }
                _ if here && takes(token, character) => set(&mut next_places, after),
                _ => {}
            }
        }
        places = next_places;
        inside = next_inside;
    }
    places
        .iter()
        .enumerate()
        .any(|(index, place)| *place && tokens.get(index..).is_some_and(may_be_empty))
}

fn set(places: &mut [bool], index: usize) {
    if let Some(place) = places.get_mut(index) {
        *place = true;
    }
}

fn is_set(places: &[bool], index: usize) -> bool {
    places.get(index).copied().unwrap_or(false)
}

fn takes(token: &Token, character: char) -> bool {
    match token {
        Token::Character(expected) => *expected == character,
        Token::One => character != '/',
        Token::Class { negated, ranges } => {
            let found = ranges
                .iter()
                .any(|(low, high)| *low <= character && character <= *high);
            found != *negated
        }
        Token::Star | Token::Segments | Token::Rest => false,
    }
}

/// Whether what is left of a glob matches the end of the text.
fn may_be_empty(rest: &[Token]) -> bool {
    matches!(
        rest,
        [] | [Token::Star | Token::Rest | Token::Segments]
            | [Token::Character('/'), Token::Rest | Token::Segments]
    )
}
