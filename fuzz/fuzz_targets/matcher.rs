//! Any text as a matcher, over one policy and a few requests.

#![no_main]

use std::sync::LazyLock;

use doorward_engine::{Engine, Model, Policy, Request, Settings, Value};
use doorward_fuzz::{MODELS, Setup};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value as Json, json};

const SETUP: Setup = Setup {
    policy: "sub, obj, act, eft",
    roles: &["_, _", "_, _, _"],
    effect: "some(where (p.eft == allow)) && !some(where (p.eft == deny))",
    ..MODELS[0]
};

static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    Policy::parse_csv(
        "p, alice, data1, read, allow\n\
         p, admin, /a/:id/*, ^(GET|POST)$, allow\n\
         p, 10.0.0.0/8, /b/{x}/{x}, 1, deny\n\
         p, r.sub.Age > 18 && r.act == 'read', é, \"\", allow\n\
         g, alice, admin\ng, admin, root\ng2, alice, admin, one\n",
    )
    .expect("the policy is CSV")
});

static REQUESTS: LazyLock<[[Json; 3]; 4]> = LazyLock::new(|| {
    [
        [json!("alice"), json!("data1"), json!("read")],
        [json!("10.1.2.3"), json!("/b/7/7"), json!(1)],
        [
            json!({"Age": 20, "Name": "alice", "Roles": ["admin", 1, null]}),
            json!(["data1", "/a/7/b"]),
            json!("read"),
        ],
        [json!(null), json!(true), json!("2026-12-25")],
    ]
});

fuzz_target!(|matcher: &str| {
    // A line's end is the matcher's: what follows would be other definitions,
    // which is the target `model`.
    let text = SETUP.text_with(&matcher.replace(['\n', '\r'], " "));
    let Ok(model) = Model::parse(&text) else {
        return;
    };
    let settings = Settings {
        limits: doorward_fuzz::limits(),
        ..Settings::default()
    };
    let Ok(engine) = Engine::compile(&model, &POLICY, &settings) else {
        return;
    };
    for request in &*REQUESTS {
        let values: Vec<Value<'_>> = request.iter().map(Value::from).collect();
        doorward_fuzz::decide(&engine, &Request::new(&values));
    }
});
