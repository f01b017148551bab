//! What a bundle says about the facts that Doorward derives itself, and what
//! it is refused for.

use doorward_bundle::{Bundle, Configuration};
use doorward_request::{DerivedSettings, PeerSettings, PeerSource, TimeZone};
use serde_json::{Value, json};

const MODEL: &str = "[request_definition]\nr = v\n[policy_definition]\np = v\n\
    [policy_effect]\ne = some(where (p.eft == allow))\n[matchers]\nm = p.v == 'x'\n";

/// A bundle that reads `attribute`, with these fields beside.
fn load(attribute: &str, fields: Value) -> Result<Bundle, String> {
    let mut bundle = json!({
        "name": "facts", "revision": "1", "request": {"v": attribute},
        "model": MODEL, "policy": "p, x\n",
    });
    let Value::Object(fields) = fields else {
        panic!("the fields are no object");
    };
    bundle.as_object_mut().unwrap().extend(fields);
    let text = json!({ "bundle": bundle }).to_string();
    Configuration::parse(text.as_bytes(), true)
        .and_then(|configuration| configuration.load())
        .map_err(|error| error.to_string())
}

fn settings(attribute: &str, fields: Value) -> DerivedSettings {
    load(attribute, fields).unwrap().derived_settings().clone()
}

#[test]
fn each_block_becomes_its_settings() {
    assert_eq!(settings("time.hour", json!({})), DerivedSettings::default());
    let peer = |source| {
        Some(PeerSettings {
            trust_domains: vec!["cluster.local".to_owned()],
            source,
        })
    };
    for (fields, source) in [
        (
            json!({"trust_domains": ["cluster.local"], "client_certificates_verified": true}),
            PeerSource::Certificate,
        ),
        (
            json!({"trust_domains": ["cluster.local"], "from": "certificate", "client_certificates_verified": true}),
            PeerSource::Certificate,
        ),
        (
            json!({"trust_domains": ["cluster.local"], "from": "filter_state"}),
            PeerSource::FilterState,
        ),
        (
            json!({
                "trust_domains": ["cluster.local"], "from": "forwarded_client_cert",
                "client_certificates_verified": true, "trusted_proxies": ["spiffe://edge/p"],
            }),
            PeerSource::ForwardedClientCert {
                trusted_proxies: vec!["spiffe://edge/p".to_owned()],
            },
        ),
    ] {
        let found = settings("peer.id", json!({ "peer": fields }));
        assert_eq!(found.peer, peer(source));
    }
    for (fields, hops) in [
        (json!({"client_address": {"trusted_hops": 2}}), 2),
        // Istio's Struct.
        (json!({"client_address": {"trusted_hops": 2.0}}), 2),
        (json!({"client_address": {"trusted_hops": 0}}), 0),
        (json!({"client_address": {}}), 0),
    ] {
        let found = settings("client.address", fields);
        assert_eq!((found.trusted_hops, found.peer_not_appended), (hops, false));
    }
    let fields = json!({"client_address": {"trusted_hops": 1, "use_remote_address": false}});
    let found = settings("client.address", fields);
    assert_eq!((found.trusted_hops, found.peer_not_appended), (1, true));
    for (zone, expected) in [
        (json!("UTC"), TimeZone::Utc),
        (
            json!({"name": "X", "offsets": [[-5, 3600], [7, -60]]}),
            TimeZone::Table(vec![(-5, 3600), (7, -60)]),
        ),
        (
            json!({"offsets": [[-5.0, 3600.0], [7e0, -6e1]]}),
            TimeZone::Table(vec![(-5, 3600), (7, -60)]),
        ),
    ] {
        let found = settings("time.hour", json!({ "time_zone": zone }));
        assert_eq!(found.time_zone, expected);
    }
}

#[test]
fn what_is_not_read_need_not_suffice() {
    for fields in [
        json!({"peer": {}}),
        json!({"peer": {"trust_domains": []}}),
        json!({"peer": {"from": "forwarded_client_cert"}}),
        json!({"peer": {"trusted_proxies": ["spiffe://edge/p"]}}),
    ] {
        assert!(load("request.method", fields).is_ok());
    }
}

#[test]
fn a_peer_that_is_read_is_known() {
    for (fields, expected) in [
        (
            json!({}),
            "doorward.yaml: peer: is missing, but request reads peer: name the trust domains",
        ),
        (
            json!({"peer": {"client_certificates_verified": true}}),
            "doorward.yaml: peer.trust_domains: names none, but request reads peer",
        ),
        (
            json!({"peer": {"trust_domains": ["a"]}}),
            "doorward.yaml: peer.client_certificates_verified: is not true, but request reads peer",
        ),
        (
            json!({"peer": {"trust_domains": ["a"], "client_certificates_verified": false}}),
            "doorward.yaml: peer.client_certificates_verified: is not true, but request reads peer",
        ),
        (
            json!({"peer": {"trust_domains": ["a"], "from": "forwarded_client_cert", "trusted_proxies": ["spiffe://a/b"]}}),
            "doorward.yaml: peer.client_certificates_verified: is not true, but request reads peer",
        ),
        (
            json!({"peer": {"trust_domains": ["a"], "from": "forwarded_client_cert", "client_certificates_verified": true}}),
            "doorward.yaml: peer.trusted_proxies: names none, but from is forwarded_client_cert",
        ),
    ] {
        for attribute in ["peer.id", "request.method ?? peer.namespace ?? 'none'"] {
            let refusal = load(attribute, fields.clone()).unwrap_err();
            assert!(refusal.starts_with(expected), "{refusal}");
        }
    }
}

