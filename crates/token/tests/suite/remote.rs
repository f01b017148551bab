//! Fetched keys: when a request is made, and what each answer does.

use doorward_token::Algorithm;
use doorward_token::remote::{
    Asked, EARLY_BURST, EARLY_INTERVAL, FetchError, HttpUrl, KeyPlace, KeyStore, MAX_BACKOFF,
    MAX_UNUSED_SOURCES, Millis, Newer, Outcome, RemoteKeySettings, RemoteKeys, Response,
    UNASKED_REFRESHED, UNUSED_KEPT,
};
use serde_json::json;

use crate::mint::jwk;

/// The time at which every test begins.
pub(crate) const BEGIN: Millis = 1_800_000_000_000;
const MINUTE: Millis = 60_000;
const HOUR: Millis = 60 * MINUTE;

pub(crate) fn settings() -> RemoteKeySettings {
    let url = HttpUrl::parse("https://issuer.example/jwks.json").unwrap();
    RemoteKeySettings::new("idp", KeyPlace::Uri(url), vec![Algorithm::RS256.into()])
}

/// The key set of these keys, as it is published.
pub(crate) fn published(names: &[&str]) -> Vec<u8> {
    let keys: Vec<_> = names.iter().map(|name| jwk(name)).collect();
    json!({ "keys": keys }).to_string().into_bytes()
}

pub(crate) fn ok(body: &[u8]) -> Response<'_> {
    Response {
        status: 200,
        cache_control: b"",
        age: b"",
        body,
    }
}

fn fetch(keys: &mut RemoteKeys, response: &Response<'_>, now: Millis) -> Outcome {
    let fetch = keys.poll(now, 0).expect("a fetch is due");
    keys.answered(fetch.number, response, now, 0)
}

/// The `kid`s that a request finds.
pub(crate) fn key_ids(asked: &Asked) -> Option<Vec<String>> {
    match asked {
        Asked::Keys(keys, _) => Some(
            keys.keys()
                .iter()
                .filter_map(|key| key.key_id().map(str::to_owned))
                .collect(),
        ),
        Asked::Awaited | Asked::Missing => None,
    }
}

fn with_first_keys() -> RemoteKeys {
    let mut keys = RemoteKeys::new(settings());
    assert_eq!(keys.ask(BEGIN), Asked::Awaited);
    let outcome = fetch(&mut keys, &ok(&published(&["rsa-a"])), BEGIN);
    let expected = Outcome::Keys {
        count: 1,
        changed: true,
    };
    assert_eq!(outcome, expected);
    keys
}

#[test]
fn the_first_fetch_is_due_at_once_and_only_once() {
    let mut keys = RemoteKeys::new(settings());
    let fetch = keys.poll(BEGIN, 0).unwrap();
    assert_eq!(fetch.cluster, "idp");
    assert_eq!(fetch.url.to_string(), "https://issuer.example/jwks.json");
    assert_eq!(keys.poll(BEGIN, 0), None);
    assert_eq!(keys.ask(BEGIN), Asked::Awaited);
    assert_eq!(keys.poll(BEGIN + 4_000, 0), None, "one fetch for all");
}

#[test]
fn a_rotation_takes_the_old_key_away() {
    let mut keys = with_first_keys();
    let now = BEGIN + 10 * MINUTE;
    fetch(&mut keys, &ok(&published(&["rsa-b"])), now);
    assert_eq!(key_ids(&keys.ask(now)), Some(vec!["rsa-b".to_owned()]));
}

