//! What a bundle is refused for: one change to a good bundle, and the text
//! that its author gets.

use doorward_bundle::{Bundle, Configuration, ConfigurationError};
use serde_json::{Value, json};

const MODEL: &str = "[request_definition]\nr = sub, obj, act\n\
    [policy_definition]\np = sub, obj, act\n\
    [role_definition]\ng = _, _\n\
    [policy_effect]\ne = some(where (p.eft == allow))\n\
    [matchers]\nm = g(r.sub, p.sub) && keyMatch(r.obj, p.obj) && r.act == p.act\n";

fn good() -> Value {
    let keys: Value = serde_json::from_str(include_str!("../../../tests/keys/jwks.json")).unwrap();
    json!({
        "name": "orders",
        "revision": "7",
        "tokens": [{
            "issuer": "https://issuer.example",
            "audiences": ["orders"],
            "jwks": keys,
            "principal": "user:{sub}",
            "roles": {"g": [{"claim": "scope", "prefix": "scope:"}]},
        }],
        "request": {"sub": "jwt.principal ?? 'anonymous'", "obj": "request.url_path", "act": "request.method"},
        "model": MODEL,
        "policy": "p, alice, /a, GET\n",
    })
}

fn load(bundle: &Value) -> Result<Bundle, ConfigurationError> {
    let text = json!({ "bundle": bundle }).to_string();
    Configuration::parse(text.as_bytes(), true)?.load()
}

