//! Any text as a model, compiled without a policy.

#![no_main]

use doorward_engine::{Engine, Model, Policy, Settings};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let model = match Model::parse(text) {
        Ok(model) => model,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let settings = Settings {
        limits: doorward_fuzz::limits(),
        ..Settings::default()
    };
    if let Ok(engine) = Engine::compile(&model, &Policy::default(), &settings) {
        assert_eq!(engine.row_count(), 0);
    }
});
