//! `doorward token verify` and `doorward jws verify`: exact output and exit
//! status.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use support::Folder;

const KEYS: &str = include_str!("../../crates/token/tests/data/jwks.json");

/// RFC 8037 appendix A.4: a key without `kid` or `alg`.
const ED25519: &str =
    r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
const SIGNED: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.\
    hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

/// RFC 7515 appendix A.1, which expires at 1300819380.
const SECRET: &str = r#"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#;
const JWT: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
    eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
    dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CLAIMS: &str = r#"{"exp":1300819380,"http://example.com/is_root":true,"iss":"joe"}"#;

fn folder(name: &str) -> Folder {
    let set = format!(r#"{{"keys":[{SECRET}]}}"#);
    let private = ED25519.replace('}', r#","d":"AA"}"#);
    Folder::new(
        name,
        &[
            ("key.json", ED25519),
            ("private.json", &private),
            ("set.json", &set),
            ("public.json", KEYS),
            ("encrypt.json", &ED25519.replace('}', r#","use":"enc"}"#)),
            ("twice.json", &ED25519.replace('}', r#","kty":"OKP"}"#)),
        ],
    )
}

fn refused(error: &str, code: &str) -> (String, i32) {
    let answer = format!("{}\n", refusal(error, code));
    (answer, 1)
}

fn refusal(error: &str, code: &str) -> String {
    format!(
        r#"{{"valid":false,"error":{},"code":"{code}"}}"#,
        json!(error)
    )
}

fn valid(answer: &str) -> (String, i32) {
    (format!("{answer}\n"), 0)
}

#[test]
fn one_jws() {
    let folder = folder("one_jws");
    let good =
        r#"{"valid":true,"algorithm":"EdDSA","kid":null,"payload":"Example of Ed25519 signing"}"#;
    let changed = SIGNED.replace(".RX", ".SX");
    let malformed = "the token is malformed: it does not have three parts joined by dots";
    for (file, token, expected) in [
        ("key.json", SIGNED, valid(good)),
        ("private.json", SIGNED, valid(good)),
        (
            "key.json",
            changed.as_str(),
            refused(
                "the token's signature is not valid",
                "token_signature_invalid",
            ),
        ),
        ("key.json", "", refused(malformed, "token_malformed")),
        ("key.json", "-x", refused(malformed, "token_malformed")),
        (
            "key.json",
            "{\"payload\":\"\"}",
            refused(malformed, "token_malformed"),
        ),
        (
            "encrypt.json",
            SIGNED,
            refused(
                "encrypt.json: the key cannot verify a signature: its use is \"enc\", not \"sig\"",
                "keys_unusable",
            ),
        ),
        (
            "twice.json",
            SIGNED,
            refused(
                "twice.json: the key is not JSON: member \"kty\" stands there twice at line 1 \
                 column 84",
                "keys_unusable",
            ),
        ),
        (
            "set.json",
            SIGNED,
            refused("set.json: member \"kty\" is missing", "keys_unusable"),
        ),
        (
            "none.json",
            SIGNED,
            refused(
                "none.json: No such file or directory (os error 2)",
                "keys_unreadable",
            ),
        ),
    ] {
        let answer = folder.run(&["jws", "verify", "--jwk", file, token]);
        assert_eq!(answer, expected, "{file} {token}");
    }
}

#[test]
fn one_token() {
    let folder = folder("one_token");
    let run = |more: &[&str]| {
        let args = [&["token", "verify", "--jwks", "set.json"], more, &[JWT]].concat();
        folder.run(&args)
    };
    let good = valid(&format!(
        r#"{{"valid":true,"algorithm":"HS256","kid":null,"claims":{CLAIMS}}}"#
    ));
    let before = ["--now", "1300819379"];
    let expired = refused("the token has expired", "token_expired");
    assert_eq!(run(&before), good);
    assert_eq!(run(&["--now", "1300819380"]), expired);
    assert_eq!(run(&[]), expired);
    assert_eq!(run(&["--now", "1300819439", "--clock-skew", "60"]), good);
    assert_eq!(run(&["--now", "1300819440", "--clock-skew", "60"]), expired);
    assert_eq!(run(&["--now", "-1", "--issuer", "joe"]), good);
    assert_eq!(
        run(&[&before[..], &["--issuer", "jo"]].concat()),
        refused("the token's issuer is not known", "token_issuer_unknown")
    );
    assert_eq!(
        run(&[&before[..], &["--audience", "a", "--audience", "b"]].concat()),
        refused("the token has no claim aud", "token_claim_missing")
    );
    let other = ["token", "verify", "--jwks", "public.json", JWT];
    assert_eq!(
        folder.run(&other),
        refused(
            "the token's algorithm does not fit the key",
            "token_key_mismatch"
        )
    );
}

#[test]
fn wrong_usage() {
    let folder = folder("wrong_usage");
    for args in [
        &["token"][..],
        &["token", "verify"],
        &["token", "verify", JWT],
        &["token", "verify", "--jwks", "set.json"],
        &[
            "token", "verify", "--jwks", "set.json", "--now", "noon", JWT,
        ],
        &[
            "token",
            "verify",
            "--jwks",
            "set.json",
            "--clock-skew",
            "601",
            JWT,
        ],
        &[
            "token",
            "verify",
            "--jwks",
            "set.json",
            "--requests",
            "-",
            JWT,
        ],
        &["jws"],
        &["jws", "verify", SIGNED],
        &["jws", "verify", "--jwk", "key.json"],
        &["jws", "verify", "--jwk", "key.json", SIGNED, SIGNED],
    ] {
        assert_eq!(folder.run(args), (String::new(), 2), "{args:?}");
    }
}

#[test]
fn many_tokens_in_order() {
    let folder = folder("many_tokens");
    let key: Value = serde_json::from_str(SECRET).unwrap();
    let set = json!({ "keys": [key] });
    let good = format!(r#"{{"valid":true,"algorithm":"HS256","kid":null,"claims":{CLAIMS}}}"#);
    let now = 1_300_819_000;
    let cases = [
        (
            json!({ "jwk": key, "token": JWT, "now": now }).to_string(),
            good.clone(),
        ),
        (
            json!({ "jwks": set, "token": JWT, "now": now }).to_string(),
            good.clone(),
        ),
        (
            json!({ "token": JWT }).to_string(),
            refusal("the token has expired", "token_expired"),
        ),
        (
            json!({ "token": JWT, "now": now, "issuer": "joe" }).to_string(),
            good.clone(),
        ),
        (
            json!({ "token": JWT, "now": now, "issuer": "x" }).to_string(),
            refusal("the token's issuer is not known", "token_issuer_unknown"),
        ),
        (
            json!({ "token": JWT, "now": now, "audience": ["a", "b"] }).to_string(),
            refusal("the token has no claim aud", "token_claim_missing"),
        ),
        (
            json!({ "token": JWT, "now": now, "audience": [] }).to_string(),
            refusal(
                "audience is empty: name one, or leave it out",
                "request_malformed",
            ),
        ),
        (
            json!({ "jwk": key, "jwks": set, "token": JWT }).to_string(),
            refusal("has both jwk and jwks: leave one out", "request_malformed"),
        ),
        (
            json!({ "jwk": { "kty": "EC", "crv": "secp256k1", "alg": "ES256K" }, "token": JWT })
                .to_string(),
            refusal(
                "the key cannot verify a signature: algorithm \"ES256K\" is not supported",
                "keys_unusable",
            ),
        ),
        (
            json!({ "jwk": { "kty": "OKP", "crv": "X25519" }, "token": JWT }).to_string(),
            refusal(
                "the key cannot verify a signature: curve \"X25519\" is not supported",
                "keys_unusable",
            ),
        ),
        (
            r#"{"token":"a","token":"b"}"#.to_owned(),
            refusal(
                "not JSON: member \"token\" stands there twice at line 1 column 20",
                "request_malformed",
            ),
        ),
        (
            String::new(),
            refusal(
                "not JSON: EOF while parsing a value at line 1 column 0",
                "request_malformed",
            ),
        ),
        (json!({ "token": JWT, "now": now }).to_string(), good),
    ];
    let lines: Vec<&str> = cases.iter().map(|(line, _)| line.as_str()).collect();
    let answers: Vec<&str> = cases.iter().map(|(_, answer)| answer.as_str()).collect();
    let args = ["token", "verify", "--jwks", "set.json", "--requests", "-"];
    let (output, status) = folder.ask(&args, format!("{}\n", lines.join("\n")).as_bytes());
    assert_eq!(output.lines().collect::<Vec<_>>(), answers);
    assert_eq!(status, 1);
    let (output, status) = folder.ask(&args, format!("{}\n", lines[0]).as_bytes());
    assert_eq!((output.trim_end(), status), (answers[0], 0));
}

/// A collection of tests adds members of its own to its lines, and its sets
/// have keys that nobody can use.
#[test]
fn what_a_collection_of_tests_may_have() {
    let folder = folder("collection");
    let key: Value = serde_json::from_str(SECRET).unwrap();
    let b64 = |signature: &str, value: &str| {
        format!("eyJhbGciOiJIUzI1NiIsImI2NCI6{value}.e30.{signature}")
    };
    let encoded = b64("x9214hygVXPU8-7wFjQ2ae_Diquk074NOdr6tm-fPc4", "dHJ1ZX0");
    let unencoded = b64("TH9oEXy6-dvqBBKwOY6JQz1LATROBGlMVzIzDP4u0tk", "ZmFsc2V9");
    let odd = b64("mSv250YaQkOv-0ynNr8nvbOE0eMGAazKEsIXSoIvOCI", "MX0");
    let strange = [
        json!({ "kty": "RSA", "kid": "weak", "n": "AQAB", "e": "AQAB" }),
        json!({ "kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA" }),
        json!({ "kty": "OKP", "crv": "Ed25519" }),
        json!({ "kty": "oct", "k": "AA" }),
        json!({ "x": 1 }),
        json!(7),
    ];
    let public: Value = serde_json::from_str(ED25519).unwrap();
    let mixed: Vec<_> = strange.iter().chain([&public, &key]).collect();
    let ask = |command: &str, line: Value| {
        let args = [command, "verify", "--requests", "-"];
        let (answer, status) = folder.ask(&args, format!("{line}\n").as_bytes());
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(status, i32::from(answer["valid"] != true), "{answer}");
        answer["code"].as_str().unwrap_or("valid").to_owned()
    };
    let now = 1_300_819_000;
    for (command, line, expected) in [
        (
            "token",
            json!({ "tcId": 7, "comment": "x", "jwk": key, "token": JWT, "now": now }),
            "valid",
        ),
        (
            "jws",
            json!({ "tcId": 7, "comment": "x", "jwk": key, "token": JWT }),
            "valid",
        ),
        (
            "token",
            json!({ "jwks": { "keys": mixed, "id": 1 }, "token": JWT, "now": now }),
            "valid",
        ),
        (
            "jws",
            json!({ "jwks": { "keys": mixed }, "token": JWT }),
            "valid",
        ),
        (
            "jws",
            json!({ "jwks": { "keys": strange }, "token": JWT }),
            "keys_unusable",
        ),
        (
            "jws",
            json!({ "jwk": strange[0], "token": JWT }),
            "keys_unusable",
        ),
        (
            "jws",
            json!({ "jwk": strange[2], "token": JWT }),
            "keys_unusable",
        ),
        // RFC 7797: true is what it is without the parameter.
        ("jws", json!({ "jwk": key, "token": encoded }), "valid"),
        (
            "jws",
            json!({ "jwk": key, "token": unencoded }),
            "token_unencoded_payload",
        ),
        (
            "jws",
            json!({ "jwk": key, "token": odd }),
            "token_unencoded_payload",
        ),
        (
            "token",
            json!({ "jwk": key, "token": encoded }),
            "token_unencoded_payload",
        ),
    ] {
        assert_eq!(ask(command, line.clone()), expected, "{command} {line}");
    }
}

/// A key judges alike, alone and in a set.
#[test]
fn one_key_is_a_set_of_one() {
    let folder = folder("set_of_one");
    let key: Value = serde_json::from_str(ED25519).unwrap();
    let named = |kid: &str| {
        let mut named = key.clone();
        named["kid"] = json!(kid);
        named
    };
    // The header {"alg":"EdDSA","kid":"a"}, and a signature of something else.
    let other = SIGNED.replace("eyJhbGciOiJFZERTQSJ9", "eyJhbGciOiJFZERTQSIsImtpZCI6ImEifQ");
    for (key, token, expected) in [
        (key.clone(), SIGNED, "valid"),
        (named("a"), SIGNED, "valid"),
        (key.clone(), &other, "token_key_unknown"),
        (named("a"), &other, "token_signature_invalid"),
        (named("b"), &other, "token_key_unknown"),
    ] {
        for line in [
            json!({ "jwk": key, "token": token }),
            json!({ "jwks": { "keys": [key] }, "token": token }),
        ] {
            let args = ["jws", "verify", "--requests", "-"];
            let (answer, _) = folder.ask(&args, format!("{line}\n").as_bytes());
            let answer: Value = serde_json::from_str(&answer).unwrap();
            let found = answer["code"].as_str().unwrap_or("valid");
            assert_eq!(found, expected, "{line}");
        }
    }
}

#[test]
fn weak_rsa_keys_are_named() {
    let folder = folder("weak_rsa");
    let weak = include_str!("../../crates/token/tests/data/unusable.json");
    let mut weak: Value = serde_json::from_str(weak).unwrap();
    let mut key = weak["rsa-1024"].take();
    key["kid"] = json!("old");
    let line = |more: Value| {
        let mut line = json!({ "jwk": key, "token": "eyJhbGciOiJSUzI1NiJ9.e30.AA" });
        for (name, value) in more.as_object().unwrap() {
            line[name] = value.clone();
        }
        format!("{line}\n")
    };
    let ask = |more: &[&str], line: String| {
        let args = [&["jws", "verify", "--requests", "-"], more].concat();
        let (answer, _) = folder.ask(&args, line.as_bytes());
        let answer: Value = serde_json::from_str(&answer).unwrap();
        answer["code"].as_str().unwrap().to_owned()
    };
    let named = json!({ "allow_weak_rsa_keys": ["old"] });
    assert_eq!(ask(&[], line(json!({}))), "keys_unusable");
    assert_eq!(ask(&[], line(named)), "token_signature_invalid");
    let option = ["--allow-weak-rsa-key", "old"];
    assert_eq!(ask(&option, line(json!({}))), "token_signature_invalid");
}

/// Every example of `shared/conformance/jose`, where that folder is at hand:
/// under `DOORWARD_SHARED`, else beside the workspace as `../shared`.
#[test]
fn the_examples_of_the_rfcs() {
    let shared = std::env::var_os("DOORWARD_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
        PathBuf::from,
    );
    let examples = shared.join("conformance/jose");
    if !examples.is_dir() {
        println!("skipped: there is no {}", examples.display());
        return;
    }
    let folder = folder("examples");
    let mut lines = String::new();
    let mut expected = Vec::new();
    for entry in fs::read_dir(&examples).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|end| end != "json") {
            continue;
        }
        let example: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        let line = json!({ "jwk": example["jwk"], "token": example["compact_jws"] });
        lines += &format!("{line}\n");
        expected.push(example["valid"].clone());
    }
    let (output, status) = folder.ask(&["jws", "verify", "--requests", "-"], lines.as_bytes());
    let found: Vec<Value> = output
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["valid"].clone())
        .collect();
    assert_eq!((found, status), (expected, 1));
    println!("RFC examples: {} judged", output.lines().count());
}
