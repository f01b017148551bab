//! The host calls that are not of HTTP, with the status codes that Envoy answers.

mod support;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use host_sim::scenario::ClusterAnswer;
use host_sim::{LogLevel, MetricKind, Options, Simulator, Status};
use support::{get, log, module, observe, simulator, with_headers};

#[test]
fn log_levels() {
    let code = r#"
      (call $result @"debug" (call $log (i32.const 1) @"not shown"))
      (call $result @"warn" (call $log (i32.const 3) @"shown"))
      (call $result @"level 6" (call $log (i32.const 6) @"x"))
      (call $result @"beyond memory" (call $log (i32.const 2) (i32.const -1) (i32.const 2)))
      (call $result @"get" (call $get_log_level (i32.const 8)))
      (call $number @"level")
    "#;
    assert_eq!(
        log(code),
        [
            "debug 0",
            "shown",
            "warn 0",
            "level 6 2",
            "beyond memory 6",
            "get 0",
            "level 2"
        ]
    );
    let options = Options {
        log_level: LogLevel::Debug,
        ..Options::default()
    };
    assert_eq!(observe(code, options).log[0], "not shown");
}

#[test]
fn properties_of_the_request() {
    let read = |path: &str| {
        format!(
            "(call $result @\"{path}\" (call $get_property @\"{path}\" (i32.const 0) (i32.const 4)))
             (call $data @\"is\")"
        )
    };
    let code: String = [
        "request\\00url_path",
        "request\\00query",
        "request\\00headers\\00x-team",
        "source\\00address",
        "plugin_name",
        "plugin_root_id",
        "xds\\00node\\00metadata\\00NAMESPACE",
        "request\\00host\\00",
    ]
    .iter()
    .map(|path| read(path))
    .collect();
    let functions = format!(
        "(func (export \"proxy_on_request_headers\") (param i32 i32 i32) (result i32)
          {code}
          (i32.const 0))"
    );
    let options = Options {
        plugin_name: "authz".to_owned(),
        root_id: "root".to_owned(),
        properties: [
            ("source.address".to_owned(), "10.0.0.1:1".into()),
            ("xds.node.metadata['NAMESPACE']".to_owned(), "shop".into()),
        ]
        .into(),
        ..Options::default()
    };
    let mut request = get("/a/b?c=d");
    request.headers = with_headers(&[("x-team", "a"), ("x-team", "b")]).headers;
    let observed = simulator(&functions, options)
        .request(&request)
        .expect("it comes to rest");
    let values: Vec<&str> = observed
        .log
        .iter()
        .skip(1)
        .step_by(2)
        .map(String::as_str)
        .collect();
    assert_eq!(
        values,
        [
            "is /a/b",
            "is c=d",
            "is a,b",
            "is 10.0.0.1:1",
            "is authz",
            "is root",
            "is shop",
            "is a.example"
        ]
    );
    assert!(
        observed
            .log
            .iter()
            .step_by(2)
            .all(|line| line.ends_with(" 0")),
        "{:?}",
        observed.log
    );
}

