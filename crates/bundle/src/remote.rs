//! The keys of an issuer that are fetched, checked.

use doorward_token::JwsAlgorithm;
use doorward_token::remote::{HttpUrl, KeyPlace, RemoteKeySettings};

use crate::duration::milliseconds;
use crate::error::BundleError;
use crate::manifest::{Jwks, TokenProvider};

impl Jwks {
    /// The first field that only fetched keys have, if there is one.
    pub(crate) fn remote_field(&self) -> Option<&'static str> {
        [
            ("cluster", self.cluster.is_some()),
            ("uri", self.uri.is_some()),
            ("discovery", self.discovery),
            ("refresh", self.refresh.is_some()),
            ("timeout", self.timeout.is_some()),
            ("stale_if_error", self.stale_if_error.is_some()),
        ]
        .into_iter()
        .find_map(|(name, given)| given.then_some(name))
    }
}

/// How the keys of the entry at `index` are fetched; `None` where they are not.
pub(crate) fn load(
    index: usize,
    entry: &TokenProvider,
    algorithms: &[JwsAlgorithm],
) -> Result<Option<RemoteKeySettings>, BundleError> {
    let jwks = &entry.jwks;
    let Some(first) = jwks.remote_field() else {
        return Ok(None);
    };
    let at = |field: &str| format!("tokens[{index}].jwks.{field}");
    if jwks.keys.is_some() || jwks.file.is_some() {
        return Err(BundleError::field(
            at(first),
            "is for keys that are fetched, but keys or a file are there too: leave one out",
        ));
    }
    let Some(cluster) = &jwks.cluster else {
        return Err(BundleError::field(
            at("cluster"),
            "is missing: name the proxy's cluster that the keys are fetched from",
        ));
    };
    let place = match (&jwks.uri, jwks.discovery) {
        (Some(uri), false) => HttpUrl::parse(uri)
            .map(KeyPlace::Uri)
            .map_err(|error| BundleError::field(at("uri"), format!("{uri:?} {error}")))?,
        (None, true) => KeyPlace::discovery(&entry.issuer).map_err(|error| {
            let problem = format!(
                "needs an issuer that is a URL, but {:?} {error}",
                entry.issuer
            );
            BundleError::field(at("discovery"), problem)
        })?,
        (Some(_), true) => {
            return Err(BundleError::field(
                at("discovery"),
                "finds the uri, but uri is there too: leave one out",
            ));
        }
        (None, false) => {
            return Err(BundleError::field(
                at("uri"),
                "is missing: give the key set's URL, or \"discovery\": true to find it by the issuer",
            ));
        }
    };
    let mut settings = RemoteKeySettings::new(cluster, place, algorithms.to_vec());
    for (name, given, setting) in [
        ("refresh", &jwks.refresh, &mut settings.refresh),
        ("timeout", &jwks.timeout, &mut settings.timeout),
        (
            "stale_if_error",
            &jwks.stale_if_error,
            &mut settings.stale_if_error,
        ),
    ] {
        if let Some(text) = given {
            *setting =
                milliseconds(text).map_err(|problem| BundleError::field(at(name), problem))?;
        }
    }
    settings
        .check()
        .map_err(|error| BundleError::field(at(error.field), error.problem))?;
    Ok(Some(settings))
}
