//! What an expression is evaluated against: one request and one row.

use std::cell::RefCell;
use std::collections::BTreeSet;

use doorward_engine::Settings;
use doorward_syntax::Model;
use doorward_syntax::expression::{Expr, Slot};

use crate::case::Ask;

use super::Failed;
use super::roles::Graph;
use super::rows::Row;
use super::value::Value;

/// A request and a row.
pub(crate) struct Scope<'a> {
    pub(crate) model: &'a Model,
    pub(crate) settings: &'a Settings,
    pub(crate) graphs: &'a [Graph],
    pub(crate) ask: &'a Ask,
    pub(crate) values: &'a [Value],
    /// None where there is no row: then every field of it is empty text.
    pub(crate) row: Option<&'a Row>,
    /// The operators and functions that were evaluated.
    pub(crate) touched: &'a RefCell<BTreeSet<&'static str>>,
}

impl Scope<'_> {
    /// Counts an operator or a function.
    pub(crate) fn touch(&self, name: &'static str) {
        self.touched.borrow_mut().insert(name);
    }

    /// A value of the request; none of another definition.
    pub(crate) fn request(&self, slot: Slot) -> Result<Value, Failed> {
        let definition = &self.model.names.requests[usize::from(slot.definition)];
        if *definition.name != *self.ask.context.request {
            return Err(Failed::Plain);
        }
        Ok(self.values[usize::from(slot.field)].clone())
    }

    /// A field of the row; none of another definition.
    pub(crate) fn policy(&self, slot: Slot) -> Result<Value, Failed> {
        let definition = &self.model.names.policies[usize::from(slot.definition)];
        if *definition.name != *self.ask.context.policy {
            return Err(Failed::Plain);
        }
        Ok(Value::Text(match self.row {
            Some(row) => row.fields[usize::from(slot.field)].to_string(),
            None => String::new(),
        }))
    }

    /// Whether the prefix of that name is reserved for links of a request.
    pub(crate) fn is_reserved(&self, graph: u16, name: &str) -> bool {
        let graph = &self.model.names.graphs[usize::from(graph)];
        let mut reserved = self.settings.reserved.iter();
        reserved.any(|entry| *entry.graph == *graph.name && name.starts_with(&entry.prefix))
    }

    /// Whether some role question of the matcher is about a value of the
    /// request, or a field of one, that starts with a reserved prefix.
    pub(crate) fn has_reserved_subject(&self, matcher: &Expr) -> bool {
        matcher.any(&mut |expr| {
            let Expr::Role(graph, arguments) = expr else {
                return false;
            };
            let plain = match &arguments[0] {
                Expr::Attribute(value, _) => matches!(**value, Expr::Request(_)),
                value => matches!(value, Expr::Request(_)),
            };
            let subject = if plain {
                self.value(&arguments[0]).ok()
            } else {
                None
            };
            matches!(subject, Some(Value::Text(name)) if self.is_reserved(*graph, &name))
        })
    }
}
