//! What the targets of tokens and key sets share: keys, an issuer, and
//! verifiers.

use doorward_token::{
    Algorithm, Jwks, JwsAlgorithm, KeyPolicy, Provider, ProviderSettings, PublicKey,
    SignatureError, SignatureVerifier,
};

/// The time of every verification: 2027-01-15T08:00:00Z.
pub const NOW: i64 = 1_800_000_000;

/// The tokens of tests/tokens, a JSON object of compact ones by name.
pub const MINTED: &str = include_str!("../../tests/tokens/minted.json");

const KEYS: &str = include_str!("../../tests/tokens/jwks-issuer.json");

/// What a command-line tool reads of a key set: all kinds of keys.
#[must_use]
pub fn any_keys() -> KeyPolicy {
    KeyPolicy {
        secrets: true,
        private_members: true,
        allow_weak_rsa_keys: vec!["rsa-1024".to_owned()],
    }
}

/// The issuer of tests/tokens with every algorithm.
///
/// # Panics
///
/// The key set there is not one.
#[must_use]
pub fn provider() -> Provider {
    let keys = Jwks::parse(KEYS.as_bytes()).expect("a key set");
    let mut settings = ProviderSettings::new("https://issuer.example", keys);
    settings.audiences = vec!["orders".to_owned()];
    settings.algorithms = JwsAlgorithm::all().collect();
    Provider::new(settings).expect("a provider")
}

/// Takes every signature: what is behind it is reached too.
pub struct Gullible;

impl SignatureVerifier for Gullible {
    fn verify(
        &self,
        _: Algorithm,
        _: &PublicKey,
        _: &[u8],
        _: &[u8],
    ) -> Result<(), SignatureError> {
        Ok(())
    }
}