#[test]
fn whatever_is_no_usable_key_set_changes_nothing() {
    let large = vec![b' '; 256 * 1024 + 1];
    let other = published(&["p256-a"]);
    let private = br#"{"keys":[{"kty":"oct","k":"AAAA"}]}"#;
    for (status, body) in [
        (200, &b"<html>"[..]),
        (200, b""),
        (200, b"{}"),
        (200, b"[]"),
        (200, b"{\"keys\":[]}"),
        (200, &large),
        (200, &other),
        (200, private),
        (204, b""),
        (302, b""),
        (404, b"{\"keys\":[]}"),
        (500, b""),
        (503, b"no healthy upstream"),
        (0, b""),
    ] {
        let mut keys = with_first_keys();
        let now = BEGIN + 10 * MINUTE;
        let answer = Response { status, ..ok(body) };
        let outcome = fetch(&mut keys, &answer, now);
        assert!(
            matches!(outcome, Outcome::Failed(_)),
            "{status} {outcome:?}"
        );
        assert_eq!(key_ids(&keys.ask(now)), Some(vec!["rsa-a".to_owned()]));
        assert_eq!(keys.poll(now + 499, 0), None, "it backs off");
        assert!(keys.poll(now + 1_000, 0).is_some(), "and tries again");
    }
}

#[test]
fn keys_that_are_wrong_do_not_keep_the_others_out() {
    let mut set: serde_json::Value = serde_json::from_slice(&published(&["rsa-b"])).unwrap();
    let wrong = [
        json!({"kty": "RSA", "kid": "weak", "n": "AQAB", "e": "AQAB"}),
        json!({"kty": "oct", "kid": "secret", "k": "AAAA"}),
        json!("no key"),
    ];
    set["keys"].as_array_mut().unwrap().extend(wrong);
    let mut keys = with_first_keys();
    let now = BEGIN + 10 * MINUTE;
    let outcome = fetch(&mut keys, &ok(set.to_string().as_bytes()), now);
    assert!(matches!(outcome, Outcome::Keys { count: 1, .. }));
    assert_eq!(key_ids(&keys.ask(now)), Some(vec!["rsa-b".to_owned()]));
}

#[test]
fn the_answer_says_how_long_it_is_fresh_within_bounds() {
    for (cache_control, age, refresh) in [
        (&b""[..], &b""[..], 10 * MINUTE),
        (b"max-age=120", b"", 2 * MINUTE),
        (b"max-age=180", b"60", 2 * MINUTE),
        (b"max-age=3600", b"", 10 * MINUTE),
        (b"max-age=1", b"", MINUTE),
        (b"no-store", b"", MINUTE),
    ] {
        for random in [0, u64::MAX / 3, 7, u64::MAX] {
            let mut keys = RemoteKeys::new(settings());
            keys.ask(BEGIN);
            let fetch = keys.poll(BEGIN, 0).unwrap();
            let body = published(&["rsa-a"]);
            let answer = Response {
                cache_control,
                age,
                ..ok(&body)
            };
            keys.answered(fetch.number, &answer, BEGIN + 100, random);
            let next = keys.next_poll(BEGIN).unwrap();
            let bounds = BEGIN + refresh * 4 / 5..=BEGIN + refresh;
            assert!(bounds.contains(&next), "{cache_control:?} {}", next - BEGIN);
            assert_eq!(keys.poll(next - 1, 0), None);
            assert!(keys.poll(next, 0).is_some());
        }
    }
}

#[test]
fn failures_back_off_up_to_the_bound_and_last_good_keys_stay_for_their_time() {
    let mut keys = with_first_keys();
    let mut now = BEGIN + 10 * MINUTE;
    let mut waits = Vec::new();
    let mut fetches = 0;
    while now < BEGIN + 25 * HOUR {
        let kept = now < BEGIN + 24 * HOUR + 10 * MINUTE;
        let found = key_ids(&keys.ask(now)).is_some();
        assert_eq!(found, kept, "after {} s", (now - BEGIN) / 1_000);
        let fetch = keys.poll(now, u64::MAX).expect("it is due");
        fetches += 1;
        keys.failed(fetch.number, FetchError::NoAnswer, now, 0);
        let next = keys.next_poll(now).unwrap();
        waits.push(next - now);
        now = next;
    }
    assert_eq!(
        &waits[..6],
        [1_000, 2_000, 4_000, 8_000, 16_000, MAX_BACKOFF]
    );
    assert!(waits[6..].iter().all(|wait| *wait == MAX_BACKOFF));
    assert_eq!(fetches, waits.len());
    assert_eq!(keys.last_good(now), None);
    assert_eq!(keys.ask(now), Asked::Awaited, "the attempt of now may help");
}

