//! The JWS examples of the RFCs, from the folder of shared test data.

use std::fs;
use std::path::{Path, PathBuf};

use doorward_token::{
    Jwks, JwsAlgorithm, KeyPolicy, Provider, ProviderSettings, SoftwareVerifier, TokenError,
    verify_jws,
};
use serde_json::{Value, json};

use crate::mint::all_keys;

/// 13 that verify, 4 that must be refused.
const FILES: usize = 17;
const MAX_BYTES: usize = 16_384;

/// `DOORWARD_SHARED`, or the folder `shared` beside the workspace.
fn folder() -> PathBuf {
    std::env::var_os("DOORWARD_SHARED")
        .map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
            PathBuf::from,
        )
        .join("conformance/jose")
}

/// The examples by file name; none where the folder is not there.
fn examples() -> Vec<(String, Value)> {
    let folder = folder();
    if !folder.is_dir() {
        println!(
            "skipped: there is no {}; set DOORWARD_SHARED to the folder of shared test data",
            folder.display()
        );
        return Vec::new();
    }
    let mut examples: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let example = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            (name, example)
        })
        .collect();
    examples.sort_by(|left, right| left.0.cmp(&right.0));
    assert_eq!(examples.len(), FILES, "examples in {}", folder.display());
    examples
}

fn text<'a>(example: &'a Value, member: &str) -> &'a str {
    example[member].as_str().unwrap()
}

/// As a proxy reads key sets: public keys alone.
fn key_set(example: &Value) -> Result<Jwks, String> {
    let set = json!({ "keys": [example["jwk"]] });
    Jwks::parse(set.to_string().as_bytes()).map_err(|error| error.to_string())
}

/// As tools read a key: symmetric ones too.
fn any_key(example: &Value) -> Jwks {
    let policy = KeyPolicy {
        secrets: true,
        ..KeyPolicy::default()
    };
    Jwks::of_key(example["jwk"].as_object().unwrap(), &policy).unwrap()
}

fn verify(token: &str, keys: &Jwks) -> Result<Vec<u8>, TokenError> {
    let algorithms: Vec<_> = JwsAlgorithm::all().collect();
    verify_jws(
        token.as_bytes(),
        keys,
        &algorithms,
        MAX_BYTES,
        &SoftwareVerifier,
    )
    .map(|jws| jws.payload().to_vec())
}

#[test]
fn every_example_is_judged_as_the_rfcs_say() {
    let (mut accepted, mut refused) = (0, 0);
    for (name, example) in examples() {
        let expected = match name.as_str() {
            "rfc7515-a5-none" => Err(TokenError::AlgorithmNone),
            "rfc7515-e-crit" | "rfc7797-4.2-b64-false-detached" => Err(TokenError::CriticalHeader),
            "rfc7520-4.5-detached" => Err(TokenError::SignatureInvalid),
            _ => Ok(text(&example, "payload").as_bytes().to_vec()),
        };
        assert_eq!(example["valid"], expected.is_ok(), "{name}");
        let keys = if example["jwk"].is_null() {
            all_keys()
        } else {
            any_key(&example)
        };
        let verified = verify(text(&example, "compact_jws"), &keys);
        assert_eq!(verified, expected, "{name}");
        if expected.is_ok() {
            accepted += 1;
        } else {
            refused += 1;
        }
    }
    println!("RFC examples: {accepted} accepted, {refused} refused");
}

#[test]
fn symmetric_keys_make_no_set() {
    let mut count = 0;
    for (name, example) in examples() {
        if example["jwk"]["kty"] != "oct" {
            continue;
        }
        count += 1;
        let error = key_set(&example).unwrap_err();
        let expected = "a symmetric key has no place in a key set";
        assert!(error.contains(expected), "{name}: {error}");
    }
    println!("RFC keys that make no set: {count}");
}

#[test]
fn no_example_verifies_with_another_ones_key_or_when_changed() {
    let examples: Vec<_> = examples()
        .into_iter()
        .filter(|(_, example)| example["valid"] == true)
        .map(|(name, example)| {
            let keys = any_key(&example);
            (name, example, keys)
        })
        .collect();
    let mut count = 0;
    for (name, example, keys) in &examples {
        let token = text(example, "compact_jws");
        for (other, other_example, other_keys) in &examples {
            if ["n", "x", "k"]
                .iter()
                .any(|member| other_example["jwk"][member] != example["jwk"][member])
            {
                count += 1;
                assert!(
                    verify(token, other_keys).is_err(),
                    "{name} with the key of {other}"
                );
            }
        }
        for position in (0..token.len()).step_by(7) {
            let mut changed = token.as_bytes().to_vec();
            changed[position] = if changed[position] == b'A' {
                b'B'
            } else {
                b'A'
            };
            count += 1;
            assert!(
                verify(&String::from_utf8(changed).unwrap(), keys).is_err(),
                "{name} changed at {position}"
            );
        }
    }
    println!("changed RFC examples refused: {count}");
}

#[test]
fn the_jwts_among_them_have_expired() {
    let mut count = 0;
    for (name, example) in examples() {
        let issuer = match name.as_str() {
            "rfc7515-a2-rs256" | "rfc7515-a3-es256" => "joe",
            "rfc7520-6-ps256-jwt" => "hobbiton.example",
            _ => continue,
        };
        count += 1;
        let mut settings = ProviderSettings::new(issuer, key_set(&example).unwrap());
        settings.algorithms = JwsAlgorithm::all().collect();
        settings.clock_skew_seconds = 0;
        let provider = Provider::new(settings).unwrap();
        let token = text(&example, "compact_jws").as_bytes();
        let verified = provider
            .verify(token, 1_300_819_379, &SoftwareVerifier)
            .unwrap();
        assert_eq!(
            verified.claims().get("http://example.com/is_root"),
            Some(&json!(true))
        );
        assert_eq!(
            provider.verify(token, 1_300_819_380, &SoftwareVerifier),
            Err(TokenError::Expired),
            "{name}"
        );
    }
    println!("RFC examples as JWTs: {count}");
}

#[test]
fn texts_that_are_no_jwts_are_refused_as_jwts() {
    for (name, example) in examples() {
        if !matches!(name.as_str(), "rfc7520-4.1-rs256" | "rfc8037-a4-ed25519") {
            continue;
        }
        let mut settings = ProviderSettings::new("joe", key_set(&example).unwrap());
        settings.algorithms = JwsAlgorithm::all().collect();
        let refusal = Provider::new(settings)
            .unwrap()
            .verify(
                text(&example, "compact_jws").as_bytes(),
                0,
                &SoftwareVerifier,
            )
            .unwrap_err();
        assert_eq!(refusal.code(), "token_json", "{name}");
    }
}
