//! Requests that wait for keys, driven without any host.

use doorward_authorizer::{Authorizer, Awaiting, HeaderEdit, Step};
use doorward_bundle::{Bundle, Manifest};
use doorward_request::{Facts, HeaderSnapshot, ReadError};
use doorward_token::SoftwareVerifier;
use doorward_token::remote::{FetchError, KeyStore, Millis, Response};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::json;

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

fn authorizer(store: &mut KeyStore) -> Authorizer {
    authorizer_with(store, |_| {})
}

fn authorizer_with(store: &mut KeyStore, change: impl FnOnce(&mut Manifest)) -> Authorizer {
    let folder = root().join("policies/orders");
    let mut manifest: Manifest =
        doorward_bundle::folder::manifest(&|file| std::fs::read_to_string(folder.join(file)))
            .unwrap();
    manifest.tokens[0].jwks = serde_json::from_value(json!({
        "cluster": "idp", "uri": "https://idp.example/jwks.json",
    }))
    .unwrap();
    change(&mut manifest);
    Authorizer::with_store(Bundle::load(&manifest).unwrap(), store)
}

/// A token of the example's key, or one that names another key.
fn token(key_id: &str) -> String {
    signed("orders-es256.pem", Some(key_id))
}

/// A token of this key.
fn signed(key: &str, key_id: Option<&str>) -> String {
    let claims = json!({
        "iss": "https://issuer.example", "aud": "orders", "sub": "alice", "exp": NOW + 300,
        "scope": "orders:read",
    });
    let pem = std::fs::read(root().join("tests/keys").join(key)).unwrap();
    let (algorithm, key) = if key.contains("es256") {
        (Algorithm::ES256, EncodingKey::from_ec_pem(&pem))
    } else {
        (Algorithm::RS256, EncodingKey::from_rsa_pem(&pem))
    };
    let mut header = Header::new(algorithm);
    header.kid = key_id.map(str::to_owned);
    encode(&header, &claims, &key.unwrap()).unwrap()
}

fn begin(authorizer: &Authorizer, token: &str) -> Step {
    let bearer = format!("Bearer {token}");
    let headers = [
        (":method", "GET"),
        (":path", "/orders/7"),
        (":authority", "orders.example"),
        ("x-doorward-sub", "mallory"),
        ("authorization", &bearer),
    ];
    let headers = headers.map(|(name, value)| (name, value.as_bytes()));
    let snapshot = HeaderSnapshot::from_headers(headers);
    authorizer.begin(snapshot, &NoHost, NOW, &SoftwareVerifier)
}

fn resume(authorizer: &Authorizer, awaiting: Awaiting, ends: bool) -> Step {
    authorizer.resume(awaiting, &NoHost, NOW, &SoftwareVerifier, ends)
}

fn awaiting(step: Step) -> Awaiting {
    match step {
        Step::AwaitKeys(awaiting) => awaiting,
        step => panic!("it does not wait: {step:?}"),
    }
}

fn refusal(step: &Step) -> (u16, String) {
    match step {
        Step::Deny(denied) => (denied.answer().status, denied.record().reason.clone()),
        step => panic!("it is not refused: {step:?}"),
    }
}

fn now() -> Millis {
    Millis::try_from(NOW).unwrap() * 1_000
}

/// Answers the fetch that is due with the example's keys, or with none.
fn fetch(authorizer: &Authorizer, answers: bool) {
    let mut keys = authorizer.key_sources().next().unwrap().borrow_mut();
    let fetch = keys.poll(now() + 2_000, 0).expect("a fetch is due");
    if !answers {
        keys.failed(fetch.number, FetchError::NoAnswer, now() + 2_000, 0);
        return;
    }
    let body = std::fs::read(root().join("tests/keys/jwks.json")).unwrap();
    let response = Response {
        status: 200,
        cache_control: b"",
        age: b"",
        body: &body,
    };
    keys.answered(fetch.number, &response, now() + 2_000, 0);
}

#[test]
fn a_request_waits_and_is_decided_with_its_own_headers() {
    let authorizer = authorizer(&mut KeyStore::default());
    let waits = awaiting(begin(&authorizer, &token("orders-es256")));
    assert_eq!(waits.timeout(), 5_000);
    assert!(waits.size() > 300, "{}", waits.size());
    let waits = awaiting(resume(&authorizer, waits, false));
    fetch(&authorizer, true);
    let Step::Permit(permitted) = resume(&authorizer, waits, false) else {
        panic!("it is permitted");
    };
    assert_eq!(
        permitted.edits(),
        [
            HeaderEdit::Remove(b"x-doorward-sub".to_vec()),
            HeaderEdit::Remove(b"authorization".to_vec())
        ]
    );
    // The next one finds the keys.
    let step = begin(&authorizer, &token("orders-es256"));
    assert!(matches!(step, Step::Permit(_)));
}

#[test]
fn without_keys_it_is_503_and_never_401() {
    let authorizer = authorizer(&mut KeyStore::default());
    let waits = awaiting(begin(&authorizer, &token("orders-es256")));
    let step = resume(&authorizer, waits, true);
    assert_eq!(refusal(&step), (503, "keys_missing".to_owned()));
    assert_eq!(
        step.record().unwrap().decision,
        doorward_authorizer::Verdict::Error
    );
    let waits = awaiting(begin(&authorizer, &token("orders-es256")));
    let step = authorizer.answer_now(waits, &NoHost, NOW, &SoftwareVerifier);
    assert_eq!(refusal(&step), (503, "keys_queue_full".to_owned()));
    let Step::Deny(denied) = step else {
        unreachable!()
    };
    assert_eq!(denied.answer().headers.len(), 1, "no challenge");
}

