//! Which key a signature is checked with, and forged signatures.

use std::cell::Cell;

use doorward_token::{
    Algorithm, JwsAlgorithm, MAX_CANDIDATE_KEYS, PublicKey, SignatureError, SignatureVerifier,
    SoftwareVerifier, TokenError, names_key,
};
use serde_json::{Value, json};

use crate::mint::{
    ISSUER, NOW, all_keys, check, decode, encode, good, good_claims, jwk, parts, provider,
    provider_with, refusal, set, sign, with_claims, with_header,
};

const EVERY_KEY: [(&str, Algorithm); 11] = [
    ("rsa-a", Algorithm::RS256),
    ("rsa-b", Algorithm::RS384),
    ("rsa-a", Algorithm::RS512),
    ("rsa-a", Algorithm::PS256),
    ("rsa-b", Algorithm::PS384),
    ("rsa-a", Algorithm::PS512),
    ("p256-a", Algorithm::ES256),
    ("p256-b", Algorithm::ES256),
    ("p384-a", Algorithm::ES384),
    ("ed25519-a", Algorithm::EdDSA),
    ("ed25519-b", Algorithm::EdDSA),
];

#[test]
fn good_tokens_of_every_key_and_algorithm_are_accepted() {
    let provider = provider_with(|settings| settings.algorithms = JwsAlgorithm::all().collect());
    for (key, algorithm) in EVERY_KEY {
        let verified = provider
            .verify(good(key, algorithm).as_bytes(), NOW, &SoftwareVerifier)
            .unwrap();
        assert_eq!(verified.algorithm(), algorithm.into());
        assert_eq!(verified.key_id(), Some(key));
        assert_eq!(verified.issuer(), ISSUER);
        assert_eq!(verified.subject(), Some("alice"));
        assert_eq!(verified.expires_at(), Some(NOW + 300));
        assert_eq!(verified.claims().len(), 5);
    }
}

#[test]
fn keys_that_do_not_fit() {
    let claims = good_claims().to_string();
    let header = |alg: &str, kid: &str| json!({ "alg": alg, "kid": kid }).to_string();
    let rs256 = |kid| sign(header("RS256", kid), &claims, "rsa-a", Algorithm::RS256);
    check(&[
        ("unknown kid", rs256("rsa-c"), TokenError::KeyUnknown),
        ("empty kid", rs256(""), TokenError::KeyUnknown),
        (
            "kid in another case",
            rs256("RSA-A"),
            TokenError::KeyUnknown,
        ),
        ("kid as a path", rs256("../rsa-a"), TokenError::KeyUnknown),
        (
            "kid of another key",
            rs256("rsa-b"),
            TokenError::SignatureInvalid,
        ),
        ("kid of an EC key", rs256("p256-a"), TokenError::KeyMismatch),
        (
            "kid of an Ed25519 key",
            rs256("ed25519-a"),
            TokenError::KeyMismatch,
        ),
        (
            "ES256 with a P-384 key",
            sign(
                header("ES256", "p384-a"),
                &claims,
                "p256-a",
                Algorithm::ES256,
            ),
            TokenError::KeyMismatch,
        ),
        (
            "ES256 by another key",
            sign(
                header("ES256", "p256-a"),
                &claims,
                "p256-b",
                Algorithm::ES256,
            ),
            TokenError::SignatureInvalid,
        ),
        (
            "ES256 with a P-384 signature",
            sign(
                header("ES256", "p256-a"),
                &claims,
                "p384-a",
                Algorithm::ES384,
            ),
            TokenError::SignatureInvalid,
        ),
        (
            "EdDSA with an RSA key",
            sign(
                header("EdDSA", "rsa-a"),
                &claims,
                "ed25519-a",
                Algorithm::EdDSA,
            ),
            TokenError::KeyMismatch,
        ),
        (
            "EdDSA by another key",
            sign(
                header("EdDSA", "ed25519-a"),
                &claims,
                "ed25519-b",
                Algorithm::EdDSA,
            ),
            TokenError::SignatureInvalid,
        ),
        (
            "RS256 that is PS256",
            sign(header("RS256", "rsa-a"), &claims, "rsa-a", Algorithm::PS256),
            TokenError::SignatureInvalid,
        ),
        (
            "RS256 that is RS512",
            sign(header("RS256", "rsa-a"), &claims, "rsa-a", Algorithm::RS512),
            TokenError::SignatureInvalid,
        ),
        (
            "key brought along",
            sign(
                json!({ "alg": "RS256", "kid": "rsa-a", "jwk": jwk("rsa-b") }).to_string(),
                &claims,
                "rsa-b",
                Algorithm::RS256,
            ),
            TokenError::SignatureInvalid,
        ),
    ]);
}

