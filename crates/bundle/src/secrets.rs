//! Secrets of issuers that sign with HMAC: a bundle names them, the VM's
//! environment has them, so that they travel with no policy.

use std::fmt;

use doorward_token::{Jwks, JwsAlgorithm, Secret, SecretJwk, decode_base64url};

use crate::error::BundleError;
use crate::manifest::{Manifest, TokenProvider};

/// Values of the VM's environment, by the variables' names.
#[derive(Clone, Default)]
pub struct Secrets(Vec<(String, Vec<u8>)>);

impl Secrets {
    /// Adds what a variable holds.
    pub fn add(&mut self, variable: &str, value: Vec<u8>) {
        self.0.push((variable.to_owned(), value));
    }

    fn get(&self, variable: &str) -> Option<&[u8]> {
        self.0
            .iter()
            .find_map(|(name, value)| (name == variable).then_some(value.as_slice()))
    }
}

impl fmt::Debug for Secrets {
    /// How many there are: key material stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

impl Manifest {
    /// The variables of the environment that hold this bundle's secrets.
    pub fn secret_variables(&self) -> impl Iterator<Item = &str> {
        self.tokens
            .iter()
            .filter_map(|entry| entry.hmac_secret.get("env"))
            .map(String::as_str)
    }
}

/// The secret of the entry at `index`, as its only key; `None` where it names
/// none. It is for one algorithm, which the entry must name (RFC 8725 section
/// 3.1).
pub(crate) fn load(
    index: usize,
    entry: &TokenProvider,
    algorithms: &[JwsAlgorithm],
    secrets: &Secrets,
) -> Result<Option<Jwks>, BundleError> {
    let field = |name: &str| format!("tokens[{index}].{name}");
    let mac = algorithms.iter().find_map(|algorithm| match algorithm {
        JwsAlgorithm::Mac(mac) => Some(*mac),
        JwsAlgorithm::Signature(_) => None,
    });
    if entry.hmac_secret.is_empty() {
        return match mac {
            None => Ok(None),
            Some(mac) => Err(BundleError::field(
                field("algorithms"),
                format!("{mac} needs hmac_secret: {{env: NAME}}, the variable with the secret"),
            )),
        };
    }
    if !entry.jwks.is_absent() {
        return Err(BundleError::field(
            field("hmac_secret"),
            "is there beside jwks: keep one, and an entry of its own for each issuer",
        ));
    }
    let (Some(mac), 1) = (mac, algorithms.len()) else {
        return Err(BundleError::field(
            field("algorithms"),
            "must name one of HS256, HS384 and HS512 alone where there is hmac_secret",
        ));
    };
    let secret = read(entry, secrets)
        .map_err(|problem| BundleError::field(field("hmac_secret"), problem))?;
    SecretJwk::new(Secret::new(secret), mac)
        .map(|key| Some(Jwks::of_secret(key)))
        .map_err(|error| BundleError::field(field("hmac_secret"), error.to_string()))
}

fn read(entry: &TokenProvider, secrets: &Secrets) -> Result<Vec<u8>, String> {
    let known = |name: &str| name == "env" || name == "encoding";
    if let Some((name, _)) = entry.hmac_secret.iter().find(|(name, _)| !known(name)) {
        return Err(format!("has the field {name:?}: write env and encoding"));
    }
    let Some(variable) = entry.hmac_secret.get("env") else {
        return Err("names no variable: write {env: NAME}".to_owned());
    };
    let value = secrets.get(variable).ok_or_else(|| {
        format!("the variable {variable:?} is not in the VM's environment: set it there")
    })?;
    match entry.hmac_secret.get("encoding").map(String::as_str) {
        None | Some("text") => Ok(value.to_vec()),
        Some("base64url") => decode_base64url(value)
            .ok_or_else(|| format!("the value of {variable:?} is not base64url without padding")),
        Some(other) => Err(format!("encoding {other:?} is neither text nor base64url")),
    }
}
