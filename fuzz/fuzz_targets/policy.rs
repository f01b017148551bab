//! Any text as a policy, compiled with every model of the list.

#![no_main]

use std::sync::LazyLock;

use doorward_engine::{Engine, Model, Policy, Settings};
use doorward_fuzz::MODELS;
use libfuzzer_sys::fuzz_target;

static COMPILABLE: LazyLock<Vec<(Model, Settings)>> = LazyLock::new(|| {
    let compilable = |setup: &doorward_fuzz::Setup| (setup.model(), setup.settings());
    MODELS.iter().map(compilable).collect()
});

fuzz_target!(|text: &str| {
    let policy = match Policy::parse_csv(text) {
        Ok(policy) => policy,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    // What a row prints as, such as in a decision record, reads as that row.
    let is_name = |kind: &str| kind.starts_with(['p', 'g']) && !kind.contains(['"', ',', ' ']);
    for row in policy.rows().filter(|row| is_name(row.kind())) {
        let line = row.rule().to_string();
        let again = Policy::parse_csv(&line);
        let again = again.iter().filter(|again| again.len() == 1);
        for again in again.flat_map(Policy::rows) {
            assert_eq!(again.kind(), row.kind());
            assert!(again.fields().eq(row.fields()));
        }
    }
    for (model, settings) in &*COMPILABLE {
        match Engine::compile(model, &policy, settings) {
            Ok(engine) => assert!(engine.row_count() <= policy.len()),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
});
