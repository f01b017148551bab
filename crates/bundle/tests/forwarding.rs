//! Where tokens are looked for and what goes to the upstream: what a bundle is
//! refused for, and which headers a request may not bring.

use doorward_bundle::{Bundle, Configuration, ConfigurationError};
use serde_json::{Value, json};

const MODEL: &str = "[request_definition]\nr = sub\n[policy_definition]\np = sub\n\
    [policy_effect]\ne = some(where (p.eft == allow))\n[matchers]\nm = r.sub == p.sub\n";

fn entry(issuer: &str, fields: &Value) -> Value {
    let keys: Value = serde_json::from_str(include_str!("../../../tests/keys/jwks.json")).unwrap();
    let mut entry = json!({
        "issuer": issuer, "audiences": ["orders"], "jwks": keys,
        "principal": format!("{issuer}:{{sub}}"),
    });
    for (name, value) in fields.as_object().unwrap() {
        entry[name] = value.clone();
    }
    entry
}

fn load(entries: &[Value]) -> Result<Bundle, ConfigurationError> {
    let bundle = json!({
        "name": "orders", "revision": "7", "tokens": entries,
        "request": {"sub": "jwt.principal ?? ''"}, "model": MODEL, "policy": "p, alice\n",
    });
    let text = json!({ "bundle": bundle }).to_string();
    Configuration::parse(text.as_bytes(), true)?.load()
}