/// The refusal after the member at `pointer` was set to `value`.
fn refusal(pointer: &str, value: Value) -> String {
    let mut bundle = good();
    match bundle.pointer_mut(pointer) {
        Some(member) => *member = value,
        None => {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            bundle.pointer_mut(parent).unwrap()[name] = value;
        }
    }
    match load(&bundle) {
        Ok(_) => "accepted".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn the_good_bundle_loads() {
    let bundle = load(&good()).unwrap();
    assert_eq!((bundle.name(), bundle.revision()), ("orders", "7"));
    assert!(bundle.requires_token());
    assert!(bundle.is_reserved("scope:x"));
    assert!(!bundle.is_reserved("user:scope:x"));
}

#[test]
fn each_field_is_checked() {
    for (pointer, value, expected) in [
        (
            "/name",
            json!("Or ders"),
            "doorward.yaml: name: \"Or ders\" is not 1 to 64 lower-case letters",
        ),
        (
            "/revision",
            json!(""),
            "doorward.yaml: revision: \"\" is not 1 to 64 printable",
        ),
        (
            "/revision",
            json!(7),
            "invalid type: integer `7`, expected a string",
        ),
        (
            "/tokenz",
            json!([]),
            "unknown field `tokenz`, expected one of",
        ),
        (
            "/tokens/0/audiences",
            json!([]),
            "doorward.yaml: tokens[0].audiences: is empty",
        ),
        (
            "/tokens/0/issuer",
            json!(""),
            "issuer \"\": issuer is empty",
        ),
        (
            "/tokens/0/presence",
            json!("maybe"),
            "unknown variant `maybe`, expected `required` or `optional`",
        ),
        (
            "/tokens/0/principal",
            json!("user"),
            "doorward.yaml: tokens[0].principal: \"user\" names no claim",
        ),
        (
            "/tokens/0/clock_skew_seconds",
            json!(0.5),
            "tokens[0].clock_skew_seconds: is not a whole number",
        ),
        ("/tokens/0/clock_skew_seconds", json!(60.0), "accepted"),
        (
            "/tokens/0/clock_skew_seconds",
            json!(86_400),
            "the clock skew is 86400 s, at most 600 s",
        ),
        (
            "/tokens/0/from",
            json!([]),
            "doorward.yaml: tokens[0].from: is empty",
        ),
        (
            "/tokens/0/from",
            json!([{"header": ":path"}]),
            "tokens[0].from[0].header: \":path\" is no header name",
        ),
        (
            "/tokens/0/from",
            json!([{"header": "a"}, {"header": "A"}]),
            "tokens[0].from[1].header: is there twice",
        ),
        (
            "/tokens/0/roles/g/0/prefix",
            json!(""),
            "tokens[0].roles.g[0]: the prefix is empty",
        ),
        (
            "/tokens/0/roles",
            json!({"g2": [{"claim": "scope", "prefix": "s:"}]}),
            "doorward.yaml: tokens[].roles: the model has no role definition g2",
        ),
        (
            "/tokens/0/jwks",
            json!({"file": "jwks.json"}),
            "tokens[0].jwks: names the file \"jwks.json\", which only a bundle's folder can hold",
        ),
        (
            "/tokens/0/jwks",
            json!({}),
            "tokens[0].jwks: has neither keys nor a file nor a cluster to fetch them from",
        ),
        (
            "/tokens/0/jwks",
            json!({"keys": []}),
            "jwks of issuer \"https://issuer.example\": ",
        ),
        (
            "/tokens/0/jwks",
            json!({"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}),
            "jwks of issuer \"https://issuer.example\": ",
        ),
        (
            "/tokens/0/jwks",
            json!({"cluster": "idp"}),
            "tokens[0].jwks.uri: is missing",
        ),
        (
            "/tokens",
            json!([]),
            "doorward.yaml: request: reads jwt, but tokens names no issuer",
        ),
        (
            "/request/obj",
            json!("request.url_pth"),
            "doorward.yaml: request.obj: column 1: unknown attribute \"request.url_pth\": the nearest known name is \"request.url_path\"",
        ),
        (
            "/request",
            json!({"sub": "'a'", "obj": "'b'"}),
            "doorward.yaml: request has no entry for \"act\"",
        ),
        (
            "/request/dom",
            json!("'a'"),
            "doorward.yaml: request.dom is not in the model's request definition (sub, obj, act)",
        ),
        ("/model", json!(null), "doorward.yaml: model: is missing"),
        (
            "/model",
            json!(MODEL.replace("r.act == p.act", "r.act == ")),
            "model.conf: line 10, column ",
        ),
        ("/policy", json!("p, alice, /a\n"), "policy.csv: line 1: "),
        (
            "/policy",
            json!("p, alice, /a, GET\n\np, bob\n"),
            "policy.csv: line 3: ",
        ),
        (
            "/policy",
            json!("# nothing\n"),
            "policy.csv: the model reads p, but there is no p row",
        ),
        (
            "/policy",
            json!("g, alice, admin\n"),
            "policy.csv: the model reads p, but there is no p row",
        ),
    ] {
        let message = refusal(pointer, value.clone());
        assert!(message.contains(expected), "{pointer} = {value}: {message}");
    }
}

#[test]
fn no_issuer_speaks_for_another() {
    let with = |principal: Value, prefix: &str, issuer: &str| {
        let mut bundle = good();
        let mut second = bundle["tokens"][0].clone();
        second["issuer"] = json!(issuer);
        second["principal"] = principal;
        second["roles"]["g"][0]["prefix"] = json!(prefix);
        bundle["tokens"].as_array_mut().unwrap().push(second);
        load(&bundle).map_or_else(|error| error.to_string(), |_| "accepted".to_owned())
    };
    let other = "https://partner.example";
    assert_eq!(
        with(json!("partner:{sub}"), "partner-scope:", other),
        "accepted"
    );
    for (principal, prefix, issuer, expected) in [
        (
            json!("partner:{sub}"),
            "x:",
            "https://issuer.example",
            "tokens[1].issuer: is also the issuer of tokens[0]",
        ),
        (
            json!(null),
            "x:",
            other,
            "tokens[1].principal: is needed where there are several issuers",
        ),
        (
            json!("{sub}"),
            "x:",
            other,
            "tokens[1].principal: starts with \"\", and that of tokens[0] with \"user:\"",
        ),
        (
            json!("user:p:{sub}"),
            "x:",
            other,
            "neither may be the start of the other",
        ),
        (
            json!("partner:{sub}"),
            "scope:admin",
            other,
            "the prefix \"scope:admin\" overlaps with \"scope:\" of tokens[0]",
        ),
        (
            json!("partner:{sub}"),
            "s",
            other,
            "the prefix \"s\" overlaps with \"scope:\" of tokens[0]",
        ),
    ] {
        let message = with(principal, prefix, issuer);
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn the_configuration_around_the_bundle_is_checked() {
    let parse = |bytes: &[u8], unsigned: bool| {
        Configuration::parse(bytes, unsigned)
            .and_then(|configuration| configuration.load())
            .map_or_else(|error| error.to_string(), |_| "accepted".to_owned())
    };
    let text = json!({ "bundle": good() }).to_string();
    assert_eq!(parse(text.as_bytes(), true), "accepted");
    assert_eq!(
        parse(text.as_bytes(), false),
        "this bundle is unsigned: the module accepts it only where the VM's environment says DOORWARD_UNSIGNED=allow"
    );
    for (bytes, expected) in [
        (b"".as_slice(), "the plugin configuration is empty"),
        (
            b"\xff{}",
            "the plugin configuration is not UTF-8 from byte 0 on",
        ),
        (
            b"{\n \"bundle\": {\n  \"name\": }",
            "does not parse: expected value at line 3 column 11",
        ),
        (b"{}", "missing field `bundle`"),
        (b"[]", "invalid length 0"),
        (b"{\"bundle\": {}, \"x\": 1}", "unknown field `x`"),
        (
            b"{\"bundle\": \"eyJ.e.s\"}",
            "bundle is a text, as signed bundles are",
        ),
        (b"{\"bundle\": {}}", "missing field `name`"),
        (
            b"{\"bundle\": {\"name\": \"a\", \"name\": \"b\"}}",
            "member \"name\" stands there twice",
        ),
        (
            b"{\"bundle\": {\"x\": [{\"k\": 1, \"k\": 2}]}}",
            "member \"k\" stands there twice",
        ),
    ] {
        let message = parse(bytes, true);
        assert!(message.contains(expected), "{message}");
    }
    let deep = format!(
        "{{\"bundle\": {}{}}}",
        "[".repeat(200_000),
        "]".repeat(200_000)
    );
    assert!(parse(deep.as_bytes(), true).contains("recursion limit exceeded"));
}
