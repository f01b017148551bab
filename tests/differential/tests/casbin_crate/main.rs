//! The engine against the casbin crate: equal decisions on what the crate does
//! right, and its known faults, each shown to be its own.

mod common;

use casbin::{CoreApi, DefaultModel, Enforcer, StringAdapter};
use doorward_differential::crate_faults::{self, CrateAnswer};
use doorward_differential::dice::Dice;
use doorward_differential::known::Expect;
use doorward_differential::ours;
use doorward_differential::wire::{Answer, Question, Request};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A model and policy in the crate.
fn load(question: &Question) -> Result<Enforcer, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let model = DefaultModel::from_str(&question.model)
            .await
            .map_err(|error| error.to_string())?;
        let policy = StringAdapter::new(&question.policy);
        Enforcer::new(model, policy)
            .await
            .map_err(|error| error.to_string())
    })
}

fn crate_decision(enforcer: &Enforcer, args: &[Json]) -> Result<bool, String> {
    let decision = match args {
        [a] => enforcer.enforce((a,)),
        [a, b] => enforcer.enforce((a, b)),
        [a, b, c] => enforcer.enforce((a, b, c)),
        [a, b, c, d] => enforcer.enforce((a, b, c, d)),
        _ => panic!("{} values, the definitions have 1 to 4", args.len()),
    };
    decision.map_err(|error| error.to_string())
}

/// What the crate makes of the only request of a question.
fn crate_answer(question: &Question) -> CrateAnswer {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        crate_decision(&load(question)?, &question.requests[0].args)
    }));
    match outcome {
        Ok(Ok(true)) => CrateAnswer::Allow,
        Ok(Ok(false)) => CrateAnswer::Deny,
        Ok(Err(_)) => CrateAnswer::Error,
        Err(_) => CrateAnswer::Panic,
    }
}

fn our_answer(question: &Question) -> Expect {
    match ours::load(question) {
        Ok(engine) => Expect::from(&ours::decide(&engine, &question.requests[0])),
        Err(_) => Expect::Refused,
    }
}

/// Our engine gives the reference's answer (which `go` asks Go for), and the
/// crate another.
#[test]
fn known_faults_are_the_crates_own() {
    let mut wrong = Vec::new();
    for fault in crate_faults::all() {
        let question = fault.example.question().unwrap();
        let (ours, theirs) = (our_answer(&question), crate_answer(&question));
        if ours != fault.example.ours || theirs != fault.theirs {
            wrong.push(format!(
                "{}: documented {:?} and {:?}, found {ours:?} and {theirs:?}",
                fault.example.name, fault.example.ours, fault.theirs
            ));
        }
        let same = matches!(
            (fault.example.go, fault.theirs),
            (Expect::Allow, CrateAnswer::Allow)
                | (Expect::Deny, CrateAnswer::Deny)
                | (Expect::Error | Expect::Refused, CrateAnswer::Error)
        );
        assert!(!same, "{} is no fault", fault.example.name);
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Models of every family, decided alike.
#[test]
fn what_the_crate_does_right_is_decided_alike() {
    const MODELS: usize = 60;
    const REQUESTS: usize = 40;
    let mut dice = Dice::new(1);
    let mut allowed = BTreeMap::new();
    let mut decisions = 0;
    for family in common::FAMILIES {
        for _ in 0..MODELS {
            let question = common::question(&mut dice, family, REQUESTS);
            let engine = ours::load(&question)
                .unwrap_or_else(|error| panic!("{error}\n{}{}", question.model, question.policy));
            let enforcer = load(&question)
                .unwrap_or_else(|error| panic!("{error}\n{}{}", question.model, question.policy));
            for request in &question.requests {
                let ours = ours::decide(&engine, request);
                let theirs = crate_decision(&enforcer, &request.args);
                assert_alike(&question, request, &ours, &theirs);
                *allowed.entry(family.name).or_insert(0) += usize::from(theirs == Ok(true));
                decisions += 1;
            }
        }
    }
    assert_eq!(decisions, common::FAMILIES.len() * MODELS * REQUESTS);
    assert!(decisions >= 20_000);
    // A family that allows or denies everything would show nothing.
    for (family, allowed) in allowed {
        let share = 100 * allowed / (MODELS * REQUESTS);
        assert!((5..=95).contains(&share), "{family} allows {share} %");
    }
}

fn assert_alike(
    question: &Question,
    request: &Request,
    ours: &Answer,
    theirs: &Result<bool, String>,
) {
    let alike = match (ours, theirs) {
        (Answer::Decided { allow, .. }, Ok(theirs)) => allow == theirs,
        _ => false,
    };
    assert!(
        alike,
        "{}--\n{}-- request {:?}\n  ours {ours}\n  the crate {theirs:?}",
        question.model, question.policy, request.args
    );
}
