//! The error rule, from Go's own answers.
//!
//! Go evaluates a matcher from left to right and gives up at the first error.
//! Our engine lets false win over an error among terms that must all hold, so
//! that the order of terms changes nothing. Where Go fails and we do not, this
//! module asks Go for the value of every term on every row, joins them by the
//! rule and merges the rows as the effect says. Our answer must be that one.

use crate::expression::Expr;
use crate::generate::{
    ALLOW_AND_DENY, ALLOW_OVERRIDE, Case, DENY_OVERRIDE, Part, model_text, policy_text,
};
use crate::go::Go;
use crate::wire::{Answer, Question, Request};
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;

/// True, false, or an error.
type Truth = Option<bool>;

/// A row of the policy, or none where the matcher reads none.
type Row<'a> = Option<&'a [String]>;

/// The answer to one request by the error rule.
///
/// # Errors
///
/// When the Go program cannot be asked.
pub fn expected(go: &mut Go, case: &Case, asked: &Question, request: &Request) -> Result<Answer> {
    let suffix = request.context.first().map_or("", |_| "2");
    let part = case.parts.iter().find(|part| part.suffix == suffix);
    let part = part.context("the request's definitions are not of its case")?;
    if request.args.len() != part.request.len() {
        return Ok(failed());
    }
    let rows = rows_in_order(go, asked, suffix)?;
    let terms = Terms { case, part };
    if rows.is_empty() || !part.reads_policy() {
        if rows.is_empty() && part.matcher.to_string().contains("eval(") {
            return Ok(failed());
        }
        let values = values(go, &terms, asked, request, &[None])?;
        return Ok(match terms.truth(&part.matcher, None, false, &values) {
            None => failed(),
            Some(matched) => Answer::Decided {
                allow: matched || part.effect == DENY_OVERRIDE,
                rule: Vec::new(),
            },
        });
    }
    let rows: Vec<Row<'_>> = rows.iter().map(|row| Some(row.as_slice())).collect();
    let values = values(go, &terms, asked, request, &rows)?;
    let truths = rows
        .iter()
        .map(|row| terms.truth(&part.matcher, *row, false, &values));
    Ok(merge(part, rows.iter().zip(truths)))
}

fn failed() -> Answer {
    Answer::Failed("by the error rule".to_owned())
}

/// The rows of `p` or `p2` as Go orders them.
fn rows_in_order(go: &mut Go, asked: &Question, suffix: &str) -> Result<Vec<Vec<String>>> {
    let question = Question {
        requests: Vec::new(),
        rows: format!("p{suffix}"),
        ..asked.clone()
    };
    let replies = go.ask(&[question])?;
    let reply = replies.into_iter().next().context("Go gave no reply")?;
    if !reply.refused.is_empty() {
        bail!("Go refuses what it loaded before: {}", reply.refused);
    }
    Ok(reply.rows)
}

/// Values of terms, by their text and the row.
type Values = BTreeMap<(String, Vec<String>), Truth>;

/// Asks Go for each term on each row.
fn values(
    go: &mut Go,
    terms: &Terms<'_>,
    asked: &Question,
    request: &Request,
    rows: &[Row<'_>],
) -> Result<Values> {
    let mut values = Values::new();
    for row in rows {
        terms.collect(&terms.part.matcher, *row, &mut values);
    }
    let questions: Vec<Question> = values
        .keys()
        .map(|(term, row)| terms.question(term, row, asked, request))
        .collect();
    let replies = go.ask(&questions)?;
    for ((key, value), reply) in values.iter_mut().zip(&replies) {
        if !reply.refused.is_empty() {
            bail!("Go refuses the term {} alone: {}", key.0, reply.refused);
        }
        *value = match reply.answers.first().map(Answer::from) {
            Some(Answer::Decided { allow, .. }) => Some(allow),
            _ => None,
        };
    }
    Ok(values)
}

/// The terms of one part of a case.
struct Terms<'a> {
    case: &'a Case,
    part: &'a Part,
}

