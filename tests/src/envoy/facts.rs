//! Facts that a scenario gives by attribute name, arranged in Envoy's
//! configuration: names and metadata of its parts, and filters that come
//! before ours and set dynamic metadata and filter state.

use anyhow::{Context, Result, bail};
use host_sim::scenario::property_path;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const LISTENER: &str = "/static_resources/listeners/0";
const CHAIN: &str = "/static_resources/listeners/0/filter_chains/0";
const MANAGER: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
const HOST: &str = "/route_config/virtual_hosts/0";
const CLUSTER: &str = "/static_resources/clusters/0";

/// Has Envoy know these facts.
///
/// # Errors
///
/// When Envoy cannot be brought to know one.
pub(super) fn arrange(bootstrap: &mut Value, facts: &BTreeMap<String, Value>) -> Result<()> {
    let mut namespaces = Map::new();
    let mut states = Vec::new();
    for (name, value) in facts {
        let path = property_path(name).with_context(|| format!("`{name}` is no path"))?;
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        match path.as_slice() {
            ["metadata", "filter_metadata", rest @ ..] if !rest.is_empty() => {
                put(&mut namespaces, rest, value)?;
            }
            ["filter_state", key] => states.push(state(key, value)?),
            ["xds", rest @ ..] => arrange_xds(bootstrap, rest, value)
                .with_context(|| format!("`{name}` cannot be arranged on Envoy"))?,
            _ => bail!("`{name}` cannot be arranged on Envoy; leave it out in `runs_on`"),
        }
    }
    let mut filters = Vec::new();
    if !namespaces.is_empty() {
        let metadata = namespaces.iter().map(|(namespace, value)| {
            json!({"metadata_namespace": namespace, "value": value, "allow_overwrite": true})
        });
        let metadata: Vec<Value> = metadata.collect();
        filters.push(filter("set_metadata", json!({ "metadata": metadata })));
    }
    if !states.is_empty() {
        let states = json!({ "on_request_headers": states });
        filters.push(filter("set_filter_state", states));
    }
    let before = bootstrap.pointer_mut(&format!("{MANAGER}/http_filters"));
    let before = before.and_then(Value::as_array_mut);
    before
        .context("there are no filters")?
        .splice(0..0, filters);
    Ok(())
}

fn arrange_xds(bootstrap: &mut Value, path: &[&str], value: &Value) -> Result<()> {
    let host = format!("{MANAGER}{HOST}");
    let route = format!("{host}/routes/0");
    let (place, path): (&str, Vec<&str>) = match path {
        ["node", rest @ ..] => ("/node", rest.to_vec()),
        ["route_name"] => (&route, vec!["name"]),
        ["route_metadata", rest @ ..] => (&route, below_metadata(rest)),
        ["virtual_host_name"] => (&host, vec!["name"]),
        ["virtual_host_metadata", rest @ ..] => (&host, below_metadata(rest)),
        ["cluster_metadata", rest @ ..] => (CLUSTER, below_metadata(rest)),
        ["listener_metadata", rest @ ..] => (LISTENER, below_metadata(rest)),
        ["filter_chain_name"] => (CHAIN, vec!["name"]),
        ["cluster_name"] => {
            put_at(bootstrap, &route, &["route", "cluster"], value)?;
            let load = ["load_assignment", "cluster_name"];
            put_at(bootstrap, CLUSTER, &load, value)?;
            (CLUSTER, vec!["name"])
        }
        ["listener_direction"] => {
            let direction = match value.as_u64() {
                Some(0) => "UNSPECIFIED",
                Some(1) => "INBOUND",
                Some(2) => "OUTBOUND",
                _ => bail!("{value} is no direction"),
            };
            return put_at(
                bootstrap,
                LISTENER,
                &["traffic_direction"],
                &direction.into(),
            );
        }
        _ => bail!("it is no part of the configuration; leave Envoy out in `runs_on`"),
    };
    put_at(bootstrap, place, &path, value)
}

fn below_metadata<'p>(path: &[&'p str]) -> Vec<&'p str> {
    [&["metadata"], path].concat()
}

fn put_at(bootstrap: &mut Value, place: &str, path: &[&str], value: &Value) -> Result<()> {
    let place = bootstrap.pointer_mut(place).and_then(Value::as_object_mut);
    put(
        place.context("the configuration has no such place")?,
        path,
        value,
    )
}

/// Puts a value at a path, making the objects on the way.
fn put(target: &mut Map<String, Value>, path: &[&str], value: &Value) -> Result<()> {
    match path {
        [] => bail!("a path leads nowhere"),
        [name] => {
            target.insert((*name).to_owned(), value.clone());
            Ok(())
        }
        [name, rest @ ..] => {
            let inner = target.entry(*name).or_insert_with(|| json!({}));
            let inner = inner.as_object_mut();
            put(inner.context("a path leads through a value")?, rest, value)
        }
    }
}

/// An object of the filter state that is a text.
fn state(key: &str, value: &Value) -> Result<Value> {
    let text = value.as_str().context("filter state can only be a text")?;
    Ok(json!({
        "object_key": key,
        "factory_key": "envoy.string",
        "format_string": {"text_format_source": {"inline_string": text.replace('%', "%%")}},
    }))
}

fn filter(name: &str, mut configuration: Value) -> Value {
    let kind = format!("type.googleapis.com/envoy.extensions.filters.http.{name}.v3.Config");
    if let Some(configuration) = configuration.as_object_mut() {
        configuration.insert("@type".to_owned(), kind.into());
    }
    json!({"name": format!("envoy.filters.http.{name}"), "typed_config": configuration})
}