#[test]
fn the_alg_of_a_key_binds() {
    let mut key = jwk("rsa-a");
    key["alg"] = json!("RS512");
    let provider = provider_with(|settings| {
        settings.jwks = set(&[key]);
        settings.algorithms = JwsAlgorithm::all().collect();
    });
    let verify = |algorithm| {
        provider
            .verify(good("rsa-a", algorithm).as_bytes(), NOW, &SoftwareVerifier)
            .map(|_| ())
    };
    assert_eq!(verify(Algorithm::RS512), Ok(()));
    for other in [Algorithm::RS256, Algorithm::RS384, Algorithm::PS512] {
        assert_eq!(verify(other), Err(TokenError::KeyMismatch), "{other}");
    }
}

#[test]
fn signatures_that_are_not_right() {
    for (key, algorithm) in EVERY_KEY {
        let provider =
            provider_with(|settings| settings.algorithms = JwsAlgorithm::all().collect());
        let [header, payload, signature] = parts(&good(key, algorithm));
        let bytes = decode(&signature);
        let mut flipped_first = bytes.clone();
        flipped_first[0] ^= 1;
        let mut flipped_last = bytes.clone();
        *flipped_last.last_mut().unwrap() ^= 1;
        let mut longer = bytes.clone();
        longer.push(0);
        let mut shifted = bytes.clone();
        shifted.insert(0, 0);
        for (name, forged) in [
            ("none", Vec::new()),
            ("one byte", vec![1]),
            ("truncated", bytes[..bytes.len() - 1].to_vec()),
            ("half", bytes[..bytes.len() / 2].to_vec()),
            ("a byte more", longer),
            ("a zero in front", shifted),
            ("twice", bytes.repeat(2)),
            ("first bit", flipped_first),
            ("last bit", flipped_last),
            ("zeros", vec![0; bytes.len()]),
            ("ones", vec![0xff; bytes.len()]),
            ("large", vec![0xff; 4096]),
        ] {
            let token = format!("{header}.{payload}.{}", encode(forged));
            assert_eq!(
                provider.verify(token.as_bytes(), NOW, &SoftwareVerifier),
                Err(TokenError::SignatureInvalid),
                "{key} {algorithm} {name}"
            );
        }
    }
}

#[test]
fn an_ecdsa_signature_in_der_is_refused() {
    let [header, payload, signature] = parts(&good("p256-a", Algorithm::ES256));
    let raw = decode(&signature);
    let integer = |half: &[u8]| {
        let digits: Vec<u8> = half.iter().copied().skip_while(|byte| *byte == 0).collect();
        let sign = (digits[0] >= 0x80).then_some(0_u8);
        let digits: Vec<u8> = sign.into_iter().chain(digits).collect();
        [&[2, digits.len() as u8], digits.as_slice()].concat()
    };
    let (r, s) = raw.split_at(32);
    let body = [integer(r), integer(s)].concat();
    let der = [&[0x30, body.len() as u8], body.as_slice()].concat();
    let token = format!("{header}.{payload}.{}", encode(der));
    assert_eq!(refusal(token), TokenError::SignatureInvalid);
}

