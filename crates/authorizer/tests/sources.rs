//! Where tokens are found, when they count as none, and what the upstream gets.

use doorward_authorizer::{Authorizer, HeaderEdit, Step};
use doorward_bundle::{Bundle, Manifest};
use doorward_request::{Facts, HeaderSnapshot, ReadError};
use doorward_token::SoftwareVerifier;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use proptest::prelude::*;
use serde_json::{Value, json};

/// 2026-11-21T00:00:00Z.
const NOW: i64 = 1_795_219_200;

struct NoHost;

impl Facts for NoHost {
    fn property(&self, _path: &[&str]) -> Result<Option<Vec<u8>>, ReadError> {
        Err(ReadError)
    }
}

/// The example's issuer, with these fields, and everybody allowed.
fn authorizer(fields: &Value) -> Authorizer {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = root.join("policies/orders");
    let mut manifest: Manifest =
        doorward_bundle::folder::manifest(&|file| std::fs::read_to_string(folder.join(file)))
            .unwrap();
    let mut entry = serde_json::to_value(&manifest.tokens[0]).unwrap();
    for (name, value) in fields.as_object().unwrap() {
        entry[name] = value.clone();
    }
    manifest.tokens[0] = serde_json::from_value(entry).unwrap();
    manifest.policy =
        Some("p, user:alice, /*, .*, allow\np, anonymous, /*, .*, allow\n".to_owned());
    Authorizer::new(Bundle::load(&manifest).unwrap())
}

fn token(claims: &Value) -> String {
    let mut all = json!({
        "iss": "https://issuer.example", "aud": "orders", "sub": "alice", "exp": NOW + 300,
    });
    for (name, value) in claims.as_object().unwrap() {
        all[name] = value.clone();
    }
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let pem = std::fs::read(root.join("tests/keys/orders-es256.pem")).unwrap();
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some("orders-es256".to_owned());
    encode(&header, &all, &EncodingKey::from_ec_pem(&pem).unwrap()).unwrap()
}

type Headers = Vec<(String, Vec<u8>)>;

fn request(path: &str, headers: &[(&str, &str)]) -> Headers {
    let pseudo = [(":method", "GET"), (":path", path), (":authority", "a")];
    let all = pseudo.iter().chain(headers);
    all.map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
        .collect()
}

fn ask(authorizer: &Authorizer, request: &Headers) -> Step {
    let headers = request
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_slice()));
    let snapshot = HeaderSnapshot::from_headers(headers);
    authorizer.begin(snapshot, &NoHost, NOW, &SoftwareVerifier)
}

/// The request as the upstream gets it.
fn edited(mut request: Headers, edits: &[HeaderEdit]) -> Headers {
    for edit in edits {
        match edit {
            HeaderEdit::Remove(name) => request.retain(|(known, _)| known.as_bytes() != name),
            HeaderEdit::Replace(name, value) => {
                request.retain(|(known, _)| known != name);
                request.push((name.clone(), value.clone()));
            }
        }
    }
    request
}

/// The reason, then each edit.
fn outcome(authorizer: &Authorizer, request: &Headers) -> Vec<String> {
    let step = ask(authorizer, request);
    let record = step.record().unwrap();
    let mut lines = vec![match (&record.rule, record.ignored_token) {
        (Some(rule), None) => rule.clone(),
        (Some(rule), Some(ignored)) => format!("{rule} ({ignored})"),
        (None, _) => record.reason.clone(),
    }];
    if let Step::Permit(permitted) = &step {
        for edit in permitted.edits() {
            lines.push(match edit {
                HeaderEdit::Remove(name) => format!("-{}", String::from_utf8_lossy(name)),
                HeaderEdit::Replace(name, value) => {
                    format!("{name}={}", String::from_utf8_lossy(value))
                }
            });
        }
    }
    lines
}

const ALICE: &str = "p, user:alice, /*, .*, allow";

