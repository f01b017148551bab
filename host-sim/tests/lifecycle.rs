//! Start, configurations, streams, traps.

mod support;

use host_sim::scenario::Observed;
use host_sim::{ModuleError, Options, ProxyModule, SimulationError, Simulator};
use support::{binary, get, module};

fn simulator(functions: &str) -> Simulator {
    Simulator::new(&module(functions), Options::default()).expect("options are fine")
}

fn request(simulator: &mut Simulator) -> Observed {
    simulator.request(&get("/")).expect("it comes to rest")
}

/// Logs every callback with its context; refuses configurations that begin with `!`.
const CHATTY: &str = r#"
  (func (export "_initialize") (call $result @"initialize" (i32.const 0)))
  (func (export "_start") (call $result @"start" (i32.const 0)))
  (func (export "proxy_on_context_create") (param i32 i32)
    (call $result @"create" (local.get 0))
    (call $result @"parent" (local.get 1)))
  (func (export "proxy_on_vm_start") (param i32 i32) (result i32)
    (call $result @"vm start" (local.get 0))
    (i32.const 1))
  (func (export "proxy_on_configure") (param i32 i32) (result i32)
    (call $result @"configure" (local.get 0))
    (drop (call $get_buffer_bytes (i32.const 7) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 4)))
    (i32.ne (i32.load8_u (i32.load (i32.const 0))) (i32.const 33)))
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
    (call $result @"request" (local.get 0))
    (i32.const 0))
  (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32)
    (call $result @"response" (local.get 0))
    (i32.const 0))
  (func (export "proxy_on_done") (param i32) (result i32)
    (call $result @"done" (local.get 0))
    (i32.const 1))
  (func (export "proxy_on_log") (param i32) (call $result @"log" (local.get 0)))
  (func (export "proxy_on_delete") (param i32) (call $result @"delete" (local.get 0)))
"#;

#[test]
fn the_life_of_a_plugin_and_a_stream() {
    let mut simulator = simulator(CHATTY);
    let start = [
        "initialize 0",
        "create 1",
        "parent 0",
        "vm start 1",
        "configure 1",
    ];
    let push = simulator.configure("a").expect("it comes to rest");
    assert!(push.accepted);
    assert_eq!(push.log, [start, start].concat(), "canary, then live");
    assert_eq!(
        request(&mut simulator).log,
        [
            "create 2",
            "parent 1",
            "request 2",
            "response 2",
            "log 2",
            "done 2",
            "delete 2"
        ]
    );
}

#[test]
fn a_new_configuration_is_a_new_root_in_the_same_vm() {
    let mut simulator = simulator(CHATTY);
    simulator.configure("a").expect("it comes to rest");
    let push = simulator.configure("b").expect("it comes to rest");
    assert_eq!(
        push.log[5..],
        [
            "create 2",
            "parent 0",
            "vm start 2",
            "configure 2",
            "done 1",
            "delete 1"
        ]
    );
    let same = simulator.configure("b").expect("it comes to rest");
    assert!(same.accepted);
    assert_eq!(same.log, [""; 0], "the same bytes are not given again");
    let back = simulator.configure("a").expect("it comes to rest");
    assert_eq!(
        back.log,
        [
            "create 3",
            "parent 0",
            "vm start 3",
            "configure 3",
            "done 2",
            "delete 2"
        ],
        "the canary is not asked twice"
    );
}

#[test]
fn an_old_root_lives_as_long_as_its_streams() {
    let mut simulator = simulator(CHATTY);
    simulator.configure("a").expect("it comes to rest");
    let stream = simulator.begin(&get("/")).expect("it comes to rest");
    let push = simulator.configure("b").expect("it comes to rest");
    assert!(!push.log.contains(&"done 1".to_owned()), "{:?}", push.log);
    let other = request(&mut simulator);
    assert!(
        other.log.contains(&"parent 3".to_owned()),
        "{:?}",
        other.log
    );
    let observed = simulator.finish(stream).expect("it comes to rest");
    assert_eq!(
        observed.log,
        [
            "response 2",
            "log 2",
            "done 2",
            "delete 2",
            "done 1",
            "delete 1"
        ]
    );
    assert_eq!(simulator.finish(stream), Err(SimulationError::NoSuchStream));
}

