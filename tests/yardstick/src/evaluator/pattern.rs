//! The built-in functions: texts against patterns.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::IpAddr;
use std::rc::Rc;

use doorward_syntax::expression::Function;
use doorward_syntax::pattern::{self, IpPattern, Kind, Pattern, ip};
use regex_automata::Input;
use regex_automata::nfa::thompson::pikevm::PikeVM;
use regex_automata::nfa::thompson::{self, WhichCaptures};

use super::Failed;
use super::glob;
use super::value::Value;

/// A pattern that can be run.
#[derive(Debug)]
enum Ready {
    /// A prefix, and whether anything may follow it.
    Prefix(String, bool),
    /// A regular expression, and the names of its groups.
    Regex(PikeVM, Vec<String>),
    Ip(IpPattern),
    Glob(pattern::Glob),
}

/// Patterns by language and text; none where malformed.
type Known = HashMap<(Kind, String), Option<Rc<Ready>>>;

thread_local! {
    /// Patterns that were read before.
    static KNOWN: RefCell<Known> = RefCell::default();
}

/// Patterns that are kept.
const KEPT: usize = 5_000;

fn read(kind: Kind, text: &str) -> Result<Rc<Ready>, Failed> {
    let key = (kind, text.to_owned());
    let known = KNOWN.with_borrow(|known| known.get(&key).cloned());
    let ready = known.unwrap_or_else(|| {
        let ready = build(kind, text).map(Rc::new);
        KNOWN.with_borrow_mut(|known| {
            if known.len() >= KEPT {
                known.clear();
            }
            known.insert(key, ready.clone());
        });
        ready
    });
    ready.ok_or(Failed::Plain)
}

fn build(kind: Kind, text: &str) -> Option<Ready> {
    Some(match pattern::parse(kind, text).ok()? {
        Pattern::Prefix { prefix, open } => Ready::Prefix(prefix.into(), open),
        Pattern::Ip(block) => Ready::Ip(block),
        Pattern::Glob(glob) => Ready::Glob(glob),
        Pattern::Regex { hir, names } => {
            let config = thompson::Config::new().which_captures(WhichCaptures::All);
            let nfa = thompson::Compiler::new()
                .configure(config)
                .build_from_hir(&hir);
            let regex = PikeVM::new_from_nfa(nfa.ok()?).ok()?;
            Ready::Regex(regex, names.into_iter().map(String::from).collect())
        }
    })
}

/// Calls a function; the number of arguments is right, or the matcher would
/// not have been parsed.
pub(crate) fn call(function: Function, arguments: &[String]) -> Result<Value, Failed> {
    let (text, pattern) = (&arguments[0], &arguments[1]);
    match function {
        Function::Match(function) => matches(Kind::from(function), text, pattern).map(Value::Bool),
        Function::KeyGet => Ok(Value::Text(key_get(text, pattern))),
        Function::KeyGet2 => variable(Kind::KeyGet2, text, pattern, &arguments[2]),
        Function::KeyGet3 => variable(Kind::KeyGet3, text, pattern, &arguments[2]),
    }
}

/// Whether the text matches the pattern.
pub(crate) fn matches(kind: Kind, text: &str, pattern: &str) -> Result<bool, Failed> {
    let text = match kind {
        // The query is no part of the key.
        Kind::KeyMatch5 => text.split('?').next().unwrap_or(""),
        _ => text,
    };
    match &*read(kind, pattern)? {
        Ready::Prefix(prefix, true) => Ok(text.starts_with(prefix)),
        Ready::Prefix(whole, false) => Ok(text == whole),
        Ready::Ip(block) => {
            let address = ip::address(text).ok_or(Failed::Plain)?;
            Ok(in_block(block, address))
        }
        Ready::Glob(glob) => Ok(glob::matches(glob, text)),
        Ready::Regex(regex, names) => {
            let groups = groups(regex, text);
            Ok(groups.is_some_and(|groups| kind != Kind::KeyMatch4 || agree(names, &groups)))
        }
    }
}

/// The texts of all groups of the first match, from group 0; none if there
/// is no match.
fn groups(regex: &PikeVM, text: &str) -> Option<Vec<String>> {
    let mut cache = regex.create_cache();
    let mut captures = regex.create_captures();
    regex.captures(&mut cache, Input::new(text), &mut captures);
    if !captures.is_match() {
        return None;
    }
    let group = |index| {
        captures
            .get_group(index)
            .map_or("", |span| &text[span.range()])
    };
    Some(
        (0..captures.group_len())
            .map(|index| group(index).to_owned())
            .collect(),
    )
}

/// Whether variables of one name stand for one text.
fn agree(names: &[String], groups: &[String]) -> bool {
    let variables: Vec<(&String, &String)> = names.iter().zip(&groups[1..]).collect();
    variables.iter().all(|(name, text)| {
        variables
            .iter()
            .all(|(other, other_text)| name != other || text == other_text)
    })
}

fn in_block(block: &IpPattern, address: IpAddr) -> bool {
    let bits = |address: IpAddr| -> Vec<bool> {
        let bytes = match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        let bits = bytes
            .into_iter()
            .flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1));
        bits.collect()
    };
    let same_version = block.address.is_ipv4() == address.is_ipv4();
    let count = usize::from(block.bits);
    same_version && bits(block.address)[..count] == bits(address)[..count]
}

/// What the first `*` of the pattern stands for.
fn key_get(text: &str, pattern: &str) -> String {
    match pattern.find('*') {
        Some(star) if text.starts_with(&pattern[..star]) => text[star..].to_owned(),
        _ => String::new(),
    }
}

/// What the variable of that name stands for; empty if nothing.
fn variable(kind: Kind, text: &str, pattern: &str, name: &str) -> Result<Value, Failed> {
    let ready = read(kind, pattern)?;
    let Ready::Regex(regex, names) = &*ready else {
        return Err(Failed::Plain);
    };
    let number = names.iter().position(|known| known == name);
    let groups = groups(regex, text);
    let found = match (number, groups) {
        (Some(number), Some(groups)) => groups.get(number + 1).cloned(),
        _ => None,
    };
    Ok(Value::Text(found.unwrap_or_default()))
}
