//! Scenario files: what they say, and what is told of their mistakes.

use std::path::Path;
use std::time::{Duration, SystemTime};

use host_sim::scenario::{
    Bytes, Clock, Configuration, Decision, Expect, ExpectPush, ExpectUpstream, Host, Matcher,
    Observed, ObservedPush, Scenario, Step, UpstreamRequest, Variables, check, check_push, parse,
};

fn variables() -> Variables {
    [("token".to_owned(), "ey.J.x".to_owned())].into()
}

fn one(text: &str) -> Scenario {
    let scenarios = parse(Path::new("s.yaml"), text, &variables()).expect("it is a scenario");
    let [scenario] = <[Scenario; 1]>::try_from(scenarios).expect("it is one");
    scenario
}

fn mistake(text: &str) -> String {
    parse(Path::new("s.yaml"), text, &variables())
        .expect_err("it is no scenario")
        .to_string()
}

const WHOLE: &str = r#"
name: everything
environment: {DOORWARD_UNSIGNED: allow}
vm_configuration: vm
configuration: {bundle: {token: "a ${token} b", list: [1, true, null, 0.5]}}
expect_configuration: {refused: ["line 1"]}
runs_on: [host-sim]
why: Envoy has no clock that can be set
properties: {source.address: "10.0.0.1:1", connection.mtls: true, a.b: null}
clusters: {idp: [{status: 503, headers: [[a, b]], body: "x"}]}
clock: 2026-11-21T20:00:00Z
steps:
  - request:
      name: "orders of ${token}"
      method: POST
      path: /orders
      authority: orders.example
      scheme: https
      headers: [[Authorization, "Bearer ${token}"], [x-raw, {hex: "fF00"}], [x, '$${token}']]
      body: text
      trailers: [[t, v]]
    expect:
      decision: deny
      reason: {contains: no}
      rule: null
      revision: "1"
      status: 403
      headers: {www-authenticate: 'Bearer', x: {contains: part}}
      absent_headers: [server]
      body: {contains: no}
      upstream: none
      details: denied
      log: [a, b]
  - push: {configuration: "text"}
    expect: {refused: []}
  - push: {configuration: {file: a, other: b}}
    expect: accepted
  - request: {}
    expect:
      upstream: {path: /, method: GET, headers: {a: b}, absent_headers: [c], body: d}
      trapped: true
"#;

#[test]
fn every_field_is_read() {
    let scenario = one(WHOLE);
    assert_eq!(scenario.name, "everything");
    assert_eq!(scenario.environment["DOORWARD_UNSIGNED"], "allow");
    assert_eq!(
        scenario.configuration.text().expect("it is no file"),
        r#"{"bundle":{"list":[1,true,null,0.5],"token":"a ey.J.x b"}}"#
    );
    assert_eq!(
        scenario.expect_configuration,
        ExpectPush::Refused(vec!["line 1".to_owned()])
    );
    assert!(scenario.is_for(Host::HostSim));
    assert!(!scenario.is_for(Host::Envoy));
    assert_eq!(scenario.properties["connection.mtls"], true);
    assert_eq!(scenario.clusters["idp"][0].status, 503);
    let clock = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_291_200);
    assert_eq!(scenario.clock, Some(Clock(clock)));
    let [first, second, third, last] =
        <[Step; 4]>::try_from(scenario.steps).expect("it has four steps");

    let Step::Request { request, expect } = first else {
        panic!("a request was expected, got {first:?}");
    };
    assert_eq!(request.title(), "orders of ey.J.x");
    assert_eq!(
        request.headers,
        [
            ("Authorization".to_owned(), Bytes::from("Bearer ey.J.x")),
            ("x-raw".to_owned(), Bytes::Raw(vec![0xff, 0])),
            ("x".to_owned(), Bytes::from("${token}")),
        ]
    );
    assert_eq!(request.trailers, [("t".to_owned(), Bytes::from("v"))]);
    assert_eq!(expect.decision, Some(Decision::Deny));
    assert_eq!(expect.reason, Some(Matcher::Contains("no".to_owned())));
    assert_eq!(expect.rule.as_deref(), Some(""));
    assert_eq!(expect.upstream, Some(ExpectUpstream::None));
    assert_eq!(expect.details, Some(Matcher::Exact("denied".to_owned())));
    assert_eq!(expect.log, ["a", "b"]);

    let Step::Push { push, expect } = second else {
        panic!("a push was expected, got {second:?}");
    };
    assert_eq!(push.configuration, Configuration::Text("text".to_owned()));
    assert_eq!(expect, ExpectPush::Refused(Vec::new()));
    let Step::Push { push, expect } = third else {
        panic!("a push was expected, got {third:?}");
    };
    assert!(matches!(push.configuration, Configuration::Mapping(_)));
    assert_eq!(expect, ExpectPush::Accepted);

    let Step::Request { request, expect } = last else {
        panic!("a request was expected, got {last:?}");
    };
    assert_eq!(request.title(), "GET /");
    assert!(expect.trapped);
    let Some(ExpectUpstream::Request(upstream)) = expect.upstream else {
        panic!("an upstream request was expected");
    };
    assert_eq!(upstream.headers["a"], Matcher::Exact("b".to_owned()));
}

