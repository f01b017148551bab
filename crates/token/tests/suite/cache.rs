//! The cache: it changes no verdict, keeps its bounds, and spares checks.

use std::cell::Cell;
use std::rc::Rc;

use doorward_token::{
    Algorithm, CacheLimits, Provider, PublicKey, SignatureError, SignatureVerifier, SubjectMatcher,
    TableLimits, TokenCache, TokenError, Verified,
};
use proptest::prelude::*;
use serde_json::json;

use crate::mint::{AUDIENCE, ISSUER, NOW, encode, jwk, provider_with, set};

/// Accepts a signature whose first byte is the last one of the key, and
/// counts.
#[derive(Default)]
struct FirstByte {
    checks: Cell<usize>,
    answer: Cell<Option<SignatureError>>,
}

impl SignatureVerifier for FirstByte {
    fn verify(
        &self,
        _: Algorithm,
        key: &PublicKey,
        _: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        self.checks.set(self.checks.get() + 1);
        if let Some(error) = self.answer.get() {
            return Err(error);
        }
        if signature.first() == Some(&mark(key)) {
            Ok(())
        } else {
            Err(SignatureError::Invalid)
        }
    }
}

fn mark(key: &PublicKey) -> u8 {
    match key {
        PublicKey::Rsa { .. } => 0,
        PublicKey::Ec { x, .. } => x[31],
        PublicKey::Ed25519 { x } => x[31],
    }
}

/// A token whose signature [`FirstByte`] takes for that of `key`.
fn token_of(key: &str, claims: &serde_json::Value) -> String {
    let header = json!({"alg": "ES256", "kid": key}).to_string();
    let set = set(&[jwk(key)]);
    let mut signature = [1; 64];
    signature[0] = mark(set.keys()[0].public_key());
    format!(
        "{}.{}.{}",
        encode(header),
        encode(claims.to_string()),
        encode(signature)
    )
}

fn claims(number: usize) -> serde_json::Value {
    json!({"iss": ISSUER, "aud": AUDIENCE, "sub": format!("user-{number}"), "exp": NOW + 300})
}

fn provider_of(
    keys: &[&str],
    change: impl FnOnce(&mut doorward_token::ProviderSettings),
) -> Provider {
    let keys: Vec<_> = keys.iter().map(|name| jwk(name)).collect();
    provider_with(|settings| {
        if !keys.is_empty() {
            settings.jwks = set(&keys);
        }
        settings.algorithms = vec![Algorithm::ES256.into(), Algorithm::EdDSA.into()];
        change(settings);
    })
}

fn cache() -> TokenCache {
    TokenCache::new(CacheLimits::default(), (1, 2))
}

fn small(entries: usize) -> TokenCache {
    let limits = TableLimits {
        entries,
        bytes: 1 << 20,
    };
    let limits = CacheLimits {
        accepted: limits,
        refused: limits,
    };
    TokenCache::new(limits, (1, 2))
}

#[test]
fn a_token_that_comes_again_is_not_checked_again_and_shares_its_claims() {
    let (mut cache, verifier) = (cache(), FirstByte::default());
    let provider = provider_of(&["p256-a"], |_| {});
    let token = token_of("p256-a", &claims(1));
    let mut ask = |token: &str| cache.verify(&provider, token.as_bytes(), NOW, &verifier);
    let first = ask(&token).unwrap();
    let again = ask(&token).unwrap();
    assert!(Rc::ptr_eq(&first, &again));
    assert_eq!(verifier.checks.get(), 1);
    // One byte more, and it is another token.
    let other = format!("{token}A");
    assert!(ask(&other).is_err());
    assert_eq!(ask(&token).unwrap().subject(), Some("user-1"));
    let counts = cache.take_counts();
    assert_eq!((counts.hits, counts.refusals, counts.misses), (2, 0, 2));
    assert_eq!(cache.take_counts().hits, 0);
}

