//! What the known names come to, and what the refusals of others say.

use super::header::SNAPSHOT_NAMES;
use super::property::{HOST_MAPS, HOST_PROPERTIES};
use super::*;
use crate::derived::DERIVED_NAMES;

fn resolve(path: &[&str]) -> Result<Attribute, AttributeError> {
    let steps: Vec<Step> = path[1..]
        .iter()
        .map(|name| Step::Member((*name).to_owned()))
        .collect();
    Attribute::resolve(path[0], &steps)
}

#[test]
fn every_known_name_resolves_and_displays_as_itself() {
    let plain = SNAPSHOT_NAMES
        .iter()
        .filter(|name| !matches!(**name, "jwt" | "request.headers" | "request.query_params"));
    let plain = plain.chain(DERIVED_NAMES.iter().map(|(name, _)| name));
    for name in plain.chain(HOST_PROPERTIES.iter().map(|(name, _)| name)) {
        let attribute = resolve(&name.split('.').collect::<Vec<_>>()).unwrap();
        if !matches!(attribute, Attribute::Header(_)) {
            assert_eq!(attribute.to_string(), *name);
        }
        let below: Vec<&str> = name.split('.').chain(["x"]).collect();
        assert_eq!(
            resolve(&below),
            Err(AttributeError::NotAMap {
                name: (*name).to_owned()
            })
        );
    }
    assert_eq!(
        resolve(&["xds", "node", "metadata", "NAMESPACE"])
            .unwrap()
            .to_string(),
        "xds.node.metadata.NAMESPACE"
    );
    assert_eq!(
        resolve(&["jwt", "a.b/c", "d"]).unwrap().to_string(),
        "jwt['a.b/c'].d"
    );
}

#[test]
fn lifetime_and_dependence_on_the_route_are_known() {
    for (path, lifetime, depends) in [
        ("xds.route_name", Lifetime::Request, true),
        (
            "xds.route_metadata.filter_metadata.ns.key",
            Lifetime::Request,
            true,
        ),
        ("xds.virtual_host_name", Lifetime::Request, true),
        (
            "xds.virtual_host_metadata.filter_metadata.ns.key",
            Lifetime::Request,
            true,
        ),
        ("xds.cluster_name", Lifetime::Request, true),
        (
            "xds.cluster_metadata.filter_metadata.ns.key",
            Lifetime::Request,
            true,
        ),
        ("xds.node.cluster", Lifetime::Node, false),
        ("xds.node.metadata.NAMESPACE", Lifetime::Node, false),
        ("xds.filter_chain_name", Lifetime::Connection, false),
        (
            "xds.listener_metadata.filter_metadata.ns.key",
            Lifetime::Connection,
            false,
        ),
        ("connection.mtls", Lifetime::Connection, false),
        ("destination.port", Lifetime::Connection, false),
        ("source.address", Lifetime::Request, false),
        ("request.protocol", Lifetime::Request, false),
        ("metadata.filter_metadata.ns.key", Lifetime::Request, false),
        ("filter_state.key", Lifetime::Request, false),
        ("request.path", Lifetime::Request, false),
        ("jwt.sub", Lifetime::Request, false),
    ] {
        let attribute = resolve(&path.split('.').collect::<Vec<_>>()).unwrap();
        assert_eq!(attribute.to_string(), path);
        assert_eq!(attribute.lifetime(), lifetime, "{path}");
        assert_eq!(attribute.depends_on_route(), depends, "{path}");
    }
}

#[test]
fn names_that_are_no_plain_names_are_quoted() {
    for (path, text) in [
        (
            &["filter_state", "io.istio.peer_principal"][..],
            "filter_state['io.istio.peer_principal']",
        ),
        (
            &["metadata", "filter_metadata", "a.b", "c", "d-e"],
            "metadata.filter_metadata['a.b'].c['d-e']",
        ),
        (
            &["xds", "node", "metadata", "istio.io/rev"],
            "xds.node.metadata['istio.io/rev']",
        ),
        (
            &["request", "query_params", "watch"],
            "request.query_params['watch']",
        ),
    ] {
        assert_eq!(resolve(path).unwrap().to_string(), text);
    }
}

#[test]
fn refusals_say_what_to_write_instead() {
    for (path, message) in [
        (
            ["request", "headers"].as_slice(),
            "request.headers is a map: write request.headers['name']",
        ),
        (
            &["request", "headers", ":path"],
            "\":path\" is a pseudo header: write request.path or request.url_path",
        ),
        (
            &["request", "headers", ":Authority"],
            "\":authority\" is a pseudo header: write request.host",
        ),
        (
            &["request", "headers", "Host"],
            "\"host\" is a pseudo header: write request.host",
        ),
        (
            &["jwt", "principal", "x"],
            "jwt.principal is a plain value: nothing can stand behind it",
        ),
        (
            &["xds", "node", "metadata"],
            "xds.node.metadata is a map: write xds.node.metadata['name']",
        ),
        (
            &["request", "query_params"],
            "request.query_params is a map: write request.query_params['name']",
        ),
        (
            &["filter_state"],
            "filter_state is a map: write filter_state['name']",
        ),
        (
            &["filter_state", "a", "b"],
            "filter_state[...] is a plain value: nothing can stand behind it",
        ),
        (
            &["xds", "route_metadata", "filter_metadata", "ns"],
            "xds.route_metadata.filter_metadata is a map of maps: write xds.route_metadata.filter_metadata['namespace']['key']",
        ),
        (
            &["source", "adress"],
            "unknown attribute \"source.adress\": the nearest known name is \"source.address\"",
        ),
        (
            &["url_path"],
            "unknown attribute \"url_path\": the nearest known name is \"request.url_path\"",
        ),
    ] {
        assert_eq!(resolve(path).unwrap_err().to_string(), message);
    }
}

#[test]
fn each_known_name_is_in_the_documentation() {
    let page = include_str!("../../../../docs/attributes.md");
    let plain = HOST_PROPERTIES.iter().map(|(name, _)| name);
    for name in SNAPSHOT_NAMES.iter().chain(plain).chain(HOST_MAPS) {
        let stands = [format!("`{name}`"), format!("`{name}['")];
        assert!(
            page.lines()
                .filter(|line| line.starts_with('|'))
                .any(|line| stands.iter().any(|text| line.contains(text))),
            "docs/attributes.md has no row of {name}"
        );
    }
}