#[test]
fn a_token_is_found_and_taken_out_where_it_stands() {
    let authorizer = authorizer(&json!({"from": [
        {"header": "authorization", "prefix": "Bearer "}, {"header": "x-token"},
        {"cookie": "session"}, {"param": "access_token"},
    ]}));
    let (good, other) = (token(&json!({})), token(&json!({"jti": "2"})));
    let bearer = format!("Bearer {good}");
    let cookie = |text: &str| text.replace("TOKEN", &good).replace("OTHER", &other);
    for (path, headers, expected) in [
        (
            "/a",
            vec![("authorization", bearer.clone())],
            vec![ALICE, "-authorization"],
        ),
        (
            "/a",
            vec![("x-token", good.clone())],
            vec![ALICE, "-x-token"],
        ),
        (
            "/a",
            vec![("cookie", cookie("session=TOKEN"))],
            vec![ALICE, "-cookie"],
        ),
        (
            "/a",
            vec![("cookie", cookie("a=b; session=\"TOKEN\";c"))],
            vec![ALICE, "cookie=a=b; c"],
        ),
        (
            "/a",
            vec![
                ("cookie", "a=b".to_owned()),
                ("cookie", cookie("session=TOKEN; session=TOKEN")),
                ("cookie", "c=d".to_owned()),
            ],
            vec![ALICE, "-cookie", "cookie=a=b; c=d"],
        ),
        ("/a?access_token=TOKEN", vec![], vec![ALICE, ":path=/a"]),
        (
            "/a?b=%2f&%61ccess_token=TOKEN&c",
            vec![],
            vec![ALICE, ":path=/a?b=%2f&c"],
        ),
        (
            "/%61?access_token=TOKEN&access_token=TOKEN",
            vec![],
            vec![ALICE, ":path=/a"],
        ),
        (
            "/a?access_token=TOKEN",
            vec![
                ("cookie", cookie("session=TOKEN")),
                ("authorization", bearer.clone()),
            ],
            vec![ALICE, "-authorization", "-cookie", ":path=/a"],
        ),
        (
            "/a?access_token=OTHER",
            vec![("authorization", bearer.clone())],
            vec!["token_ambiguous"],
        ),
        (
            "/a?access_token=TOKEN&access_token=OTHER",
            vec![],
            vec!["token_ambiguous"],
        ),
        (
            "/a?access_token=&access_token=TOKEN",
            vec![],
            vec!["token_ambiguous"],
        ),
        (
            "/a",
            vec![("cookie", cookie("session=TOKEN; session=OTHER"))],
            vec!["token_ambiguous"],
        ),
        (
            "/a",
            vec![
                ("cookie", cookie("session=TOKEN")),
                ("cookie", cookie("session=OTHER")),
            ],
            vec!["token_ambiguous"],
        ),
        (
            "/a",
            vec![("cookie", cookie("session=TOKEN; session"))],
            vec!["token_ambiguous"],
        ),
        (
            "/a",
            vec![("x-token", good.clone()), ("x-token", good.clone())],
            vec!["token_ambiguous"],
        ),
        (
            "/a",
            vec![
                ("authorization", bearer.clone()),
                ("authorization", bearer.clone()),
            ],
            vec!["token_ambiguous"],
        ),
        (
            "/a",
            vec![
                ("authorization", bearer.clone()),
                ("authorization", "Basic YTpi".to_owned()),
            ],
            vec!["token_ambiguous"],
        ),
        (
            "/a",
            vec![
                ("authorization", "Basic YTpi".to_owned()),
                ("authorization", bearer.clone()),
            ],
            vec!["token_ambiguous"],
        ),
        (
            "/a",
            vec![("authorization", format!("{bearer},{bearer}"))],
            vec!["token_malformed"],
        ),
        ("/a?access_token", vec![], vec!["token_malformed"]),
        ("/a?b=c;access_token=TOKEN", vec![], vec!["token_malformed"]),
        (
            "/a",
            vec![("cookie", "session=".to_owned())],
            vec!["token_malformed"],
        ),
        (
            "/a",
            vec![("cookie", cookie("a=b,session=TOKEN"))],
            vec!["token_malformed"],
        ),
        (
            "/a",
            vec![("cookie", cookie("Session=TOKEN"))],
            vec!["token_missing"],
        ),
        ("/a", vec![("x_token", good.clone())], vec!["token_missing"]),
        (
            "/a?Access_Token=TOKEN&x=access_token",
            vec![],
            vec!["token_missing"],
        ),
    ] {
        let path = cookie(path);
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        assert_eq!(
            outcome(&authorizer, &request(&path, &headers)),
            expected,
            "{path} {headers:?}"
        );
    }
}

#[test]
fn a_forwarded_token_stays_where_it_is() {
    let authorizer = authorizer(&json!({
        "forward": true, "from": [{"cookie": "s"}, {"param": "t"}, {"header": "x-token"}],
    }));
    let good = token(&json!({}));
    let (path, cookie) = (format!("/a?t={good}&b"), format!("s={good}; a=b"));
    let request = request(
        &path,
        &[
            ("cookie", &cookie),
            ("x-token", &good),
            ("x_token", "forged"),
        ],
    );
    assert_eq!(outcome(&authorizer, &request), [ALICE, "-x_token"]);
}

