//! The simulator held against a real Envoy: one module asks its host for everything and logs the
//! answers, and both logs must be the same.

mod support;

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use host_sim::scenario::{ClusterAnswer, Request};
use host_sim::{Options, ProxyModule, Simulator};
use serde_json::json;
use support::{binary, get};

const CONFIGURATION: &str = "{\"a\":1}";

/// How long Envoy may take to start, or to log a request: far more than it needs.
const PATIENCE: Duration = Duration::from_secs(120);

/// The requests that both get.
fn requests() -> Vec<Request> {
    let request = |name: &str, path: &str, headers: &[(&str, &str)]| {
        let mut request = get(path);
        name.clone_into(&mut request.name);
        request.headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).into()))
            .collect();
        request
    };
    let plain = request(
        "plain",
        "/a/b?c=d",
        &[
            ("user-agent", "u"),
            ("x-team", "a"),
            ("x-team", "b"),
            ("authorization", "one"),
            ("authorization", "two"),
            ("x-do", "none"),
        ],
    );
    let ends = |how: &str| request(how, "/x", &[("user-agent", "u"), ("x-do", how)]);
    let mut grpc = ends("local");
    "POST".clone_into(&mut grpc.method);
    grpc.headers
        .push(("content-type".to_owned(), "application/grpc".into()));
    let mut head = ends("local");
    "HEAD".clone_into(&mut head.method);
    let mut body = ends("none");
    "POST".clone_into(&mut body.method);
    body.body = Some("hello".into());
    let fragment = request("fragment", "/a#b", &[("x-do", "none")]);
    let control = request("control", "/", &[("x-do", "a\x01b")]);
    vec![
        plain,
        ends("local"),
        grpc,
        head,
        ends("empty"),
        body,
        fragment,
        control,
        ends("close"),
        ends("http"),
        ends("trap"),
        ends("none"),
    ]
}

#[test]
#[ignore = "needs Envoy 1.40: set ENVOY_BIN and run with --include-ignored"]
fn both_give_the_same_answers() {
    compare(&binary(include_str!("probe/functions.wat")), &requests());
}

