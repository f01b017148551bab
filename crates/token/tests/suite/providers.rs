//! Settings that make no provider.

use doorward_token::{Algorithm, JwsAlgorithm, MacAlgorithm, Provider, ProviderSettings};

use crate::mint::{ISSUER, all_keys, jwk, set};

fn refusal(change: impl FnOnce(&mut ProviderSettings)) -> String {
    let mut settings = ProviderSettings::new(ISSUER, all_keys());
    change(&mut settings);
    Provider::new(settings).unwrap_err().to_string()
}

#[test]
fn defaults() {
    let settings = ProviderSettings::new(ISSUER, all_keys());
    assert!(settings.audiences.is_empty());
    assert_eq!(
        settings.algorithms,
        [Algorithm::RS256, Algorithm::ES256].map(JwsAlgorithm::from)
    );
    assert_eq!(settings.clock_skew_seconds, 60);
    assert!(settings.require_expiration);
    assert_eq!(settings.max_token_bytes, 16_384);
    assert_eq!(settings.subjects, None);
    assert_eq!(settings.token_type, None);
    assert_eq!(settings.max_lifetime_seconds, None);
    let provider = Provider::new(settings.clone()).unwrap();
    assert_eq!(provider.issuer(), ISSUER);
    assert_eq!(provider.settings(), &settings);
}

#[test]
fn settings_that_are_wrong() {
    let two = |first: &str, second: &str| vec![first.to_owned(), second.to_owned()];
    for (found, expected) in [
        (
            refusal(|settings| settings.issuer.clear()),
            "issuer is empty: give the exact value of the tokens' \"iss\"",
        ),
        (
            refusal(|settings| settings.audiences = two("a", "")),
            "audiences[1] is empty",
        ),
        (
            refusal(|settings| settings.audiences = two("a", "a")),
            "audiences[1] is there twice",
        ),
        (
            refusal(|settings| settings.algorithms.clear()),
            "algorithms is empty: name one or leave it out",
        ),
        (
            refusal(|settings| settings.algorithms = vec![Algorithm::RS256.into(); 2]),
            "algorithms[1] is there twice",
        ),
        (
            refusal(|settings| {
                settings.jwks = set(&[jwk("p384-a")]);
            }),
            "no key fits the algorithms that are allowed (RS256, ES256): add a key or an algorithm",
        ),
        (
            refusal(|settings| settings.clock_skew_seconds = 601),
            "the clock skew is 601 s, at most 600 s are allowed",
        ),
        (
            refusal(|settings| settings.algorithms = vec![MacAlgorithm::HS256.into()]),
            "no key fits the algorithms that are allowed (HS256): add a key or an algorithm",
        ),
        (
            refusal(|settings| settings.token_type = Some(String::new())),
            "the token type is empty: write one such as at+jwt, or leave it out",
        ),
        (
            refusal(|settings| settings.max_lifetime_seconds = Some(0)),
            "the maximum lifetime is 0 s, which no token meets: give more, or leave it out",
        ),
        (
            refusal(|settings| settings.max_token_bytes = 0),
            "the token size bound is 0 bytes: give 1 to 65536",
        ),
        (
            refusal(|settings| settings.max_token_bytes = 65_537),
            "the token size bound is 65537 bytes: give 1 to 65536",
        ),
    ] {
        assert_eq!(found, expected);
    }
}
