//! Key sets: what is used, what is ignored, what is refused.

use doorward_token::{
    Algorithm, JwkError, Jwks, KeyPolicy, MAX_JWKS_BYTES, MAX_JWKS_KEYS, MacAlgorithm,
};
use serde_json::{Value, json};

use crate::mint::{all_keys, decode, encode, jwk};

const UNUSABLE: &str = include_str!("../data/unusable.json");

fn unusable(name: &str) -> Value {
    serde_json::from_str::<Value>(UNUSABLE).unwrap()[name].clone()
}

/// The key with these members put in; `null` takes one out.
fn changed(mut key: Value, members: &Value) -> Value {
    let object = key.as_object_mut().unwrap();
    for (name, value) in members.as_object().unwrap() {
        if value.is_null() {
            object.remove(name);
        } else {
            object.insert(name.clone(), value.clone());
        }
    }
    key
}

fn parse(keys: &[Value]) -> Result<Jwks, String> {
    Jwks::parse(json!({ "keys": keys }).to_string().as_bytes()).map_err(|error| error.to_string())
}

#[test]
fn a_good_set_is_read_in_order() {
    let keys = all_keys();
    let read: Vec<_> = keys
        .keys()
        .iter()
        .map(|key| {
            (
                key.key_id().unwrap(),
                key.algorithm(),
                key.public_key().kind(),
            )
        })
        .collect();
    assert_eq!(
        read,
        [
            ("rsa-a", None, "RSA"),
            ("rsa-b", None, "RSA"),
            ("p256-a", Some(Algorithm::ES256), "P-256"),
            ("p256-b", Some(Algorithm::ES256), "P-256"),
            ("p384-a", Some(Algorithm::ES384), "P-384"),
            ("ed25519-a", Some(Algorithm::EdDSA), "Ed25519"),
            ("ed25519-b", Some(Algorithm::EdDSA), "Ed25519"),
        ]
    );
    assert!(keys.ignored().is_empty());
    assert!(keys.any_fits(Algorithm::PS512.into()));
    assert_eq!(
        format!("{:?}", keys.keys()[0].public_key()),
        "PublicKey(RSA)"
    );
}

#[test]
fn keys_that_are_not_for_us_are_ignored_with_the_reason() {
    let cases = [
        (json!({ "kty": "XYZ" }), "key type \"XYZ\" is not supported"),
        (json!({ "kty": "rsa" }), "key type \"rsa\" is not supported"),
        (
            changed(unusable("p521"), &json!({ "alg": "ES256" })),
            "algorithm ES256 does not fit a key of type P-521",
        ),
        (
            unusable("secp256k1"),
            "curve \"secp256k1\" is not supported",
        ),
        (unusable("ed448"), "curve \"Ed448\" is not supported"),
        (unusable("x25519"), "curve \"X25519\" is not supported"),
        (
            unusable("rsa-8192"),
            "the RSA modulus has 8192 bits, at most 4096 are supported",
        ),
        (
            changed(jwk("rsa-a"), &json!({ "use": "enc" })),
            "its use is \"enc\", not \"sig\"",
        ),
        (
            changed(jwk("rsa-a"), &json!({ "use": "" })),
            "its use is \"\", not \"sig\"",
        ),
        (
            changed(jwk("rsa-a"), &json!({ "key_ops": ["encrypt", "wrapKey"] })),
            "its key_ops do not hold \"verify\"",
        ),
        (
            changed(jwk("rsa-a"), &json!({ "key_ops": [] })),
            "its key_ops do not hold \"verify\"",
        ),
        (
            changed(jwk("rsa-a"), &json!({ "alg": "RSA-OAEP" })),
            "algorithm \"RSA-OAEP\" is not supported",
        ),
        (
            changed(jwk("rsa-a"), &json!({ "alg": "HS256" })),
            "algorithm HS256 does not fit a key of type RSA",
        ),
        (
            changed(jwk("rsa-a"), &json!({ "alg": "none" })),
            "algorithm \"none\" is not supported",
        ),
        (
            changed(unusable("secp256k1"), &json!({ "alg": "ES256K" })),
            "algorithm \"ES256K\" is not supported",
        ),
        (
            changed(jwk("rsa-a"), &json!({ "alg": "ES256" })),
            "algorithm ES256 does not fit a key of type RSA",
        ),
        (
            changed(jwk("p384-a"), &json!({ "alg": "ES256" })),
            "algorithm ES256 does not fit a key of type P-384",
        ),
    ];
    for (key, reason) in cases {
        let key = changed(key, &json!({ "kid": "k" }));
        let keys = parse(&[jwk("rsa-b"), key.clone()]).unwrap();
        assert_eq!(keys.keys().len(), 1, "{reason}");
        let ignored: Vec<_> = keys.ignored().iter().map(ToString::to_string).collect();
        assert_eq!(ignored, [format!("keys[1] (kid \"k\"): {reason}")]);
        assert_eq!(
            parse(&[key]).unwrap_err(),
            format!(
                "the key set has no key that can verify a signature: keys[0] (kid \"k\"): {reason}"
            )
        );
    }
}

