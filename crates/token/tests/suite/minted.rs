//! Tokens that jwcrypto and joserfc minted, by every algorithm, in software:
//! ES512 too, which the module leaves to its host. The attacks on them are run
//! in the hosts, by the scenarios.

use std::collections::BTreeMap;

use doorward_token::{
    Jwks, JwsAlgorithm, KeyPolicy, Provider, ProviderSettings, SoftwareVerifier, TokenError,
};
use serde_json::{Value, json};

use crate::mint::NOW;

const MINTED: &str = include_str!("../../../../tests/tokens/minted.json");
const KEYS: &str = include_str!("../../../../tests/tokens/keys.json");

/// An issuer of all keys of one kind, private ones as tools read them.
fn provider(issuer: &str, symmetric: bool) -> Provider {
    let keys: BTreeMap<String, Value> = serde_json::from_str(KEYS).unwrap();
    let of_kind = |key: &Value| (key["kty"] == "oct") == symmetric;
    let keys: Vec<Value> = keys.into_values().filter(of_kind).collect();
    let policy = KeyPolicy {
        secrets: true,
        private_members: true,
        allow_weak_rsa_keys: vec!["rsa-1024".to_owned()],
    };
    let set = json!({ "keys": keys }).to_string();
    let keys = Jwks::parse_with(set.as_bytes(), &policy).unwrap();
    let mut settings = ProviderSettings::new(issuer, keys);
    settings.audiences = vec!["orders".to_owned()];
    settings.algorithms = JwsAlgorithm::all().collect();
    Provider::new(settings).unwrap()
}

#[test]
fn every_algorithm_by_two_implementations() {
    let minted: BTreeMap<String, String> = serde_json::from_str(MINTED).unwrap();
    let mut count = 0;
    for algorithm in JwsAlgorithm::all() {
        let name = algorithm.name();
        let issuer = match algorithm {
            JwsAlgorithm::Signature(_) => "https://issuer.example".to_owned(),
            JwsAlgorithm::Mac(_) => format!("https://{}.example", name.to_lowercase()),
        };
        let provider = provider(&issuer, matches!(algorithm, JwsAlgorithm::Mac(_)));
        for library in ["jwcrypto", "joserfc"] {
            let token = &minted[&format!("{library}-{name}")];
            let verified = provider
                .verify(token.as_bytes(), NOW, &SoftwareVerifier)
                .unwrap();
            assert_eq!(verified.algorithm(), algorithm, "{library}");
            assert_eq!(verified.subject(), Some("alice"), "{library} {name}");
            assert_eq!(verified.claims().get("jti"), Some(&json!(name)));
            let (message, signature) = token.rsplit_once('.').unwrap();
            let first = if signature.starts_with('A') { "B" } else { "A" };
            let changed = format!("{message}.{first}{}", &signature[1..]);
            assert_eq!(
                provider.verify(changed.as_bytes(), NOW, &SoftwareVerifier),
                Err(TokenError::SignatureInvalid),
                "{library} {name}"
            );
            count += 1;
        }
    }
    assert_eq!(count, 26);
}
