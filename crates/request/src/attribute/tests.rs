//! What the known names come to, and what the refusals of others say.

use super::header::SNAPSHOT_NAMES;
use super::property::HOST_PROPERTIES;
use super::*;

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
        .filter(|name| !matches!(**name, "jwt" | "request.headers"));
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
fn what_the_route_decides_is_known() {
    for (path, depends) in [
        (&["xds", "route_name"][..], true),
        (&["xds", "route_metadata", "filter_metadata", "tags"], true),
        (&["xds", "cluster_metadata"], true),
        (&["upstream", "address"], true),
        (&["xds", "node", "cluster"], false),
        (&["xds", "filter_chain_name"], false),
        (&["connection", "mtls"], false),
    ] {
        let attribute = Attribute::Property(HostProperty {
            path: path.iter().map(|part| (*part).to_owned()).collect(),
            property_type: PropertyType::Text,
        });
        assert_eq!(attribute.depends_on_route(), depends, "{path:?}");
    }
    assert!(!Attribute::Path.depends_on_route());
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
