//! Many tokens in little time: a run needs more than a cache holds.

use anyhow::{Context, Result, anyhow};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;
use std::path::Path;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

/// What signs the tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Rs256,
    Es256,
}

/// A private key.
enum Signer {
    Rsa(RsaKeyPair),
    Ecdsa(EcdsaKeyPair),
}

impl Signer {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .map_err(|error| anyhow!("the key does not sign: {error}"))?;
                Ok(signature)
            }
            Self::Ecdsa(pair) => {
                let signature = pair
                    .sign(&random, message)
                    .map_err(|error| anyhow!("the key does not sign: {error}"))?;
                Ok(signature.as_ref().to_vec())
            }
        }
    }
}

/// `count` tokens of the example issuer, each another, by the keys in
/// `folder`. They are valid for a day.
pub(crate) fn tokens(algorithm: Algorithm, count: usize, folder: &Path) -> Result<Vec<String>> {
    let (name, kid) = match algorithm {
        Algorithm::Rs256 => ("RS256", "orders-rs256"),
        Algorithm::Es256 => ("ES256", "orders-es256"),
    };
    let key = read_pem(&folder.join(kid).with_extension("pem"))?;
    let signer = match algorithm {
        Algorithm::Rs256 => RsaKeyPair::from_pkcs8(&key).map(Signer::Rsa),
        Algorithm::Es256 => {
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key).map(Signer::Ecdsa)
        }
    }
    .map_err(|error| anyhow!("{kid}: {error}"))?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let header = URL_SAFE_NO_PAD.encode(json!({"alg": name, "kid": kid, "typ": "JWT"}).to_string());
    let token = |number: usize| {
        let claims = json!({
            "iss": "https://issuer.example", "aud": "orders",
            "sub": format!("user-{number:06}"), "scope": "orders:read",
            "iat": now, "exp": now + 86_400, "jti": format!("{number:032}"),
        });
        let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = URL_SAFE_NO_PAD.encode(signer.sign(signed.as_bytes())?);
        Ok(format!("{signed}.{signature}"))
    };
    // Signing takes the most of it, and each core can.
    let part = count
        .div_ceil(thread::available_parallelism()?.get())
        .max(1);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..count)
            .step_by(part)
            .map(|from| {
                let numbers = from..count.min(from + part);
                scope.spawn(|| numbers.map(&token).collect::<Result<Vec<_>>>())
            })
            .collect();
        let mut all = Vec::new();
        for thread in threads {
            let minted = thread.join();
            all.extend(minted.map_err(|_| anyhow!("a thread that mints ended"))??);
        }
        Ok(all)
    })
}

fn read_pem(path: &Path) -> Result<Vec<u8>> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    STANDARD
        .decode(body)
        .with_context(|| format!("{} is not PEM", path.display()))
}