#[test]
fn without_hope_within_its_time_a_request_does_not_wait() {
    let mut keys = RemoteKeys::new(settings());
    let mut now = BEGIN;
    for _ in 0..5 {
        let fetch = keys.poll(now, 0).unwrap();
        keys.failed(fetch.number, FetchError::NoAnswer, now, 0);
        now = keys.next_poll(now).unwrap();
    }
    // The last wait was 16 s, and a request waits for 5 s.
    assert_eq!(keys.ask(now - 5_001), Asked::Missing);
    assert_eq!(keys.ask(now - 5_000), Asked::Awaited);
    assert_eq!(
        keys.ask_for_newer(0, now - 1, now - 4_000),
        Newer::Unavailable
    );
    assert_eq!(keys.ask_for_newer(0, now, now - 4_000), Newer::Awaited);
}

#[test]
fn an_unknown_key_brings_one_fetch_for_all_who_wait() {
    let mut keys = with_first_keys();
    let now = BEGIN + MINUTE;
    assert_eq!(keys.poll(now, 0), None, "nothing is due");
    let started = keys.started();
    for _ in 0..10_000 {
        assert_eq!(
            keys.ask_for_newer(started, now + 5_000, now),
            Newer::Awaited
        );
    }
    let outcome = fetch(&mut keys, &ok(&published(&["rsa-a", "rsa-b"])), now);
    assert!(matches!(outcome, Outcome::Keys { changed: true, .. }));
    assert_eq!(keys.ask_for_newer(started, now + 5_000, now), Newer::No);
    assert_eq!(keys.poll(now, 0), None, "and no second one");
}

#[test]
fn who_comes_during_a_fetch_gets_one_that_began_later() {
    let mut keys = with_first_keys();
    let mut now = BEGIN + MINUTE;
    let before = keys.started();
    assert_eq!(keys.ask_for_newer(before, now + 5_000, now), Newer::Awaited);
    let first = keys.poll(now, 0).unwrap();
    now += 100;
    let during = keys.started();
    assert_eq!(keys.ask_for_newer(during, now + 5_000, now), Newer::Awaited);
    keys.answered(first.number, &ok(&published(&["rsa-a"])), now, 0);
    // The server may have answered before it published the key.
    assert_eq!(keys.ask_for_newer(before, now + 5_000, now), Newer::No);
    assert_eq!(keys.ask_for_newer(during, now + 5_000, now), Newer::Awaited);
    assert_eq!(keys.poll(now, 0), None, "not within a second of the last");
    now = keys.next_poll(now).unwrap();
    fetch(&mut keys, &ok(&published(&["rsa-a"])), now);
    assert_eq!(keys.ask_for_newer(during, now + 5_000, now), Newer::No);
}

#[test]
fn a_flood_of_unknown_keys_brings_a_bounded_number_of_fetches() {
    let mut keys = with_first_keys();
    let mut fetches = 0;
    let begin = BEGIN + MINUTE;
    // A request every 20 ms for 200 s, at first waiting and then refused.
    for turn in 0..10_000 {
        let now = begin + turn * 20;
        keys.ask_for_newer(keys.started(), now + 5_000, now);
        if let Some(fetch) = keys.poll(now, 0) {
            fetches += 1;
            keys.answered(fetch.number, &ok(&published(&["rsa-a"])), now, 0);
        }
    }
    let last = 9_999 * 20;
    let bound = u64::from(EARLY_BURST) + last / EARLY_INTERVAL;
    assert_eq!(fetches, bound);
}

#[test]
fn rotations_are_not_held_up_by_the_bound() {
    let mut keys = with_first_keys();
    for turn in 0..50_u64 {
        let now = BEGIN + MINUTE + turn * 2_000;
        let name = if turn % 2 == 0 { "rsa-b" } else { "rsa-a" };
        assert_eq!(
            keys.ask_for_newer(keys.started(), now + 5_000, now),
            Newer::Awaited
        );
        fetch(&mut keys, &ok(&published(&[name])), now);
        assert_eq!(key_ids(&keys.ask(now)), Some(vec![name.to_owned()]));
    }
}

