//! The host calls on header maps, bodies and streams, with the status codes that Envoy answers.

mod support;

use host_sim::{Options, UpstreamResponse};
use support::{get, log, observe, simulator, with_headers};

#[test]
fn header_values() {
    let code = r#"
      (call $result @"first" (call $get_header_map_value (i32.const 0) @"X-TEAM" (i32.const 0) (i32.const 4)))
      (call $data @"x-team")
      (call $result @"joined" (call $get_header_map_value (i32.const 0) @"authorization" (i32.const 0) (i32.const 4)))
      (call $data @"authorization")
      (call $result @"host" (call $get_header_map_value (i32.const 0) @"host" (i32.const 0) (i32.const 4)))
      (call $data @"host")
      (call $result @"absent" (call $get_header_map_value (i32.const 0) @"x-none" (i32.const 0) (i32.const 4)))
      (call $result @"response map" (call $get_header_map_value (i32.const 2) @"x" (i32.const 0) (i32.const 4)))
      (call $result @"map 8" (call $get_header_map_value (i32.const 8) @"x" (i32.const 0) (i32.const 4)))
      (call $result @"name beyond memory" (call $get_header_map_value (i32.const 0) (i32.const 1048570) (i32.const 7) (i32.const 0) (i32.const 4)))
      (call $result @"result beyond memory" (call $get_header_map_value (i32.const 0) @"host" (i32.const -4) (i32.const 4)))
    "#;
    assert_eq!(
        log(code),
        [
            "first 0",
            "x-team a",
            "joined 0",
            "authorization one,two",
            "host 0",
            "host a.example",
            "absent 1",
            "response map 2",
            "map 8 2",
            "name beyond memory 6",
            "result beyond memory 6",
        ]
    );
}

#[test]
fn header_edits_reach_the_upstream() {
    let code = r#"
      (call $result @"add" (call $add_header_map_value (i32.const 0) @"X-New" @"1"))
      (call $result @"replace" (call $replace_header_map_value (i32.const 0) @"x-team" @"c"))
      (call $result @"remove" (call $remove_header_map_value (i32.const 0) @"authorization"))
      (call $result @"remove absent" (call $remove_header_map_value (i32.const 0) @"x-none"))
      (call $result @"path" (call $replace_header_map_value (i32.const 0) @":path" @"/new"))
      (call $result @"response" (call $add_header_map_value (i32.const 2) @"a" @"b"))
      (call $result @"size" (call $get_header_map_size (i32.const 0) (i32.const 8)))
      (call $result @"size of none" (call $get_header_map_size (i32.const 2) (i32.const 8)))
    "#;
    let observed = observe(code, Options::default());
    assert_eq!(
        observed.log,
        [
            "add 0",
            "replace 0",
            "remove 0",
            "remove absent 0",
            "path 0",
            "response 2",
            "size 0",
            "size of none 2"
        ]
    );
    let upstream = observed.upstream.expect("the request goes upstream");
    assert_eq!(upstream.path, "/new");
    assert_eq!(upstream.authority, "a.example");
    let names: Vec<(&str, &[u8])> = upstream
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_slice()))
        .filter(|(name, _)| *name != "x-request-id")
        .collect();
    assert_eq!(
        names,
        [
            ("x-forwarded-proto", &b"http"[..]),
            ("x-new", b"1"),
            ("x-team", b"c"),
        ]
    );
}

#[test]
fn all_headers_at_once() {
    let code = r#"
      (call $result @"get" (call $get_header_map_pairs (i32.const 0) (i32.const 0) (i32.const 4)))
      (call $result @"pairs" (i32.load (i32.load (i32.const 0))))
      (call $result @"absent map" (call $get_header_map_pairs (i32.const 3) (i32.const 0) (i32.const 4)))
      (call $result @"address" (i32.load (i32.const 0)))
      (call $result @"map 9" (call $get_header_map_pairs (i32.const 9) (i32.const 0) (i32.const 4)))
      (call $result @"set" (call $set_header_map_pairs (i32.const 0)
        @"\02\00\00\00\05\00\00\00\01\00\00\00\01\00\00\00\01\00\00\00:path\00/\00A\00b\00"))
      (call $result @"set none" (call $set_header_map_pairs (i32.const 1) (i32.const 0) (i32.const 0)))
    "#;
    let observed = observe(code, Options::default());
    assert_eq!(
        observed.log,
        [
            "get 0",
            // four pseudo headers, x-team twice, authorization, x-forwarded-proto, x-request-id
            "pairs 9",
            "absent map 0",
            "address 0",
            "map 9 2",
            "set 0",
            "set none 2"
        ]
    );
    let upstream = observed.upstream.expect("the request goes upstream");
    assert_eq!(upstream.headers, [("a".to_owned(), b"b".to_vec())]);
}

