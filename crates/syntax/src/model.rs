//! A model file: definitions of requests, policies, roles, effects,
//! matchers and constraints.

use std::collections::BTreeSet;

use crate::error::{ModelError, Position};
use crate::limits::Limits;

use super::conf::{self, Conf, Entry, Text};
use super::constraint::{self, Constraint};
use super::expression::Expr;
use super::lexer::Dialect;
use super::names::{Definition, GraphDefinition, Names};
use super::parser;

/// How the matching rows of a policy make a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// `some(where (p.eft == allow))`
    AllowOverride,
    /// `!some(where (p.eft == deny))`
    DenyOverride,
    /// `some(where (p.eft == allow)) && !some(where (p.eft == deny))`
    AllowAndDeny,
    /// `priority(p.eft) || deny`
    Priority,
    /// `subjectPriority(p.eft) || deny`
    SubjectPriority,
}

/// The texts of the effects; Casbin compares them letter by letter.
const EFFECTS: [(&str, Effect); 5] = [
    ("some(where (p.eft == allow))", Effect::AllowOverride),
    ("!some(where (p.eft == deny))", Effect::DenyOverride),
    (
        "some(where (p.eft == allow)) && !some(where (p.eft == deny))",
        Effect::AllowAndDeny,
    ),
    ("priority(p.eft) || deny", Effect::Priority),
    ("subjectPriority(p.eft) || deny", Effect::SubjectPriority),
];

/// A matcher and its name.
#[derive(Debug, Clone)]
pub struct Matcher {
    /// Such as `m2`.
    pub name: Box<str>,
    /// What a row has to make true.
    pub expression: Expr,
}

/// A model: the definitions of requests, policies, roles, effects, matchers.
#[derive(Debug, Clone)]
pub struct Model {
    /// The definitions of requests, policies and roles.
    pub names: Names,
    /// The effects by name, such as `e2`, in the order of their numbers.
    pub effects: Vec<(Box<str>, Effect)>,
    /// The matchers, in the order of their numbers.
    pub matchers: Vec<Matcher>,
    /// The constraints on roles.
    pub constraints: Vec<Constraint>,
    /// Whether `m` matches the domains with keyMatch in the very words that
    /// make keyMatch the domain matching function of every graph.
    pub implied_domain_matching: bool,
}

/// The sections of a model file, the letter of their keys, and whether a
/// model needs them.
const SECTIONS: [(&str, char, bool); 6] = [
    ("request_definition", 'r', true),
    ("policy_definition", 'p', true),
    ("role_definition", 'g', false),
    ("policy_effect", 'e', true),
    ("matchers", 'm', true),
    ("constraint_definition", 'c', false),
];

impl Model {
    /// Reads a model file, with the default [`Limits`].
    ///
    /// # Errors
    ///
    /// The first fault found, with its place.
    pub fn parse(text: &str) -> Result<Self, ModelError> {
        Self::parse_with_limits(text, &Limits::default())
    }

    /// Reads a model file, within the limits on definitions and expressions.
    ///
    /// # Errors
    ///
    /// The first fault found, with its place.
    pub fn parse_with_limits(text: &str, limits: &Limits) -> Result<Self, ModelError> {
        let conf = conf::read(text)?;
        check_sections(&conf)?;
        let entries = conf.entries;
        check_keys(&entries, limits)?;
        let names = Names {
            requests: all(&entries, 'r', |entry| definition(entry, limits))?,
            policies: all(&entries, 'p', |entry| definition(entry, limits))?,
            graphs: all(&entries, 'g', graph)?,
        };
        let effects = all(&entries, 'e', effect)?;
        let matchers = all(&entries, 'm', |entry| {
            parser::parse(&entry.value.text, Dialect::Matcher, &names, limits)
                .map(|expression| Matcher {
                    name: entry.key.as_str().into(),
                    expression,
                })
                .map_err(|error| at(&entry.value, error.offset, error.message))
        })?;
        let constraints = all(&entries, 'c', constraint)?;
        if let (Some(entry), None) = (section(&entries, 'c').next(), names.graph("g")) {
            return Err(ModelError {
                position: Some(entry.key_position),
                message: "constraints are about roles, define g under [role_definition]".to_owned(),
            });
        }
        let implied_domain_matching = section(&entries, 'm')
            .next()
            .is_some_and(|entry| implies_domain_matching(&names, &entry.value.text));
        Ok(Self {
            names,
            effects,
            matchers,
            constraints,
            implied_domain_matching,
        })
    }
}