#[test]
fn a_lost_or_abandoned_fetch_is_made_again() {
    let mut keys = RemoteKeys::new(settings());
    let first = keys.poll(BEGIN, 0).unwrap();
    keys.abandoned(first.number);
    let second = keys.poll(BEGIN, 0).expect("at once");
    assert_eq!(
        keys.answered(first.number, &ok(&published(&["rsa-a"])), BEGIN, 0),
        Outcome::Ignored
    );
    // Its timeout and a second later it counts as lost.
    assert_eq!(keys.poll(BEGIN + 5_999, 0), None);
    assert_eq!(keys.poll(BEGIN + 6_000, 0), None, "which is a failure");
    let third = keys.poll(BEGIN + 7_000, 0).expect("and tried again");
    assert_eq!(
        keys.answered(second.number, &ok(&published(&["rsa-a"])), BEGIN, 0),
        Outcome::Ignored
    );
    keys.answered(third.number, &ok(&published(&["rsa-a"])), BEGIN + 7_000, 0);
    assert!(key_ids(&keys.ask(BEGIN + 7_000)).is_some());
}

#[test]
fn only_a_source_that_requests_ask_is_refreshed() {
    let mut keys = RemoteKeys::new(settings());
    fetch(&mut keys, &ok(&published(&["rsa-a"])), BEGIN);
    assert_eq!(keys.next_poll(BEGIN), None);
    assert_eq!(keys.poll(BEGIN + HOUR, 0), None);
    // The first request after so long waits for keys of now.
    assert_eq!(keys.ask(BEGIN + HOUR), Asked::Awaited);
    fetch(&mut keys, &ok(&published(&["rsa-b"])), BEGIN + HOUR);
    assert_eq!(
        key_ids(&keys.ask(BEGIN + HOUR)),
        Some(vec!["rsa-b".to_owned()])
    );
    assert!(keys.next_poll(BEGIN + HOUR).is_some());
}

#[test]
fn keys_that_nobody_asks_for_any_more_are_not_refreshed_for_ever() {
    let mut keys = with_first_keys();
    let mut last = BEGIN;
    while let Some(next) = keys.next_poll(last) {
        fetch(&mut keys, &ok(&published(&["rsa-a"])), next);
        last = next;
        assert!(last < BEGIN + UNASKED_REFRESHED + HOUR);
    }
    assert!(last + HOUR > BEGIN + UNASKED_REFRESHED);
    let later = last + 5 * HOUR;
    assert_eq!(keys.poll(later, 0), None);
    assert_eq!(keys.ask(later), Asked::Awaited, "fresh ones come first");
    fetch(&mut keys, &ok(&published(&["rsa-b"])), later);
    assert_eq!(key_ids(&keys.ask(later)), Some(vec!["rsa-b".to_owned()]));
}

#[test]
fn a_clock_that_is_set_back_keeps_nothing_away_for_long() {
    let mut keys = with_first_keys();
    let earlier = BEGIN - 100 * HOUR;
    assert_eq!(keys.poll(earlier, 0), None);
    let next = keys.next_poll(earlier).unwrap();
    assert!(next <= earlier + 10 * MINUTE);
    let fetch = keys.poll(next, 0).unwrap();
    keys.failed(fetch.number, FetchError::NoAnswer, next, 0);
    assert_eq!(keys.poll(earlier - HOUR, 0), None);
    let next = keys.next_poll(earlier - HOUR).unwrap();
    assert!(next <= earlier - HOUR + 10 * MINUTE);
}

fn discovered() -> RemoteKeys {
    let place = KeyPlace::discovery("https://issuer.example/realms/a/").unwrap();
    RemoteKeys::new(RemoteKeySettings::new(
        "idp",
        place,
        vec![Algorithm::RS256.into()],
    ))
}