/// The calls of WASI that leave nothing in memory: name and parameters.
const WASI: &[(&str, &[&str])] = &[
    ("args_get", &["i32 0", "i32 0"]),
    ("fd_advise", &["i32 3", "i64 0", "i64 0", "i32 0"]),
    ("fd_allocate", &["i32 3", "i64 0", "i64 0"]),
    ("fd_close", &["i32 3"]),
    ("fd_datasync", &["i32 3"]),
    ("fd_fdstat_get", &["i32 3", "i32 60000"]),
    ("fd_fdstat_set_flags", &["i32 3", "i32 0"]),
    ("fd_fdstat_set_rights", &["i32 3", "i64 0", "i64 0"]),
    ("fd_filestat_get", &["i32 3", "i32 60000"]),
    ("fd_filestat_set_size", &["i32 3", "i64 0"]),
    (
        "fd_filestat_set_times",
        &["i32 3", "i64 0", "i64 0", "i32 0"],
    ),
    (
        "fd_pread",
        &["i32 3", "i32 0", "i32 0", "i64 0", "i32 60000"],
    ),
    ("fd_prestat_dir_name", &["i32 3", "i32 60000", "i32 0"]),
    ("fd_prestat_get", &["i32 3", "i32 60000"]),
    (
        "fd_pwrite",
        &["i32 3", "i32 0", "i32 0", "i64 0", "i32 60000"],
    ),
    ("fd_read", &["i32 3", "i32 0", "i32 0", "i32 60000"]),
    (
        "fd_readdir",
        &["i32 3", "i32 0", "i32 0", "i64 0", "i32 60000"],
    ),
    ("fd_renumber", &["i32 3", "i32 4"]),
    ("fd_seek", &["i32 3", "i64 0", "i32 0", "i32 60000"]),
    ("fd_sync", &["i32 3"]),
    ("fd_tell", &["i32 3", "i32 60000"]),
    ("fd_write", &["i32 3", "i32 0", "i32 0", "i32 60000"]),
    ("path_create_directory", &["i32 3", "i32 0", "i32 0"]),
    (
        "path_filestat_get",
        &["i32 3", "i32 0", "i32 0", "i32 0", "i32 60000"],
    ),
    (
        "path_filestat_set_times",
        &[
            "i32 3", "i32 0", "i32 0", "i32 0", "i64 0", "i64 0", "i32 0",
        ],
    ),
    (
        "path_link",
        &["i32 3", "i32 0", "i32 0", "i32 0", "i32 0", "i32 0"],
    ),
    (
        "path_open",
        &[
            "i32 3",
            "i32 0",
            "i32 0",
            "i32 0",
            "i32 0",
            "i64 0",
            "i64 0",
            "i32 0",
            "i32 60000",
        ],
    ),
    (
        "path_readlink",
        &["i32 3", "i32 0", "i32 0", "i32 0", "i32 0", "i32 60000"],
    ),
    ("path_remove_directory", &["i32 3", "i32 0", "i32 0"]),
    (
        "path_rename",
        &["i32 3", "i32 0", "i32 0", "i32 3", "i32 0", "i32 0"],
    ),
    ("path_symlink", &["i32 0", "i32 0", "i32 0", "i32 0"]),
    ("path_unlink_file", &["i32 3", "i32 0", "i32 0"]),
    ("sched_yield", &[]),
    ("sock_accept", &["i32 3", "i32 0", "i32 60000"]),
    (
        "sock_recv",
        &["i32 3", "i32 0", "i32 0", "i32 0", "i32 60000", "i32 60000"],
    ),
    (
        "sock_send",
        &["i32 3", "i32 0", "i32 0", "i32 0", "i32 60000"],
    ),
    ("sock_shutdown", &["i32 3", "i32 0"]),
    ("random_get", &["i32 60000", "i32 0"]),
    ("clock_res_get", &["i32 1", "i32 60000"]),
    ("clock_time_get", &["i32 1", "i64 0", "i32 60000"]),
    ("environ_sizes_get", &["i32 60000", "i32 60004"]),
    ("args_sizes_get", &["i32 60000", "i32 60004"]),
];