#[test]
fn bodies_and_trailers() {
    let functions = r#"
      (func (export "proxy_on_request_body") (param i32 i32 i32) (result i32)
        (call $result @"length" (local.get 1))
        (call $result @"end" (local.get 2))
        (if (local.get 2) (then (return (i32.const 0))))
        (call $result @"part" (call $get_buffer_bytes (i32.const 0) (i32.const 1) (i32.const 3) (i32.const 0) (i32.const 4)))
        (call $data @"is")
        (call $result @"beyond the end" (call $get_buffer_bytes (i32.const 0) (i32.const 1) (i32.const -1) (i32.const 0) (i32.const 4)))
        (call $data @"is")
        (call $result @"middle" (call $set_buffer_bytes (i32.const 0) (i32.const 1) (i32.const 1) @"x"))
        (call $result @"prepend" (call $set_buffer_bytes (i32.const 0) (i32.const 0) (i32.const 0) @"<"))
        (call $result @"first" (call $set_buffer_bytes (i32.const 0) (i32.const 0) (i32.const 2) @"{H"))
        (call $result @"append" (call $set_buffer_bytes (i32.const 0) (i32.const 100) (i32.const 0) @">"))
        (call $result @"headers are gone" (call $get_header_map_value (i32.const 0) @":path" (i32.const 0) (i32.const 4)))
        (i32.const 0))
      (func (export "proxy_on_request_trailers") (param i32 i32) (result i32)
        (call $result @"trailers" (local.get 1))
        (call $result @"get" (call $get_header_map_value (i32.const 1) @"t" (i32.const 0) (i32.const 4)))
        (call $data @"t")
        (i32.const 0))
    "#;
    let mut request = get("/");
    "POST".clone_into(&mut request.method);
    request.body = Some("hello".into());
    request.trailers = vec![("T".to_owned(), "v".into())];
    let observed = simulator(functions, Options::default())
        .request(&request)
        .expect("it comes to rest");
    assert_eq!(
        observed.log,
        [
            "length 5",
            "end 0",
            "part 0",
            "is ell",
            "beyond the end 0",
            "is ello",
            "middle 2",
            "prepend 0",
            "first 0",
            "append 0",
            "headers are gone 2",
            "trailers 1",
            "get 0",
            "t v"
        ]
    );
    let upstream = observed.upstream.expect("the request goes upstream");
    assert_eq!(upstream.body, b"{Hello>");
}

#[test]
fn a_body_comes_in_the_pieces_of_the_codec() {
    // Buffers the first piece and changes the whole at the end.
    let functions = r#"
      (func (export "proxy_on_request_body") (param i32 i32 i32) (result i32)
        (call $result @"length" (local.get 1))
        (call $result @"end" (local.get 2))
        (if (i32.eqz (local.get 2)) (then (return (i32.const 1))))
        (drop (call $set_buffer_bytes (i32.const 0) (i32.const 0) (i32.const 99) @"new"))
        (i32.const 0))
      (func (export "proxy_on_response_body") (param i32 i32 i32) (result i32)
        (call $result @"response length" (local.get 1))
        (call $result @"response end" (local.get 2))
        (i32.const 0))
    "#;
    let options = Options {
        upstream: UpstreamResponse {
            body: b"old".to_vec(),
            ..UpstreamResponse::default()
        },
        ..Options::default()
    };
    let mut request = get("/");
    request.body = Some("hello".into());
    let observed = simulator(functions, options)
        .request(&request)
        .expect("it comes to rest");
    assert_eq!(
        observed.log,
        [
            "length 5",
            "end 0",
            "length 5",
            "end 1",
            "response length 3",
            "response end 0",
            "response length 0",
            "response end 1"
        ]
    );
    assert_eq!(
        observed.upstream.map(|request| request.body),
        Some(b"new".to_vec())
    );
    assert_eq!(observed.body, b"old");
}

