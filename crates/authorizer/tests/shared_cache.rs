//! Bundles of one VM share its tokens, and nothing that they make of them.

use std::cell::RefCell;

use doorward_authorizer::{Authorizer, Step};
use doorward_bundle::{Bundle, Manifest};
use doorward_request::{Facts, HeaderSnapshot, ReadError};
use doorward_token::{CacheLimits, CachedVerifier, SoftwareVerifier, TokenCache};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

/// 2026-11-21T00:00:00Z.
const NOW: i64 = 1_795_219_200;

struct NoHost;

impl Facts for NoHost {
    fn property(&self, _path: &[&str]) -> Result<Option<Vec<u8>>, ReadError> {
        Err(ReadError)
    }
}

fn root() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn authorizer(policy: &str, change: impl FnOnce(&mut Manifest)) -> Authorizer {
    let folder = root().join("policies/orders");
    let read = |file: &str| std::fs::read_to_string(folder.join(file));
    let mut manifest = doorward_bundle::folder::manifest(&read).unwrap();
    manifest.policy = Some(policy.to_owned());
    change(&mut manifest);
    Authorizer::new(Bundle::load(&manifest).unwrap())
}

fn token(claims: &Value) -> String {
    let mut all = json!({
        "iss": "https://issuer.example", "aud": "orders", "sub": "alice", "exp": NOW + 300,
    });
    for (name, value) in claims.as_object().unwrap() {
        all[name] = value.clone();
    }
    let pem = std::fs::read(root().join("tests/keys/orders-es256.pem")).unwrap();
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some("orders-es256".to_owned());
    encode(&header, &all, &EncodingKey::from_ec_pem(&pem).unwrap()).unwrap()
}

/// The decision's reason, by a cache.
fn ask(authorizer: &Authorizer, cache: &RefCell<TokenCache>, token: &str, now: i64) -> String {
    let authorization = format!("Bearer {token}");
    let headers = [
        (":method", "GET"),
        (":path", "/orders/1"),
        (":authority", "orders.example"),
        ("authorization", &authorization),
    ];
    let headers = headers.map(|(name, value)| (name, value.as_bytes()));
    let snapshot = HeaderSnapshot::from_headers(headers);
    let tokens = CachedVerifier::new(cache, &SoftwareVerifier);
    let step = authorizer.begin(snapshot, &NoHost, now, &tokens);
    assert!(!matches!(step, Step::AwaitKeys(_)));
    step.record().unwrap().reason.clone()
}

fn cache() -> RefCell<TokenCache> {
    RefCell::new(TokenCache::new(CacheLimits::default(), (1, 2)))
}

#[test]
fn each_bundle_makes_its_own_principal_and_roles() {
    let users = authorizer("p, user:alice, /orders/*, GET, allow\n", |_| {});
    let people = authorizer("p, person:alice, /orders/*, GET, allow\n", |manifest| {
        manifest.tokens[0].principal = Some("person:{sub}".to_owned());
    });
    let refused = authorizer("p, person:alice, /orders/*, GET, allow\n", |_| {});
    let (by_scope, without_roles) = (
        authorizer("p, scope:a, /orders/*, GET, allow\n", |_| {}),
        authorizer("p, scope:a, /orders/*, GET, allow\n", |manifest| {
            manifest.tokens[0].roles.0.clear();
        }),
    );
    let cases = [
        (&users, "allow_rule"),
        (&people, "allow_rule"),
        (&refused, "no_rule"),
        (&by_scope, "allow_rule"),
        (&without_roles, "no_rule"),
    ];
    let cache = cache();
    let token = token(&json!({"scope": "a"}));
    // Each after each, so that each finds what another has left.
    for (one, _) in &cases {
        for (other, expected) in &cases {
            ask(one, &cache, &token, NOW);
            assert_eq!(ask(other, &cache, &token, NOW), *expected);
            assert_eq!(ask(other, &cache, &token, NOW), *expected);
        }
    }
    let counts = cache.borrow_mut().take_counts();
    assert_eq!((counts.misses, counts.hits), (1, 74));
}

#[test]
fn a_token_that_gives_much_is_asked_each_time_alike() {
    let authorizer = authorizer("p, scope:s99, /orders/*, GET, allow\n", |_| {});
    let scopes: Vec<String> = (0..100).map(|number| format!("s{number}")).collect();
    let (few, many) = (
        token(&json!({"scope": "s99"})),
        token(&json!({"scope": scopes.join(" ")})),
    );
    let cache = cache();
    for _ in 0..3 {
        for token in [&few, &many] {
            assert_eq!(ask(&authorizer, &cache, token, NOW), "allow_rule");
        }
    }
}

#[test]
fn a_known_token_ends_with_its_time() {
    let authorizer = authorizer("p, user:alice, /orders/*, GET, allow\n", |_| {});
    let token = token(&json!({"nbf": NOW - 10, "exp": NOW + 300}));
    let cache = cache();
    for (now, expected) in [
        (NOW, "allow_rule"),
        (NOW + 359, "allow_rule"),
        (NOW - 70, "allow_rule"),
        (NOW - 71, "token_not_yet_valid"),
        (NOW, "allow_rule"),
        (NOW + 360, "token_expired"),
        (NOW + 360, "token_expired"),
        (NOW, "allow_rule"),
    ] {
        assert_eq!(ask(&authorizer, &cache, &token, now), expected, "{now}");
    }
}

#[test]
fn more_rules_than_are_kept_are_named_alike() {
    let policy: String = (0..300)
        .map(|number| format!("p, user:{number}, /orders/*, GET, allow\n"))
        .collect();
    let authorizer = authorizer(&policy, |_| {});
    let cache = cache();
    for number in (0..300).chain(0..300) {
        let token = token(&json!({"sub": number.to_string()}));
        let authorization = format!("Bearer {token}");
        let headers = [
            (":method", "GET"),
            (":path", "/orders/1"),
            ("authorization", &authorization),
        ];
        let snapshot = HeaderSnapshot::from_headers(
            headers.map(|(name, value): (&str, &str)| (name, value.as_bytes())),
        );
        let tokens = CachedVerifier::new(&cache, &SoftwareVerifier);
        let Step::Permit(permitted) = authorizer.begin(snapshot, &NoHost, NOW, &tokens) else {
            panic!("{number} is refused");
        };
        let rule = format!("p, user:{number}, /orders/*, GET, allow");
        assert_eq!(permitted.record().rule.as_deref(), Some(rule.as_str()));
        let record = permitted.record().to_json();
        assert_eq!(permitted.record_json(), Some(record.as_str()));
    }
}