/// As Envoy's `allow_missing_or_failed`: whoever leaves the token out gets as
/// much.
#[test]
fn a_token_that_may_be_ignored_waits_for_keys_and_goes_on_without() {
    let authorizer = authorizer_with(&mut KeyStore::default(), |manifest| {
        manifest.tokens[0].presence = doorward_bundle::Presence::OptionalOrInvalid;
        manifest.policy = Some(
            "p, scope:orders:read, /orders/*, ^GET$, allow\np, anonymous, /orders/*, ^GET$, allow\n"
                .to_owned(),
        );
    });
    let ignored = |step: &Step, reason| {
        let record = step.record().unwrap();
        assert_eq!(
            (record.rule.as_deref(), record.ignored_token),
            (Some("p, anonymous, /orders/*, ^GET$, allow"), Some(reason))
        );
        let Step::Permit(permitted) = step else {
            panic!("it is refused: {step:?}")
        };
        let withheld = HeaderEdit::Remove(b"authorization".to_vec());
        assert!(permitted.edits().contains(&withheld));
    };
    let waits = awaiting(begin(&authorizer, &token("orders-es256")));
    ignored(&resume(&authorizer, waits, true), "keys_missing");
    let waits = awaiting(begin(&authorizer, &token("orders-es256")));
    let step = authorizer.answer_now(waits, &NoHost, NOW, &SoftwareVerifier);
    ignored(&step, "keys_missing");
    let waits = awaiting(begin(&authorizer, &token("orders-es256")));
    fetch(&authorizer, true);
    let step = resume(&authorizer, waits, false);
    assert_eq!(
        step.record().unwrap().rule.as_deref(),
        Some("p, scope:orders:read, /orders/*, ^GET$, allow")
    );
    let waits = awaiting(begin(&authorizer, &token("another")));
    ignored(&resume(&authorizer, waits, true), "keys_unavailable");
}

#[test]
fn what_is_wrong_whatever_the_keys_is_said_at_once() {
    let authorizer = authorizer(&mut KeyStore::default());
    for (token, expected) in [
        ("x", "token_malformed"),
        ("eyJhbGciOiJub25lIn0.e30.", "token_algorithm_none"),
        ("eyJhbGciOiJIUzI1NiJ9.e30.AA", "token_algorithm_not_allowed"),
    ] {
        let step = begin(&authorizer, token);
        assert_eq!(refusal(&step), (401, expected.to_owned()), "{token}");
    }
}

#[test]
fn an_unknown_key_is_refused_only_by_keys_that_were_asked_for_later() {
    let authorizer = authorizer(&mut KeyStore::default());
    begin(&authorizer, &token("orders-es256"));
    fetch(&authorizer, true);
    let waits = awaiting(begin(&authorizer, &token("later")));
    fetch(&authorizer, true);
    let step = resume(&authorizer, waits, false);
    assert_eq!(refusal(&step), (401, "token_key_unknown".to_owned()));
    // A refresh that fails says nothing of the key.
    let waits = awaiting(begin(&authorizer, &token("later")));
    fetch(&authorizer, false);
    let waits = awaiting(resume(&authorizer, waits, false));
    let step = resume(&authorizer, waits, true);
    assert_eq!(refusal(&step), (503, "keys_unavailable".to_owned()));
}

/// Without `kid`, the signature alone says that the key is another one.
#[test]
fn a_token_without_kid_may_be_by_a_newer_key() {
    let authorizer = authorizer(&mut KeyStore::default());
    let good = signed("orders-rs256.pem", None);
    let forged = signed("stranger-rs256.pem", None);
    begin(&authorizer, &good);
    fetch(&authorizer, true);
    assert!(matches!(begin(&authorizer, &good), Step::Permit(_)));
    let waits = awaiting(begin(&authorizer, &forged));
    fetch(&authorizer, true);
    let step = resume(&authorizer, waits, false);
    assert_eq!(refusal(&step), (401, "token_signature_invalid".to_owned()));
    // With a kid that the keys have, it is the signature that is wrong.
    let named = signed("stranger-rs256.pem", Some("orders-rs256"));
    let step = begin(&authorizer, &named);
    assert_eq!(refusal(&step), (401, "token_signature_invalid".to_owned()));
    let named = signed("stranger-rs256.pem", Some("orders-es256"));
    let step = begin(&authorizer, &named);
    assert_eq!(refusal(&step), (401, "token_key_mismatch".to_owned()));
}

#[test]
fn bundles_that_fetch_alike_share_the_keys() {
    let mut store = KeyStore::default();
    let first = authorizer(&mut store);
    begin(&first, &token("orders-es256"));
    fetch(&first, true);
    drop(first);
    let second = authorizer(&mut store);
    let step = begin(&second, &token("orders-es256"));
    assert!(matches!(step, Step::Permit(_)));
    let apart = authorizer(&mut KeyStore::default());
    awaiting(begin(&apart, &token("orders-es256")));
}

#[test]
fn keys_of_the_bundle_never_wait() {
    let folder = root().join("policies/orders");
    let manifest =
        doorward_bundle::folder::manifest(&|file| std::fs::read_to_string(folder.join(file)));
    let authorizer = Authorizer::new(Bundle::load(&manifest.unwrap()).unwrap());
    assert_eq!(authorizer.key_sources().count(), 0);
    let step = begin(&authorizer, &token("later"));
    assert_eq!(refusal(&step), (401, "token_key_unknown".to_owned()));
}
