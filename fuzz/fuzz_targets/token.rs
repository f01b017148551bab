//! Any bytes as a token; or, when they begin with `{`, a header and a payload
//! on a line each, encoded and joined, with signatures that are taken.

#![no_main]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_fuzz::jose::{Gullible, MINTED, NOW, provider};
use doorward_token::{
    Provider, SignatureVerifier, SoftwareVerifier, Verified, parse_json, peek_issuer,
};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

static PROVIDER: LazyLock<Provider> = LazyLock::new(provider);

/// The only tokens that may verify: nobody else has the keys.
static SIGNED: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let minted: BTreeMap<String, String> = serde_json::from_str(MINTED).expect("tokens");
    minted.into_values().collect()
});

/// The sizes of signatures: RSA of 2048 bits, ES256 and EdDSA, ES384, ES512.
const SIZES: [usize; 4] = [256, 64, 96, 132];

fn verify(token: &[u8], verifier: &dyn SignatureVerifier) -> Option<Verified> {
    match PROVIDER.verify(token, NOW, verifier) {
        Ok(verified) => {
            hold(token, &verified);
            Some(verified)
        }
        Err(error) => {
            assert!(error.code().starts_with("token_") && !error.to_string().is_empty());
            None
        }
    }
}

/// Holds what was verified to what every verified token is.
fn hold(token: &[u8], verified: &Verified) {
    assert_eq!(verified.issuer(), "https://issuer.example");
    assert_eq!(peek_issuer(token).as_deref(), Ok(verified.issuer()));
    let end = verified.expires_at().expect("exp");
    assert!((NOW - 59..=253_402_300_799).contains(&end));
    // Claims are written again for upstreams.
    let members = Value::Object(verified.claims().members().clone());
    assert!(parse_json(&members.to_string()).is_ok());
}

fuzz_target!(|bytes: &[u8]| {
    if bytes.first() != Some(&b'{') {
        if verify(bytes, &SoftwareVerifier).is_some() {
            let token = std::str::from_utf8(bytes).expect("ASCII");
            assert!(SIGNED.contains(token), "nobody signed {token}");
        }
        verify(bytes, &Gullible);
        return;
    }
    let line = bytes.iter().position(|byte| *byte == b'\n');
    let (header, payload) = bytes.split_at(line.unwrap_or(bytes.len()));
    let payload = payload.strip_prefix(b"\n").unwrap_or(payload);
    let message = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(payload)
    );
    for size in SIZES {
        let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(vec![0; size]));
        let verified = verify(token.as_bytes(), &Gullible);
        assert!(
            !verified.is_some_and(|verified| verified.algorithm().name().starts_with("HS")),
            "a MAC without a secret"
        );
    }
});