#[test]
fn a_refused_configuration_leaves_the_old_one_serving() {
    let mut simulator = simulator(CHATTY);
    simulator.configure("a").expect("it comes to rest");
    let push = simulator.configure("!").expect("it comes to rest");
    assert!(!push.accepted);
    assert_eq!(push.trapped, None);
    assert_eq!(
        push.log,
        [
            "initialize 0",
            "create 1",
            "parent 0",
            "vm start 1",
            "configure 1",
            "Failed to configure base Wasm plugin"
        ]
    );
    assert_eq!(request(&mut simulator).status, 200);
    let again = simulator.configure("!").expect("it comes to rest");
    assert!(!again.accepted);
    assert_eq!(again.log, [""; 0], "the canary is not asked twice");
}

#[test]
fn without_a_configuration_nothing_is_served() {
    let mut simulator = simulator(CHATTY);
    let push = simulator.configure("!").expect("it comes to rest");
    assert!(!push.accepted);
    let observed = request(&mut simulator);
    assert_eq!(observed.status, 500);
    assert_eq!(observed.upstream, None);
    assert_eq!(observed.log, [""; 0]);
}

#[test]
fn a_root_may_take_its_time_to_end() {
    let functions = r#"
      (func (export "proxy_on_done") (param i32) (result i32)
        (call $result @"on done" (local.get 0))
        (i32.gt_u (local.get 0) (i32.const 1)))
      (func (export "proxy_on_delete") (param i32) (call $result @"delete" (local.get 0)))
      (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
        (call $result @"act for 1" (call $set_effective_context (i32.const 1)))
        (call $result @"done" (call $done))
        (i32.const 0))
    "#;
    let mut simulator = simulator(functions);
    simulator.configure("a").expect("it comes to rest");
    let push = simulator.configure("b").expect("it comes to rest");
    assert_eq!(push.log, ["on done 1"]);
    assert_eq!(
        request(&mut simulator).log,
        ["act for 1 0", "done 0", "on done 3", "delete 3", "delete 1"]
    );
}

/// Traps on a request of `/trap`, loops on `/loop`, eats memory on `/eat`.
const FRAGILE: &str = r#"
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
    (local $letter i32)
    (drop (call $get_header_map_value (i32.const 0) @":path" (i32.const 0) (i32.const 4)))
    (local.set $letter (i32.load8_u offset=1 (i32.load (i32.const 0))))
    (if (i32.eq (local.get $letter) (i32.const 116)) (then unreachable))
    (if (i32.eq (local.get $letter) (i32.const 108)) (then (loop $again (br $again))))
    (if (i32.eq (local.get $letter) (i32.const 101))
      (then (call $result @"grown" (i32.ne (memory.grow (i32.const 10000)) (i32.const -1)))))
    (i32.const 0))
  (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32)
    (call $result @"response" (i32.const 0))
    (i32.const 0))
"#;

#[test]
fn after_a_trap_everything_is_refused_until_another_configuration() {
    let mut simulator = simulator(FRAGILE);
    simulator.configure("a").expect("it comes to rest");
    let observed = simulator.request(&get("/trap")).expect("it comes to rest");
    let trap = "Function: proxy_on_request_headers failed: wasm trap: wasm `unreachable` \
                instruction executed";
    assert_eq!(observed.trapped.as_deref(), Some(trap));
    assert_eq!(
        (observed.status, observed.details.as_str()),
        (503, "wasm_fail_stream")
    );
    assert_eq!(observed.upstream, None);
    assert_eq!(observed.log, [trap]);

    let observed = request(&mut simulator);
    assert_eq!(
        (observed.status, observed.details.as_str()),
        (503, "wasm_fail_stream")
    );
    assert_eq!(observed.trapped.as_deref(), Some(trap));
    assert_eq!(observed.log, [""; 0]);

    let same = simulator.configure("a").expect("it comes to rest");
    assert!(same.accepted);
    assert_eq!(request(&mut simulator).status, 503);

    let other = simulator.configure("b").expect("it comes to rest");
    assert_eq!((other.accepted, other.trapped), (true, None));
    let observed = request(&mut simulator);
    assert_eq!((observed.status, observed.trapped), (200, None));
}