#[test]
#[ignore = "needs Envoy 1.40: set ENVOY_BIN and run with --include-ignored"]
fn both_have_the_same_wasi() {
    let mut imports = String::new();
    let mut calls = String::new();
    for (name, arguments) in WASI {
        let types: Vec<&str> = arguments.iter().map(|argument| &argument[..3]).collect();
        let types = types.join(" ");
        imports.push_str(&format!(
            "(import \"wasi_snapshot_preview1\" \"{name}\" (func $wasi_{name} (param {types}) \
             (result i32)))\n"
        ));
        let values: String = arguments
            .iter()
            .map(|argument| format!(" ({})", argument.replace(' ', ".const ")))
            .collect();
        calls.push_str(&format!(
            "(call $result @\"{name}\" (call $wasi_{name}{values}))\n"
        ));
    }
    let functions = format!(
        "(func (export \"proxy_on_context_create\") (param i32 i32)
           (call $result @\"create\" (local.get 0)))
         (func (export \"proxy_on_configure\") (param i32 i32) (result i32)
           {calls} (i32.const 1))"
    );
    compare(&support::binary_with(&imports, &functions), &[]);
}

/// How often Envoy may be asked.
const TRIES: usize = 3;

/// Runs a module on both and compares what it logs.
fn compare(module: &[u8], requests: &[Request]) {
    let envoy = std::env::var_os("ENVOY_BIN").expect("ENVOY_BIN names the Envoy to compare with");
    let simulated = comparable(&on_simulator(module, requests));
    // Where the pieces of a body end is up to the kernel as well, so Envoy is
    // asked again before a difference counts.
    let same = (1..TRIES).any(|_| {
        let observed = comparable(&on_envoy(Path::new(&envoy), module, requests));
        observed.ends_with(&simulated)
    });
    if same {
        return;
    }
    let observed = comparable(&on_envoy(Path::new(&envoy), module, requests));
    // Envoy configures one VM more, that of its main thread.
    let starts: Vec<usize> = observed
        .iter()
        .enumerate()
        .filter(|(_, line)| *line == "create 1")
        .map(|(number, _)| number)
        .collect();
    assert_eq!(starts.len(), 3, "canary, main thread, worker: {observed:?}");
    let observed = &observed[starts[1]..];
    for (number, (simulated, observed)) in simulated.iter().zip(observed).enumerate() {
        assert_eq!(simulated, observed, "line {number}");
    }
    assert_eq!(simulated.len(), observed.len());
}

/// The lines that can be compared: without times and ids, a trap without the engine's words.
fn comparable(log: &[String]) -> Vec<String> {
    log.iter()
        .filter(|line| {
            !line.starts_with("x-request-id ")
                && !line.starts_with("x-envoy-upstream-service-time ")
        })
        .map(|line| match line.split_once(" failed: ") {
            Some((what, _)) => format!("{what} failed"),
            None => line.clone(),
        })
        .collect()
}

fn on_simulator(module: &[u8], requests: &[Request]) -> Vec<String> {
    let module = ProxyModule::new(module).expect("the module can be used");
    let answer = ClusterAnswer {
        status: 200,
        headers: [
            ("content-length", "0"),
            ("x-envoy-upstream-service-time", "0"),
        ]
        .map(|(name, value)| (name.to_owned(), value.into()))
        .into(),
        body: "".into(),
        ..ClusterAnswer::default()
    };
    let options = Options {
        clusters: [("up".to_owned(), vec![answer])].into(),
        ..Options::default()
    };
    let mut simulator = Simulator::new(&module, options).expect("options are fine");
    let mut log = simulator
        .configure(CONFIGURATION)
        .expect("it comes to rest")
        .log;
    for request in requests {
        let observed = simulator.request(request).expect("it comes to rest");
        log.extend(observed.log);
    }
    log
}

/// An Envoy with its folder; both go away with it.
struct Envoy {
    process: Child,
    folder: PathBuf,
    port: u16,
}

impl Drop for Envoy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Envoy {
    fn start(program: &Path, module: &[u8], upstream: u16) -> Self {
        let port = free_port();
        let name = format!("host-sim-envoy-{}-{port}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("a folder can be made");
        fs::write(folder.join("probe.wasm"), module).expect("it can be written");
        let configuration = bootstrap(&folder.join("probe.wasm"), port, upstream);
        fs::write(folder.join("envoy.json"), configuration).expect("it can be written");
        let log = File::create(folder.join("log")).expect("it can be made");
        let process = Command::new(program)
            .arg("-c")
            .arg(folder.join("envoy.json"))
            .args(["--concurrency", "1", "--use-dynamic-base-id"])
            .args(["-l", "warning", "--component-log-level", "wasm:info"])
            .args(["--log-format", "%v"])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("Envoy starts");
        let mut envoy = Self {
            process,
            folder,
            port,
        };
        let begin = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = envoy.process.try_wait().expect("its state is known");
            assert!(
                ended.is_none() && begin.elapsed() < PATIENCE,
                "Envoy does not come up: {}",
                envoy.raw_log()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        envoy
    }

    fn raw_log(&self) -> String {
        let bytes = fs::read(self.folder.join("log")).expect("the log can be read");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// What the module logged, and the traps that Envoy tells of.
    fn log(&self) -> Vec<String> {
        let text = self.raw_log();
        let lines = text.lines().filter_map(|line| {
            if line.starts_with("Function: ") {
                return Some(line.to_owned());
            }
            let (_, message) = line.strip_prefix("wasm log")?.split_once(": ")?;
            Some(message.to_owned())
        });
        lines.collect()
    }

    /// Sends a request and waits until Envoy is done with it.
    fn send(&self, request: &Request) {
        let before = self.log().len();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a timeout can be set");
        stream.write_all(&wire(request)).expect("it can be sent");
        let mut first = [0; 1];
        // A stream that is reset ends without an answer.
        let _ = stream.read(&mut first);
        let begin = Instant::now();
        // Nothing is logged once the module has failed.
        while begin.elapsed() < Duration::from_secs(2) {
            let log = self.log();
            if log.len() > before && log.last().is_some_and(|line| line.starts_with("delete ")) {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn on_envoy(program: &Path, module: &[u8], requests: &[Request]) -> Vec<String> {
    let upstream = serve_upstream();
    let envoy = Envoy::start(program, module, upstream);
    for request in requests {
        envoy.send(request);
    }
    envoy.log()
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
    listener.local_addr().expect("it has an address").port()
}

/// The bytes of an HTTP/1.1 request, headers in the order in which the simulator has them.
fn wire(request: &Request) -> Vec<u8> {
    let Request {
        method,
        path,
        authority,
        ..
    } = request;
    let mut bytes = format!("{method} {path} HTTP/1.1\r\nhost: {authority}\r\n").into_bytes();
    for (name, value) in &request.headers {
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_slice());
        bytes.extend_from_slice(b"\r\n");
    }
    let body = request.body.clone().unwrap_or_default();
    if request.body.is_some() {
        let length = format!("content-length: {}\r\n", body.as_slice().len());
        bytes.extend_from_slice(length.as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body.as_slice());
    bytes
}

/// Answers every connection's first request with an empty 200; the port.
fn serve_upstream() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
    let port = listener.local_addr().expect("it has an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection comes");
            let mut request = Vec::new();
            let mut piece = [0; 4096];
            // The probe's bodies are shorter than a packet and come with the headers.
            while !request.windows(4).any(|window| window == b"\r\n\r\n") {
                match stream.read(&mut piece) {
                    Ok(0) | Err(_) => break,
                    Ok(length) => request.extend_from_slice(&piece[..length]),
                }
            }
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
            let _ = stream.write_all(answer);
        }
    });
    port
}

fn bootstrap(module: &Path, port: u16, upstream: u16) -> String {
    let address =
        |port: u16| json!({"socket_address": {"address": "127.0.0.1", "port_value": port}});
    let extension = "type.googleapis.com/envoy.extensions.filters";
    let wasm = json!({
        "name": "envoy.filters.http.wasm",
        "typed_config": {
            "@type": format!("{extension}.http.wasm.v3.Wasm"),
            "config": {
                "name": "plugin",
                "configuration": {
                    "@type": "type.googleapis.com/google.protobuf.StringValue",
                    "value": CONFIGURATION,
                },
                "vm_config": {
                    "runtime": "envoy.wasm.runtime.v8",
                    "code": {"local": {"filename": module}},
                },
            },
        },
    });
    let router = json!({
        "name": "envoy.filters.http.router",
        "typed_config": {"@type": format!("{extension}.http.router.v3.Router")},
    });
    let manager = json!({
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": {
            "@type": format!("{extension}.network.http_connection_manager.v3.HttpConnectionManager"),
            "stat_prefix": "probe",
            "route_config": {"virtual_hosts": [{
                "name": "all",
                "domains": ["*"],
                "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "up"}}],
            }]},
            "http_filters": [wasm, router],
        },
    });
    json!({"static_resources": {
        "listeners": [{"address": address(port), "filter_chains": [{"filters": [manager]}]}],
        "clusters": [{
            "name": "up",
            "type": "STATIC",
            "load_assignment": {
                "cluster_name": "up",
                "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(upstream)}}]}],
            },
        }],
    }})
    .to_string()
}