/// RFC 8017 section 5.2.2: s and s + n are the same to a careless verifier.
#[test]
fn an_rsa_signature_above_the_modulus_is_refused() {
    let modulus = decode(jwk("rsa-a")["n"].as_str().unwrap());
    let provider = provider_with(|settings| settings.algorithms = JwsAlgorithm::all().collect());
    for algorithm in [Algorithm::RS256, Algorithm::PS256] {
        let raised = (0..200).find_map(|serial| {
            let header = json!({ "alg": algorithm.name(), "kid": "rsa-a" });
            let mut claims = good_claims();
            claims["jti"] = json!(format!("{serial}"));
            let token = sign(header.to_string(), claims.to_string(), "rsa-a", algorithm);
            let [header, payload, signature] = parts(&token);
            let sum = add(&decode(&signature), &modulus)?;
            Some(format!("{header}.{payload}.{}", encode(sum)))
        });
        assert_eq!(
            provider.verify(raised.unwrap().as_bytes(), NOW, &SoftwareVerifier),
            Err(TokenError::SignatureInvalid),
            "{algorithm}"
        );
    }
}

/// The sum of two big-endian integers of one size, if it has that size too.
fn add(left: &[u8], right: &[u8]) -> Option<Vec<u8>> {
    let mut carry = 0;
    let mut sum: Vec<u8> = left
        .iter()
        .zip(right)
        .rev()
        .map(|(left, right)| {
            let digit = u16::from(*left) + u16::from(*right) + carry;
            carry = digit >> 8;
            digit as u8
        })
        .collect();
    sum.reverse();
    (carry == 0).then_some(sum)
}

