//! Whatever the bytes: no panic, and nothing verifies that was not signed.

use std::sync::LazyLock;

use doorward_token::{
    Algorithm, Jwks, JwsAlgorithm, Provider, SoftwareVerifier, TokenError, peek_issuer,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::mint::{
    AUDIENCE, ISSUER, JWKS, NOW, encode, good, good_claims, provider_with, sign_encoded,
    with_claims,
};

static PROVIDER: LazyLock<Provider> =
    LazyLock::new(|| provider_with(|settings| settings.algorithms = JwsAlgorithm::all().collect()));

static TOKENS: LazyLock<Vec<String>> = LazyLock::new(|| {
    [
        ("rsa-a", Algorithm::RS256),
        ("rsa-a", Algorithm::PS256),
        ("p256-a", Algorithm::ES256),
        ("p384-a", Algorithm::ES384),
        ("ed25519-a", Algorithm::EdDSA),
    ]
    .map(|(key, algorithm)| good(key, algorithm))
    .into()
});

fn verify(token: &[u8], now: i64) -> Result<(), TokenError> {
    PROVIDER.verify(token, now, &SoftwareVerifier).map(|_| ())
}

#[derive(Debug, Clone)]
enum Edit {
    Replace(usize, u8),
    Insert(usize, u8),
    Remove(usize),
    Truncate(usize),
    Repeat(usize, usize),
    Swap(usize, usize),
}

fn edit() -> impl Strategy<Value = Edit> {
    let place = 0_usize..2000;
    // Mostly bytes that the form knows, so that an edit reaches far inside.
    let byte = prop_oneof![
        4 => proptest::sample::select(b"ABCabc019-_.=".to_vec()),
        1 => any::<u8>(),
    ];
    prop_oneof![
        (place.clone(), byte.clone()).prop_map(|(at, byte)| Edit::Replace(at, byte)),
        (place.clone(), byte).prop_map(|(at, byte)| Edit::Insert(at, byte)),
        place.clone().prop_map(Edit::Remove),
        place.clone().prop_map(Edit::Truncate),
        (place.clone(), 0_usize..50).prop_map(|(at, length)| Edit::Repeat(at, length)),
        (place.clone(), place).prop_map(|(left, right)| Edit::Swap(left, right)),
    ]
}

fn apply(bytes: &mut Vec<u8>, edit: &Edit) {
    let length = bytes.len();
    if length == 0 {
        return;
    }
    match *edit {
        Edit::Replace(at, byte) => bytes[at % length] = byte,
        Edit::Insert(at, byte) => bytes.insert(at % length, byte),
        Edit::Remove(at) => {
            bytes.remove(at % length);
        }
        Edit::Truncate(at) => bytes.truncate(at % length),
        Edit::Repeat(at, count) => {
            let start = at % length;
            let end = (start + count).min(length);
            bytes.extend_from_within(start..end);
        }
        Edit::Swap(left, right) => bytes.swap(left % length, right % length),
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (NOW - 200..NOW + 200).prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        Just(json!(ISSUER)),
        Just(json!(AUDIENCE)),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec(("[a-z]{1,3}", inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn header_value() -> impl Strategy<Value = Value> {
    let names = proptest::sample::select(vec![
        "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA", "HS256",
        "none",
    ]);
    let key_ids = proptest::sample::select(vec![
        "rsa-a",
        "rsa-b",
        "p256-a",
        "p256-b",
        "p384-a",
        "ed25519-a",
        "unknown",
    ]);
    (names, proptest::option::of(key_ids)).prop_map(|(name, key_id)| match key_id {
        Some(key_id) => json!({ "alg": name, "kid": key_id }),
        None => json!({ "alg": name }),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn arbitrary_bytes_never_verify(bytes in proptest::collection::vec(any::<u8>(), 0..600), now: i64) {
        prop_assert!(verify(&bytes, now).is_err());
        let _ = peek_issuer(&bytes);
        let _ = Jwks::parse(&bytes);
    }

    #[test]
    fn arbitrary_parts_never_verify(
        header in header_value(),
        payload in json_value(),
        signature in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..80),
            proptest::collection::vec(any::<u8>(), 256),
            proptest::collection::vec(any::<u8>(), 64),
            proptest::collection::vec(any::<u8>(), 96),
        ],
    ) {
        let token = format!(
            "{}.{}.{}",
            encode(header.to_string()),
            encode(payload.to_string()),
            encode(signature)
        );
        prop_assert!(verify(token.as_bytes(), NOW).is_err());
        let _ = peek_issuer(token.as_bytes());
    }

    #[test]
    fn edited_tokens_never_verify(
        which in 0_usize..5,
        edits in proptest::collection::vec(edit(), 1..6),
    ) {
        let token = &TOKENS[which];
        let mut bytes = token.clone().into_bytes();
        for edit in &edits {
            apply(&mut bytes, edit);
        }
        prop_assume!(bytes != token.as_bytes());
        prop_assert!(verify(&bytes, NOW).is_err(), "{}", String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn signed_payloads_of_any_bytes_never_panic(
        payload in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..200),
            json_value().prop_map(|value| value.to_string().into_bytes()),
            "[ -~]{0,60}".prop_map(String::into_bytes),
        ],
        now: i64,
    ) {
        prop_assert!(verify(with_claims(payload).as_bytes(), now).is_err());
    }

    #[test]
    fn signed_headers_of_any_bytes_never_panic(
        header in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..200),
            json_value().prop_map(|value| value.to_string().into_bytes()),
        ],
    ) {
        let token = sign_encoded(
            &encode(header),
            &encode(good_claims().to_string()),
            "ed25519-a",
            Algorithm::EdDSA,
        );
        prop_assert!(verify(token.as_bytes(), NOW).is_err());
    }

    /// The rule of time, told a second time and without saturation.
    #[test]
    fn whole_times_are_judged_by_the_rule(
        exp in 0..253_402_300_799_i64,
        nbf in 0..253_402_300_799_i64,
        offset in -130..130_i64,
        at_end: bool,
    ) {
        let now = if at_end { exp } else { nbf } + offset;
        let mut claims = good_claims();
        claims["iat"] = json!(0);
        claims["exp"] = json!(exp);
        claims["nbf"] = json!(nbf);
        let token = with_claims(claims.to_string());
        let expected = if now - 60 >= exp {
            Err(TokenError::Expired)
        } else if now + 60 < nbf {
            Err(TokenError::NotYetValid { claim: "nbf" })
        } else if now + 60 < 0 {
            Err(TokenError::NotYetValid { claim: "iat" })
        } else {
            Ok(())
        };
        prop_assert_eq!(verify(token.as_bytes(), now), expected);
    }

    #[test]
    fn edited_key_sets_never_panic(edits in proptest::collection::vec(edit(), 1..6)) {
        let mut bytes = JWKS.as_bytes().to_vec();
        for edit in &edits {
            apply(&mut bytes, edit);
        }
        if let Ok(keys) = Jwks::parse(&bytes) {
            prop_assert!(!keys.keys().is_empty());
        }
    }
}
