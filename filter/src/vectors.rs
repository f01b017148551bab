//! For tests alone (the feature `vectors`): a request brings a key and a JWS,
//! and gets what the host's verifier and the software say of it. So vectors
//! whose payload is no claims set run on a proxy's cryptography too.

use doorward_request::{HeaderSnapshot, HeaderValue};
use doorward_token::{
    Algorithm, HostVerifier, Jwks, SignatureState, SignatureVerifier, SoftwareVerifier, TokenError,
    verify_jws,
};

use crate::host::{self, Action, HeaderMap};
use crate::signatures::{Proxy, software_only};

const MAX_BYTES: usize = 64 * 1024;

/// Whether the VM's environment asks for it.
pub(crate) fn is_on() -> bool {
    std::env::var_os("DOORWARD_VECTORS").is_some()
}

/// Answers every request.
pub(crate) fn on_request_headers() -> Action {
    let body = judge().unwrap_or_else(|| "{\"error\":\"no vector\"}".to_owned());
    if host::send_local_response(200, "vector", &[], body.as_bytes()).is_err() {
        log::error!("doorward: the answer could not be sent");
    }
    Action::Pause
}

fn judge() -> Option<String> {
    let pairs = host::header_pairs(HeaderMap::RequestHeaders).ok()?;
    let headers = HeaderSnapshot::from_pairs(pairs).ok()?;
    let (HeaderValue::One(jwk), HeaderValue::One(token)) =
        (headers.get("x-jwk"), headers.get("x-token"))
    else {
        return None;
    };
    let set = [b"{\"keys\":[", jwk, b"]}"].concat();
    let Ok(keys) = Jwks::parse(&set) else {
        return Some("{\"error\":\"key\"}".to_owned());
    };
    let state = SignatureState::default();
    state.set_software_only(software_only().ok()?);
    let verdict = |verifier: &dyn SignatureVerifier| -> &'static str {
        verify_jws(
            token,
            &keys,
            &Algorithm::ALL.map(Into::into),
            MAX_BYTES,
            verifier,
        )
        .map_or_else(|error: TokenError| error.code(), |_| "valid")
    };
    let used = verdict(&HostVerifier::new(&Proxy, &state, 100));
    let software = verdict(&SoftwareVerifier);
    let counts = state.take_counts();
    Some(format!(
        "{{\"used\":\"{used}\",\"software\":\"{software}\",\"host_checks\":{}}}",
        counts.host
    ))
}