#[test]
fn parts_of_two_tokens_do_not_mix() {
    let mut other_claims = good_claims();
    other_claims["sub"] = json!("root");
    let [header, payload, signature] = parts(&with_claims(good_claims().to_string()));
    let [_, other_payload, other_signature] = parts(&with_claims(other_claims.to_string()));
    let other_header = encode(r#"{"alg":"RS256"}"#);
    for token in [
        format!("{header}.{other_payload}.{signature}"),
        format!("{header}.{payload}.{other_signature}"),
        format!("{other_header}.{payload}.{signature}"),
        format!("{payload}.{header}.{signature}").replace(&payload, &other_header),
    ] {
        assert_eq!(refusal(&token), TokenError::SignatureInvalid, "{token}");
    }
}

/// Whoever cannot sign learns nothing of how claims are judged.
#[test]
fn no_claim_is_reported_before_the_signature() {
    for payload in [
        json!({ "iss": ISSUER, "exp": 1 }).to_string(),
        json!({ "iss": "https://other.example" }).to_string(),
        json!({ "iss": ISSUER, "aud": "other", "exp": NOW + 1 }).to_string(),
        json!({ "iss": ISSUER, "nbf": NOW + 9999 }).to_string(),
        json!({ "iss": 7 }).to_string(),
        r#"{"iss":1,"iss":2}"#.to_owned(),
        "not json".to_owned(),
        String::new(),
    ] {
        let header = r#"{"alg":"RS256","kid":"rsa-a"}"#;
        let forged = sign(header, &payload, "rsa-b", Algorithm::RS256);
        assert_eq!(refusal(forged), TokenError::SignatureInvalid, "{payload}");
    }
}

/// Answers as told and counts how often it was asked.
struct Scripted {
    answer: Result<(), SignatureError>,
    asked: Cell<usize>,
}

impl SignatureVerifier for Scripted {
    fn verify(
        &self,
        _: Algorithm,
        _: &PublicKey,
        _: &[u8],
        _: &[u8],
    ) -> Result<(), SignatureError> {
        self.asked.set(self.asked.get() + 1);
        self.answer
    }
}

fn without_kid(name: &str) -> Value {
    let mut key = jwk(name);
    key.as_object_mut().unwrap().remove("kid");
    key
}

#[test]
fn a_token_without_kid_tries_the_keys_that_fit_and_no_more() {
    let token = with_header(r#"{"alg":"RS256"}"#);
    let scripted = Scripted {
        answer: Err(SignatureError::Invalid),
        asked: Cell::new(0),
    };
    assert_eq!(
        provider().verify(token.as_bytes(), NOW, &scripted),
        Err(TokenError::SignatureInvalid)
    );
    assert_eq!(scripted.asked.get(), 2, "the two RSA keys of seven");

    let mut keys = vec![without_kid("rsa-b"); MAX_CANDIDATE_KEYS - 1];
    keys.push(without_kid("rsa-a"));
    let eight = provider_with(|settings| settings.jwks = set(&keys));
    let verified = eight
        .verify(token.as_bytes(), NOW, &SoftwareVerifier)
        .unwrap();
    assert_eq!(verified.key_id(), None);

    keys.push(without_kid("rsa-b"));
    let nine = provider_with(|settings| settings.jwks = set(&keys));
    assert_eq!(
        nine.verify(token.as_bytes(), NOW, &SoftwareVerifier),
        Err(TokenError::KeyAmbiguous {
            limit: MAX_CANDIDATE_KEYS
        })
    );
    assert_eq!(
        nine.verify(
            good("rsa-a", Algorithm::RS256).as_bytes(),
            NOW,
            &SoftwareVerifier
        ),
        Err(TokenError::KeyAmbiguous {
            limit: MAX_CANDIDATE_KEYS
        }),
        "nor with a kid that no key has"
    );
    keys.push(jwk("rsa-a"));
    let named = provider_with(|settings| settings.jwks = set(&keys));
    let token = good("rsa-a", Algorithm::RS256);
    let verified = named.verify(token.as_bytes(), NOW, &SoftwareVerifier);
    assert!(verified.is_ok(), "the key of the kid counts alone");

    let no_ec = provider_with(|settings| settings.jwks = set(&[jwk("rsa-a")]));
    let es256 = sign(r#"{"alg":"ES256"}"#, "{}", "p256-a", Algorithm::ES256);
    assert_eq!(
        no_ec.verify(es256.as_bytes(), NOW, &SoftwareVerifier),
        Err(TokenError::KeyMismatch)
    );
}

/// Only two `kid`s that differ rule a key out.
#[test]
fn a_key_without_kid_may_have_signed_any_token() {
    let judge = |keys: &[Value], token: &str| {
        let provider = provider_with(|settings| {
            settings.jwks = set(keys);
            settings.algorithms = vec![Algorithm::RS256.into(), Algorithm::ES256.into()];
        });
        let verified = provider.verify(token.as_bytes(), NOW, &SoftwareVerifier);
        verified.map(|verified| verified.key_id().map(str::to_owned))
    };
    let by = |name: &str, kid: &str| {
        let header = json!({ "alg": "RS256", "kid": kid });
        let claims = good_claims().to_string();
        sign(header.to_string(), claims, name, Algorithm::RS256)
    };
    let (token, forged) = (by("rsa-a", "rsa-a"), by("rsa-b", "rsa-a"));
    let mut other = jwk("p256-a");
    other["kid"] = json!("rsa-a");
    for (keys, token, expected) in [
        (vec![without_kid("rsa-a")], &token, Ok(None)),
        (vec![jwk("rsa-b"), without_kid("rsa-a")], &token, Ok(None)),
        (
            vec![without_kid("rsa-b"), jwk("rsa-a")],
            &token,
            Ok(Some("rsa-a".to_owned())),
        ),
        // The key of this kid is for another algorithm.
        (vec![other.clone(), without_kid("rsa-a")], &token, Ok(None)),
        (vec![other], &token, Err(TokenError::KeyMismatch)),
        // Another key of this kid may come, so it is not the signature alone.
        (
            vec![without_kid("rsa-a")],
            &forged,
            Err(TokenError::KeyUnknown),
        ),
        (
            vec![without_kid("p256-a")],
            &token,
            Err(TokenError::KeyUnknown),
        ),
        (
            vec![without_kid("p256-a"), jwk("rsa-a")],
            &forged,
            Err(TokenError::SignatureInvalid),
        ),
    ] {
        assert_eq!(judge(&keys, token), expected, "{keys:?}");
    }
    let bare = with_header(r#"{"alg":"RS256"}"#);
    assert!(names_key(token.as_bytes()) && !names_key(bare.as_bytes()) && !names_key(b"x"));
}

#[test]
fn keys_of_several_types_may_share_a_kid() {
    let keys = ["rsa-a", "p256-a", "ed25519-a", "rsa-b"].map(|name| {
        let mut key = jwk(name);
        key["kid"] = json!("shared");
        key
    });
    let provider = provider_with(|settings| {
        settings.jwks = set(&keys);
        settings.algorithms = JwsAlgorithm::all().collect();
    });
    for (name, algorithm) in [
        ("rsa-a", Algorithm::RS256),
        ("rsa-b", Algorithm::RS256),
        ("p256-a", Algorithm::ES256),
        ("ed25519-a", Algorithm::EdDSA),
    ] {
        let header = json!({ "alg": algorithm.name(), "kid": "shared" });
        let token = sign(
            header.to_string(),
            good_claims().to_string(),
            name,
            algorithm,
        );
        assert!(
            provider
                .verify(token.as_bytes(), NOW, &SoftwareVerifier)
                .is_ok(),
            "{name}"
        );
    }
}

#[test]
fn a_verifier_is_asked_only_about_signatures_of_the_right_size() {
    let scripted = Scripted {
        answer: Ok(()),
        asked: Cell::new(0),
    };
    let [header, payload, _] = parts(&good("rsa-a", Algorithm::RS256));
    for signature in ["", "AAAA"] {
        assert_eq!(
            provider().verify(
                format!("{header}.{payload}.{signature}").as_bytes(),
                NOW,
                &scripted
            ),
            Err(TokenError::SignatureInvalid)
        );
    }
    assert_eq!(scripted.asked.get(), 0);
}

#[test]
fn a_verifier_that_cannot_tell_refuses() {
    let scripted = Scripted {
        answer: Err(SignatureError::Unsupported),
        asked: Cell::new(0),
    };
    assert_eq!(
        provider().verify(good("rsa-a", Algorithm::RS256).as_bytes(), NOW, &scripted),
        Err(TokenError::AlgorithmUnsupported)
    );
}

#[test]
fn the_software_verifier_answers_any_combination() {
    for key in all_keys().keys() {
        for algorithm in Algorithm::ALL {
            for size in [0, 1, 31, 32, 63, 64, 65, 96, 255, 256, 257] {
                let answer =
                    SoftwareVerifier.verify(algorithm, key.public_key(), b"", &vec![7; size]);
                let expected = if key.public_key().fits(algorithm) {
                    SignatureError::Invalid
                } else {
                    SignatureError::Unsupported
                };
                assert_eq!(answer, Err(expected), "{key:?} {algorithm} {size}");
            }
        }
    }
    for (key, algorithm, size) in [
        (
            PublicKey::Rsa {
                modulus: vec![],
                exponent: vec![],
            },
            Algorithm::RS256,
            0,
        ),
        (
            PublicKey::Rsa {
                modulus: vec![9; 3],
                exponent: vec![0; 40],
            },
            Algorithm::PS512,
            3,
        ),
        (
            PublicKey::Rsa {
                modulus: vec![0xff; 2048],
                exponent: vec![3],
            },
            Algorithm::RS256,
            2048,
        ),
        (PublicKey::Ed25519 { x: [0xff; 32] }, Algorithm::EdDSA, 64),
        (
            PublicKey::Ec {
                curve: doorward_token::EcCurve::P256,
                x: vec![1],
                y: vec![],
            },
            Algorithm::ES256,
            64,
        ),
    ] {
        assert!(
            SoftwareVerifier
                .verify(algorithm, &key, b"x", &vec![1; size])
                .is_err(),
            "{key:?}"
        );
    }
}