#[test]
fn a_set_without_usable_keys_lists_all_reasons() {
    assert_eq!(
        parse(&[]).unwrap_err(),
        "the key set has no key that can verify a signature: it is empty"
    );
    assert_eq!(
        parse(&[json!({ "kty": "A" }), json!({ "kty": "B" })]).unwrap_err(),
        "the key set has no key that can verify a signature: keys[0]: key type \"A\" is not \
         supported; keys[1]: key type \"B\" is not supported"
    );
}

#[test]
fn members_that_are_fine() {
    for members in [
        json!({ "key_ops": ["verify"] }),
        json!({ "key_ops": ["sign", "verify"] }),
        json!({ "use": null }),
        json!({ "kid": "" }),
        json!({ "alg": "PS384" }),
        json!({ "x5c": ["AA"], "x5t": 7, "ext": true, "unknown": {} }),
    ] {
        let keys = parse(&[changed(jwk("rsa-a"), &members)]).unwrap();
        assert_eq!(
            (keys.keys().len(), keys.ignored().len()),
            (1, 0),
            "{members}"
        );
    }
}

#[test]
fn keys_that_are_wrong_refuse_the_set() {
    let even = {
        let mut modulus = decode(jwk("rsa-a")["n"].as_str().unwrap());
        *modulus.last_mut().unwrap() &= 0xfe;
        encode(modulus)
    };
    let padded_modulus =
        encode([&[0], decode(jwk("rsa-a")["n"].as_str().unwrap()).as_slice()].concat());
    let base64 = "must be base64url without padding, white space or stray bits";
    let symmetric = "a symmetric key has no place in a key set: give the secret in the environment \
        and name its variable in hmac_secret; replace this one, since it has been exposed";
    let exponent = "member \"e\" must be an odd number from 3 to 8589934591";
    let cases: Vec<(Value, String)> = vec![
        (json!(7), "a key must be a JSON object".into()),
        (json!({}), "member \"kty\" is missing".into()),
        (
            json!({ "kty": 7 }),
            "member \"kty\" must be a string".into(),
        ),
        (
            changed(jwk("rsa-a"), &json!({ "alg": 7 })),
            "member \"alg\" must be a string".into(),
        ),
        (
            changed(jwk("rsa-a"), &json!({ "use": ["sig"] })),
            "member \"use\" must be a string".into(),
        ),
        (
            changed(jwk("rsa-a"), &json!({ "kid": 7 })),
            "member \"kid\" must be a string".into(),
        ),
        (
            changed(jwk("rsa-a"), &json!({ "key_ops": "verify" })),
            "member \"key_ops\" must be an array of strings".into(),
        ),
        (
            changed(jwk("rsa-a"), &json!({ "key_ops": ["verify", 1] })),
            "member \"key_ops\" must be an array of strings".into(),
        ),
        (
            changed(jwk("rsa-a"), &json!({ "key_ops": ["verify", "verify"] })),
            "member \"key_ops\" has a value twice".into(),
        ),
        (
            changed(jwk("rsa-a"), &json!({ "n": null })),
            "member \"n\" is missing".into(),
        ),
        (
            changed(jwk("rsa-a"), &json!({ "e": null })),
            "member \"e\" is missing".into(),
        ),
        (
            changed(jwk("rsa-a"), &json!({ "n": "AQ==" })),
            format!("member \"n\" {base64}"),
        ),
        (
            changed(jwk("rsa-a"), &json!({ "e": "AQAB " })),
            format!("member \"e\" {base64}"),
        ),
        (
            changed(jwk("rsa-a"), &json!({ "n": padded_modulus })),
            "member \"n\" must not be empty or begin with a zero byte".into(),
        ),
        (
            changed(jwk("rsa-a"), &json!({ "e": "" })),
            "member \"e\" must not be empty or begin with a zero byte".into(),
        ),
        (
            changed(jwk("rsa-a"), &json!({ "n": even })),
            "member \"n\" is not an RSA modulus: it is even".into(),
        ),
        (
            changed(jwk("rsa-a"), &json!({ "e": "AQ" })),
            exponent.into(),
        ),
        (
            changed(jwk("rsa-a"), &json!({ "e": "AQAA" })),
            exponent.into(),
        ),
        (
            changed(jwk("rsa-a"), &json!({ "e": "AgAAAAE" })),
            exponent.into(),
        ),
        (
            changed(jwk("rsa-a"), &json!({ "e": "AQAAAAAAAAAB" })),
            exponent.into(),
        ),
        (
            unusable("rsa-1024"),
            "the RSA modulus has 1024 bits, at least 2048 are required: replace the key (from 1024 \
             bits on it can be allowed by its kid)"
                .into(),
        ),
        (
            unusable("rsa-2047"),
            "the RSA modulus has 2047 bits, at least 2048 are required: replace the key (from 1024 \
             bits on it can be allowed by its kid)"
                .into(),
        ),
        (
            unusable("rsa-roca"),
            "the RSA key can be factored (CVE-2017-15361): replace the key".into(),
        ),
        (
            changed(jwk("rsa-a"), &json!({ "n": encode([0xff; 127]) })),
            "the RSA modulus has 1016 bits, at least 2048 are required: replace the key".into(),
        ),
        (
            changed(jwk("p256-a"), &json!({ "crv": null })),
            "member \"crv\" is missing".into(),
        ),
        (
            changed(jwk("p256-a"), &json!({ "y": null })),
            "member \"y\" is missing".into(),
        ),
        (
            changed(jwk("p256-a"), &json!({ "x": encode([1; 31]) })),
            "member \"x\" must have 32 bytes, it has 31".into(),
        ),
        (
            changed(jwk("p384-a"), &json!({ "y": encode([1; 49]) })),
            "member \"y\" must have 48 bytes, it has 49".into(),
        ),
        (
            changed(jwk("p256-a"), &json!({ "y": jwk("p256-b")["y"] })),
            "the coordinates are not a point on P-256".into(),
        ),
        (
            changed(
                jwk("p256-a"),
                &json!({ "x": encode([0; 32]), "y": encode([0; 32]) }),
            ),
            "the coordinates are not a point on P-256".into(),
        ),
        (
            changed(jwk("p256-a"), &json!({ "x": encode([0xff; 32]) })),
            "the coordinates are not a point on P-256".into(),
        ),
        (
            changed(jwk("ed25519-a"), &json!({ "x": "" })),
            "member \"x\" must have 32 bytes, it has 0".into(),
        ),
        (
            changed(jwk("ed25519-a"), &json!({ "x": encode([7; 33]) })),
            "member \"x\" must have 32 bytes, it has 33".into(),
        ),
        (
            changed(
                jwk("ed25519-a"),
                &json!({ "x": encode([[2].as_slice(), &[0; 31]].concat()) }),
            ),
            "the coordinates are not a point on Ed25519".into(),
        ),
        (
            changed(unusable("p521"), &json!({ "y": unusable("p521")["x"] })),
            "the coordinates are not a point on P-521".into(),
        ),
        (json!({ "kty": "oct" }), symmetric.into()),
        (
            json!({ "kty": "oct", "k": encode([7; 32]), "kid": "k", "alg": "HS256" }),
            symmetric.into(),
        ),
    ];
    for (key, expected) in cases {
        let label = match key["kid"].as_str() {
            Some(key_id) => format!("keys[1] (kid {key_id:?})"),
            None => "keys[1]".to_owned(),
        };
        assert_eq!(
            parse(&[jwk("rsa-b"), key.clone()]).unwrap_err(),
            format!("{label}: {expected}"),
            "{key}"
        );
    }
}