fn outcome(entries: &[Value]) -> String {
    match load(entries) {
        Ok(_) => "accepted".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn each_place_is_one_that_tokens_can_stand_in() {
    for (from, expected) in [
        (
            json!([{"header": "X-Token"}, {"cookie": "s"}, {"param": "t"}]),
            "accepted",
        ),
        (
            json!([{"header": "proxy-authorization", "prefix": "Bearer "}]),
            "accepted",
        ),
        (json!([{"cookie": "s"}, {"cookie": "S"}]), "accepted"),
        (
            json!([{}]),
            "tokens[0].from[0]: has to name one of header, cookie and param",
        ),
        (
            json!([{"header": "a", "cookie": "a"}]),
            "tokens[0].from[0]: has to name one of header, cookie and param",
        ),
        (
            json!([{"cookie": "a", "prefix": "b"}]),
            "tokens[0].from[0].prefix: stands before tokens in a header",
        ),
        (
            json!([{"header": "Cookie"}]),
            "tokens[0].from[0].header: holds many values: write {cookie: NAME}",
        ),
        (
            json!([{"header": "Host"}]),
            "tokens[0].from[0].header: \"host\" cannot hold tokens",
        ),
        (
            json!([{"header": "x-forwarded-for"}]),
            "tokens[0].from[0].header: \"x-forwarded-for\" cannot hold tokens",
        ),
        (
            json!([{"header": ":path"}]),
            "tokens[0].from[0].header: \":path\" is no header name",
        ),
        (
            json!([{"header": ""}]),
            "tokens[0].from[0].header: \"\" is no header name",
        ),
        (
            json!([{"cookie": "a b"}]),
            "tokens[0].from[0].cookie: \"a b\" is no cookie name",
        ),
        (
            json!([{"cookie": ""}]),
            "tokens[0].from[0].cookie: \"\" is no cookie name",
        ),
        (
            json!([{"cookie": "a"}, {"cookie": "a"}]),
            "tokens[0].from[1].cookie: is there twice",
        ),
        (
            json!([{"param": "a&b"}]),
            "tokens[0].from[0].param: \"a&b\" is no name",
        ),
        (
            json!([{"param": "%61"}]),
            "tokens[0].from[0].param: \"%61\" is no name",
        ),
        (
            json!([{"param": "a"}, {"param": "a"}]),
            "tokens[0].from[1].param: is there twice",
        ),
        (
            json!([{"query": "a"}]),
            "tokens[0].from[0]: has \"query\": write header (and prefix), cookie or param",
        ),
    ] {
        let message = outcome(&[entry("a", &json!({ "from": from }))]);
        assert!(message.contains(expected), "{from}: {message}");
    }
}

#[test]
fn claims_go_to_headers_that_are_nobody_elses() {
    let claim = |header: &str| json!({"claim_to_headers": [{"claim": "sub", "header": header}]});
    for header in [
        "x-user",
        "X-User",
        "x_user",
        "x-doorward-sub",
        "x-authorization",
    ] {
        assert_eq!(
            outcome(&[entry("a", &claim(header))]),
            "accepted",
            "{header}"
        );
    }
    for header in [
        "Authorization",
        "Connection",
        "Content-Length",
        "content_length",
        "Cookie",
        "Host",
        "Keep-Alive",
        "Proxy-Authorization",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
        "transfer_encoding",
        "X-Request-Id",
        "x-envoy-original-path",
        "x_forwarded_for",
        "x-forwarded-client-cert",
        "Forwarded",
        "Via",
        "Expect",
    ] {
        let expected = format!(
            "tokens[0].claim_to_headers[0].header: the header {header:?} cannot be written"
        );
        let message = outcome(&[entry("a", &claim(header))]);
        assert!(message.contains(&expected), "{message}");
        let payload = json!({ "forward_payload_header": header });
        let message = outcome(&[entry("a", &payload)]);
        assert!(
            message.contains("tokens[0].forward_payload_header: the header"),
            "{message}"
        );
    }
    for header in ["", ":path", ":authority", "a b", "a:b", "é", "a\r\nb"] {
        let message = outcome(&[entry("a", &claim(header))]);
        assert!(message.contains("is no header name"), "{message}");
    }
}

#[test]
fn one_header_has_one_meaning() {
    let two = |first: &str, second: &str| json!({"claim_to_headers": [{"claim": "sub", "header": first}, {"claim": "dept", "header": second}]});
    for (entries, expected) in [
        (vec![entry("a", &two("x-a", "x-b"))], "accepted"),
        // Only one of the two speaks in one request.
        (
            vec![
                entry("a", &two("x-a", "x-b")),
                entry("b", &two("x-a", "x-b")),
            ],
            "accepted",
        ),
        (
            vec![entry("a", &two("x-a", "X-A"))],
            "tokens[0].claim_to_headers[1].header: is written twice",
        ),
        (
            vec![entry("a", &two("x-a-b", "x_a-b"))],
            "tokens[0].claim_to_headers[1].header: is written twice",
        ),
        (
            vec![entry(
                "a",
                &json!({"forward_payload_header": "x-a", "claim_to_headers": [{"claim": "sub", "header": "x-a"}]}),
            )],
            "tokens[0].claim_to_headers[0].header: is written twice",
        ),
        (
            vec![
                entry("a", &json!({"from": [{"cookie": "s"}, {"header": "x-a"}]})),
                entry("b", &two("x_a", "x-b")),
            ],
            "tokens[0].from[1].header: \"x-a\" is also written",
        ),
        (
            vec![entry(
                "a",
                &json!({"claim_to_headers": [{"claim": "", "header": "x"}]}),
            )],
            "tokens[0].claim_to_headers[0].claim: the name of the claim is empty",
        ),
        (
            vec![entry("a", &json!({"claim_to_headers": [{"claim": "sub"}]}))],
            "tokens[0].claim_to_headers[0]: has to have claim and header, and nothing else",
        ),
        (
            vec![entry("a", &json!({"pad_forward_payload_header": true}))],
            "tokens[0].pad_forward_payload_header: says how forward_payload_header is written",
        ),
        (
            vec![entry("a", &json!({"forward": "yes"}))],
            "invalid type: string \"yes\", expected a boolean",
        ),
    ] {
        let message = outcome(&entries);
        assert!(message.contains(expected), "{expected}: {message}");
    }
}

#[test]
fn a_request_brings_no_identity_of_its_own() {
    let bundle = load(&[
        entry(
            "a",
            &json!({"claim_to_headers": [{"claim": "sub", "header": "X-User"}]}),
        ),
        entry(
            "b",
            &json!({"forward_payload_header": "x-payload", "from": [{"header": "x-token"}]}),
        ),
    ])
    .unwrap();
    let headers = bundle.identity_headers();
    for (name, forged, forged_trailer) in [
        ("x-user", true, true),
        ("X_USER", true, true),
        ("x_payload", true, true),
        ("x-doorward-x", true, true),
        ("X_Doorward_", true, true),
        ("x-doorward", false, false),
        ("x-users", false, false),
        ("x-token", false, true),
        ("X-Token", false, true),
        ("x_token", true, true),
        ("authorization", false, true),
        ("cookie", false, true),
        ("user", false, false),
        ("", false, false),
    ] {
        assert_eq!(headers.is_forged(name.as_bytes()), forged, "{name}");
        assert_eq!(
            headers.is_forged_trailer(name.as_bytes()),
            forged_trailer,
            "{name}"
        );
    }
}
