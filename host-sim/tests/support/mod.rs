//! Test modules, written as WebAssembly text.

#![allow(dead_code, reason = "no test file needs all of it")]

use std::fmt::Write as _;

use host_sim::scenario::{Bytes, Observed, Request};
use host_sim::{Options, ProxyModule, Simulator};

/// Every host call, with its name without `proxy_` and its signature.
const IMPORTS: &[(&str, &str)] = &[
    ("log", "i32 i32 i32"),
    ("get_log_level", "i32"),
    ("get_current_time_nanoseconds", "i32"),
    ("set_tick_period_milliseconds", "i32"),
    ("get_property", "i32 i32 i32 i32"),
    ("set_property", "i32 i32 i32 i32"),
    ("set_effective_context", "i32"),
    ("done", ""),
    ("get_status", "i32 i32 i32"),
    ("get_header_map_pairs", "i32 i32 i32"),
    ("set_header_map_pairs", "i32 i32 i32"),
    ("get_header_map_value", "i32 i32 i32 i32 i32"),
    ("add_header_map_value", "i32 i32 i32 i32 i32"),
    ("replace_header_map_value", "i32 i32 i32 i32 i32"),
    ("remove_header_map_value", "i32 i32 i32"),
    ("get_header_map_size", "i32 i32"),
    ("get_buffer_bytes", "i32 i32 i32 i32 i32"),
    ("get_buffer_status", "i32 i32 i32"),
    ("set_buffer_bytes", "i32 i32 i32 i32 i32"),
    ("continue_stream", "i32"),
    ("close_stream", "i32"),
    ("send_local_response", "i32 i32 i32 i32 i32 i32 i32 i32"),
    ("get_shared_data", "i32 i32 i32 i32 i32"),
    ("set_shared_data", "i32 i32 i32 i32 i32"),
    ("register_shared_queue", "i32 i32 i32"),
    ("resolve_shared_queue", "i32 i32 i32 i32 i32"),
    ("enqueue_shared_queue", "i32 i32 i32"),
    ("dequeue_shared_queue", "i32 i32 i32"),
    ("define_metric", "i32 i32 i32 i32"),
    ("increment_metric", "i32 i64"),
    ("record_metric", "i32 i64"),
    ("get_metric", "i32 i32"),
    ("http_call", "i32 i32 i32 i32 i32 i32 i32 i32 i32 i32"),
    (
        "grpc_call",
        "i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32",
    ),
    ("grpc_stream", "i32 i32 i32 i32 i32 i32 i32 i32 i32"),
    ("grpc_send", "i32 i32 i32 i32"),
    ("grpc_cancel", "i32"),
    ("grpc_close", "i32"),
    ("call_foreign_function", "i32 i32 i32 i32 i32 i32"),
];

/// What every test module has: memory, an allocator, and two functions that log.
///
/// Host calls leave their results at 0, 4 and 8. `$result label status` logs the label and the
/// status; `$data label` logs the label and the bytes whose address is at 0 and length at 4;
/// `$number label` logs the label and the number at 8.
const PRELUDE: &str = r#"
  (memory (export "memory") 16)
  (global $heap (mut i32) (i32.const 65536))
  (global $end (mut i32) (i32.const 0))
  (func (export "proxy_abi_version_0_2_1"))
  (func $allocate (export "proxy_on_memory_allocate") (param $size i32) (result i32)
    (local $address i32)
    (local.set $address (global.get $heap))
    (global.set $heap (i32.add (global.get $heap) (local.get $size)))
    (local.get $address))
  (func $put (param $address i32) (param $length i32)
    (memory.copy (global.get $end) (local.get $address) (local.get $length))
    (global.set $end (i32.add (global.get $end) (local.get $length))))
  (func $digits (param $value i32)
    (if (i32.ge_u (local.get $value) (i32.const 10))
      (then (call $digits (i32.div_u (local.get $value) (i32.const 10)))))
    (i32.store8 (global.get $end)
      (i32.add (i32.const 48) (i32.rem_u (local.get $value) (i32.const 10))))
    (global.set $end (i32.add (global.get $end) (i32.const 1))))
  (func $begin (param $address i32) (param $length i32)
    (global.set $end (i32.const 32768))
    (call $put (local.get $address) (local.get $length))
    (i32.store8 (global.get $end) (i32.const 32))
    (global.set $end (i32.add (global.get $end) (i32.const 1))))
  (func $finish
    (drop (call $log (i32.const 2) (i32.const 32768)
      (i32.sub (global.get $end) (i32.const 32768)))))
  (func $result (param $address i32) (param $length i32) (param $status i32)
    (call $begin (local.get $address) (local.get $length))
    (call $digits (local.get $status))
    (call $finish))
  (func $data (param $address i32) (param $length i32)
    (call $begin (local.get $address) (local.get $length))
    (call $put (i32.load (i32.const 0)) (i32.load (i32.const 4)))
    (call $finish))
  (func $number (param $address i32) (param $length i32)
    (call $result (local.get $address) (local.get $length) (i32.load (i32.const 8))))
