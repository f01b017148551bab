//! Keys that are fetched, as a bundle describes them.

use doorward_bundle::{Bundle, Manifest};
use doorward_token::remote::{KeyPlace, RemoteKeySettings};
use serde_json::{Value, json};

const MODEL: &str = "[request_definition]\nr = sub\n[policy_definition]\np = sub\n\
                     [policy_effect]\ne = some(where (p.eft == allow))\n\
                     [matchers]\nm = r.sub == p.sub\n";

fn load(issuer: &str, jwks: &Value) -> Result<Bundle, String> {
    let manifest = json!({
        "name": "orders",
        "revision": "1",
        "tokens": [{"issuer": issuer, "audiences": ["orders"], "jwks": jwks}],
        "request": {"sub": "jwt.sub"},
        "model": MODEL,
        "policy": "p, alice\n",
    });
    let manifest: Manifest = serde_json::from_value(manifest).map_err(|error| error.to_string())?;
    Bundle::load(&manifest).map_err(|error| error.to_string())
}

fn settings(issuer: &str, jwks: &Value) -> RemoteKeySettings {
    let bundle = load(issuer, jwks).unwrap();
    bundle.providers()[0].remote_keys().unwrap().clone()
}

#[test]
fn the_settings_are_those_of_the_manifest() {
    let issuer = "https://issuer.example";
    let jwks = json!({"cluster": "idp", "uri": "https://issuer.example/jwks.json"});
    let found = settings(issuer, &jwks);
    assert_eq!(found.cluster, "idp");
    assert!(matches!(&found.place, KeyPlace::Uri(url)
        if url.to_string() == "https://issuer.example/jwks.json"));
    assert_eq!(
        (found.refresh, found.timeout, found.stale_if_error),
        (600_000, 5_000, 86_400_000)
    );
    let found = settings(
        "https://issuer.example/realms/a",
        &json!({"cluster": "idp", "discovery": true, "refresh": "1h", "timeout": "500ms",
                "stale_if_error": "0s"}),
    );
    assert!(
        matches!(&found.place, KeyPlace::Discovery { configuration, .. }
        if configuration.to_string()
            == "https://issuer.example/realms/a/.well-known/openid-configuration")
    );
    assert_eq!(
        (found.refresh, found.timeout, found.stale_if_error),
        (3_600_000, 500, 0)
    );
}

#[test]
fn what_is_wrong_is_said_with_its_field() {
    let uri = "https://issuer.example/jwks.json";
    for (jwks, expected) in [
        (json!({"uri": uri}), "tokens[0].jwks.cluster: is missing"),
        (json!({"cluster": "idp"}), "tokens[0].jwks.uri: is missing"),
        (
            json!({"cluster": "", "uri": uri}),
            "tokens[0].jwks.cluster: is empty",
        ),
        (
            json!({"cluster": "idp", "uri": uri, "discovery": true}),
            "tokens[0].jwks.discovery: finds the uri, but uri is there too",
        ),
        (
            json!({"cluster": "idp", "uri": uri, "keys": []}),
            "tokens[0].jwks.cluster: is for keys that are fetched, but keys or a file",
        ),
        (
            json!({"refresh": "10m", "keys": []}),
            "tokens[0].jwks.refresh: is for keys that are fetched",
        ),
        (
            json!({"cluster": "idp", "uri": "ftp://issuer.example/"}),
            "tokens[0].jwks.uri: \"ftp://issuer.example/\" does not start with https://",
        ),
        (
            json!({"cluster": "idp", "uri": "https://a@issuer.example/"}),
            "tokens[0].jwks.uri: \"https://a@issuer.example/\" has a user name in it",
        ),
        (
            json!({"cluster": "idp", "uri": uri, "refresh": "10"}),
            "tokens[0].jwks.refresh: \"10\" is no duration: write a number and its unit",
        ),
        (
            json!({"cluster": "idp", "uri": uri, "refresh": "0s"}),
            "tokens[0].jwks.refresh: is not between 1s and 24h",
        ),
        (
            json!({"cluster": "idp", "uri": uri, "timeout": "61s"}),
            "tokens[0].jwks.timeout: is not between 100ms and 60s",
        ),
        (
            json!({"cluster": "idp", "uri": uri, "stale_if_error": "8d"}),
            "tokens[0].jwks.stale_if_error: is more than 7d",
        ),
        (json!({"cluster": "idp", "url": uri}), "unknown field `url`"),
        (
            json!({"cluster": "idp", "uri": uri, "discovery": "yes"}),
            "invalid type: string \"yes\", expected a boolean",
        ),
    ] {
        let message = load("https://issuer.example", &jwks).unwrap_err();
        assert!(message.contains(expected), "{jwks}: {message}");
    }
    let jwks = json!({"cluster": "idp", "discovery": true});
    for (issuer, expected) in [
        (
            "joe",
            "needs an issuer that is a URL, but \"joe\" does not start with https://",
        ),
        ("https://issuer.example?a=b", "has a query"),
    ] {
        let message = load(issuer, &jwks).unwrap_err();
        assert!(
            message.contains("tokens[0].jwks.discovery: needs"),
            "{message}"
        );
        assert!(message.contains(expected), "{message}");
    }
}