#[test]
fn responses_can_be_changed() {
    let functions = r#"
      (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32)
        (call $result @"headers" (local.get 1))
        (call $result @"end" (local.get 2))
        (call $result @"request path" (call $get_property @"request\00path" (i32.const 0) (i32.const 4)))
        (drop (call $replace_header_map_value (i32.const 2) @":status" @"201"))
        (drop (call $add_header_map_value (i32.const 2) @"x-added" @"1"))
        (i32.const 0))
      (func (export "proxy_on_response_body") (param i32 i32 i32) (result i32)
        (if (local.get 2) (then (return (i32.const 0))))
        (drop (call $set_buffer_bytes (i32.const 1) (i32.const 0) (i32.const 99) @"new"))
        (i32.const 0))
      (func (export "proxy_on_log") (param i32)
        (call $result @"path" (call $get_header_map_value (i32.const 0) @":path" (i32.const 0) (i32.const 4)))
        (call $result @"code" (call $get_property @"response\00code" (i32.const 0) (i32.const 4)))
        (call $result @"is" (i32.load (i32.load (i32.const 0))))
        (call $result @"details" (call $get_property @"response\00code_details" (i32.const 0) (i32.const 4)))
        (call $data @"are")
        (call $result @"write" (call $remove_header_map_value (i32.const 0) @":path")))
    "#;
    let options = Options {
        upstream: UpstreamResponse {
            status: 200,
            headers: vec![("Server".to_owned(), b"up".to_vec())],
            body: b"old".to_vec(),
        },
        ..Options::default()
    };
    let observed = simulator(functions, options)
        .request(&get("/"))
        .expect("it comes to rest");
    assert_eq!(observed.status, 201);
    assert_eq!(observed.body, b"new");
    assert_eq!(observed.details, "via_upstream");
    assert!(
        observed
            .headers
            .contains(&("x-added".to_owned(), b"1".to_vec()))
    );
    assert_eq!(
        observed.log,
        [
            "headers 4",
            "end 0",
            "request path 1",
            "path 0",
            "code 0",
            "is 201",
            "details 0",
            "are via_upstream",
            "write 2"
        ]
    );
}

#[test]
fn local_responses() {
    let code = r#"
      (call $result @"send" (call $send_local_response (i32.const 403) @"policy said no"
        @"denied" @"\01\00\00\00\01\00\00\00\01\00\00\00X\00y\00" (i32.const -1)))
    "#;
    let observed = observe(code, Options::default());
    assert_eq!(observed.log, ["send 0"]);
    assert_eq!(observed.status, 403);
    assert_eq!(observed.details, "policy_said_no");
    assert_eq!(observed.body, b"denied");
    assert_eq!(observed.upstream, None);
    assert_eq!(
        observed.headers,
        [
            ("x".to_owned(), b"y".to_vec()),
            ("content-length".to_owned(), b"6".to_vec()),
            ("content-type".to_owned(), b"text/plain".to_vec()),
            ("server".to_owned(), b"envoy".to_vec()),
        ]
    );
    let twice = r#"
      (drop (call $send_local_response (i32.const 403) @"first" @"one" (i32.const 0) (i32.const 0) (i32.const -1)))
      (drop (call $send_local_response (i32.const 404) @"second" @"two" (i32.const 0) (i32.const 0) (i32.const -1)))
    "#;
    let observed = observe(twice, Options::default());
    assert_eq!(
        (observed.status, observed.body.as_slice()),
        (403, &b"one"[..])
    );
    assert_eq!(observed.details, "second", "as in Envoy");
    let beyond = r#"
      (call $result @"send" (call $send_local_response (i32.const 403) (i32.const 0) (i32.const 0)
        (i32.const 0) (i32.const 9999999) (i32.const 0) (i32.const 0) (i32.const -1)))
    "#;
    let observed = observe(beyond, Options::default());
    assert_eq!(observed.log, ["send 6"]);
    assert_eq!(observed.status, 200);
}

#[test]
fn a_module_sees_its_own_local_response() {
    let functions = r#"
      (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
        (drop (call $send_local_response (i32.const 401) (i32.const 0) (i32.const 0)
          (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const -1)))
        (i32.const 1))
      (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32)
        (call $result @"response headers" (local.get 1))
        (i32.const 0))
    "#;
    let mut simulator = simulator(functions, Options::default());
    let observed = simulator.request(&get("/")).expect("it comes to rest");
    assert_eq!(observed.log, ["response headers 1"]);
    assert_eq!((observed.status, observed.details.as_str()), (401, ""));
    let observed = simulator
        .request(&with_headers(&[("content-type", "application/grpc")]))
        .expect("it comes to rest");
    assert_eq!(observed.status, 200);
    assert!(
        observed
            .headers
            .contains(&("grpc-status".to_owned(), b"16".to_vec()))
    );
}

#[test]
fn streams_can_be_closed() {
    let code = r#"
      (call $result @"close" (call $close_stream (i32.const 0)))
      (call $result @"close 4" (call $close_stream (i32.const 4)))
      (call $result @"continue 3" (call $continue_stream (i32.const 3)))
      (call $result @"continue 4" (call $continue_stream (i32.const 4)))
    "#;
    let observed = observe(code, Options::default());
    assert_eq!(
        observed.log,
        ["close 0", "close 4 2", "continue 3 12", "continue 4 2"]
    );
    assert_eq!(
        (observed.status, observed.details.as_str()),
        (0, "wasm_close_stream")
    );
    assert_eq!(observed.upstream, None);
}