#[test]
fn property_statuses() {
    let code = r#"
      (call $result @"empty path" (call $get_property (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 4)))
      (call $result @"unknown" (call $get_property @"no\00such" (i32.const 0) (i32.const 4)))
      (call $result @"node" (call $get_property @"node\00id" (i32.const 0) (i32.const 4)))
      (call $result @"xds node" (call $get_property @"xds\00node\00id" (i32.const 0) (i32.const 4)))
      (call $result @"header in capitals" (call $get_property @"request\00headers\00X-TEAM" (i32.const 0) (i32.const 4)))
      (call $result @"response headers" (call $get_property @"response\00headers" (i32.const 0) (i32.const 4)))
      (call $result @"metadata" (call $get_property @"metadata" (i32.const 0) (i32.const 4)))
      (call $result @"absent header" (call $get_property @"request\00headers\00x" (i32.const 0) (i32.const 4)))
      (call $result @"whole request" (call $get_property @"request" (i32.const 0) (i32.const 4)))
      (call $result @"null" (call $get_property @"connection\00mtls" (i32.const 0) (i32.const 4)))
      (call $result @"id" (call $get_property @"connection\00id" (i32.const 0) (i32.const 4)))
      (call $result @"length" (i32.load (i32.const 4)))
      (call $result @"set" (call $set_property @"my.key" @"value"))
      (call $result @"get" (call $get_property @"my.key" (i32.const 0) (i32.const 4)))
      (call $data @"own")
      (call $result @"filter state" (call $get_property @"filter_state\00wasm.my.key" (i32.const 0) (i32.const 4)))
    "#;
    let options = Options {
        properties: [("connection.mtls".to_owned(), serde_json::Value::Null)].into(),
        ..Options::default()
    };
    assert_eq!(
        observe(code, options).log,
        [
            "empty path 3",
            "unknown 1",
            "node 1",
            "xds node 0",
            "header in capitals 0",
            "response headers 0",
            "metadata 0",
            "absent header 1",
            "whole request 3",
            "null 1",
            "id 0",
            "length 8",
            "set 0",
            "get 0",
            "own value",
            "filter state 0"
        ]
    );
}

#[test]
fn a_root_has_no_stream() {
    let functions = r#"
      (func (export "proxy_on_configure") (param i32 i32) (result i32)
        (call $result @"set" (call $set_property @"k" @"v"))
        (call $result @"request" (call $get_property @"request\00path" (i32.const 0) (i32.const 4)))
        (call $result @"header" (call $get_header_map_value (i32.const 0) @"x" (i32.const 0) (i32.const 4)))
        (call $result @"configuration" (call $get_buffer_bytes (i32.const 7) (i32.const 0) (i32.const 99) (i32.const 0) (i32.const 4)))
        (call $data @"is")
        (call $result @"vm configuration" (call $get_buffer_bytes (i32.const 6) (i32.const 1) (i32.const 2) (i32.const 0) (i32.const 4)))
        (call $data @"is")
        (call $result @"status" (call $get_buffer_status (i32.const 7) (i32.const 8) (i32.const 12)))
        (call $number @"length")
        (call $result @"buffer 9" (call $get_buffer_bytes (i32.const 9) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 4)))
        (call $result @"write" (call $set_buffer_bytes (i32.const 7) (i32.const 0) (i32.const 0) @"x"))
        (call $result @"done" (call $done))
        (call $result @"no such context" (call $set_effective_context (i32.const 99)))
        (i32.const 1))
      (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
        (call $result @"configuration" (call $get_buffer_bytes (i32.const 7) (i32.const 0) (i32.const 99) (i32.const 0) (i32.const 4)))
        (i32.const 0))
    "#;
    let options = Options {
        vm_configuration: "abcd".to_owned(),
        ..Options::default()
    };
    let mut simulator = Simulator::new(&module(functions), options).expect("options are fine");
    let push = simulator.configure("{\"a\":1}").expect("it comes to rest");
    let expected = [
        "set 1",
        "request 1",
        "header 2",
        "configuration 0",
        "is {\"a\":1}",
        "vm configuration 0",
        "is bc",
        "status 0",
        "length 7",
        "buffer 9 2",
        "write 2",
        "done 1",
        "no such context 2",
    ];
    // The canary first, then the VM that serves.
    assert_eq!(push.log, [expected, expected].concat());
    let observed = simulator.request(&get("/")).expect("it comes to rest");
    assert_eq!(observed.log, ["configuration 1"]);
}

#[test]
fn shared_data() {
    let code = r#"
      (call $result @"absent" (call $get_shared_data @"k" (i32.const 0) (i32.const 4) (i32.const 8)))
      (call $result @"set" (call $set_shared_data @"k" @"one" (i32.const 0)))
      (call $result @"get" (call $get_shared_data @"k" (i32.const 0) (i32.const 4) (i32.const 8)))
      (call $data @"k")
      (call $result @"with cas" (call $set_shared_data @"k" @"two" (i32.load (i32.const 8))))
      (call $result @"with old cas" (call $set_shared_data @"k" @"three" (i32.load (i32.const 8))))
      (call $result @"get" (call $get_shared_data @"k" (i32.const 0) (i32.const 4) (i32.const 8)))
      (call $data @"k")
    "#;
    assert_eq!(
        log(code),
        [
            "absent 1",
            "set 0",
            "get 0",
            "k one",
            "with cas 0",
            "with old cas 8",
            "get 0",
            "k two"
        ]
    );
}