fn at(text: &Text, offset: usize, message: String) -> ModelError {
    ModelError {
        position: Some(text.position(offset)),
        message,
    }
}

/// The entries of a section, by the letter of its keys.
fn section(entries: &[Entry], letter: char) -> impl Iterator<Item = &Entry> {
    let name = SECTIONS
        .iter()
        .find(|(_, section, _)| *section == letter)
        .map_or("", |(name, _, _)| *name);
    entries.iter().filter(move |entry| entry.section == name)
}

/// Reads all entries of a section, in the order of their numbers.
fn all<T>(
    entries: &[Entry],
    letter: char,
    read: impl FnMut(&Entry) -> Result<T, ModelError>,
) -> Result<Vec<T>, ModelError> {
    // The numbers are known to run from 1 on, each once.
    let of = |wanted: u16| {
        section(entries, letter).find(move |entry| number(&entry.key, letter) == Some(wanted))
    };
    (1..).map_while(of).map(read).collect()
}

/// The number of a key: 1 for `r`, 2 for `r2`.
fn number(key: &str, letter: char) -> Option<u16> {
    match key.strip_prefix(letter)? {
        "" => Some(1),
        digits if digits.starts_with('0') || digits.starts_with('+') => None,
        digits => digits.parse().ok().filter(|number| *number > 1),
    }
}

/// Refuses sections that nothing would read.
fn check_sections(conf: &Conf) -> Result<(), ModelError> {
    for (section, position) in &conf.sections {
        if !SECTIONS.iter().any(|(name, _, _)| name == section) {
            let names: Vec<&str> = SECTIONS.iter().map(|(name, _, _)| *name).collect();
            return Err(ModelError {
                position: Some(*position),
                message: format!(
                    "there is no section [{section}], the sections are {}",
                    names.join(", ")
                ),
            });
        }
    }
    Ok(())
}

/// Refuses keys that nothing would read.
fn check_keys(entries: &[Entry], limits: &Limits) -> Result<(), ModelError> {
    let refuse = |position: Position, message: String| {
        Err(ModelError {
            position: Some(position),
            message,
        })
    };
    for (index, entry) in entries.iter().enumerate() {
        let known = SECTIONS.iter().find(|(name, _, _)| *name == entry.section);
        let Some((_, letter, _)) = known else {
            continue;
        };
        if number(&entry.key, *letter).is_none() {
            return refuse(
                entry.key_position,
                format!(
                    "there is no key \"{}\" under [{}], the keys are {letter}, {letter}2, {letter}3",
                    entry.key, entry.section
                ),
            );
        }
        if number(&entry.key, *letter)
            .is_some_and(|number| usize::from(number) > limits.definitions)
        {
            return refuse(
                entry.key_position,
                format!(
                    "{} is over the limit of {} definitions",
                    entry.key, limits.definitions
                ),
            );
        }
        if entry.value.text.is_empty() {
            return refuse(entry.key_position, format!("{} has no value", entry.key));
        }
        let earlier = entries
            .iter()
            .take(index)
            .find(|earlier| earlier.section == entry.section && earlier.key == entry.key);
        if let Some(earlier) = earlier {
            return refuse(
                entry.key_position,
                format!(
                    "{} is defined twice, first in line {}",
                    entry.key, earlier.key_position.line
                ),
            );
        }
    }
    check_complete(entries)
}

