//! `doorward enforce` and `doorward function`: exact output and exit status.

mod support;

use support::Folder;

const MODEL: &str = "\
[request_definition]
r = sub, obj, act
r2 = sub, act

[policy_definition]
p = sub, obj, act, eft
p2 = sub, act

[role_definition]
g = _, _

[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
e2 = some(where (p.eft == allow))

[matchers]
m = g(r.sub, p.sub) && r.obj == p.obj && r.act == p.act
m2 = r2.sub == p2.sub && r2.act == p2.act
";

const POLICY: &str = "\
p, admin, data1, read, allow
p, bob, data1, read, deny
p2, carol, write
g, alice, admin
g, bob, admin
";

fn folder(name: &str) -> Folder {
    Folder::new(name, &[("m.conf", MODEL), ("p.csv", POLICY)])
}

#[test]
fn one_request() {
    let folder = folder("one_request");
    let base = ["enforce", "-m", "m.conf", "-p", "p.csv"];
    for (args, expected, status) in [
        (
            &["alice", "data1", "read"][..],
            r#"{"allow":true,"explain":["admin","data1","read","allow"]}"#,
            0,
        ),
        (
            &["bob", "data1", "read"],
            r#"{"allow":false,"explain":["bob","data1","read","deny"]}"#,
            0,
        ),
        (
            &["eve", "data1", "read"],
            r#"{"allow":false,"explain":[]}"#,
            0,
        ),
        (
            &["alice", "data1"],
            r#"{"error":"the request has 2 values, its definition has 3"}"#,
            1,
        ),
    ] {
        let args = [&base[..], args].concat();
        assert_eq!(
            folder.run(&args),
            (format!("{expected}\n"), status),
            "{args:?}"
        );
    }
}

#[test]
fn no_policy() {
    let folder = folder("no_policy");
    let args = ["enforce", "-m", "m.conf", "alice", "data1", "read"];
    let expected = "{\"allow\":false,\"explain\":[]}\n".to_owned();
    assert_eq!(folder.run(&args), (expected, 0));
}

#[test]
fn wrong_usage() {
    let folder = folder("wrong_usage");
    for args in [
        &["enforce", "alice"][..],
        &["enforce", "-m", "m.conf"],
        &["enforce", "-m", "m.conf", "--requests", "-", "alice"],
        &["enforce", "-m", "m.conf", "--now", "soon", "alice"],
        &["function"],
        &["function", "keyMatch"],
    ] {
        assert_eq!(folder.run(args), (String::new(), 2), "{args:?}");
    }
}

/// Lines asked and answered side by side.
fn check_lines(folder: &Folder, args: &[&str], table: &[(&[u8], &str)], status: i32) {
    let mut input = Vec::new();
    for (line, _) in table {
        input.extend_from_slice(line);
        input.push(b'\n');
    }
    let (output, found) = folder.ask(args, &input);
    let answers: Vec<&str> = output.lines().collect();
    assert_eq!(answers.len(), table.len(), "{output}");
    for (answer, (line, expected)) in answers.iter().zip(table) {
        assert_eq!(answer, expected, "{}", String::from_utf8_lossy(line));
    }
    assert_eq!(found, status);
}

#[test]
fn lines_of_requests() {
    let folder = folder("lines_of_requests");
    let args = ["enforce", "-m", "m.conf", "-p", "p.csv", "--requests", "-"];
    let table: [(&[u8], &str); 4] = [
        (
            br#"["alice","data1","read"]"#,
            r#"{"allow":true,"explain":["admin","data1","read","allow"]}"#,
        ),
        (
            br#"{"args":["bob","data1","read"]}"#,
            r#"{"allow":false,"explain":["bob","data1","read","deny"]}"#,
        ),
        (
            br#"{"args":["carol","write"],"context":{"r":"r2","p":"p2","e":"e2","m":"m2"}}"#,
            r#"{"allow":true,"explain":["carol","write"]}"#,
        ),
        (br#"["alice",1,true]"#, r#"{"allow":false,"explain":[]}"#),
    ];
    check_lines(&folder, &args, &table, 0);
}

#[test]
fn lines_that_fail() {
    let folder = folder("lines_that_fail");
    let args = ["enforce", "-m", "m.conf", "-p", "p.csv", "--requests", "-"];
    let table: [(&[u8], &str); 9] = [
        (
            b"alice",
            r#"{"error":"not JSON: expected value at line 1 column 1"}"#,
        ),
        (
            b"",
            r#"{"error":"not JSON: EOF while parsing a value at line 1 column 0"}"#,
        ),
        (
            br#"["alice","data1","read"]"#,
            r#"{"allow":true,"explain":["admin","data1","read","allow"]}"#,
        ),
        (
            br#""alice""#,
            r#"{"error":"a request is a JSON array of values, or an object with args and context"}"#,
        ),
        (
            br#"{"args":["a"],"extra":1}"#,
            r#"{"error":"not a request: unknown field `extra`, expected `args` or `context`"}"#,
        ),
        (
            br#"{"args":["a"],"args":["b"]}"#,
            r#"{"error":"not JSON: member \"args\" stands there twice at line 1 column 20"}"#,
        ),
        (
            br#"{"args":["a"],"context":{"r":"r2","p":"p9"}}"#,
            r#"{"error":"context: the model has no policy definition p9"}"#,
        ),
        (
            br#"["alice"]"#,
            r#"{"error":"the request has 1 values, its definition has 3"}"#,
        ),
        (
            br#"[["alice"],"data1","read"]"#,
            r#"{"error":"p.csv: line 1: g: argument 1 must be text"}"#,
        ),
    ];
    check_lines(&folder, &args, &table, 1);
}

#[test]
fn requests_from_a_file() {
    let folder = Folder::new(
        "requests_from_a_file",
        &[
            ("m.conf", MODEL),
            ("p.csv", POLICY),
            (
                "r.jsonl",
                "[\"alice\",\"data1\",\"read\"]\r\n[\"eve\",\"data1\",\"read\"]",
            ),
        ],
    );
    let base = ["enforce", "-m", "m.conf", "-p", "p.csv", "--requests"];
    let expected = "{\"allow\":true,\"explain\":[\"admin\",\"data1\",\"read\",\"allow\"]}\n\
                    {\"allow\":false,\"explain\":[]}\n";
    let args = [&base[..], &["r.jsonl"]].concat();
    assert_eq!(folder.run(&args), (expected.to_owned(), 0));
    let args = [&base[..], &["absent.jsonl"]].concat();
    assert_eq!(folder.run(&args), (String::new(), 1));
}

#[test]
fn what_does_not_load() {
    let broken = MODEL.replace("r.obj == p.obj", "r.obj ==== p.obj");
    let link = MODEL.replace("g = _, _", "g = _, _, (_, _)");
    let folder = Folder::new(
        "what_does_not_load",
        &[
            ("m.conf", MODEL),
            ("p.csv", POLICY),
            ("broken.conf", &broken),
            ("link.conf", &link),
            ("short.csv", "p, alice, data1\n"),
            ("quote.csv", "p, alice, \"data1, read, allow\n"),
            ("unknown.yaml", "role_match: {}\n"),
            ("function.yaml", "role_matching: {g: keyGet}\n"),
            ("empty.yaml", "role_matching: {g: {}}\n"),
            ("graph.yaml", "role_matching: {g7: keyMatch}\n"),
            (
                "twice.yaml",
                "max_hierarchy_level: 1\nmax_hierarchy_level: 2\n",
            ),
        ],
    );
    for (files, stage, expected) in [
        (
            &["-m", "absent.conf"][..],
            "model",
            "absent.conf: No such file or directory (os error 2)",
        ),
        (
            &["-m", "broken.conf"],
            "model",
            "broken.conf: line 17, column 32: unexpected \"==\"",
        ),
        (
            &["-m", "link.conf"],
            "model",
            "link.conf: settings, link_condition: g has parameters but no condition, its links would hold for ever",
        ),
        (
            &["-m", "m.conf", "-p", "absent.csv"],
            "policy",
            "absent.csv: No such file or directory (os error 2)",
        ),
        (
            &["-m", "m.conf", "-p", "short.csv"],
            "policy",
            "short.csv: line 1: a row of p needs 4 fields, this one has 2",
        ),
        (
            &["-m", "m.conf", "-p", "quote.csv"],
            "policy",
            "quote.csv: line 1, column 11: the quote that opens here is not closed",
        ),
        (
            &["-m", "m.conf", "--settings", "unknown.yaml"],
            "settings",
            "unknown.yaml: unknown field `role_match`, expected one of role_matching, link_condition, field_index, max_hierarchy_level, accept_json_request at line 1, column 1",
        ),
        (
            &["-m", "m.conf", "--settings", "function.yaml"],
            "settings",
            "function.yaml: role_matching.g: \"keyGet\" matches no patterns, write one of keyMatch, keyMatch2, keyMatch3, keyMatch4, keyMatch5, regexMatch, ipMatch, globMatch",
        ),
        (
            &["-m", "m.conf", "--settings", "empty.yaml"],
            "settings",
            "empty.yaml: role_matching.g: is empty: give role, domain or both",
        ),
        (
            &["-m", "m.conf", "--settings", "twice.yaml"],
            "settings",
            "twice.yaml: duplicate mapping key: max_hierarchy_level, set DuplicateKeyPolicy in Options if acceptable at line 2, column 1",
        ),
        (
            &["-m", "m.conf", "--settings", "graph.yaml"],
            "settings",
            "graph.yaml: role_matching: the model has no role definition g7",
        ),
    ] {
        let args = [&["enforce"], files, &["alice", "data1", "read"]].concat();
        let expected = format!(
            "{}\n",
            serde_json::json!({"error": expected, "stage": stage})
        );
        assert_eq!(folder.run(&args), (expected, 1), "{args:?}");
    }
}

const SETTINGS_MODEL: &str = "\
[request_definition]
r = sub, obj

[policy_definition]
p = rank, sub, obj, eft

[role_definition]
g = _, _, (_, _)
g2 = _, _

[policy_effect]
e = priority(p.eft) || deny

[matchers]
m = g(r.sub.name, p.sub) && g2(r.obj, p.obj)
";

const SETTINGS_POLICY: &str = "\
p, 2, staff, things, allow
p, 1, guest, things, deny
g, ann, staff, 2026-01-01 00:00:00, 2027-01-01 00:00:00
g, ben, staff, _, _
g, ben, guest, _, _
g, cid, crew, _, _
g, crew, staff, _, _
g2, /things/:id, things
";

const SETTINGS: &str = "\
role_matching:
  g2: {role: keyMatch2}
link_condition: {g: timeMatch}
field_index: {p: {priority: 0}}
max_hierarchy_level: 1
accept_json_request: true
";

#[test]
fn settings() {
    let folder = Folder::new(
        "settings",
        &[
            ("m.conf", SETTINGS_MODEL),
            ("p.csv", SETTINGS_POLICY),
            ("s.yaml", SETTINGS),
        ],
    );
    let allowed = r#"{"allow":true,"explain":["2","staff","things","allow"]}"#;
    let denied = r#"{"allow":false,"explain":[]}"#;
    // 2026-06-01 and 2028-01-01.
    for (now, subject, expected, status) in [
        ("1780272000", r#"{"name":"ann"}"#, allowed, 0),
        ("1830297600", r#"{"name":"ann"}"#, denied, 0),
        (
            "0",
            r#"{"name":"ben"}"#,
            r#"{"allow":false,"explain":["1","guest","things","deny"]}"#,
            0,
        ),
        ("0", r#"{"name":"cid"}"#, denied, 0),
        (
            "0",
            "ann",
            r#"{"error":"p.csv: line 2: the matcher takes a field of a value that is not an object"}"#,
            1,
        ),
        (
            "0",
            "{ann}",
            r#"{"error":"value 1 starts as JSON does, and is not: key must be a string at line 1 column 2"}"#,
            1,
        ),
    ] {
        let args = [
            "enforce",
            "-m",
            "m.conf",
            "-p",
            "p.csv",
            "--settings",
            "s.yaml",
            "--now",
            now,
            subject,
            "/things/7",
        ];
        assert_eq!(
            folder.run(&args),
            (format!("{expected}\n"), status),
            "{args:?}"
        );
    }
}

#[test]
fn functions() {
    let folder = Folder::new("functions", &[]);
    for (args, expected, status) in [
        (&["keyMatch2", "/foo/1", "/foo/:id"][..], "true", 0),
        (&["keyMatch2", "/foo/1/2", "/foo/:id"], "false", 0),
        (&["keyGet2", "/foo/1", "/foo/:id", "id"], "1", 0),
        (
            &["timeMatch", "_", "1970-01-01 00:00:10", "--now", "9"],
            "true",
            0,
        ),
        (
            &["timeMatch", "_", "1970-01-01 00:00:10", "--now", "11"],
            "false",
            0,
        ),
        (
            &["keyMatch9", "a"],
            r#"{"error":"there is no function keyMatch9"}"#,
            1,
        ),
        (
            &["keyMatch", "a"],
            r#"{"error":"keyMatch: 1 arguments given, 2 needed"}"#,
            1,
        ),
    ] {
        let args = [&["function"], args].concat();
        assert_eq!(
            folder.run(&args),
            (format!("{expected}\n"), status),
            "{args:?}"
        );
    }
}

#[test]
fn lines_of_calls() {
    let folder = Folder::new("lines_of_calls", &[]);
    let args = ["function", "keyGet2", "--requests", "-"];
    let good: (&[u8], &str) = (br#"["/a/b","/a/:x","x"]"#, r#"{"result":"b"}"#);
    check_lines(&folder, &args, &[good], 0);
    let table: [(&[u8], &str); 4] = [
        good,
        (
            br#"["/a/b",1,"x"]"#,
            r#"{"error":"keyGet2: argument 2 must be text"}"#,
        ),
        (
            br#"{"args":[]}"#,
            r#"{"error":"a call is a JSON array of arguments"}"#,
        ),
        (
            b"[",
            r#"{"error":"not JSON: EOF while parsing a list at line 1 column 1"}"#,
        ),
    ];
    check_lines(&folder, &args, &table, 1);
    let args = ["function", "keyMatch", "--requests", "-"];
    check_lines(
        &folder,
        &args,
        &[(br#"["/a/b","/a/*"]"#, r#"{"result":true}"#)],
        0,
    );
}