impl Terms<'_> {
    /// What a rule says; none if it is malformed.
    fn rule(&self, row: Row<'_>) -> Option<&Expr> {
        let column = self.part.columns.iter().position(|name| *name == "rule")?;
        self.case.rules.get(row?.get(column)?)
    }

    fn collect(&self, expr: &Expr, row: Row<'_>, values: &mut Values) {
        let mut add = |text: String| {
            values.insert((text, row.unwrap_or_default().to_vec()), None);
        };
        match expr {
            Expr::And(list) | Expr::Or(list) => {
                for expr in list {
                    self.collect(expr, row, values);
                }
            }
            Expr::Not(inner) | Expr::Group(inner) => self.collect(inner, row, values),
            Expr::Choice(parts) => {
                let [condition, value, other] = &**parts;
                // Conditions run from left to right on both sides.
                add(condition.to_string());
                self.collect(value, row, values);
                self.collect(other, row, values);
            }
            Expr::Eval(_) => {
                if let Some(rule) = self.rule(row) {
                    self.collect(rule, row, values);
                }
            }
            Expr::Term(text) => add(text.clone()),
        }
    }

    /// A model with this term for a matcher, and one row.
    fn question(
        &self,
        term: &str,
        row: &[String],
        asked: &Question,
        request: &Request,
    ) -> Question {
        let parts: Vec<Part> = self
            .case
            .parts
            .iter()
            .map(|part| {
                let mut part = part.clone();
                part.effect = ALLOW_OVERRIDE;
                if part.suffix == self.part.suffix {
                    part.matcher = Expr::term(term);
                    // So that it allows whenever it matches.
                    for column in &mut part.columns {
                        if *column == "eft" {
                            *column = "said";
                        }
                    }
                }
                part
            })
            .collect();
        let mut rows: Vec<Vec<String>> = Vec::new();
        if !row.is_empty() {
            rows.push([&[format!("p{}", self.part.suffix)], row].concat());
        }
        let links = self.case.rows.iter().filter(|row| row[0].starts_with('g'));
        rows.extend(links.cloned());
        Question {
            model: model_text(&parts, &self.case.graphs),
            policy: policy_text(&rows),
            role_matching: asked.role_matching.clone(),
            requests: vec![request.clone()],
            ..Question::default()
        }
    }

    /// The truth of an expression, or of its negation.
    fn truth(&self, expr: &Expr, row: Row<'_>, negated: bool, values: &Values) -> Truth {
        let below = |expr: &Expr| self.truth(expr, row, negated, values);
        let value = |text: &str| {
            let key = (text.to_owned(), row.unwrap_or_default().to_vec());
            values.get(&key).copied().flatten()
        };
        match (expr, negated) {
            (Expr::And(list), false) | (Expr::Or(list), true) => all_hold(list.iter().map(below)),
            (Expr::Or(list), false) | (Expr::And(list), true) => one_holds(list.iter().map(below)),
            (Expr::Not(inner), _) => self.truth(inner, row, !negated, values),
            (Expr::Group(inner), _) => below(inner),
            (Expr::Choice(parts), _) => {
                let [condition, chosen, other] = &**parts;
                let holds = value(&condition.to_string())?;
                below(if holds { chosen } else { other })
            }
            (Expr::Eval(_), _) => below(self.rule(row)?),
            (Expr::Term(text), _) => Some(value(text)? != negated),
        }
    }
}

/// False wins over an error.
fn all_hold(truths: impl Iterator<Item = Truth>) -> Truth {
    let mut all = Some(true);
    for truth in truths {
        match truth {
            Some(false) => return Some(false),
            Some(true) => {}
            None => all = None,
        }
    }
    all
}

/// From left to right.
fn one_holds(truths: impl Iterator<Item = Truth>) -> Truth {
    for truth in truths {
        if truth? {
            return Some(true);
        }
    }
    Some(false)
}

/// The decision of rows in order: the first that fails before it is settled
/// makes it an error.
fn merge<'a>(part: &Part, rows: impl Iterator<Item = (&'a Row<'a>, Truth)>) -> Answer {
    let effect_column = part.columns.iter().position(|name| *name == "eft");
    let decided = |allow, rule: &[String]| Answer::Decided {
        allow,
        rule: rule.to_vec(),
    };
    let mut allowed: Option<&[String]> = None;
    for (row, truth) in rows {
        let row = row.unwrap_or_default();
        match truth {
            None => return failed(),
            Some(false) => continue,
            Some(true) => {}
        }
        let effect = effect_column.map_or("allow", |column| &row[column]);
        match (part.effect, effect) {
            (DENY_OVERRIDE, "allow") | (_, "indeterminate") => {}
            (ALLOW_OVERRIDE, "deny") => {}
            (ALLOW_AND_DENY, "allow") => allowed = allowed.or(Some(row)),
            (_, effect) => return decided(effect == "allow", row),
        }
    }
    match part.effect {
        DENY_OVERRIDE => decided(true, &[]),
        _ => decided(allowed.is_some(), allowed.unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn false_wins_among_terms_that_must_all_hold() {
        assert_eq!(all_hold([None, Some(false)].into_iter()), Some(false));
        assert_eq!(all_hold([Some(true), None].into_iter()), None);
        assert_eq!(all_hold([Some(true), Some(true)].into_iter()), Some(true));
    }

    #[test]
    fn terms_of_which_one_must_hold_run_from_left_to_right() {
        assert_eq!(one_holds([Some(true), None].into_iter()), Some(true));
        assert_eq!(one_holds([None, Some(true)].into_iter()), None);
        assert_eq!(one_holds([Some(false), None].into_iter()), None);
    }
}