#[test]
fn private_keys_refuse_the_set_even_where_they_would_be_ignored() {
    for name in ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"] {
        for key in [
            jwk("rsa-a"),
            json!({ "kty": "unknown" }),
            changed(jwk("rsa-a"), &json!({ "use": "enc" })),
        ] {
            let error = parse(&[
                jwk("rsa-b"),
                changed(key, &json!({ (name): "AA", "kid": "k" })),
            ]);
            assert_eq!(
                error.unwrap_err(),
                format!(
                    "keys[1] (kid \"k\"): member \"{name}\" is secret: a policy may hold the public \
                     part of a key only; take it out and replace the key, since it has been exposed"
                )
            );
        }
    }
}

/// The points of order 1, 2, 4 and 8, and the other spellings of some that
/// careless decoders take (RFC 7748 section 6.1, RFC 8032 section 5.1.3).
#[test]
fn ed25519_points_of_small_order_refuse_the_set() {
    let low = |first: u8, last: u8| {
        let mut x = [0; 32];
        (x[0], x[31]) = (first, last);
        x
    };
    let high = |first: u8, last: u8| {
        let mut x = [0xff; 32];
        (x[0], x[31]) = (first, last);
        x
    };
    let order_8 = [
        "JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_AU",
        "JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_IU",
        "xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA3o",
        "xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA_o",
    ];
    let order_8 = order_8.map(|text| <[u8; 32]>::try_from(decode(text)).unwrap());
    let others = [
        low(0, 0),
        low(0, 0x80),
        low(1, 0),
        low(1, 0x80),
        high(0xec, 0x7f),
        high(0xec, 0xff),
        high(0xed, 0x7f),
        high(0xed, 0xff),
        high(0xee, 0x7f),
        high(0xee, 0xff),
    ];
    let key = |x: [u8; 32]| changed(jwk("ed25519-a"), &json!({ "x": encode(x) }));
    for x in order_8.into_iter().chain(others) {
        assert_eq!(
            parse(&[key(x)]).unwrap_err(),
            "keys[0] (kid \"ed25519-a\"): the coordinates are a point of small order on Ed25519: \
             replace the key",
            "{x:?}"
        );
    }
    // 2^255 - 19 + 3, another spelling of the coordinate 3, which is on the
    // curve.
    let three = parse(&[key(low(3, 0))]).map(|keys| keys.keys().len());
    assert_eq!(three, Ok(1));
    assert_eq!(
        parse(&[key(high(0xf0, 0x7f))]).unwrap_err(),
        "keys[0] (kid \"ed25519-a\"): the coordinates are not a point on Ed25519"
    );
}