#[test]
fn wrong_fields_are_named() {
    for (fields, expected) in [
        (
            json!({"peer": {"trust_domain": "a"}}),
            "the plugin configuration does not parse: peer.trust_domain is not known, or not of its type",
        ),
        (
            json!({"peer": {"client_certificates_verified": "true"}}),
            "the plugin configuration does not parse: peer.client_certificates_verified is not known",
        ),
        (
            json!({"peer": {"trust_domains": "a"}}),
            "the plugin configuration does not parse: peer.trust_domains is not known, or not of its type",
        ),
        (
            json!({"peer": {"trusted_proxies": [1]}}),
            "the plugin configuration does not parse: peer.trusted_proxies is not a list of texts",
        ),
        (
            json!({"peer": ["a"]}),
            "the plugin configuration does not parse: peer is not a map",
        ),
        (
            json!({"peer": {"trust_domains": ["a", "spiffe://b"]}}),
            "doorward.yaml: peer.trust_domains[1]: \"spiffe://b\" is not 1 to 255 lower-case letters",
        ),
        (
            json!({"peer": {"trust_domains": ["Cluster.local"]}}),
            "doorward.yaml: peer.trust_domains[0]: \"Cluster.local\" is not",
        ),
        (
            json!({"peer": {"from": "header"}}),
            "doorward.yaml: peer.from: \"header\" is none of certificate, filter_state and forwarded_client_cert",
        ),
        (
            json!({"peer": {"trusted_proxies": ["a/ns/b/sa/c"]}}),
            "doorward.yaml: peer.trusted_proxies[0]: \"a/ns/b/sa/c\" is not the SPIFFE ID of a workload",
        ),
        (
            json!({"client_address": {"hops": 1}}),
            "doorward.yaml: client_address: has the field \"hops\": write trusted_hops or use_remote_address",
        ),
        (
            json!({"client_address": {"trusted_hops": 1.5}}),
            "doorward.yaml: client_address.trusted_hops: 1.5 is not a whole number from 0",
        ),
        (
            json!({"client_address": {"trusted_hops": -1}}),
            "doorward.yaml: client_address.trusted_hops: -1 is not a whole number from 0",
        ),
        (
            json!({"client_address": {"use_remote_address": "no"}}),
            "doorward.yaml: client_address.use_remote_address: \"no\" is neither true nor false",
        ),
        (
            json!({"client_address": 1}),
            "doorward.yaml: client_address: is no map: write {trusted_hops: 1}, for example",
        ),
        (
            json!({"time_zone": "Europe/Berlin"}),
            "doorward.yaml: time_zone: \"Europe/Berlin\" is a name, and the proxy has no database of time zones: build the bundle with `doorward inline`",
        ),
        (
            json!({"time_zone": 1}),
            "doorward.yaml: time_zone: is neither a name",
        ),
        (
            json!({"time_zone": {"name": "X"}}),
            "doorward.yaml: time_zone.offsets: names no offset",
        ),
        (
            json!({"time_zone": {"offsets": []}}),
            "doorward.yaml: time_zone.offsets: names no offset",
        ),
        (
            json!({"time_zone": {"offsets": [[0, 0]], "rule": "CET-1"}}),
            "doorward.yaml: time_zone: has the field \"rule\": write name and offsets",
        ),
        (
            json!({"time_zone": {"name": 7, "offsets": [[0, 0]]}}),
            "doorward.yaml: time_zone.name: is not a text",
        ),
    ] {
        let refusal = load("request.method", fields).unwrap_err();
        assert!(refusal.starts_with(expected), "{refusal}");
    }
    for pair in [
        json!(0),
        json!([1]),
        json!([1, 0, 0]),
        json!(["1", 0]),
        json!([0, 0]),
        json!([-1, 0]),
        json!([1.5, 0]),
        json!([1, 0.5]),
        json!([1, 86_400]),
        json!([1, -86_400]),
        json!([9_007_199_254_740_992_i64, 0]),
    ] {
        let zone = json!({"offsets": [[0, 0], pair]});
        let refusal = load("request.method", json!({ "time_zone": zone })).unwrap_err();
        let expected = "doorward.yaml: time_zone.offsets[1]: is not a later moment";
        assert!(refusal.starts_with(expected), "{pair}: {refusal}");
    }
}
