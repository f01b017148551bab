//! Generated cases, decided by both sides and compared.

use crate::dice::Dice;
use crate::generate::{self, Case};
use crate::go::Go;
use crate::report::Report;
use crate::wire::{Answer, Question, Reply, Request};
use crate::{documented, error_rule, ours};
use anyhow::{Result, ensure};
use doorward_engine::Engine;
use std::fmt::Write;

/// Requests of one case.
pub const REQUESTS: usize = 10;

/// Cases that the Go program is asked at once.
const BATCH: usize = 250;

/// Generates and compares this many cases; `progress` is told how many are
/// done.
///
/// # Errors
///
/// When the Go program cannot be asked.
pub fn run(
    go: &mut Go,
    dice: &mut Dice,
    cases: usize,
    report: &mut Report,
    mut progress: impl FnMut(usize),
) -> Result<()> {
    let mut done = 0;
    while done < cases {
        let size = BATCH.min(cases - done);
        let batch: Vec<Case> = (0..size).map(|_| generate::case(dice, REQUESTS)).collect();
        compare(go, &batch, report)?;
        done += size;
        progress(done);
    }
    Ok(())
}

fn compare(go: &mut Go, batch: &[Case], report: &mut Report) -> Result<()> {
    let engines: Vec<Result<Engine, String>> = batch
        .iter()
        .map(|case| ours::load(&case.question))
        .collect();
    let asked: Vec<Question> = batch
        .iter()
        .zip(&engines)
        .map(|(case, engine)| for_go(&case.question, engine.as_ref().ok()))
        .collect();
    let replies = go.ask(&asked)?;
    for (((case, engine), asked), reply) in batch.iter().zip(&engines).zip(&asked).zip(&replies) {
        match engine {
            Err(words) => refusal(go, case, words, reply, report)?,
            Ok(_) if !reply.refused.is_empty() => {
                let go = format!("refused: {}", reply.refused);
                report.disagreed(&shown(asked), "", &go, &"loaded");
            }
            Ok(engine) => decisions(go, case, engine, asked, reply, report)?,
        }
    }
    Ok(())
}

/// Debian's Casbin is older than the rule that the words
/// `keyMatch(r.dom, p.dom)` set a domain matching function: it is told to.
fn for_go(question: &Question, engine: Option<&Engine>) -> Question {
    let mut question = question.clone();
    let graphs = question.model.lines().filter_map(|line| {
        let (name, fields) = line.split_once(" = _")?;
        (fields == ", _, _").then(|| name.to_owned())
    });
    let graphs: Vec<String> = graphs.collect();
    if engine.is_some_and(Engine::implies_domain_matching) {
        for graph in graphs {
            let functions = question.role_matching.entry(graph).or_default();
            if functions.domain.is_empty() {
                functions.domain = "keyMatch";
            }
        }
    }
    question
}

fn refusal(
    go: &mut Go,
    case: &Case,
    words: &str,
    reply: &Reply,
    report: &mut Report,
) -> Result<()> {
    if !reply.refused.is_empty() {
        report.agreed("refused when loaded");
    } else if let Some(name) = documented::refusal(go, case, words)? {
        report.documented(name);
    } else {
        let ours = format!("refused: {words}");
        report.disagreed(&shown(&case.question), "", &"loaded", &ours);
    }
    Ok(())
}

fn decisions(
    go: &mut Go,
    case: &Case,
    engine: &Engine,
    asked: &Question,
    reply: &Reply,
    report: &mut Report,
) -> Result<()> {
    ensure!(
        reply.answers.len() == asked.requests.len(),
        "the Go program gave {} answers to {} requests",
        reply.answers.len(),
        asked.requests.len()
    );
    for (request, answer) in asked.requests.iter().zip(&reply.answers) {
        let theirs = Answer::from(answer);
        let ours = ours::decide(engine, request);
        if let Some(kind) = same(&theirs, &ours) {
            report.agreed(kind);
        } else if let Some(name) = documented::decision(case, request, &theirs, &ours) {
            report.documented(name);
        } else if theirs.is_failed() {
            let expected = error_rule::expected(go, case, asked, request)?;
            if same(&expected, &ours).is_some() {
                report.documented("the error rule: false wins over an error");
            } else {
                let theirs = format!("{theirs}; by the error rule: {expected}");
                report.disagreed(&shown(asked), &request_text(request), &theirs, &ours);
            }
        } else {
            report.disagreed(&shown(asked), &request_text(request), &theirs, &ours);
        }
    }
    Ok(())
}

/// What the answers are if they are the same: any error is as good as another.
fn same(theirs: &Answer, ours: &Answer) -> Option<&'static str> {
    match (theirs, ours) {
        (Answer::Failed(_), Answer::Failed(_)) => Some("error"),
        (Answer::Decided { allow, rule }, _) if theirs == ours => Some(match (allow, &rule[..]) {
            (true, []) => "allow, by no row",
            (true, _) => "allow, by the same row",
            (false, []) => "deny, by no row",
            (false, _) => "deny, by the same row",
        }),
        _ => None,
    }
}

fn shown(question: &Question) -> String {
    let mut text = format!("{}--\n{}", question.model, question.policy);
    if !question.role_matching.is_empty() {
        let _ = writeln!(text, "-- role matching {:?}", question.role_matching);
    }
    text
}

fn request_text(request: &Request) -> String {
    let args: Vec<String> = request.args.iter().map(ToString::to_string).collect();
    let mut text = format!("-- request [{}]", args.join(", "));
    if !request.context.is_empty() {
        let _ = write!(text, " with {:?}", request.context);
    }
    text
}