#[test]
fn a_module_that_loops_is_stopped() {
    let options = Options {
        fuel: 100_000,
        ..Options::default()
    };
    let mut simulator = Simulator::new(&module(FRAGILE), options).expect("options are fine");
    simulator.configure("a").expect("it comes to rest");
    let observed = simulator.request(&get("/loop")).expect("it comes to rest");
    assert_eq!(observed.status, 503);
    assert_eq!(
        observed.trapped.as_deref(),
        Some(
            "Function: proxy_on_request_headers failed: the module did not return within 100000 fuel"
        )
    );
}

#[test]
fn memory_does_not_grow_beyond_its_limit() {
    let options = Options {
        memory: 4 << 20,
        ..Options::default()
    };
    let mut simulator = Simulator::new(&module(FRAGILE), options).expect("options are fine");
    simulator.configure("a").expect("it comes to rest");
    let observed = simulator.request(&get("/eat")).expect("it comes to rest");
    assert_eq!(observed.log, ["grown 0", "response 0"]);
    assert_eq!(observed.trapped, None);
}

#[test]
fn a_trap_in_the_canary_refuses_the_configuration() {
    let functions = r#"
      (func (export "proxy_on_configure") (param i32 i32) (result i32) unreachable)
    "#;
    let mut simulator = simulator(functions);
    let push = simulator.configure("a").expect("it comes to rest");
    assert!(!push.accepted);
    assert!(
        push.trapped
            .is_some_and(|trap| trap.starts_with("Function: proxy_on_configure failed:"))
    );
}

#[test]
fn a_vm_that_does_not_start_refuses_the_configuration() {
    let functions = r#"
      (func (export "proxy_on_vm_start") (param i32 i32) (result i32) (i32.const 0))
    "#;
    let push = simulator(functions)
        .configure("a")
        .expect("it comes to rest");
    assert!(!push.accepted);
    assert_eq!(push.log, ["Failed to start base Wasm"]);
}

#[test]
fn a_stream_that_nobody_resumes_is_told() {
    let functions = r#"
      (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) (i32.const 1))
    "#;
    let mut simulator = simulator(functions);
    simulator.configure("a").expect("it comes to rest");
    let error = simulator
        .request(&get("/"))
        .expect_err("nothing resumes it");
    assert_eq!(error, SimulationError::Stalled("request"));
    assert_eq!(
        error.to_string(),
        "the module paused the request and nothing is pending that could resume it"
    );
}

#[test]
fn a_request_that_the_proxy_refuses_is_only_logged() {
    let mut simulator = simulator(CHATTY);
    simulator.configure("a").expect("it comes to rest");
    let cases = [
        ("/", "x", "a\nb", "http1.codec_error", "Bad Request"),
        ("/", "x y", "a", "http1.codec_error", "Bad Request"),
        ("/a b", "x", "a", "http1.codec_error", "Bad Request"),
        ("/", "x", "a\0b", "http1.invalid_characters", "Bad Request"),
        ("/\x7f", "x", "a", "http1.invalid_characters", "Bad Request"),
        ("/#a", "x", "a", "path_normalization_failed", ""),
    ];
    for (number, (path, name, value, details, body)) in (2..).zip(cases) {
        let mut bad = get(path);
        bad.headers = vec![(name.to_owned(), value.into())];
        let observed = simulator.request(&bad).expect("it comes to rest");
        assert_eq!(
            (observed.status, observed.details.as_str()),
            (400, details),
            "{path:?} {name:?} {value:?}"
        );
        assert_eq!(observed.body, body.as_bytes());
        assert_eq!(observed.upstream, None);
        let events = ["create", "log", "done", "delete"].map(|event| format!("{event} {number}"));
        let mut log = observed.log;
        assert_eq!(log.remove(1), "parent 1");
        assert_eq!(log, events);
    }
}