#[test]
fn no_setting_lets_a_provider_have_another_s_verdict() {
    let token = token_of("p256-a", &claims(1));
    let accepted = provider_of(&["p256-a"], |_| {});
    let others = [
        (
            provider_of(&["p256-a"], |s| s.issuer = "https://other.example".into()),
            TokenError::IssuerUnknown,
        ),
        (
            provider_of(&["p256-a"], |s| s.audiences = vec!["other".into()]),
            TokenError::AudienceMismatch,
        ),
        (
            provider_of(&["p256-a", "ed25519-a"], |s| {
                s.algorithms = vec![Algorithm::EdDSA.into()];
            }),
            TokenError::AlgorithmNotAllowed,
        ),
        (
            provider_of(&["p256-a"], |s| s.max_token_bytes = 10),
            TokenError::TooLarge { limit: 10 },
        ),
        (provider_of(&["p256-b"], |_| {}), TokenError::KeyUnknown),
        (
            provider_of(&["p256-a"], |s| s.token_type = Some("at+jwt".into())),
            TokenError::TypeMismatch,
        ),
        (
            provider_of(&["p256-a"], |s| {
                s.subjects = Some(SubjectMatcher::Prefix("robot-".into()));
            }),
            TokenError::SubjectNotAllowed,
        ),
        (
            provider_of(&["p256-a"], |s| s.max_lifetime_seconds = Some(1)),
            TokenError::LifetimeExceeded,
        ),
    ];
    for (other, expected) in others {
        let (mut cache, verifier) = (cache(), FirstByte::default());
        for _ in 0..3 {
            assert!(
                cache
                    .verify(&accepted, token.as_bytes(), NOW, &verifier)
                    .is_ok()
            );
            assert_eq!(
                cache.verify(&other, token.as_bytes(), NOW, &verifier),
                Err(expected)
            );
        }
    }
    // Settings that change a verdict at another time only.
    for change in [
        |s: &mut doorward_token::ProviderSettings| s.clock_skew_seconds = 0,
        |s: &mut doorward_token::ProviderSettings| s.require_expiration = false,
    ] {
        assert_ne!(
            accepted.fingerprint(),
            provider_of(&["p256-a"], change).fingerprint()
        );
    }
}

#[test]
fn a_token_leaves_when_it_expires_by_the_provider_s_own_reckoning() {
    let (mut cache, verifier) = (cache(), FirstByte::default());
    let provider = provider_of(&["p256-a"], |_| {});
    let token = token_of("p256-a", &claims(1));
    let mut ask = |now| {
        cache
            .verify(&provider, token.as_bytes(), now, &verifier)
            .map(|_| ())
    };
    assert_eq!(ask(NOW), Ok(()));
    // 60 seconds of clock skew.
    assert_eq!(ask(NOW + 359), Ok(()));
    assert_eq!(ask(NOW + 360), Err(TokenError::Expired));
    assert_eq!(verifier.checks.get(), 1);
    assert_eq!(cache.len(), (0, 0));
}

#[test]
fn a_clock_that_is_set_back_refuses_what_is_not_valid_yet() {
    let (mut cache, verifier) = (cache(), FirstByte::default());
    let provider = provider_of(&["p256-a"], |_| {});
    let mut claims = claims(1);
    claims["nbf"] = json!(NOW);
    let token = token_of("p256-a", &claims);
    let mut ask = |now| {
        cache
            .verify(&provider, token.as_bytes(), now, &verifier)
            .map(|_| ())
    };
    let early = Err(TokenError::NotYetValid { claim: "nbf" });
    assert_eq!(ask(NOW - 61), early);
    assert_eq!(ask(NOW - 60), Ok(()));
    assert_eq!(ask(NOW - 61), early);
    assert_eq!(ask(NOW), Ok(()));
    assert_eq!(verifier.checks.get(), 2);
}

#[test]
fn a_withdrawn_key_takes_its_tokens_along_and_a_new_one_does_not() {
    let (mut cache, verifier) = (cache(), FirstByte::default());
    let token = token_of("p256-a", &claims(1));
    let both = provider_of(&["p256-a", "p256-b"], |_| {});
    let first = provider_of(&["p256-a"], |_| {});
    let second = provider_of(&["p256-b"], |_| {});
    let mut ask = |provider| {
        cache
            .verify(provider, token.as_bytes(), NOW, &verifier)
            .map(|_| ())
    };
    assert_eq!(ask(&first), Ok(()));
    assert_eq!(ask(&both), Ok(()));
    assert_eq!(verifier.checks.get(), 1, "a key was added");
    assert_eq!(ask(&second), Err(TokenError::KeyUnknown));
    assert_eq!(ask(&first), Ok(()));
    assert_eq!(verifier.checks.get(), 2, "the key was withdrawn meanwhile");
    // The key's own member alone makes it another key.
    let mut declared = jwk("p256-a");
    declared["alg"] = json!("ES256");
    let declared = provider_of(&["p256-a"], |s| s.jwks = set(&[declared]));
    assert_eq!(ask(&declared), Ok(()));
    let same = declared.settings().jwks.fingerprint() == first.settings().jwks.fingerprint();
    assert_eq!(verifier.checks.get(), 2 + usize::from(!same));
}