#[test]
fn defaults_and_several_documents() {
    let text = "name: a\nconfiguration: ''\nsteps: []\n---\nname: b\nconfiguration: ''\n\
                clock: 5\nsteps: [{request: {}}]\n";
    let scenarios = parse(Path::new("s.yaml"), text, &variables()).expect("they are scenarios");
    let names: Vec<&str> = scenarios.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    assert!(scenarios[0].is_for(Host::Envoy) && scenarios[0].is_for(Host::HostSim));
    assert_eq!(scenarios[0].expect_configuration, ExpectPush::Accepted);
    assert_eq!(scenarios[0].clock, None);
    let clock = SystemTime::UNIX_EPOCH + Duration::from_secs(5);
    assert_eq!(scenarios[1].clock, Some(Clock(clock)));
    let Step::Request { request, expect } = &scenarios[1].steps[0] else {
        panic!("a request was expected");
    };
    assert_eq!(
        (
            request.path.as_str(),
            request.authority.as_str(),
            request.scheme.as_str()
        ),
        ("/", "localhost", "http")
    );
    assert_eq!(**expect, Expect::default());
}

#[test]
fn mistakes_are_told_with_their_place() {
    let head = "name: a\nconfiguration: ''\n";
    let cases = [
        (
            format!("{head}stepz: []\n"),
            "s.yaml:3:1: ",
            "unknown field `stepz`",
        ),
        (
            format!("{head}name: b\nsteps: []\n"),
            "s.yaml:3:1: ",
            "duplicate",
        ),
        (
            "configuration: ''\nsteps: []\n".to_owned(),
            "s.yaml:2:1: ",
            "missing field `name`",
        ),
        (
            format!("{head}steps:\n  - request: {{}}\n    expect: {{status: many}}\n"),
            "s.yaml:5:22: ",
            "invalid u16",
        ),
        (
            format!("{head}steps:\n  - request: {{}}\n    expect: {{refused: []}}\n"),
            "s.yaml:5:14: ",
            "unknown field `refused`",
        ),
        (
            format!("{head}steps:\n  - push: {{configuration: ''}}\n    expect: refused\n"),
            "s.yaml:5:13: ",
            "unknown word `refused`, expected `accepted` or {refused: [..]}",
        ),
        (
            format!("{head}steps:\n  - expect: {{}}\n    request: {{}}\n"),
            "s.yaml:4:5: ",
            "a step begins with `request` or `push`",
        ),
        (
            format!("{head}steps:\n  - request: {{}}\n    push: {{configuration: ''}}\n"),
            "s.yaml:4:5: ",
            "not both",
        ),
        (
            format!("{head}steps:\n  - request: {{headers: [[a, {{hex: f}}]]}}\n"),
            "s.yaml:4:",
            "hex \"f\" has an odd number of digits",
        ),
        (
            format!("{head}steps:\n  - request: {{headers: [[a, {{hex: fg}}]]}}\n"),
            "s.yaml:4:",
            "`g` in hex \"fg\" is not a hexadecimal digit",
        ),
        (
            format!("{head}steps:\n  - request: {{body: 5}}\n"),
            "s.yaml:4:",
            "expected text in quotes, or {hex: \"ff00\"}",
        ),
        (
            format!("{head}steps:\n  - request: {{path: '/é/${{who}}'}}\n"),
            "s.yaml:4:25: ",
            "no value was given for the variable `who`",
        ),
        (
            format!("{head}steps:\n  - request: {{path: '/${{no name}}'}}\n"),
            "s.yaml:4:",
            "`${` does not begin a variable",
        ),
        (
            format!("{head}runs_on: [envoy]\nsteps: []\n"),
            "s.yaml:1:1: ",
            "say in `why`",
        ),
        (
            format!("{head}why: x\nsteps: []\n"),
            "s.yaml:1:1: ",
            "`runs_on` has all",
        ),
        (
            format!("{head}runs_on: []\nsteps: []\n"),
            "s.yaml:1:1: ",
            "`runs_on` names no host",
        ),
        (
            format!("{head}runs_on: [nginx]\nsteps: []\n"),
            "s.yaml:3:11: ",
            "nginx",
        ),
        (
            format!("{head}clock: noon\nsteps: []\n"),
            "s.yaml:3:8: ",
            "`noon` is not an RFC 3339 time",
        ),
        ("".to_owned(), "s.yaml:1:1: ", "the file has no scenario"),
        ("name: [".to_owned(), "s.yaml:1:", ""),
    ];
    let wrong: Vec<String> = cases
        .iter()
        .map(|(text, place, part)| (text, mistake(text), place, part))
        .filter(|(_, message, place, part)| {
            !(message.starts_with(*place) && message.contains(*part))
        })
        .map(|(text, message, place, part)| {
            format!("{text}\n  gave     {message}\n  expected {place}…{part}\n")
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_are_read_beside_the_scenario() {
    let folder = std::env::temp_dir().join(format!("host-sim-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    std::fs::write(folder.join("c.json"), "{\"a\": \"${token}\"}").expect("it can be written");
    let text = "name: a\nconfiguration: {file: c.json}\nsteps: []\n";
    let scenarios = parse(&folder.join("s.yaml"), text, &variables()).expect("it is a scenario");
    assert_eq!(
        scenarios[0].configuration,
        Configuration::Text("{\"a\": \"${token}\"}".to_owned()),
        "a file is given as it is"
    );
    let text = "name: a\nconfiguration: {file: none.json}\nsteps: []\n";
    let error = parse(&folder.join("s.yaml"), text, &variables()).expect_err("there is no file");
    let expected = format!("cannot read {}: ", folder.join("none.json").display());
    assert!(error.to_string().starts_with(&expected), "{error}");
    std::fs::remove_dir_all(&folder).expect("the folder can be removed");
}

fn observed() -> Observed {
    Observed {
        status: 403,
        headers: vec![
            ("x".to_owned(), b"one".to_vec()),
            ("x".to_owned(), b"two".to_vec()),
            ("raw".to_owned(), vec![0xff]),
        ],
        body: b"denied".to_vec(),
        upstream: Some(UpstreamRequest {
            method: "GET".to_owned(),
            path: "/".to_owned(),
            ..UpstreamRequest::default()
        }),
        decision: Some(
            r#"{"decision":"deny","reason":"no rule","rule":null,"revision":"1","more":1}"#
                .to_owned(),
        ),
        details: "rbac".to_owned(),
        log: vec!["line one".to_owned()],
        ..Observed::default()
    }
}

fn expectation(yaml: &str) -> Expect {
    let text =
        format!("name: a\nconfiguration: ''\nsteps:\n  - request: {{}}\n    expect: {{{yaml}}}\n");
    match one(&text).steps.pop() {
        Some(Step::Request { expect, .. }) => *expect,
        other => panic!("a request was expected, got {other:?}"),
    }
}

#[test]
fn what_is_as_expected_is_no_difference() {
    let cases = [
        "",
        "status: 403, body: denied, details: {contains: ba}",
        "decision: deny, reason: no rule, rule: '', revision: '1'",
        "rule: null",
        "headers: {x: two, X: {contains: on}}, absent_headers: [y]",
        "upstream: {path: /, method: GET, absent_headers: [x]}",
        "log: [one, line]",
    ];
    for yaml in cases {
        assert_eq!(check(&expectation(yaml), &observed()), [], "{yaml}");
    }
}

#[test]
fn every_difference_is_told() {
    let cases = [
        ("status: 200", "status: expected 200, got 403"),
        (
            "decision: allow",
            "decision: expected allow, got deny (no rule)",
        ),
        (
            "reason: other",
            "reason: expected \"other\", got \"no rule\"",
        ),
        ("rule: p1", "rule: expected \"p1\", got \"\""),
        ("revision: '2'", "revision: expected \"2\", got \"1\""),
        (
            "body: {contains: x}",
            "body: expected text with \"x\" in it, got \"denied\"",
        ),
        (
            "headers: {x: three}",
            "headers.x: expected \"three\", got \"one\", \"two\"",
        ),
        (
            "headers: {y: a}",
            "headers.y: expected \"a\", got no such header",
        ),
        (
            "headers: {raw: a}",
            "headers.raw: expected \"a\", got b\"\\xff\"",
        ),
        (
            "absent_headers: [X]",
            "absent_headers.X: expected no such header, got \"one\"",
        ),
        ("upstream: none", "upstream: expected no request, got GET /"),
        (
            "upstream: {path: /a}",
            "upstream.path: expected \"/a\", got \"/\"",
        ),
        (
            "log: [two]",
            "log: expected a line with \"two\" in it, got line one",
        ),
        ("trapped: true", "trapped: expected a trap, got no trap"),
    ];
    for (yaml, expected) in cases {
        let differences: Vec<String> = check(&expectation(yaml), &observed())
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(differences, [expected], "{yaml}");
    }
    let trapped = Observed {
        trapped: Some("unreachable".to_owned()),
        decision: Some("nonsense".to_owned()),
        ..Observed::default()
    };
    let differences: Vec<String> = check(&expectation("decision: deny, upstream: {}"), &trapped)
        .iter()
        .map(|difference| difference.field.clone())
        .collect();
    assert_eq!(differences, ["trapped", "decision", "upstream"]);
    let silent = Observed::default();
    assert_eq!(
        check(&expectation("rule: ''"), &silent)[0].to_string(),
        "decision: expected a record, got no record"
    );
    assert_eq!(check(&expectation("decision: none"), &silent), []);
    assert_eq!(
        check(&expectation("decision: none, rule: ''"), &silent)[0].to_string(),
        "decision: expected decision none without reason, rule and revision, got an expectation of both"
    );
    let recorded = check(&expectation("decision: none"), &observed());
    assert_eq!(recorded[0].field, "decision");
}

#[test]
fn pushes_are_checked() {
    let refused = ObservedPush {
        log: vec!["model.conf, line 3".to_owned()],
        ..ObservedPush::default()
    };
    let accepted = ObservedPush {
        accepted: true,
        ..ObservedPush::default()
    };
    let expect =
        |parts: &[&str]| ExpectPush::Refused(parts.iter().map(|part| (*part).to_owned()).collect());
    assert_eq!(check_push(&ExpectPush::Accepted, &accepted), []);
    assert_eq!(check_push(&expect(&["line 3"]), &refused), []);
    let told = |expect: &ExpectPush, observed: &ObservedPush| {
        check_push(expect, observed)
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        told(&ExpectPush::Accepted, &refused),
        ["configuration: expected accepted, got refused; log: model.conf, line 3"]
    );
    assert_eq!(
        told(&expect(&["line 4"]), &refused),
        ["refused: expected a line with \"line 4\" in it, got model.conf, line 3"]
    );
    assert_eq!(
        told(&expect(&[]), &accepted),
        ["configuration: expected refused, got accepted"]
    );
}
