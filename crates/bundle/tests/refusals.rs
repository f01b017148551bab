//! What a bundle is refused for: one change to a good bundle, and the text
//! that its author gets.

use doorward_bundle::{Bundle, Configuration, ConfigurationError, Secrets};
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
            "unknown variant `maybe`, expected one of `required`, `optional`, `optional_or_invalid`",
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
fn how_strictly_tokens_are_judged() {
    for (field, value, expected) in [
        ("algorithms", json!(["RS256", "ES512", "EdDSA"]), "accepted"),
        (
            "algorithms",
            json!([]),
            "doorward.yaml: tokens: issuer \"https://issuer.example\": algorithms is empty",
        ),
        (
            "algorithms",
            json!(["RS256", "none"]),
            "doorward.yaml: tokens[0].algorithms[1]: \"none\" is not supported: use RS256, RS384, \
             RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, HS256, HS384, HS512",
        ),
        (
            "algorithms",
            json!(["RS256", "RS256"]),
            "algorithms[1] is there twice",
        ),
        (
            "algorithms",
            json!(["ES512"]),
            "no key fits the algorithms that are allowed (ES512)",
        ),
        (
            "algorithms",
            json!(["RS256", "HS256"]),
            "doorward.yaml: tokens[0].algorithms: HS256 needs hmac_secret: {env: NAME}, the \
             variable with the secret",
        ),
        ("allow_weak_rsa_keys", json!(["orders-rs256"]), "accepted"),
        (
            "allow_weak_rsa_keys",
            json!(["orders-rs256", "old"]),
            "doorward.yaml: tokens[0].allow_weak_rsa_keys[1]: \"old\" is the kid of no key: take it \
             out",
        ),
        ("subjects", json!({"prefix": "spiffe://a/"}), "accepted"),
        (
            "subjects",
            json!({"prefix": ""}),
            "doorward.yaml: tokens[0].subjects: prefix is empty",
        ),
        (
            "subjects",
            json!({"prefix": "a", "suffix": "b"}),
            "tokens[0].subjects: has several forms: write one of exact, prefix, suffix and contains",
        ),
        (
            "subjects",
            json!({"regex": "a"}),
            "tokens[0].subjects: has the form \"regex\": write one of exact, prefix, suffix and \
             contains",
        ),
        ("typ", json!("at+jwt"), "accepted"),
        ("typ", json!(""), "the token type is empty"),
        ("require_expiration", json!(false), "accepted"),
        ("max_lifetime", json!("24h"), "accepted"),
        (
            "max_lifetime",
            json!("0s"),
            "the maximum lifetime is 0 s, which no token meets",
        ),
        (
            "max_lifetime",
            json!("1500ms"),
            "doorward.yaml: tokens[0].max_lifetime: \"1500ms\" is not in whole seconds",
        ),
        (
            "max_lifetime",
            json!("soon"),
            "doorward.yaml: tokens[0].max_lifetime: \"soon\" is no duration",
        ),
        (
            "max_lifetime",
            json!("999999d"),
            "tokens[0].max_lifetime: \"999999d\" is too long: give at most 4294967295s",
        ),
        ("max_token_bytes", json!(8192.0), "accepted"),
        (
            "max_token_bytes",
            json!(-1),
            "doorward.yaml: tokens[0].max_token_bytes: -1 is not a whole number of bytes",
        ),
        (
            "max_token_bytes",
            json!(65_537),
            "the token size bound is 65537 bytes: give 1 to 65536",
        ),
        (
            "hmac_secret",
            json!({"env": "S"}),
            "doorward.yaml: tokens[0].hmac_secret: is there beside jwks: keep one",
        ),
    ] {
        let found = refusal(&format!("/tokens/0/{field}"), value.clone());
        assert!(found.contains(expected), "{field} {value}: {found}");
    }
}