#[test]
fn refusals_that_cost_a_check_are_remembered_for_seconds() {
    let (mut cache, verifier) = (cache(), FirstByte::default());
    let provider = provider_of(&["p256-a"], |_| {});
    let forged = token_of("p256-b", &claims(1)).replace(
        &encode(json!({"alg": "ES256", "kid": "p256-b"}).to_string()),
        &encode(json!({"alg": "ES256", "kid": "p256-a"}).to_string()),
    );
    let mut ask = |now| {
        cache
            .verify(&provider, forged.as_bytes(), now, &verifier)
            .map(|_| ())
    };
    for (now, checks) in [
        (0, 1),
        (1, 1),
        (4, 1),
        (5, 2),
        (9, 2),
        (8, 2),
        (4, 3),
        (5, 3),
    ] {
        assert_eq!(ask(NOW + now), Err(TokenError::SignatureInvalid));
        assert_eq!(verifier.checks.get(), checks, "at {now}");
    }
}

#[test]
fn a_refusal_never_outlives_its_reason() {
    let (mut cache, verifier) = (cache(), FirstByte::default());
    let ask = |cache: &mut TokenCache, provider: &Provider, token: &str, now| {
        cache
            .verify(provider, token.as_bytes(), now, &verifier)
            .map(|_| ())
    };
    // A key that appears later: nothing is kept of an unknown one.
    let token = token_of("p256-b", &claims(1));
    let first = provider_of(&["p256-a"], |_| {});
    let both = provider_of(&["p256-a", "p256-b"], |_| {});
    assert_eq!(
        ask(&mut cache, &first, &token, NOW),
        Err(TokenError::KeyUnknown)
    );
    assert!(cache.is_empty());
    assert_eq!(ask(&mut cache, &both, &token, NOW), Ok(()));

    // Without a kid, the same token fails by one key and passes by another.
    let claims_text = claims(2).to_string();
    let [_, _, signature] = crate::mint::parts(&token);
    let bare = format!(
        "{}.{}.{signature}",
        encode(r#"{"alg":"ES256"}"#),
        encode(claims_text)
    );
    assert_eq!(
        ask(&mut cache, &first, &bare, NOW),
        Err(TokenError::SignatureInvalid)
    );
    assert_eq!(ask(&mut cache, &both, &bare, NOW), Ok(()));

    // A token that becomes valid.
    let mut early = claims(3);
    early["nbf"] = json!(NOW + 61);
    let early = token_of("p256-a", &early);
    let not_yet = Err(TokenError::NotYetValid { claim: "nbf" });
    assert_eq!(ask(&mut cache, &first, &early, NOW), not_yet);
    assert_eq!(ask(&mut cache, &first, &early, NOW), not_yet);
    assert_eq!(ask(&mut cache, &first, &early, NOW + 1), Ok(()));

    // What says nothing of the token is not kept at all.
    for (error, expected) in [
        (SignatureError::Failed, TokenError::VerificationFailed),
        (SignatureError::OverBudget, TokenError::VerificationBudget),
        (
            SignatureError::Unsupported,
            TokenError::AlgorithmUnsupported,
        ),
    ] {
        let token = token_of("p256-a", &claims(4));
        let mut cache = self::cache();
        verifier.answer.set(Some(error));
        assert_eq!(ask(&mut cache, &first, &token, NOW), Err(expected));
        verifier.answer.set(None);
        assert_eq!(ask(&mut cache, &first, &token, NOW), Ok(()));
    }
}

/// Keys without `kid` are tried for any token, which costs a check.
#[test]
fn a_refusal_by_keys_without_kid_is_remembered_for_that_set() {
    let (mut cache, verifier) = (cache(), FirstByte::default());
    let mut nameless = jwk("p256-a");
    nameless.as_object_mut().unwrap().remove("kid");
    let first = provider_of(&[], |s| s.jwks = set(std::slice::from_ref(&nameless)));
    let both = provider_of(&[], |s| s.jwks = set(&[nameless, jwk("p256-b")]));
    let token = token_of("p256-b", &claims(1));
    let mut ask = |provider| {
        cache
            .verify(provider, token.as_bytes(), NOW, &verifier)
            .map(|_| ())
    };
    assert_eq!(ask(&first), Err(TokenError::KeyUnknown));
    assert_eq!(ask(&first), Err(TokenError::KeyUnknown));
    assert_eq!(verifier.checks.get(), 1);
    assert_eq!(ask(&both), Ok(()));
}

#[test]
fn a_flood_of_either_kind_keeps_the_bounds_and_what_is_in_use() {
    let (mut cache, verifier) = (small(64), FirstByte::default());
    let provider = provider_of(&["p256-a"], |_| {});
    let wanted = token_of("p256-a", &claims(0));
    let mut ask = |token: &str| {
        cache
            .verify(&provider, token.as_bytes(), NOW, &verifier)
            .is_ok()
    };
    assert!(ask(&wanted));
    let mut checks = verifier.checks.get();
    for number in 1..1_000 {
        let good = token_of("p256-a", &claims(number));
        let mut old = claims(number);
        old["exp"] = json!(1);
        assert!(ask(&good));
        assert!(!ask(&token_of("p256-a", &old)));
        checks += 2;
        assert!(ask(&wanted));
        assert_eq!(verifier.checks.get(), checks, "at {number}");
    }
    assert_eq!(cache.len(), (64, 64));
    let (accepted, refused) = cache.bytes();
    assert!(accepted <= 1 << 20 && refused <= 1 << 20);
}

#[test]
fn a_full_cache_keeps_a_token_at_its_second_sight() {
    let (mut cache, verifier) = (small(2), FirstByte::default());
    let provider = provider_of(&["p256-a"], |_| {});
    for (number, checks) in [
        // There is room.
        (0, 1),
        (1, 2),
        (0, 2),
        (1, 2),
        // There is none: at its first sight a third one pushes nothing out.
        (2, 3),
        (0, 3),
        (1, 3),
        (2, 4),
        (2, 4),
    ] {
        let token = token_of("p256-a", &claims(number));
        let verdict = cache.verify(&provider, token.as_bytes(), NOW, &verifier);
        assert!(verdict.is_ok());
        assert_eq!(verifier.checks.get(), checks, "{number}");
    }
    assert_eq!(cache.len().0, 2);
}

#[test]
fn a_token_too_large_to_keep_is_verified_each_time() {
    let (mut cache, verifier) = (cache(), FirstByte::default());
    let provider = provider_of(&["p256-a"], |s| s.max_token_bytes = 64 * 1024);
    let mut large = claims(1);
    // Many small members take more memory than their text.
    large["list"] = json!(vec![0; 8_000]);
    let token = token_of("p256-a", &large);
    for checks in 1..4 {
        assert!(
            cache
                .verify(&provider, token.as_bytes(), NOW, &verifier)
                .is_ok()
        );
        assert_eq!(verifier.checks.get(), checks);
    }
    assert!(cache.is_empty());
}

/// What is asked of the cache in one step of the property below.
#[derive(Clone, Debug)]
struct Question {
    provider: usize,
    token: usize,
    step: i64,
}

fn questions() -> impl Strategy<Value = Vec<Question>> {
    let one = (0..6_usize, 0..12_usize, -40..70_i64).prop_map(|(provider, token, step)| Question {
        provider,
        token,
        // Most questions come in the same second.
        step: if step < 0 && step > -35 { 0 } else { step },
    });
    prop::collection::vec(one, 1..120)
}

fn providers() -> Vec<Provider> {
    vec![
        provider_of(&["p256-a"], |_| {}),
        provider_of(&["p256-a", "p256-b"], |_| {}),
        provider_of(&["p256-b"], |_| {}),
        provider_of(&["p256-b", "p256-a"], |s| {
            s.audiences = vec!["other".into()];
        }),
        provider_of(&["p256-a"], |s| s.clock_skew_seconds = 0),
        provider_of(&["p256-a"], |s| s.require_expiration = false),
    ]
}

fn tokens() -> Vec<String> {
    let mut tokens = Vec::new();
    for key in ["p256-a", "p256-b"] {
        for (from, to) in [(-100, 300), (0, 50), (50, 400), (-500, -100)] {
            let claims = json!({
                "iss": ISSUER, "aud": [AUDIENCE, "x"], "nbf": NOW + from, "exp": NOW + to,
            });
            tokens.push(token_of(key, &claims));
        }
    }
    tokens.push(token_of("p256-a", &json!({"iss": ISSUER, "aud": AUDIENCE})));
    tokens.push(token_of(
        "p256-a",
        &json!({"iss": ISSUER, "aud": ["other"], "exp": NOW + 90}),
    ));
    tokens.push(token_of(
        "p256-b",
        &json!({"iss": 7, "aud": AUDIENCE, "exp": NOW + 90}),
    ));
    let [_, payload, signature] = crate::mint::parts(&tokens[0]);
    tokens.push(format!(
        "{}.{payload}.{signature}",
        encode(r#"{"alg":"ES256"}"#)
    ));
    tokens
}

proptest! {
    #[test]
    fn the_cache_changes_no_verdict(entries in 0..6_usize, questions in questions()) {
        let (providers, tokens) = (providers(), tokens());
        let (mut cache, verifier) = (small(entries), FirstByte::default());
        let mut now = NOW;
        for question in questions {
            now += question.step;
            let provider = &providers[question.provider];
            let token = tokens[question.token].as_bytes();
            let expected = provider.verify(token, now, &verifier);
            let got = cache.verify(provider, token, now, &verifier);
            let got = got.map(|verified: Rc<Verified>| (*verified).clone());
            prop_assert_eq!(got, expected, "{:?} at {}", question, now - NOW);
            let (accepted, refused) = cache.len();
            prop_assert!(accepted <= entries && refused <= entries);
        }
    }
}
