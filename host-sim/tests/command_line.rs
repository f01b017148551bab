//! The command line: what it prints and how it exits.

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

/// Denies `/no`, lets everything else through, and records both.
const MODULE: &str = r#"
  (func (export "proxy_on_configure") (param i32 i32) (result i32)
    (drop (call $get_buffer_bytes (i32.const 7) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 4)))
    (if (i32.eq (i32.load8_u (i32.load (i32.const 0))) (i32.const 33))
      (then (drop (call $log (i32.const 4) @"line 1: no configuration")) (return (i32.const 0))))
    (i32.const 1))
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
    (drop (call $get_header_map_value (i32.const 0) @":path" (i32.const 0) (i32.const 4)))
    (if (i32.ne (i32.load8_u offset=1 (i32.load (i32.const 0))) (i32.const 110))
      (then
        (drop (call $set_property @"doorward.decision"
          @"{\22decision\22:\22allow\22,\22reason\22:\22fine\22,\22rule\22:\22p1\22,\22revision\22:\221\22}"))
        (return (i32.const 0))))
    (drop (call $set_property @"doorward.decision"
      @"{\22decision\22:\22deny\22,\22reason\22:\22no\22,\22rule\22:null,\22revision\22:\221\22}"))
    (drop (call $send_local_response (i32.const 403) @"denied" @"no" (i32.const 0) (i32.const 0) (i32.const -1)))
    (i32.const 1))
"#;

const GOOD: &str = "
name: good
configuration: a
steps:
  - request: {name: allowed, path: /yes}
    expect: {decision: allow, reason: fine, rule: p1, revision: '1', status: 200, upstream: {path: '/${path}'}}
  - request: {path: /no}
    expect: {decision: deny, rule: null, status: 403, body: no, details: denied, upstream: none}
  - push: {configuration: '!'}
    expect: {refused: [\"line 1: no configuration\"]}
---
name: elsewhere
configuration: a
runs_on: [envoy]
why: it needs a real socket
steps: []
";

const BAD: &str = "
name: bad
configuration: '!'
steps:
  - request: {}
    expect: {status: 200}
";

/// A folder of its own that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("host-sim-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder can be made");
        let folder = Self(path);
        std::fs::write(folder.file("m.wasm"), support::binary(MODULE)).expect("it can be written");
        std::fs::write(folder.file("good.yaml"), GOOD).expect("it can be written");
        std::fs::write(folder.file("bad.yaml"), BAD).expect("it can be written");
        folder
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_host-sim"))
            .args(arguments)
            .current_dir(&self.0)
            .output()
            .expect("the program runs");
        (
            output.status.code().expect("it exits by itself"),
            String::from_utf8(output.stdout).expect("it prints text"),
            String::from_utf8(output.stderr).expect("it prints text"),
        )
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(Path::new(&self.0));
    }
}

#[test]
fn scenarios_that_pass() {
    let folder = Folder::new("pass");
    let (code, out, err) = folder.run(&[
        "run",
        "--module",
        "m.wasm",
        "--var",
        "path=yes",
        "good.yaml",
    ]);
    assert_eq!(err, "");
    assert_eq!(
        out,
        "good\n  ok   configuration\n  ok   allowed\n  ok   GET /no\n  ok   push\n\
         1 scenario is not for this host\n4 passed, 0 failed\n"
    );
    assert_eq!(code, 0);
}

#[test]
fn scenarios_that_fail() {
    let folder = Folder::new("fail");
    let (code, out, _) = folder.run(&["run", "--module", "m.wasm", "bad.yaml"]);
    assert_eq!(
        out,
        "bad\n  FAIL configuration\n       configuration\n         expected accepted\n         \
         got      refused; log: line 1: no configuration | Failed to configure base Wasm plugin\n  \
         FAIL GET /\n       status\n         expected 200\n         got      500\n\
         0 passed, 2 failed\n"
    );
    assert_eq!(code, 1);
}

#[test]
fn json() {
    let folder = Folder::new("json");
    let (code, out, _) = folder.run(&["run", "--json", "--module", "m.wasm", "bad.yaml"]);
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), 2, "{out}");
    let report: serde_json::Value = serde_json::from_str(lines[0]).expect("it is JSON");
    assert_eq!(report["name"], "bad");
    assert_eq!(report["steps"][1]["title"], "GET /");
    assert_eq!(
        report["steps"][1]["differences"][0],
        serde_json::json!({"field": "status", "expected": "200", "got": "500"})
    );
    assert_eq!(lines[1], r#"{"failed":2,"left_out":0,"passed":0}"#);
    assert_eq!(code, 1);
}

#[test]
fn what_cannot_be_used() {
    let folder = Folder::new("use");
    let cases = [
        (
            vec!["run", "--module", "m.wasm", "good.yaml"],
            "error: good.yaml:6:",
        ),
        (
            vec!["run", "--module", "none.wasm", "bad.yaml"],
            "error: cannot read none.wasm: ",
        ),
        (
            vec!["run", "--module", "bad.yaml", "bad.yaml"],
            "error: cannot compile the module: ",
        ),
        (
            vec!["run", "--module", "m.wasm", "none.yaml"],
            "error: cannot read none.yaml: ",
        ),
    ];
    for (arguments, start) in cases {
        let (code, out, err) = folder.run(&arguments);
        assert!(err.starts_with(start), "{arguments:?}: {err}");
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}");
    }
}

#[test]
fn inspect() {
    let folder = Folder::new("inspect");
    let (code, out, _) = folder.run(&["inspect", "--module", "m.wasm"]);
    assert!(
        out.starts_with("imports\n  env.proxy_log func (i32 i32 i32) -> (i32)\n"),
        "{out}"
    );
    assert!(
        out.contains("exports\n  memory memory, 16 pages\n"),
        "{out}"
    );
    assert_eq!(code, 0);
    let strange = wat::parse_str(r#"(module (import "env" "fly" (func)))"#).expect("well-formed");
    std::fs::write(folder.file("strange.wasm"), strange).expect("it can be written");
    let (code, out, _) = folder.run(&["inspect", "--module", "strange.wasm"]);
    assert_eq!(
        (code, out.as_str()),
        (
            1,
            "imports\n  env.fly func () -> ()  (unknown to the host)\nexports\n"
        )
    );
}