#[test]
fn shared_queues() {
    let functions = r#"
      (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
        (call $result @"none" (call $resolve_shared_queue (i32.const 0) (i32.const 0) @"q" (i32.const 8)))
        (call $result @"register" (call $register_shared_queue @"q" (i32.const 8)))
        (call $number @"token")
        (call $result @"resolve" (call $resolve_shared_queue (i32.const 0) (i32.const 0) @"q" (i32.const 8)))
        (call $result @"empty" (call $dequeue_shared_queue (i32.const 1) (i32.const 0) (i32.const 4)))
        (call $result @"enqueue" (call $enqueue_shared_queue (i32.const 1) @"entry"))
        (call $result @"enqueue 9" (call $enqueue_shared_queue (i32.const 9) @"entry"))
        (call $result @"dequeue 9" (call $dequeue_shared_queue (i32.const 9) (i32.const 0) (i32.const 4)))
        (i32.const 0))
      (func (export "proxy_on_queue_ready") (param i32 i32)
        (call $result @"root" (local.get 0))
        (call $result @"ready" (call $dequeue_shared_queue (local.get 1) (i32.const 0) (i32.const 4)))
        (call $data @"is"))
    "#;
    let observed = simulator(functions, Options::default())
        .request(&get("/"))
        .expect("it comes to rest");
    assert_eq!(
        observed.log,
        [
            "none 1",
            "register 0",
            "token 1",
            "resolve 0",
            "empty 7",
            "enqueue 0",
            "enqueue 9 1",
            "dequeue 9 1",
            "root 1",
            "ready 0",
            "is entry"
        ]
    );
}

#[test]
fn metrics() {
    let functions = r#"
      (func (export "proxy_on_configure") (param i32 i32) (result i32)
        (drop (call $define_metric (i32.const 0) @"hits" (i32.const 8)))
        (drop (call $increment_metric (i32.load (i32.const 8)) (i64.const 1)))
        (i32.const 1))
      (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
        (call $result @"kind 3" (call $define_metric (i32.const 3) @"x" (i32.const 8)))
        (call $result @"counter" (call $define_metric (i32.const 0) @"hits" (i32.const 8)))
        (call $result @"up" (call $increment_metric (i32.load (i32.const 8)) (i64.const 5)))
        (call $result @"down" (call $increment_metric (i32.load (i32.const 8)) (i64.const -1)))
        (call $result @"get" (call $get_metric (i32.load (i32.const 8)) (i32.const 16)))
        (call $result @"hits" (i32.load (i32.const 16)))
        (call $result @"gauge" (call $define_metric (i32.const 1) @"level" (i32.const 8)))
        (call $result @"record" (call $record_metric (i32.load (i32.const 8)) (i64.const 7)))
        (call $result @"down" (call $increment_metric (i32.load (i32.const 8)) (i64.const -2)))
        (call $result @"histogram" (call $define_metric (i32.const 2) @"time" (i32.const 8)))
        (call $result @"record" (call $record_metric (i32.load (i32.const 8)) (i64.const 3)))
        (call $result @"increment" (call $increment_metric (i32.load (i32.const 8)) (i64.const 3)))
        (call $result @"get" (call $get_metric (i32.load (i32.const 8)) (i32.const 16)))
        (call $result @"unknown" (call $record_metric (i32.const 400) (i64.const 3)))
        (i32.const 0))
    "#;
    let mut simulator = simulator(functions, Options::default());
    let observed = simulator.request(&get("/")).expect("it comes to rest");
    assert_eq!(
        observed.log,
        [
            "kind 3 2",
            "counter 0",
            "up 0",
            "down 2",
            "get 0",
            // one by the canary, one by the VM that serves, five here
            "hits 7",
            "gauge 0",
            "record 0",
            "down 0",
            "histogram 0",
            "record 0",
            "increment 2",
            "get 2",
            "unknown 1"
        ]
    );
    let metric = |name: &str| simulator.metric(name).expect("it is defined");
    assert_eq!(
        (metric("hits").kind, metric("hits").value),
        (MetricKind::Counter, 7)
    );
    assert_eq!(
        (metric("level").kind, metric("level").value),
        (MetricKind::Gauge, 5)
    );
    assert_eq!(metric("time").recorded, [3]);
}