#[test]
fn discovery_leads_to_the_keys() {
    let mut keys = discovered();
    let first = keys.poll(BEGIN, 0).unwrap();
    assert_eq!(
        first.url.to_string(),
        "https://issuer.example/realms/a/.well-known/openid-configuration"
    );
    let document = json!({
        "issuer": "https://issuer.example/realms/a/",
        "jwks_uri": "https://ISSUER.example:443/certs?x=y",
        "more": {"a": []},
    });
    let document = document.to_string();
    let outcome = keys.answered(first.number, &ok(document.as_bytes()), BEGIN, 0);
    assert_eq!(outcome, Outcome::Discovered);
    let second = keys.poll(BEGIN, 0).expect("at once");
    assert_eq!(second.url.to_string(), "https://issuer.example/certs?x=y");
    keys.answered(second.number, &ok(&published(&["rsa-a"])), BEGIN, 0);
    assert!(key_ids(&keys.ask(BEGIN)).is_some());
    // Each fetch asks anew where the keys are, and a failure does too.
    let later = BEGIN + 10 * MINUTE;
    let third = keys.poll(later, 0).unwrap();
    assert_eq!(third.url, first.url);
    keys.failed(third.number, FetchError::NoAnswer, later, 0);
    let later = later + 1_000;
    let fourth = keys.poll(later, 0).unwrap();
    assert_eq!(fourth.url, first.url);
    let moved = document.replace("x=y", "x=z");
    keys.answered(fourth.number, &ok(moved.as_bytes()), later, 0);
    let fifth = keys.poll(later, 0).unwrap();
    assert_eq!(fifth.url.to_string(), "https://issuer.example/certs?x=z");
    keys.answered(fifth.number, &ok(&published(&["rsa-b"])), later, 0);
    assert_eq!(key_ids(&keys.ask(later)), Some(vec!["rsa-b".to_owned()]));
}

#[test]
fn an_early_fetch_asks_where_the_keys_are_too_and_is_bounded() {
    let mut keys = discovered();
    let document = json!({
        "issuer": "https://issuer.example/realms/a/",
        "jwks_uri": "https://issuer.example/certs",
    });
    let (document, set) = (document.to_string(), published(&["rsa-a"]));
    let (mut configurations, mut sets) = (0, 0);
    let mut serve = |keys: &mut RemoteKeys, now| {
        while let Some(fetch) = keys.poll(now, 0) {
            let is_set = fetch.url.target() == "/certs";
            *(if is_set {
                &mut sets
            } else {
                &mut configurations
            }) += 1;
            let body = if is_set {
                set.as_slice()
            } else {
                document.as_bytes()
            };
            keys.answered(fetch.number, &ok(body), now, 0);
        }
        (configurations, sets)
    };
    assert_eq!(serve(&mut keys, BEGIN), (1, 1));
    let mut counts = (0, 0);
    for second in 0..60 {
        let now = BEGIN + 1_000 * second;
        keys.ask_for_newer(keys.started(), now + 5_000, now);
        counts = serve(&mut keys, now);
    }
    assert_eq!(counts.0, counts.1);
    assert!((5..=11).contains(&counts.0), "{counts:?}");
}

/// The two requests of a fetch may take their time one after the other.
#[test]
fn keys_that_are_being_discovered_again_are_used_meanwhile() {
    let mut keys = discovered();
    let document = json!({
        "issuer": "https://issuer.example/realms/a/",
        "jwks_uri": "https://issuer.example/certs",
    });
    let document = document.to_string();
    fetch(&mut keys, &ok(document.as_bytes()), BEGIN);
    fetch(&mut keys, &ok(&published(&["rsa-a"])), BEGIN);
    keys.ask(BEGIN);
    let due = keys.next_poll(BEGIN).unwrap();
    let first = keys.poll(due, 0).unwrap();
    assert!(key_ids(&keys.ask(due + 4_900)).is_some());
    keys.answered(first.number, &ok(document.as_bytes()), due + 4_900, 0);
    keys.poll(due + 4_900, 0).unwrap();
    assert!(key_ids(&keys.ask(due + 9_800)).is_some());
    assert_eq!(keys.ask(due + 13_000), Asked::Awaited, "overdue");
}

