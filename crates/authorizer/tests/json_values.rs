//! Values of a request that hold JSON, where the bundle accepts it.

use doorward_authorizer::{Authorizer, Step};
use doorward_bundle::Bundle;
use doorward_request::{Facts, HeaderSnapshot, ReadError};
use doorward_token::SoftwareVerifier;
use serde_json::json;

const MODEL: &str = "[request_definition]\nr = sub, team, obj\n\
    [policy_definition]\np = rule, obj\n\
    [policy_effect]\ne = some(where (p.eft == allow))\n\
    [matchers]\nm = r.obj == p.obj && eval(p.rule)\n";

struct NoHost;

impl Facts for NoHost {
    fn property(&self, _path: &[&str]) -> Result<Option<Vec<u8>>, ReadError> {
        Err(ReadError)
    }
}

fn authorizer(accept_json_request: bool) -> Authorizer {
    let manifest = json!({
        "name": "json", "revision": "1", "model": MODEL,
        "policy": "p, r.sub.Age > 18, /age\np, 'red' in r.team, /team\np, r.sub == '{', /text\n",
        "request": {
            "sub": "request.headers['x-user']",
            "team": "request.headers['x-team'] ?? '[]'",
            "obj": "request.url_path",
        },
        "accept_json_request": accept_json_request,
    });
    let manifest = serde_json::from_value(manifest).unwrap();
    Authorizer::new(Bundle::load(&manifest).unwrap())
}

fn reason(authorizer: &Authorizer, path: &str, user: &[u8], team: Option<&str>) -> String {
    let team = team.map(|team| ("x-team", team.as_bytes()));
    let headers = [
        (":method", b"GET".as_slice()),
        (":path", path.as_bytes()),
        ("x-user", user),
    ];
    let snapshot = HeaderSnapshot::from_headers(headers.into_iter().chain(team));
    let step = authorizer.begin(snapshot, &NoHost, 0, &SoftwareVerifier);
    let reason = step.record().unwrap().reason.clone();
    assert_eq!(matches!(step, Step::Permit(_)), reason == "allow_rule");
    reason
}

#[test]
fn text_that_starts_as_json_is_read() {
    let authorizer = authorizer(true);
    for (path, user, team, expected) in [
        ("/age", r#"{"Age": 19}"#, None, "allow_rule"),
        ("/age", r#"{"Age": 18}"#, None, "no_rule"),
        (
            "/age",
            r#"{"Name": "bob"}"#,
            None,
            "evaluation_error: the matcher takes a field that the object does not have",
        ),
        (
            "/age",
            "bob",
            None,
            "evaluation_error: the matcher takes a field of a value that is not an object",
        ),
        (
            "/age",
            " {\"Age\": 19}",
            None,
            "evaluation_error: the matcher takes a field of a value that is not an object",
        ),
        ("/team", "bob", Some(r#"["blue", "red"]"#), "allow_rule"),
        ("/team", "bob", Some("[]"), "no_rule"),
        ("/team", "bob", None, "no_rule"),
    ] {
        let found = reason(&authorizer, path, user.as_bytes(), team);
        assert_eq!(found, expected, "{path} {user}");
    }
}

#[test]
fn what_cannot_be_read_denies() {
    let authorizer = authorizer(true);
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let long = |bytes: usize| format!("[\"{}\"]", "a".repeat(bytes.saturating_sub(4)));
    for (user, expected) in [
        ("{".to_owned(), "request.sub is not valid JSON"),
        ("{ann}".to_owned(), "request.sub is not valid JSON"),
        ("[1] x".to_owned(), "request.sub is not valid JSON"),
        ("[1e999]".to_owned(), "request.sub is not valid JSON"),
        (
            r#"{"Age": 19, "Age": 1}"#.to_owned(),
            "request.sub has a member twice",
        ),
        (deep(33), "request.sub is nested deeper than 32 levels"),
        (deep(8_000), "request.sub is nested deeper than 32 levels"),
        (long(16_385), "request.sub is JSON of more than 16384 bytes"),
    ] {
        let found = reason(&authorizer, "/text", user.as_bytes(), None);
        assert_eq!(found, format!("attribute_invalid: {expected}"), "{user}");
    }
    for user in [deep(32), long(16_384)] {
        assert_eq!(
            reason(&authorizer, "/text", user.as_bytes(), None),
            "no_rule"
        );
    }
    let bytes = reason(&authorizer, "/text", b"{\xff}", None);
    assert_eq!(bytes, "attribute_invalid: request.headers['x-user']");
}

#[test]
fn unless_the_bundle_says_so_it_is_text() {
    let authorizer = authorizer(false);
    for (path, user, expected) in [
        ("/text", "{", "allow_rule"),
        (
            "/age",
            r#"{"Age": 19}"#,
            "evaluation_error: the matcher takes a field of a value that is not an object",
        ),
    ] {
        let found = reason(&authorizer, path, user.as_bytes(), None);
        assert_eq!(found, expected, "{path} {user}");
    }
}