#[test]
fn foreign_functions() {
    let code = r#"
      (call $result @"unknown" (call $call_foreign_function @"none" @"x" (i32.const 0) (i32.const 4)))
      (call $result @"upper" (call $call_foreign_function @"upper" @"text" (i32.const 16) (i32.const 4)))
      (i32.store (i32.const 0) (i32.load (i32.const 16)))
      (call $data @"is")
      (call $result @"fails" (call $call_foreign_function @"upper" @"" (i32.const 16) (i32.const 4)))
    "#;
    let upper = |arguments: &[u8]| match arguments {
        [] => Err(Status::BadArgument),
        _ => Ok(arguments.to_ascii_uppercase()),
    };
    let options = Options {
        foreign_functions: [(
            "upper".to_owned(),
            Arc::new(upper) as host_sim::ForeignFunction,
        )]
        .into(),
        ..Options::default()
    };
    assert_eq!(
        observe(code, options).log,
        ["unknown 1", "upper 0", "is TEXT", "fails 2"]
    );
}

#[test]
fn grpc_has_no_services() {
    let none = "(i32.const 0) (i32.const 0)";
    let code = format!(
        r#"
      (call $result @"call" (call $grpc_call @"svc" {none} {none} {none} {none} (i32.const 0) (i32.const 8)))
      (call $result @"stream" (call $grpc_stream @"svc" {none} {none} {none} (i32.const 8)))
      (call $result @"send" (call $grpc_send (i32.const 2) {none} (i32.const 1)))
      (call $result @"send to a call" (call $grpc_send (i32.const 1) {none} (i32.const 1)))
      (call $result @"cancel" (call $grpc_cancel (i32.const 1)))
      (call $result @"close" (call $grpc_close (i32.const 2)))
      (call $result @"close 3" (call $grpc_close (i32.const 3)))
    "#
    );
    assert_eq!(
        log(&code),
        [
            "call 4",
            "stream 4",
            "send 1",
            "send to a call 2",
            "cancel 1",
            "close 1",
            "close 3 2"
        ]
    );
}

/// Pauses the request for an answer and resumes it when it comes.
const CALLER: &str = r#"
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
    (call $result @"no cluster" (call $http_call @"none" @"\00\00\00\00" (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 100) (i32.const 8)))
    (call $result @"no path" (call $http_call @"keys" @"\00\00\00\00" (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 100) (i32.const 8)))
    (call $result @"timeout" (call $http_call @"keys" @"\00\00\00\00" (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 8)))
    (call $result @"call" (call $http_call @"keys"
      @"\03\00\00\00\05\00\00\00\01\00\00\00\07\00\00\00\03\00\00\00\0a\00\00\00\01\00\00\00:path\00/\00:method\00GET\00:authority\00a\00"
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 100) (i32.const 8)))
    (global.set $paused (local.get 0))
    (i32.const 1))
  (global $paused (mut i32) (i32.const 0))
  (func (export "proxy_on_http_call_response") (param i32 i32 i32 i32 i32)
    (call $result @"headers" (local.get 2))
    (call $result @"body" (local.get 3))
    (call $result @"status" (call $get_header_map_value (i32.const 6) @":status" (i32.const 0) (i32.const 4)))
    (call $data @"is")
    (call $result @"bytes" (call $get_buffer_bytes (i32.const 4) (i32.const 0) (i32.const 99) (i32.const 0) (i32.const 4)))
    (call $data @"are")
    (call $result @"code" (call $get_status (i32.const 8) (i32.const 0) (i32.const 4)))
    (call $number @"status code")
    (call $result @"effective" (call $set_effective_context (global.get $paused)))
    (call $result @"resume" (call $continue_stream (i32.const 0))))
