//! The names that an expression can use: values of requests, fields of
//! policy rows, role graphs.

use super::expression::{Expr, Function, Slot};

/// A request or policy definition.
#[derive(Debug, Clone)]
pub struct Definition {
    /// Such as `r2`.
    pub name: Box<str>,
    /// The names it defines, in order.
    pub fields: Box<[Box<str>]>,
}

impl Definition {
    /// The position of a name.
    pub fn field(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| **field == *name)
    }
}

/// A role definition.
#[derive(Debug, Clone)]
pub struct GraphDefinition {
    /// Such as `g2`.
    pub name: Box<str>,
    /// Whether its links belong to a domain.
    pub domain: bool,
    /// The number of parameters of its links' condition.
    pub parameters: usize,
}

impl GraphDefinition {
    /// Fields that a row needs: two names, the domain, the parameters.
    pub fn fields(&self) -> usize {
        self.arity().saturating_add(self.parameters)
    }

    /// Arguments of its function in a matcher.
    pub fn arity(&self) -> usize {
        if self.domain { 3 } else { 2 }
    }
}

/// A value, and the path into it where it is an object.
pub type Resolved = (Expr, Box<[Box<str>]>);

/// Everything an expression can refer to.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// Request definitions, `r` first.
    pub requests: Vec<Definition>,
    /// Policy definitions, `p` first.
    pub policies: Vec<Definition>,
    /// Role definitions, `g` first.
    pub graphs: Vec<GraphDefinition>,
}

impl Names {
    /// The graph of that name and the arguments it takes.
    pub fn graph(&self, name: &str) -> Option<(u16, usize)> {
        let index = self.graphs.iter().position(|graph| *graph.name == *name)?;
        let graph = self.graphs.get(index)?;
        Some((u16::try_from(index).ok()?, graph.arity()))
    }

    /// The name of a policy field.
    pub fn field_name(&self, slot: Slot) -> &str {
        self.policies
            .get(usize::from(slot.definition))
            .and_then(|definition| definition.fields.get(usize::from(slot.field)))
            .map_or("", AsRef::as_ref)
    }

    /// Finds what `r.sub`, `r_sub` or `r.sub.Name.First` refer to: the value,
    /// and the path into it.
    pub fn resolve(&self, word: &str) -> Result<Resolved, String> {
        let mut parts = word.split('.');
        let head = parts.next().unwrap_or("");
        let joined = if is_definition(head) {
            parts
                .next()
                .map(|field| format!("{head}_{field}"))
                .unwrap_or_default()
        } else {
            head.to_owned()
        };
        let path: Box<[Box<str>]> = parts.map(Into::into).collect();
        if path.iter().any(|part| part.is_empty()) {
            return Err(format!("{word} lacks a name after a dot"));
        }
        if let Some(slot) = find(&self.requests, &joined) {
            return Ok((Expr::Request(slot), path));
        }
        if let Some(slot) = find(&self.policies, &joined) {
            return Ok((Expr::Policy(slot), path));
        }
        Err(self.unknown(word, head))
    }

    fn unknown(&self, word: &str, head: &str) -> String {
        if Function::from_name(word).is_some() || word == "eval" || self.graph(word).is_some() {
            return format!("{word} is a function and needs its arguments in brackets");
        }
        let definitions = self.requests.iter().chain(&self.policies);
        let definition = definitions.clone().find(|definition| {
            let name = &*definition.name;
            head == name
                || head
                    .strip_prefix(name)
                    .is_some_and(|rest| rest.starts_with('_'))
        });
        match definition {
            Some(definition) => format!(
                "there is no {word}, {} has {}",
                definition.name,
                definition.fields.join(", ")
            ),
            None => {
                let names: Vec<&str> = definitions.map(|definition| &*definition.name).collect();
                format!(
                    "there is no {word}, the definitions are {}",
                    names.join(", ")
                )
            }
        }
    }

    /// The message for a function that does not exist.
    pub fn no_function(&self, name: &str) -> String {
        if self.resolve(name).is_ok() {
            return format!("{name} is a value and cannot be called");
        }
        let is_graph = name
            .strip_prefix('g')
            .is_some_and(|digits| digits.chars().all(|digit| digit.is_ascii_digit()));
        if is_graph {
            format!("there is no function {name}, define it under [role_definition]")
        } else {
            format!("there is no function {name}")
        }
    }
}

/// Whether a word is the name of a definition: `r` or `p` and digits.
fn is_definition(word: &str) -> bool {
    word.strip_prefix(['r', 'p'])
        .is_some_and(|digits| digits.chars().all(|digit| digit.is_ascii_digit()))
}

fn find(definitions: &[Definition], joined: &str) -> Option<Slot> {
    definitions
        .iter()
        .enumerate()
        .find_map(|(index, definition)| {
            let field = joined.strip_prefix(&*definition.name)?.strip_prefix('_')?;
            Some(Slot {
                definition: u16::try_from(index).ok()?,
                field: u16::try_from(definition.field(field)?).ok()?,
            })
        })
}