/// Refuses a model that lacks a section, and gaps among the numbers of keys.
fn check_complete(entries: &[Entry]) -> Result<(), ModelError> {
    let mut missing = Vec::new();
    for (name, letter, required) in SECTIONS {
        let numbers: BTreeSet<u16> = section(entries, letter)
            .filter_map(|entry| number(&entry.key, letter))
            .collect();
        if numbers.is_empty() {
            if required {
                missing.push(format!("[{name}]"));
            }
            continue;
        }
        for (expected, found) in (1_u16..).zip(numbers) {
            if expected != found {
                let key = |number: u16| match number {
                    1 => letter.to_string(),
                    number => format!("{letter}{number}"),
                };
                let entry = section(entries, letter).find(|entry| entry.key == key(found));
                return Err(ModelError {
                    position: entry.map(|entry| entry.key_position),
                    message: format!("{} needs {} before it", key(found), key(expected)),
                });
            }
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(ModelError {
        position: None,
        message: format!("the model lacks {}", missing.join(", ")),
    })
}

fn definition(entry: &Entry, limits: &Limits) -> Result<Definition, ModelError> {
    let mut fields: Vec<Box<str>> = Vec::new();
    let mut offset = 0_usize;
    for part in entry.value.text.split(',') {
        let name = part.trim();
        let indent = part.len().saturating_sub(part.trim_start().len());
        let place = offset.saturating_add(indent);
        let plain = |character: char| character.is_alphanumeric() || "_-".contains(character);
        if name.is_empty() || !name.chars().all(plain) {
            let message = format!("\"{name}\" is not a name, use letters, digits and _");
            return Err(at(&entry.value, place, message));
        }
        if fields.iter().any(|field| **field == *name) {
            let message = format!("{} has the name {name} twice", entry.key);
            return Err(at(&entry.value, place, message));
        }
        if fields.len() >= limits.fields {
            let message = format!("{} has more than {} names", entry.key, limits.fields);
            return Err(at(&entry.value, place, message));
        }
        fields.push(name.into());
        offset = offset.saturating_add(part.len()).saturating_add(1);
    }
    Ok(Definition {
        name: entry.key.as_str().into(),
        fields: fields.into(),
    })
}

fn graph(entry: &Entry) -> Result<GraphDefinition, ModelError> {
    let compact: String = entry
        .value
        .text
        .chars()
        .filter(|character| !character.is_whitespace())
        .collect();
    let (roles, parameters) = match compact.split_once(",(") {
        Some((roles, rest)) => (roles, rest.strip_suffix(')')),
        None => (compact.as_str(), Some("")),
    };
    let blanks = |text: &str| text.split(',').all(|part| part == "_");
    let domain = match roles {
        "_,_" => Some(false),
        "_,_,_" => Some(true),
        _ => None,
    };
    let parameters = match parameters {
        Some("") if !compact.contains('(') => Some(0),
        Some(inside) if blanks(inside) => Some(inside.split(',').count()),
        _ => None,
    };
    match (domain, parameters) {
        (Some(domain), Some(parameters)) => Ok(GraphDefinition {
            name: entry.key.as_str().into(),
            domain,
            parameters,
        }),
        _ => Err(at(
            &entry.value,
            0,
            format!(
                "{} is not a role definition, use \"_, _\", \"_, _, _\" with a domain, \
                 and \"(_, _)\" after that for the parameters of a condition",
                entry.key
            ),
        )),
    }
}

fn effect(entry: &Entry) -> Result<(Box<str>, Effect), ModelError> {
    let text = entry.value.text.replace("p_eft", "p.eft");
    let found = EFFECTS.iter().find(|(known, _)| *known == text);
    match found {
        Some((_, effect)) => Ok((entry.key.as_str().into(), *effect)),
        None => {
            let texts: Vec<&str> = EFFECTS.iter().map(|(text, _)| *text).collect();
            Err(at(
                &entry.value,
                0,
                format!(
                    "\"{}\" is not an effect, the effects are, to the letter: {}",
                    entry.value.text,
                    texts.join("; ")
                ),
            ))
        }
    }
}

fn constraint(entry: &Entry) -> Result<Constraint, ModelError> {
    constraint::parse(&entry.key, &entry.value.text).map_err(|message| at(&entry.value, 0, message))
}

/// Whether the matcher holds `keyMatch(r.X, p.X)`, spaced just so, on the
/// second names of `r` and `p`: with that, the Go implementation makes
/// keyMatch the domain matching function of every graph with domains.
fn implies_domain_matching(names: &Names, matcher: &str) -> bool {
    let second = |definitions: &[Definition]| {
        let definition = definitions.first()?;
        definition.fields.get(1).map(ToString::to_string)
    };
    let (Some(request), Some(policy)) = (second(&names.requests), second(&names.policies)) else {
        return false;
    };
    ["r.", "r_"].into_iter().any(|r| {
        ["p.", "p_"]
            .into_iter()
            .any(|p| matcher.contains(&format!("keyMatch({r}{request}, {p}{policy})")))
    })
}
