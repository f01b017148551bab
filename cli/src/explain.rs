//! `doorward explain`: how a model's matchers are answered.

use std::io::{self, Write};
use std::process::ExitCode;

use doorward_engine::{BranchPlan, LookupPlan, MatcherPlan};
use serde_json::{Value as Json, json};

use crate::lines;
use crate::load::Files;

/// Say how the matchers of a Casbin model are answered with a policy
///
/// With --plan, each matcher is brought to an OR of ANDs. Of each AND it says
/// which terms are lookups in a column and what a lookup leaves, which terms
/// are evaluated once a request, and which on every row that is left.
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// Say which terms are lookups and which are evaluated row by row.
    #[arg(long, required = true)]
    plan: bool,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    files: Files,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let engine = match arguments.files.load() {
        Ok(loaded) => loaded.engine,
        Err(failure) => return lines::print::<Json>(&Err(failure)),
    };
    let plans = engine.plans();
    let implied = engine.implies_domain_matching();
    if arguments.json {
        let plans: Vec<Json> = plans.iter().map(matcher).collect();
        return lines::print(&Ok(json!({
            "plans": plans,
            "implied_domain_matching": implied,
        })));
    }
    let mut text: Vec<String> = plans.iter().map(ToString::to_string).collect();
    if implied {
        text.push(
            "The words of m make keyMatch the domain matching function of every role graph \
             with domains, as in Casbin.\n"
                .to_owned(),
        );
    }
    match io::stdout().write_all(text.join("\n").as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => lines::broken("standard output", &error),
    }
}

fn matcher(plan: &MatcherPlan) -> Json {
    let branches: Vec<Json> = plan.branches.iter().map(branch).collect();
    json!({
        "name": plan.name,
        "matcher": plan.matcher,
        "policy": plan.policy,
        "rows": plan.rows,
        "branches": branches,
    })
}

fn branch(plan: &BranchPlan) -> Json {
    let lookups: Vec<Json> = plan.lookups.iter().map(lookup).collect();
    json!({
        "once": plan.once,
        "lookups": lookups,
        "together": plan.together,
        "residual": plan.residual,
        "expected_rows": plan.expected_rows,
    })
}

fn lookup(plan: &LookupPlan) -> Json {
    json!({
        "term": plan.term,
        "column": plan.column,
        "by": plan.by,
        "values": plan.values,
        "most_rows": plan.most_rows,
        "expected_rows": plan.expected_rows,
    })
}