#[test]
fn key_sets_hold_neither_secrets_nor_weak_keys() {
    let weak: Value =
        serde_json::from_str(include_str!("../../token/tests/data/unusable.json")).unwrap();
    let mut key = weak["rsa-1024"].clone();
    key["kid"] = json!("old");
    let oct = json!({"kty": "oct", "k": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"});
    for (key, expected) in [
        (
            oct,
            "jwks of issuer \"https://issuer.example\": keys[0]: a symmetric key has no place in a \
             key set: give the secret in the environment",
        ),
        (
            key.clone(),
            "keys[0] (kid \"old\"): the RSA modulus has 1024 bits, at least 2048 are required",
        ),
    ] {
        let found = refusal("/tokens/0/jwks", json!({ "keys": [key] }));
        assert!(found.contains(expected), "{found}");
    }
    let mut bundle = good();
    bundle["tokens"][0]["jwks"] = json!({ "keys": [key] });
    bundle["tokens"][0]["allow_weak_rsa_keys"] = json!(["old"]);
    assert!(load(&bundle).is_ok());
}

/// The secret comes from the environment and is for one algorithm.
#[test]
fn hmac_secrets() {
    let secret = "0123456789abcdef0123456789abcdef";
    let encoded = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY";
    for (algorithms, fields, value, expected) in [
        (
            json!(["HS256"]),
            json!({"env": "S"}),
            Some(secret),
            "accepted",
        ),
        (
            json!(["HS256"]),
            json!({"env": "S", "encoding": "text"}),
            Some(secret),
            "accepted",
        ),
        (
            json!(["HS256"]),
            json!({"env": "S", "encoding": "base64url"}),
            Some(encoded),
            "accepted",
        ),
        (
            json!(["HS256"]),
            json!({"env": "S", "encoding": "base64url"}),
            Some("0123456789abcdef+/=="),
            "doorward.yaml: tokens[0].hmac_secret: the value of \"S\" is not base64url without \
             padding",
        ),
        (
            json!(["HS256"]),
            json!({"env": "S", "encoding": "hex"}),
            Some(secret),
            "tokens[0].hmac_secret: encoding \"hex\" is neither text nor base64url",
        ),
        (
            json!(["HS256"]),
            json!({"env": "S"}),
            None,
            "tokens[0].hmac_secret: the variable \"S\" is not in the VM's environment: set it there",
        ),
        (
            json!(["HS256"]),
            json!({"env": "S"}),
            Some("0123456789abcdef0123456789abcde"),
            "tokens[0].hmac_secret: the secret has 31 bytes, HS256 needs at least 32",
        ),
        (
            json!(["HS384"]),
            json!({"env": "S"}),
            Some(secret),
            "tokens[0].hmac_secret: the secret has 32 bytes, HS384 needs at least 48",
        ),
        (
            json!(["HS256"]),
            json!({"encoding": "text"}),
            Some(secret),
            "tokens[0].hmac_secret: names no variable: write {env: NAME}",
        ),
        (
            json!(["HS256"]),
            json!({"env": "S", "value": secret}),
            Some(secret),
            "tokens[0].hmac_secret: has the field \"value\": write env and encoding",
        ),
        (
            json!(["HS256", "HS512"]),
            json!({"env": "S"}),
            Some(secret),
            "tokens[0].algorithms: must name one of HS256, HS384 and HS512 alone",
        ),
        (
            json!(["RS256", "HS256"]),
            json!({"env": "S"}),
            Some(secret),
            "tokens[0].algorithms: must name one of HS256, HS384 and HS512 alone",
        ),
        (
            Value::Null,
            json!({"env": "S"}),
            Some(secret),
            "tokens[0].algorithms: must name one of HS256, HS384 and HS512 alone",
        ),
        (
            json!(["HS256"]),
            json!({}),
            Some(secret),
            "tokens[0].algorithms: HS256 needs hmac_secret",
        ),
    ] {
        let mut bundle = good();
        let entry = bundle["tokens"][0].as_object_mut().unwrap();
        entry.remove("jwks");
        entry.insert("algorithms".to_owned(), algorithms);
        entry.insert("hmac_secret".to_owned(), fields.clone());
        let text = json!({ "bundle": bundle }).to_string();
        let configuration = Configuration::parse(text.as_bytes(), true).unwrap();
        let mut secrets = Secrets::default();
        for variable in configuration.secret_variables() {
            assert_eq!(variable, "S");
            if let Some(value) = value {
                secrets.add(variable, value.as_bytes().to_vec());
            }
        }
        let found = match configuration.load_with(&secrets) {
            Ok(_) => "accepted".to_owned(),
            Err(error) => error.to_string(),
        };
        assert!(found.contains(expected), "{fields} {value:?}: {found}");
        assert!(!format!("{found} {secrets:?}").contains("0123"), "{found}");
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
        // A role of the one as a principal of the other, and the reverse.
        (
            json!("partner:{sub}"),
            "user:vip-",
            other,
            "tokens[1].roles.g: the prefix \"user:vip-\" starts with \"user:\", as the principals of tokens[0] do: one issuer could name the other's subjects",
        ),
        (
            json!("partner:{sub}"),
            "user:",
            other,
            "tokens[1].roles.g: the prefix \"user:\" starts with \"user:\", as the principals of tokens[0] do",
        ),
        (
            json!("scope:partner:{sub}"),
            "x:",
            other,
            "tokens[1].principal: starts with the role prefix \"scope:\", which no subject may",
        ),
        (
            json!("scope{sub}"),
            "x:",
            other,
            "tokens[0].roles.g: the prefix \"scope:\" starts with \"scope\", as the principals of tokens[1] do",
        ),
    ] {
        let message = with(principal, prefix, issuer);
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn a_subject_of_several_issuers_is_told_apart() {
    let mut two = good();
    let mut second = two["tokens"][0].clone();
    second["issuer"] = json!("https://partner.example");
    second["principal"] = json!("partner:{sub}");
    second["roles"]["g"][0]["prefix"] = json!("partner-scope:");
    two["tokens"].as_array_mut().unwrap().push(second);
    for (subject, object, one_issuer, expected) in [
        ("jwt.sub", "request.url_path", true, "accepted"),
        ("jwt.principal", "jwt.sub.x", false, "accepted"),
        ("jwt.sub", "jwt.iss", false, "accepted"),
        ("jwt.sub", "jwt['iss'] ?? 'none'", false, "accepted"),
        ("jwt.sub", "request.url_path", false, "read jwt.principal"),
        (
            "jwt['sub'] ?? 'anonymous'",
            "request.url_path",
            false,
            "read jwt.principal",
        ),
        (
            "jwt.email ?? jwt.sub",
            "request.url_path",
            false,
            "read jwt.principal",
        ),
        ("jwt.principal", "jwt.sub", false, "read jwt.principal"),
        (
            "jwt.sub",
            "jwt.tenant ?? jwt.iss",
            false,
            "read jwt.principal",
        ),
    ] {
        let mut bundle = if one_issuer { good() } else { two.clone() };
        bundle["request"]["sub"] = json!(subject);
        bundle["request"]["obj"] = json!(object);
        let found = load(&bundle).map_or_else(|error| error.to_string(), |_| "accepted".into());
        assert!(found.contains(expected), "{subject} {object}: {found}");
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
