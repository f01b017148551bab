//! Any bytes as a key set, as a proxy reads it and as a tool does; and as all
//! that the network may answer to a proxy that fetches keys.

#![no_main]

use doorward_fuzz::jose::any_keys;
use doorward_fuzz::network;
use doorward_token::{
    Algorithm, Jwks, JwsAlgorithm, MacAlgorithm, PublicKey, SignatureVerifier, SoftwareVerifier,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let strict = Jwks::parse(bytes);
    let tool = Jwks::parse_with(bytes, &any_keys());
    match (&strict, &tool) {
        (Ok(strict), Ok(tool)) => {
            assert_eq!(strict, tool, "a tool reads the same of what a proxy reads");
        }
        (Ok(_), Err(error)) => panic!("a proxy reads it, a tool does not: {error}"),
        (Err(error), _) => assert!(!error.to_string().is_empty()),
    }
    match (&strict, Jwks::parse_published(bytes)) {
        (Ok(strict), Ok(published)) => assert_eq!(*strict, published),
        (Ok(_), Err(error)) => panic!("it is read, but not as a published one: {error}"),
        (Err(_), Ok(published)) => hold_public(&published),
        (Err(_), Err(error)) => assert!(!error.to_string().is_empty()),
    }
    if let Ok(keys) = &strict {
        hold_public(keys);
    }
    if let Ok(keys) = &tool {
        hold(keys);
    }
    network::answer(bytes);
    network::configuration(bytes);
    network::url(bytes);
});

/// What a proxy uses is public and strong.
fn hold_public(keys: &Jwks) {
    assert!(keys.secrets().is_empty(), "a secret");
    assert!(!keys.keys().is_empty());
    for key in keys.keys() {
        if let PublicKey::Rsa { modulus, .. } = key.public_key() {
            assert!((256..=512).contains(&modulus.len()));
        }
    }
}

/// Every key answers every algorithm, and only its own with a verdict.
fn hold(keys: &Jwks) {
    for key in keys.keys().iter().take(3) {
        for algorithm in Algorithm::ALL.into_iter().filter(|known| key.fits(*known)) {
            assert!(keys.any_fits(JwsAlgorithm::Signature(algorithm)));
            for size in [64, 96, 128, 132, 256, 512] {
                let forged =
                    SoftwareVerifier.verify(algorithm, key.public_key(), b"x", &vec![1; size]);
                assert!(forged.is_err(), "{algorithm} {size}");
            }
        }
    }
    for key in keys.secrets() {
        for algorithm in MacAlgorithm::ALL
            .into_iter()
            .filter(|known| key.fits(*known))
        {
            let mac = vec![0; algorithm.output_bytes()];
            assert!(key.secret().len() >= mac.len());
            assert!(!key.secret().verify(algorithm, b"x", &mac));
        }
    }
}