#[test]
fn weak_rsa_keys_are_allowed_by_kid_alone() {
    let parse = |names: &[&str], members: Value| {
        let policy = KeyPolicy {
            allow_weak_rsa_keys: names.iter().map(ToString::to_string).collect(),
            ..KeyPolicy::default()
        };
        let key = changed(unusable("rsa-1024"), &members);
        Jwks::parse_with(json!({ "keys": [key] }).to_string().as_bytes(), &policy).is_ok()
    };
    let old = || json!({ "kid": "old" });
    assert!(parse(&["old"], old()));
    assert!(parse(&["other", "old"], old()));
    assert!(!parse(&[], old()));
    assert!(!parse(&["OLD", "ol", "*", ""], old()));
    assert!(!parse(&["old", ""], json!({})), "a key without kid");
    assert!(!parse(
        &["old"],
        json!({ "kid": "old", "n": encode([0xff; 127]) })
    ));
}

/// Tools are given any key; a proxy none of these.
#[test]
fn tools_read_symmetric_and_private_keys() {
    let policy = KeyPolicy {
        secrets: true,
        private_members: true,
        ..KeyPolicy::default()
    };
    let read = |key: Value| Jwks::of_key(key.as_object().unwrap(), &policy);
    let oct = |bytes: usize, members: Value| {
        changed(
            json!({ "kty": "oct", "k": encode(vec![7; bytes]) }),
            &members,
        )
    };
    let private = read(changed(jwk("p256-a"), &json!({ "d": "AA" }))).unwrap();
    assert_eq!(private.keys()[0].public_key().kind(), "P-256");
    let secret = read(oct(48, json!({}))).unwrap();
    assert!(secret.keys().is_empty());
    assert_eq!(format!("{:?}", secret.secrets()[0].secret()), "Secret");
    let fits = MacAlgorithm::ALL.map(|algorithm| secret.any_fits(algorithm.into()));
    assert_eq!(fits, [true, true, false]);
    let short = |algorithm: &str, bytes, found| {
        format!("the secret has {found} bytes, {algorithm} needs at least {bytes}")
    };
    for (key, expected) in [
        (oct(0, json!({})), short("HS256", 32, 0)),
        (oct(31, json!({})), short("HS256", 32, 31)),
        (oct(47, json!({ "alg": "HS384" })), short("HS384", 48, 47)),
        (oct(63, json!({ "alg": "HS512" })), short("HS512", 64, 63)),
        (
            changed(oct(32, json!({})), &json!({ "k": null })),
            "member \"k\" is missing".into(),
        ),
        (
            changed(oct(32, json!({})), &json!({ "k": "AA==" })),
            "member \"k\" must be base64url without padding, white space or stray bits".into(),
        ),
        (
            oct(32, json!({ "alg": "RS256" })),
            "the key cannot verify a signature: algorithm RS256 does not fit a key of type oct"
                .into(),
        ),
        (
            oct(32, json!({ "alg": "A128KW" })),
            "the key cannot verify a signature: algorithm \"A128KW\" is not supported".into(),
        ),
        (
            oct(32, json!({ "use": "enc" })),
            "the key cannot verify a signature: its use is \"enc\", not \"sig\"".into(),
        ),
        (
            oct(32, json!({ "key_ops": ["sign"] })),
            "the key cannot verify a signature: its key_ops do not hold \"verify\"".into(),
        ),
    ] {
        assert_eq!(read(key).unwrap_err().to_string(), expected);
    }
    let key = oct(32, json!({}));
    let refused = Jwks::of_key(key.as_object().unwrap(), &KeyPolicy::default());
    assert!(matches!(refused, Err(JwkError::Wrong(_))));
}

