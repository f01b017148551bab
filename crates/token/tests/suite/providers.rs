//! Settings that make no provider.

use doorward_token::{Algorithm, Provider, ProviderSettings};

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
        [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA]
    );
    assert_eq!(settings.clock_skew_seconds, 60);
    assert!(settings.require_expiration);
    assert_eq!(settings.max_token_bytes, 16_384);
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
            refusal(|settings| settings.algorithms = vec![Algorithm::RS256, Algorithm::RS256]),
            "algorithms[1] is there twice",
        ),
        (
            refusal(|settings| {
                settings.jwks = set(&[jwk("p384-a")]);
            }),
            "no key fits the algorithms that are allowed (RS256, ES256, EdDSA): add a key or an \
             algorithm",
        ),
        (
            refusal(|settings| settings.clock_skew_seconds = 601),
            "the clock skew is 601 s, at most 600 s are allowed",
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