"#;

#[test]
fn http_calls_are_answered_by_the_script() {
    let answer = ClusterAnswer {
        status: 200,
        headers: vec![("A".to_owned(), "b".into())],
        body: "keys".into(),
        ..ClusterAnswer::default()
    };
    let options = Options {
        clusters: [("keys".to_owned(), vec![answer])].into(),
        ..Options::default()
    };
    let observed = simulator(CALLER, options)
        .request(&get("/"))
        .expect("it comes to rest");
    assert_eq!(
        observed.log,
        [
            "no cluster 2",
            "no path 2",
            "timeout 2",
            "call 0",
            "headers 2",
            "body 4",
            "status 0",
            "is 200",
            "bytes 0",
            "are keys",
            "code 0",
            "status code 0",
            "effective 0",
            "resume 0"
        ]
    );
    assert!(observed.upstream.is_some());
}

#[test]
fn a_cluster_without_answers_breaks_the_connection() {
    let options = Options {
        clusters: [("keys".to_owned(), Vec::new())].into(),
        ..Options::default()
    };
    let observed = simulator(CALLER, options)
        .request(&get("/"))
        .expect("it comes to rest");
    assert_eq!(
        observed.log[4..],
        [
            "headers 0",
            "body 0",
            "status 2",
            "is ",
            "bytes 1",
            "are ",
            "code 0",
            "status code 11",
            "effective 0",
            "resume 0"
        ]
    );
}

#[test]
fn time_is_a_value() {
    let functions = r#"
      (func (export "proxy_on_configure") (param i32 i32) (result i32)
        (call $result @"period" (call $set_tick_period_milliseconds (i32.const 400)))
        (i32.const 1))
      (func (export "proxy_on_tick") (param i32)
        (drop (call $get_current_time_nanoseconds (i32.const 16)))
        (call $result @"tick at ms" (i32.wrap_i64 (i64.div_u (i64.load (i32.const 16)) (i64.const 1000000)))))
    "#;
    let options = Options {
        clock: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1)),
        ..Options::default()
    };
    let mut simulator = simulator(functions, options);
    simulator
        .advance(Duration::from_secs(1))
        .expect("it comes to rest");
    assert_eq!(simulator.take_log(), ["tick at ms 1400", "tick at ms 1800"]);
    assert_eq!(
        simulator.now(),
        SystemTime::UNIX_EPOCH + Duration::from_secs(2)
    );
}

#[test]
fn host_calls_are_counted_per_stream() {
    let functions = r#"
      (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
        (drop (call $get_header_map_value (i32.const 0) @":path" (i32.const 0) (i32.const 4)))
        (drop (call $get_header_map_value (i32.const 0) @"x-none" (i32.const 0) (i32.const 4)))
        (drop (call $log (i32.const 2) @"x"))
        (i32.const 0))
    "#;
    let mut simulator = simulator(functions, Options::default());
    let first = simulator.request(&get("/")).expect("it comes to rest");
    let second = simulator.request(&get("/")).expect("it comes to rest");
    let calls = second.host_calls.clone().expect("calls are counted");
    assert_eq!(calls.count("proxy_get_header_map_value"), 2);
    assert_eq!(calls.count("proxy_log"), 1);
    assert_eq!(calls.total(), 3);
    assert_eq!(calls.returning_data, 1);
    assert_eq!(first.host_calls, second.host_calls);
    let callbacks = second.callbacks.clone().expect("callbacks are counted");
    assert_eq!(callbacks.get("proxy_on_request_headers"), Some(&1));
    assert_eq!(callbacks.get("proxy_on_log"), None);
    assert_eq!(first.callbacks, second.callbacks);
    assert_eq!(first.fuel, second.fuel);
    assert!(second.fuel > Some(0));
}