"#;

/// A module of these functions, see [`binary`].
pub(crate) fn module(functions: &str) -> ProxyModule {
    ProxyModule::new(&binary(functions)).expect("the test module can be used")
}

/// The bytes of a module of these functions. `@"text"` in them stands for the text's address and length, in
/// which `\00` is a zero byte.
pub(crate) fn binary(functions: &str) -> Vec<u8> {
    binary_with("", functions)
}

/// As [`binary`], with further imports.
pub(crate) fn binary_with(imports: &str, functions: &str) -> Vec<u8> {
    let mut text = format!("(module\n{imports}");
    for (name, parameters) in IMPORTS {
        writeln!(
            text,
            "  (import \"env\" \"proxy_{name}\" (func ${name} (param {parameters}) (result i32)))"
        )
        .expect("a string takes all");
    }
    text.push_str(PRELUDE);
    let (functions, data) = place_texts(functions);
    text.push_str(&functions);
    text.push_str(&data);
    text.push(')');
    wat::parse_str(&text).expect("the test module is well-formed")
}

/// Puts texts into data segments from address 1024 on.
fn place_texts(functions: &str) -> (String, String) {
    let mut code = String::new();
    let mut data = String::new();
    let mut address = 1024;
    let mut rest = functions;
    while let Some((before, after)) = rest.split_once("@\"") {
        let (text, after) = after.split_once('"').expect("the text is closed");
        let length = text.len() - 2 * text.matches('\\').count();
        code.push_str(before);
        write!(code, "(i32.const {address}) (i32.const {length})").expect("a string takes all");
        writeln!(data, "  (data (i32.const {address}) \"{text}\")").expect("a string takes all");
        address += length;
        rest = after;
    }
    code.push_str(rest);
    (code, data)
}

/// A GET request of a path.
pub(crate) fn get(path: &str) -> Request {
    Request {
        name: String::new(),
        method: "GET".to_owned(),
        path: path.to_owned(),
        authority: "a.example".to_owned(),
        scheme: "http".to_owned(),
        headers: Vec::new(),
        body: None,
        trailers: Vec::new(),
        times: 1,
    }
}

/// A GET request of `/` with headers.
pub(crate) fn with_headers(headers: &[(&str, &str)]) -> Request {
    let mut request = get("/");
    for (name, value) in headers {
        request
            .headers
            .push(((*name).to_owned(), Bytes::from(*value)));
    }
    request
}

/// A simulator with a module of these functions and the configuration `{"a":1}`.
pub(crate) fn simulator(functions: &str, options: Options) -> Simulator {
    let mut simulator = Simulator::new(&module(functions), options).expect("options are fine");
    let push = simulator.configure("{\"a\":1}").expect("it comes to rest");
    assert!(push.accepted, "{push:?}");
    simulator
}

/// What is observed of GET / when this code runs in `proxy_on_request_headers`.
pub(crate) fn observe(code: &str, options: Options) -> Observed {
    let functions = format!(
        "(func (export \"proxy_on_request_headers\") (param i32 i32 i32) (result i32)
          {code}
          (i32.const 0))"
    );
    simulator(&functions, options)
        .request(&with_headers(&[
            ("X-Team", "a"),
            ("x-team", "b"),
            ("Authorization", "one"),
            ("authorization", "two"),
        ]))
        .expect("it comes to rest")
}

/// What such code logs.
pub(crate) fn log(code: &str) -> Vec<String> {
    observe(code, Options::default()).log
}
