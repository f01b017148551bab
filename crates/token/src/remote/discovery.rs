//! OpenID provider configuration (OpenID Connect Discovery 1.0 section 4).

use serde_json::Value;

use super::failure::FetchError;
use super::url::HttpUrl;
use crate::json::parse_object;

/// The `jwks_uri` of an OpenID provider configuration.
///
/// Its `issuer` must be the configured one to the letter (section 4.3), and
/// the key set must be on the server that the configuration came from: the
/// operator chose that one, and the cluster verifies that one.
pub(super) fn jwks_uri(
    document: &[u8],
    issuer: &str,
    configuration: &HttpUrl,
) -> Result<HttpUrl, FetchError> {
    let members = parse_object(document).map_err(|_| FetchError::Configuration)?;
    let text = |name: &'static str| match members.get(name) {
        Some(Value::String(text)) => Ok(text.as_str()),
        _ => Err(FetchError::ConfigurationMember(name)),
    };
    if text("issuer")? != issuer {
        return Err(FetchError::OtherIssuer);
    }
    let url = HttpUrl::parse(text("jwks_uri")?).map_err(FetchError::KeyUrl)?;
    if !url.same_origin(configuration) {
        return Err(FetchError::OtherOrigin);
    }
    Ok(url)
}
