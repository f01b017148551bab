//! For tests alone (the feature `vectors`): a request brings a key and a JWS,
//! and gets what the host's verifier and the software say of it. So vectors
//! whose payload is no claims set run on a proxy's cryptography too.

use doorward_request::{HeaderSnapshot, HeaderValue};
use doorward_token::{
    Algorithm, HostVerifier, Jwks, SignatureState, SignatureVerifier, SoftwareVerifier, TokenError,
    verify_jws,
};
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType};

use crate::host::{self, HeaderMap};
use crate::signatures::{Proxy, software_only};

const MAX_BYTES: usize = 64 * 1024;

/// Takes the place of the authorizing root in the module of the tests.
pub(crate) struct Root;

struct Stream;

impl Context for Root {}

impl RootContext for Root {
    fn create_http_context(&self, _context_id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _headers: usize, _end_of_stream: bool) -> Action {
        let body = judge().unwrap_or_else(|| "{\"error\":\"no vector\"}".to_owned());
        if host::send_local_response(200, -1, "vector", &[], body.as_bytes()).is_err() {
            log::error!("doorward: the answer could not be sent");
        }
        Action::Pause
    }
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
