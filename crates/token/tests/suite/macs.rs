//! HMAC: accepted with a secret, and never with anything that is public.

use doorward_token::{
    Algorithm, Jwks, JwsAlgorithm, KeyPolicy, MacAlgorithm, Provider, ProviderSettings, Secret,
    SecretJwk, SoftwareVerifier, TokenError,
};
use jsonwebtoken::EncodingKey;
use serde_json::{Value, json};

use crate::mint::{
    ISSUER, JWKS, NOW, all_keys, decode, encode, good, good_claims, jwk, parts, provider_with,
};

fn mac(algorithm: MacAlgorithm, secret: &[u8], header: &Value) -> String {
    let message = format!(
        "{}.{}",
        encode(header.to_string()),
        encode(good_claims().to_string())
    );
    let key = EncodingKey::from_secret(secret);
    let library = algorithm.name().parse().unwrap();
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, library).unwrap();
    format!("{message}.{signature}")
}

fn header(algorithm: MacAlgorithm) -> Value {
    json!({ "alg": algorithm.name() })
}

/// A provider of one secret for one algorithm.
fn provider_of(secret: &[u8], algorithm: MacAlgorithm) -> Provider {
    let key = SecretJwk::new(Secret::new(secret.to_vec()), algorithm).unwrap();
    let mut settings = ProviderSettings::new(ISSUER, Jwks::of_secret(key));
    settings.algorithms = vec![algorithm.into()];
    Provider::new(settings).unwrap()
}

fn judge(provider: &Provider, token: &str) -> Result<JwsAlgorithm, TokenError> {
    let verified = provider.verify(token.as_bytes(), NOW, &SoftwareVerifier)?;
    Ok(verified.algorithm())
}

#[test]
fn a_secret_checks_what_it_made() {
    let secret = [7; 64];
    for algorithm in MacAlgorithm::ALL {
        let provider = provider_of(&secret, algorithm);
        let token = mac(algorithm, &secret, &header(algorithm));
        assert_eq!(judge(&provider, &token), Ok(algorithm.into()));
        let named = mac(
            algorithm,
            &secret,
            &json!({ "alg": algorithm.name(), "kid": "x" }),
        );
        assert_eq!(judge(&provider, &named), Ok(algorithm.into()), "any kid");
        let other = mac(algorithm, &[8; 64], &header(algorithm));
        assert_eq!(judge(&provider, &other), Err(TokenError::SignatureInvalid));
        let [header_part, payload, signature] = parts(&token);
        let bytes = decode(&signature);
        let half = bytes.len() / 2;
        for forged in [
            Vec::new(),
            bytes[..half].to_vec(),
            bytes[..bytes.len() - 1].to_vec(),
            [bytes.as_slice(), &[0]].concat(),
            vec![0; bytes.len()],
        ] {
            let token = format!("{header_part}.{payload}.{}", encode(forged));
            assert_eq!(judge(&provider, &token), Err(TokenError::SignatureInvalid));
        }
        for stranger in MacAlgorithm::ALL {
            if stranger != algorithm {
                let token = mac(stranger, &secret, &header(stranger));
                let refusal = Err(TokenError::AlgorithmNotAllowed);
                assert_eq!(judge(&provider, &token), refusal, "{stranger}");
            }
        }
    }
}

#[test]
fn a_secret_is_as_long_as_the_hash() {
    for algorithm in MacAlgorithm::ALL {
        let least = algorithm.output_bytes();
        let new = |bytes| SecretJwk::new(Secret::new(vec![7; bytes]), algorithm);
        assert!(new(least).is_ok());
        for bytes in [0, 1, least - 1] {
            assert_eq!(
                new(bytes).unwrap_err().to_string(),
                format!("the secret has {bytes} bytes, {algorithm} needs at least {least}")
            );
            let secret = Secret::new(vec![7; bytes]);
            assert!(!secret.verify(algorithm, b"x", &vec![0; least]));
        }
    }
}

/// RFC 8725 section 2.1: whatever of a public key serves as the secret, and
/// even where the algorithm is allowed.
#[test]
fn public_keys_are_no_secrets() {
    let everything = provider_with(|settings| settings.algorithms = JwsAlgorithm::all().collect());
    let by_default = provider_with(|_| {});
    let key = jwk("rsa-a");
    let modulus = decode(key["n"].as_str().unwrap());
    let texts = [
        JWKS.as_bytes().to_vec(),
        key.to_string().into_bytes(),
        key["n"].as_str().unwrap().as_bytes().to_vec(),
        modulus,
        decode(jwk("ed25519-a")["x"].as_str().unwrap()),
        decode(jwk("p256-a")["x"].as_str().unwrap()),
        Vec::new(),
    ];
    for secret in texts {
        for algorithm in MacAlgorithm::ALL {
            for kid in ["rsa-a", "p256-a", "ed25519-a"] {
                let header = json!({ "alg": algorithm.name(), "kid": kid });
                let token = mac(algorithm, &secret, &header);
                assert_eq!(judge(&everything, &token), Err(TokenError::KeyMismatch));
                let refusal = Err(TokenError::AlgorithmNotAllowed);
                assert_eq!(judge(&by_default, &token), refusal);
            }
        }
    }
}

/// As tools read them; each secret checks what its `alg` and its size allow.
#[test]
fn sets_of_secrets() {
    let policy = KeyPolicy {
        secrets: true,
        ..KeyPolicy::default()
    };
    let secret = encode([7; 64]);
    let any = json!({ "kty": "oct", "k": secret, "kid": "any" });
    let only = json!({ "kty": "oct", "k": secret, "kid": "only-384", "alg": "HS384" });
    let parse =
        |keys: &[&Value]| Jwks::parse_with(json!({ "keys": keys }).to_string().as_bytes(), &policy);
    let mut settings = ProviderSettings::new(ISSUER, parse(&[&any, &only]).unwrap());
    settings.algorithms = JwsAlgorithm::all().collect();
    let provider = Provider::new(settings).unwrap();
    for (algorithm, kid, expected) in [
        (MacAlgorithm::HS256, "any", Ok(MacAlgorithm::HS256.into())),
        (MacAlgorithm::HS512, "any", Ok(MacAlgorithm::HS512.into())),
        (
            MacAlgorithm::HS384,
            "only-384",
            Ok(MacAlgorithm::HS384.into()),
        ),
        (
            MacAlgorithm::HS256,
            "only-384",
            Err(TokenError::KeyMismatch),
        ),
        (MacAlgorithm::HS256, "nobody", Err(TokenError::KeyUnknown)),
    ] {
        let header = json!({ "alg": algorithm.name(), "kid": kid });
        let token = mac(algorithm, &[7; 64], &header);
        assert_eq!(judge(&provider, &token), expected, "{algorithm} {kid}");
    }
    let signed = judge(&provider, &good("rsa-a", Algorithm::RS256));
    assert_eq!(signed, Err(TokenError::KeyUnknown));
    let nameless = json!({ "kty": "oct", "k": secret });
    assert!(parse(&[&nameless, &nameless]).is_ok());
    for (keys, expected) in [
        (
            [&any, &jwk("rsa-a")],
            "the key set has symmetric and public keys: give each kind a set of its own",
        ),
        (
            [&any, &any],
            "keys[1] (kid \"any\"): another symmetric key has the same kid",
        ),
    ] {
        assert_eq!(parse(&keys).unwrap_err().to_string(), expected);
    }
    assert!(all_keys().secrets().is_empty());
}