#[test]
fn a_module_that_cannot_be_used_is_told() {
    let text = |module: &str| wat::parse_str(module).expect("it is well-formed");
    let message = |bytes: &[u8]| {
        ProxyModule::new(bytes)
            .expect_err("it cannot be used")
            .to_string()
    };
    let unknown = text(
        r#"(module
          (import "env" "proxy_fly" (func))
          (import "env" "proxy_log" (func (param i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "proc_raise" (func)))"#,
    );
    assert_eq!(
        message(&unknown),
        "the module imports what the host does not have: env.proxy_fly, \
         wasi_snapshot_preview1.proc_raise"
    );
    let wrong = text(
        r#"(module (import "env" "proxy_log" (func))
          (memory (export "memory") 1)
          (func (export "malloc") (param i32) (result i32) (i32.const 0))
          (func (export "proxy_abi_version_0_2_1")))"#,
    );
    assert!(
        message(&wrong)
            .starts_with("cannot link the module: incompatible import type for `env::proxy_log`"),
        "{}",
        message(&wrong)
    );
    assert!(matches!(
        ProxyModule::new(&text("(module)")),
        Err(ModuleError::UnknownAbi)
    ));
    let bare = text(r#"(module (func (export "proxy_abi_version_0_2_1")))"#);
    assert_eq!(
        message(&bare),
        "the module does not export `memory`, which the host needs to hand data over"
    );
    assert!(message(b"no module").starts_with("cannot compile the module:"));
    assert!(!binary("").is_empty());
}

#[test]
fn wasi_is_answered_as_envoy_does() {
    // Not in the common imports: only modules of a WASI standard library ask for these.
    let text = r#"(module
      (import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "environ_sizes_get" (func $sizes (param i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "environ_get" (func $environ (param i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
      (import "wasi_snapshot_preview1" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (memory (export "memory") 1)
      (data (i32.const 100) "hello\n")
      (data (i32.const 200) "\64\00\00\00\06\00\00\00")
      (func (export "proxy_abi_version_0_2_1"))
      (func (export "malloc") (param i32) (result i32) (i32.const 60000))
      (func $expect (param i32 i32) (if (i32.ne (local.get 0) (local.get 1)) (then unreachable)))
      (func (export "proxy_on_configure") (param i32 i32) (result i32)
        (call $expect (call $sizes (i32.const 0) (i32.const 4)) (i32.const 0))
        (call $expect (i32.load (i32.const 0)) (i32.const 2))
        (call $expect (i32.load (i32.const 4)) (i32.const 11))
        (call $expect (call $environ (i32.const 16) (i32.const 1000)) (i32.const 0))
        (call $expect (i32.load (i32.const 20)) (i32.const 1004))
        (drop (call $log (i32.const 2) (i32.const 1000) (i32.const 11)))
        (call $expect (call $write (i32.const 2) (i32.const 200) (i32.const 1) (i32.const 8)) (i32.const 0))
        (call $expect (i32.load (i32.const 8)) (i32.const 6))
        (call $expect (call $write (i32.const 3) (i32.const 200) (i32.const 1) (i32.const 8)) (i32.const 8))
        (call $expect (call $write (i32.const 1) (i32.const -8) (i32.const 1) (i32.const 8)) (i32.const 21))
        (call $expect (call $random (i32.const 32) (i32.const 8)) (i32.const 0))
        (call $expect (call $random (i32.const 32) (i32.const 65537)) (i32.const 28))
        (call $expect (call $random (i32.const 65530) (i32.const 8)) (i32.const 21))
        (call $expect (call $clock (i32.const 0) (i64.const 0) (i32.const 40)) (i32.const 0))
        (call $expect (call $clock (i32.const 7) (i64.const 0) (i32.const 40)) (i32.const 58))
        (call $expect (call $prestat (i32.const 3) (i32.const 40)) (i32.const 8))
        (i32.const 1))
      (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
        (call $exit (i32.const 3))
        (i32.const 0)))"#;
    let bytes = wat::parse_str(text).expect("it is well-formed");
    let module = ProxyModule::new(&bytes).expect("it can be used");
    let options = Options {
        environment: [
            ("A".to_owned(), "1".to_owned()),
            ("BC".to_owned(), "234".to_owned()),
        ]
        .into(),
        ..Options::default()
    };
    let mut simulator = Simulator::new(&module, options).expect("options are fine");
    let push = simulator.configure("a").expect("it comes to rest");
    assert_eq!((push.accepted, push.trapped), (true, None));
    assert_eq!(push.log[..2], ["A=1\0BC=234\0", "hello"]);
    let observed = request(&mut simulator);
    assert_eq!(
        observed.trapped.as_deref(),
        Some("Function: proxy_on_request_headers failed: the module called proc_exit(3)")
    );
}