#[test]
fn discovery_follows_no_other_issuer_and_no_other_server() {
    let issuer = "https://issuer.example/realms/a/";
    let good = "https://issuer.example/certs";
    for (issuer, jwks_uri, expected) in [
        (
            "https://issuer.example/realms/a",
            good,
            FetchError::OtherIssuer,
        ),
        (
            "https://issuer.example/realms/A/",
            good,
            FetchError::OtherIssuer,
        ),
        (
            issuer,
            "https://keys.example/certs",
            FetchError::OtherOrigin,
        ),
        (
            issuer,
            "http://issuer.example/certs",
            FetchError::OtherOrigin,
        ),
        (
            issuer,
            "https://issuer.example:8443/certs",
            FetchError::OtherOrigin,
        ),
        (
            issuer,
            "https://issuer.example.evil.example/certs",
            FetchError::OtherOrigin,
        ),
        (
            issuer,
            "https://issuer.example@evil.example/certs",
            FetchError::KeyUrl(doorward_token::remote::UrlError::UserInfo),
        ),
        (
            issuer,
            "//issuer.example/certs",
            FetchError::KeyUrl(doorward_token::remote::UrlError::Scheme),
        ),
    ] {
        let mut keys = discovered();
        let document = json!({"issuer": issuer, "jwks_uri": jwks_uri}).to_string();
        let outcome = fetch(&mut keys, &ok(document.as_bytes()), BEGIN);
        assert_eq!(outcome, Outcome::Failed(expected), "{jwks_uri}");
        assert_eq!(keys.poll(BEGIN + 400, 0), None, "it backs off");
    }
    for (document, expected) in [
        ("[]", FetchError::Configuration),
        ("{\"issuer\":1}", FetchError::ConfigurationMember("issuer")),
        (
            "{\"issuer\":\"https://issuer.example/realms/a/\"}",
            FetchError::ConfigurationMember("jwks_uri"),
        ),
    ] {
        let outcome = fetch(&mut discovered(), &ok(document.as_bytes()), BEGIN);
        assert_eq!(outcome, Outcome::Failed(expected), "{document}");
    }
}

#[test]
fn urls_are_taken_apart_strictly() {
    for (text, shown) in [
        ("https://a.example", "https://a.example/"),
        ("HTTPS://A.example:443/x?y", "https://a.example/x?y"),
        ("http://a:80?q", "http://a/?q"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/"),
        ("https://[::1]:8443/k", "https://[::1]:8443/k"),
    ] {
        assert_eq!(HttpUrl::parse(text).unwrap().to_string(), shown);
    }
    let long = format!("https://a/{}", "x".repeat(2_048));
    for text in [
        "",
        "a.example",
        "ftp://a/",
        "https:///x",
        "https://a b/",
        "https://u@a/",
        "https://a/#f",
        "https://a:/",
        "https://a:0/",
        "https://a:65536/",
        "https://a:+1/",
        "https://a\\b/",
        "https://[::1/",
        "https://[::1]x/",
        "https://[]/",
        "https://ä/",
        &long,
    ] {
        assert!(HttpUrl::parse(text).is_err(), "{text}");
    }
}

#[test]
fn the_store_shares_sources_and_forgets_unused_ones() {
    let named = |number: usize| RemoteKeySettings {
        cluster: format!("idp-{number}"),
        ..settings()
    };
    let mut store = KeyStore::default();
    let first = store.source(&named(0));
    let again = store.source(&named(0));
    assert!(std::rc::Rc::ptr_eq(&first, &again));
    drop(again);
    for number in 1..=1_000 {
        drop(store.source(&named(number)));
        store.sweep(BEGIN);
        assert!(store.len() <= MAX_UNUSED_SOURCES + 1);
    }
    assert!(std::rc::Rc::ptr_eq(&first, &store.source(&named(0))));
    store.sweep(BEGIN + UNUSED_KEPT - 1);
    assert_eq!(store.len(), MAX_UNUSED_SOURCES + 1);
    store.sweep(BEGIN + UNUSED_KEPT);
    assert_eq!(store.len(), 1, "the one in use stays");
}
