//! Which rows a request misses by a role alone.

use std::cell::RefCell;

use crate::budget::Budget;
use crate::decision::{EvaluationError as Error, RuleId};
use crate::effect::RowEffect;
use crate::evaluate::frame::Frame;
use crate::load::Loaded;
use crate::request::Request;
use crate::roles::own::OwnLinks;

use super::rows::{Merged, Rows, Search};

/// The first rows, at most so many, that say allow and would match if whoever
/// the matcher asks about had the roles that they name. None where that cannot
/// be evaluated.
pub(crate) fn near_misses(loaded: &Loaded, request: &Request<'_>, most: usize) -> Vec<RuleId> {
    find(loaded, request, most)
        .and_then(Result::ok)
        .unwrap_or_default()
}

fn find(loaded: &Loaded, request: &Request<'_>, most: usize) -> Option<Result<Vec<RuleId>, Error>> {
    let definition = request.context.policy;
    let matcher = loaded.matchers.get(usize::from(request.context.matcher))?;
    let plan = matcher
        .but_for_roles
        .get(usize::from(definition))?
        .as_ref()?;
    let table = loaded.tables.get(usize::from(definition))?;
    let frame = Frame {
        loaded,
        request,
        row: None,
        budget: &Budget::new(loaded.settings.limits.expression_steps),
        own: &OwnLinks::new(request.roles),
        closures: &RefCell::default(),
    };
    let mut search = Search::new(plan, table, frame);
    Some(rows(&mut search, table.positions(), most).map(|rows| {
        let id = |position| RuleId {
            definition,
            position,
        };
        rows.into_iter().map(id).collect()
    }))
}

fn rows(
    search: &mut Search<'_>,
    all: impl Iterator<Item = u32>,
    most: usize,
) -> Result<Vec<u32>, Error> {
    search.ask_all()?;
    let mut merged = Merged::new();
    match search.rows(&mut merged)? {
        Rows::All => allowing(search, all, most),
        Rows::These(rows) => allowing(search, rows.iter().copied(), most),
    }
}

fn allowing(
    search: &Search<'_>,
    positions: impl Iterator<Item = u32>,
    most: usize,
) -> Result<Vec<u32>, Error> {
    let mut found = Vec::new();
    for position in positions {
        if search.matching(position)? == Some(RowEffect::Allow) {
            found.push(position);
        }
        if found.len() >= most {
            break;
        }
    }
    Ok(found)
}