#[test]
fn texts_that_are_no_sets() {
    let too_many = json!({ "keys": vec![json!({ "kty": "A" }); MAX_JWKS_KEYS + 1] }).to_string();
    for (text, expected) in [
        ("", "line 1, column 0: the key set is not valid JSON"),
        (
            "{\n\"keys\":[}",
            "line 2, column 9: the key set is not valid JSON",
        ),
        ("[]", "the key set is not a JSON object"),
        (
            "{}",
            "the key set has no array \"keys\": write {\"keys\":[...]}",
        ),
        (
            r#"{"keys":{}}"#,
            "the key set has no array \"keys\": write {\"keys\":[...]}",
        ),
        (
            r#"{"kty":"RSA"}"#,
            "the key set has no array \"keys\": write {\"keys\":[...]}",
        ),
        (
            r#"{"keys":[],"keys":[]}"#,
            "line 1, column 17: the key set has a member twice",
        ),
        (
            r#"{"keys":[{"kty":"RSA","kty":"RSA"}]}"#,
            "line 1, column 27: the key set has a member twice",
        ),
        (&too_many, "the key set has 129 keys, 128 are allowed"),
    ] {
        assert_eq!(
            Jwks::parse(text.as_bytes()).unwrap_err().to_string(),
            expected,
            "{}",
            &text[..text.len().min(60)]
        );
    }
    assert_eq!(
        Jwks::parse(&vec![b' '; MAX_JWKS_BYTES + 1])
            .unwrap_err()
            .to_string(),
        "the key set has 262145 bytes, 262144 are allowed"
    );
}