#[test]
fn the_policy_sees_the_path_that_the_upstream_gets() {
    let manifest_query = |forward: bool| {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let folder = root.join("policies/orders");
        let mut manifest: Manifest =
            doorward_bundle::folder::manifest(&|file| std::fs::read_to_string(folder.join(file)))
                .unwrap();
        let from = json!([{"param": "t"}]);
        manifest.tokens[0].from = serde_json::from_value(from).unwrap();
        manifest.tokens[0].forward = forward;
        manifest.request.0[1].1 = "request.path".into();
        manifest.policy = Some("p, user:alice, /a?b=c, .*, allow\n".to_owned());
        Authorizer::new(Bundle::load(&manifest).unwrap())
    };
    let good = token(&json!({}));
    let request = request(&format!("/a?t={good}&b=c"), &[]);
    let rule = "p, user:alice, /a?b=c, .*, allow";
    assert_eq!(
        outcome(&manifest_query(false), &request),
        [rule, ":path=/a?b=c"]
    );
    assert_eq!(outcome(&manifest_query(true), &request), ["no_rule"]);
}

#[test]
fn claims_take_the_place_of_what_the_client_says() {
    let authorizer = authorizer(&json!({
        "presence": "optional", "forward": true, "forward_payload_header": "X-Payload",
        "claim_to_headers": [{"claim": "sub", "header": "X-User"}, {"claim": "dept", "header": "x-dept"}],
    }));
    let good = token(&json!({}));
    let payload = good.split('.').nth(1).unwrap();
    let (bearer, written) = (format!("Bearer {good}"), format!("x-payload={payload}"));
    for (headers, expected) in [
        (
            vec![("authorization", bearer.as_str())],
            vec![ALICE, &written, "x-user=alice"],
        ),
        // What is there already is not written, and no other spelling stays.
        (
            vec![
                ("authorization", &bearer),
                ("x-user", "alice"),
                ("x-payload", payload),
                ("x_user", "bob"),
            ],
            vec![ALICE, "-x_user"],
        ),
        (
            vec![
                ("authorization", &bearer),
                ("x-user", "alice"),
                ("x-user", "bob"),
                ("x-dept", "it"),
            ],
            vec![ALICE, "-x-dept", &written, "-x-user", "x-user=alice"],
        ),
        (
            vec![("authorization", &bearer), ("x-payload", "")],
            vec![ALICE, &written, "x-user=alice"],
        ),
        (
            vec![("x-user", "root"), ("x-payload", "e30")],
            vec!["p, anonymous, /*, .*, allow", "-x-user", "-x-payload"],
        ),
        (vec![], vec!["p, anonymous, /*, .*, allow"]),
    ] {
        assert_eq!(
            outcome(&authorizer, &request("/a", &headers)),
            expected,
            "{headers:?}"
        );
    }
    for sub in ["alice\r\nx-admin: 1", "al\u{0}ice", " alice", "alíce"] {
        let bearer = format!("Bearer {}", token(&json!({ "sub": sub })));
        let request = request("/a", &[("authorization", &bearer)]);
        assert_eq!(
            outcome(&authorizer, &request),
            ["token_claim_header"],
            "{sub:?}"
        );
    }
}

#[test]
fn an_invalid_token_can_count_as_none_and_gives_nothing() {
    let fields = json!({
        "presence": "optional_or_invalid", "forward": true,
        "from": [{"header": "authorization", "prefix": "Bearer "}, {"cookie": "s"}, {"param": "t"}],
        "claim_to_headers": [{"claim": "sub", "header": "x-user"}],
    });
    let authorizer = authorizer(&fields);
    let bearer = |claims: Value| format!("Bearer {}", token(&claims));
    for (header, expected) in [
        (bearer(json!({})), vec![ALICE, "x-user=alice"]),
        (
            bearer(json!({"exp": NOW - 300})),
            vec![
                "p, anonymous, /*, .*, allow (token_expired)",
                "-authorization",
            ],
        ),
        (
            bearer(json!({"aud": "other"})),
            vec![
                "p, anonymous, /*, .*, allow (token_audience_mismatch)",
                "-authorization",
            ],
        ),
        (
            bearer(json!({"sub": 7})),
            vec![
                "p, anonymous, /*, .*, allow (token_claim_invalid)",
                "-authorization",
            ],
        ),
        (
            bearer(json!({"sub": ""})),
            vec![
                "p, anonymous, /*, .*, allow (token_principal)",
                "-authorization",
            ],
        ),
        (
            bearer(json!({"groups": 7})),
            vec![
                "p, anonymous, /*, .*, allow (token_roles)",
                "-authorization",
            ],
        ),
        (
            bearer(json!({"sub": "\n"})),
            vec![
                "p, anonymous, /*, .*, allow (token_claim_header)",
                "-authorization",
            ],
        ),
        (
            "Bearer".to_owned(),
            vec![
                "p, anonymous, /*, .*, allow (token_malformed)",
                "-authorization",
            ],
        ),
        ("Basic YTpi".to_owned(), vec!["p, anonymous, /*, .*, allow"]),
        // Several are refused in every mode.
        (
            format!("Basic YTpi,{}", bearer(json!({}))),
            vec!["token_ambiguous"],
        ),
        (
            format!("{0},{0}", bearer(json!({}))),
            vec!["token_ambiguous"],
        ),
    ] {
        let request = request("/a", &[("authorization", &header), ("x_user", "bob")]);
        let mut expected = expected;
        if expected.len() > 1 || expected[0].starts_with("p, ") {
            expected.insert(1, "-x_user");
        }
        assert_eq!(outcome(&authorizer, &request), expected, "{header}");
    }
    let expired = token(&json!({"exp": NOW - 300}));
    let request = request(
        &format!("/a?t={expired}&b"),
        &[("cookie", &format!("a=b; s={expired}"))],
    );
    assert_eq!(
        outcome(&authorizer, &request),
        [
            "p, anonymous, /*, .*, allow (token_expired)",
            "cookie=a=b",
            ":path=/a?b"
        ]
    );
    // As soon as a token is required, an invalid one is refused.
    let mut required = fields;
    required["presence"] = json!("required");
    let authorizer = self::authorizer(&required);
    assert_eq!(outcome(&authorizer, &request), ["token_expired"]);
}

