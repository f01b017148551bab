//! What a server may answer to a proxy that fetches keys.

use doorward_token::Algorithm;
use doorward_token::remote::{
    Asked, HttpUrl, KeyPlace, MIN_MAX_AGE, Millis, Outcome, RemoteKeySettings, RemoteKeys, Response,
};

/// The time at which everything happens.
const BEGIN: Millis = 1_800_000_000_000;

const ISSUER: &str = "https://issuer.example/realms/a";

/// What is there before the answer comes: one key, which costs little to read
/// (RFC 8037 appendix A.2).
const KEYS: &[u8] = br#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

fn source(place: KeyPlace) -> RemoteKeys {
    let algorithms = Algorithm::ALL.map(Into::into).to_vec();
    RemoteKeys::new(RemoteKeySettings::new("idp", place, algorithms))
}

fn found() -> HttpUrl {
    HttpUrl::parse("https://issuer.example/jwks.json").expect("a URL")
}

/// Fetches once; answers with what came of it.
fn fetch(keys: &mut RemoteKeys, response: &Response<'_>, now: Millis) -> Outcome {
    let fetch = keys.poll(now, 0).expect("a fetch is due");
    keys.answered(fetch.number, response, now, 0)
}

fn ok(body: &[u8]) -> Response<'_> {
    Response {
        status: 200,
        cache_control: b"",
        age: b"",
        body,
    }
}

/// The bytes as an answer: `cache-control`, `age` and the body behind a line
/// break each.
///
/// # Panics
///
/// A finding: keys are refreshed too often or too seldom, or an answer that is
/// no key set takes the keys away.
pub fn answer(bytes: &[u8]) {
    let mut parts = bytes.splitn(3, |byte| *byte == b'\n');
    let mut part = || parts.next().unwrap_or_default();
    let response = Response {
        cache_control: part(),
        age: part(),
        ..ok(part())
    };
    let mut keys = source(KeyPlace::Uri(found()));
    keys.ask(BEGIN);
    fetch(&mut keys, &ok(KEYS), BEGIN);
    let due = keys.next_poll(BEGIN).expect("a refresh");
    let outcome = fetch(&mut keys, &response, due);
    let next = keys.next_poll(due).expect("another") - due;
    match &outcome {
        Outcome::Keys { count, .. } => {
            assert!(*count > 0 && (MIN_MAX_AGE * 4 / 5..=600_000).contains(&next));
        }
        Outcome::Failed(error) => assert!(!error.to_string().is_empty() && next <= 1_000),
        Outcome::Discovered | Outcome::Ignored => panic!("{outcome:?}"),
    }
    assert!(matches!(keys.ask(due), Asked::Keys(..)));
    // Headers say nothing of what the body is.
    let again = fetch(&mut keys, &ok(response.body), due + next);
    assert_eq!(
        matches!(again, Outcome::Keys { .. }),
        matches!(outcome, Outcome::Keys { .. })
    );
}

/// The bytes as an OpenID provider configuration.
///
/// # Panics
///
/// A finding: it leads to another server than the issuer's.
pub fn configuration(bytes: &[u8]) {
    let place = KeyPlace::discovery(ISSUER).expect("an issuer");
    let mut keys = source(place);
    match fetch(&mut keys, &ok(bytes), BEGIN) {
        Outcome::Discovered => {
            let next = keys.poll(BEGIN, 0).expect("the keys are next");
            assert!(next.url.same_origin(&found()), "{}", next.url);
            assert!(next.url.to_string().starts_with("https://issuer.example/"));
        }
        Outcome::Failed(error) => assert!(!error.to_string().is_empty()),
        outcome => panic!("{outcome:?}"),
    }
}

/// The bytes as a URL.
///
/// # Panics
///
/// A finding: written down, it is another one.
pub fn url(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match HttpUrl::parse(text) {
        Ok(url) => {
            assert!(url.target().starts_with('/'));
            assert!(url.to_string().bytes().all(|byte| byte.is_ascii_graphic()));
            // A slash that is added may be one byte too many.
            if text.len() < 2_048 {
                assert_eq!(HttpUrl::parse(&url.to_string()), Ok(url));
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