fn any_header(good: String) -> impl Strategy<Value = (String, Vec<u8>)> {
    let names = proptest::sample::select(vec![
        "authorization",
        "cookie",
        "x-token",
        "x_token",
        "x-user",
        "x_user",
        "X-User",
        "x-payload",
        "x_payload",
        "x-doorward-sub",
        "x-note",
    ]);
    let pieces = proptest::sample::select(vec![
        "Bearer ", "bearer", " ", ",", ";", "; ", "=", "s=", "s", "\"", "a=b", "alice", "TOKEN",
        "TOKEX", "%",
    ]);
    let value = proptest::collection::vec(pieces, 0..6);
    (names, value).prop_map(move |(name, pieces)| {
        let value = pieces
            .concat()
            .replace("TOKEN", &good)
            .replace("TOKEX", "a.b.c");
        (name.to_owned(), value.into_bytes())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever a client sends: it is who its token says or nobody, no token
    /// gets through, and no header says who it is but what was written.
    #[test]
    fn nothing_unverified_is_forwarded_as_identity(
        query in proptest::collection::vec(proptest::sample::select(vec![
            "t=", "t", "%74=", "&", ";", "a=b", "TOKEN", "TOKEX", "%2e", "%", "=",
        ]), 0..6),
        headers in proptest::collection::vec(any_header(token(&json!({}))), 0..5),
        presence in proptest::sample::select(vec!["required", "optional", "optional_or_invalid"]),
    ) {
        let authorizer = authorizer(&json!({
            "presence": presence, "forward_payload_header": "x-payload",
            "from": [{"header": "authorization", "prefix": "Bearer "}, {"header": "x-token"}, {"cookie": "s"}, {"param": "t"}],
            "claim_to_headers": [{"claim": "sub", "header": "x-user"}],
        }));
        let good = token(&json!({}));
        let query = query.concat().replace("TOKEN", &good).replace("TOKEX", "a.b.c");
        let mut all = request(&format!("/a?{query}"), &[]);
        all.extend(headers);
        let Step::Permit(permitted) = ask(&authorizer, &all) else { return Ok(()) };
        let is_alice = permitted.record().rule.as_deref() == Some(ALICE);
        let upstream = edited(all, permitted.edits());
        for (name, value) in &upstream {
            let folded = name.to_ascii_lowercase().replace('_', "-");
            if folded == "x-user" {
                prop_assert!(is_alice && name == "x-user" && value == b"alice");
            }
            if folded == "x-payload" {
                prop_assert!(is_alice && Some(value.as_slice()) == good.split('.').nth(1).map(str::as_bytes));
            }
            prop_assert!(folded != "x-token" && folded != "x-doorward-sub");
        }
        // A second look finds neither a token nor anything to change.
        let optional = self::authorizer(&json!({
            "presence": "optional",
            "from": [{"header": "authorization", "prefix": "Bearer "}, {"header": "x-token"}, {"cookie": "s"}, {"param": "t"}],
        }));
        prop_assert_eq!(outcome(&optional, &upstream), ["p, anonymous, /*, .*, allow"]);
    }
}
