//! One Envoy with a listener for each variant.

use super::cores::Cores;
use super::rules::{self, Records};
use super::server::Server;
use super::variant::{Kind, Variant};
use super::{Plan, floor};
use crate::envoy::config::{self, Plugin};
use crate::envoy::process::{Envoy, Started};
use crate::scenarios::root;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Long enough for a server of ten thousand rules.
const TIMEOUT: &str = "20s";

/// What filters are made of that the run has in files and processes.
pub(super) struct Parts<'a> {
    pub(super) plan: &'a Plan<'a>,
    pub(super) servers: &'a BTreeMap<(Kind, usize), Server>,
    /// Where the small modules are written.
    pub(super) folder: &'a Path,
    pub(super) cores: Cores,
}

/// A running Envoy, and where each variant's listener is.
pub(super) struct Proxy {
    pub(super) envoy: Envoy,
    addresses: Vec<SocketAddr>,
}

impl Proxy {
    /// Starts one for these variants. All its threads are on its core.
    pub(super) fn start(
        parts: &Parts<'_>,
        variants: &[Variant],
        workers: usize,
        folder: &Path,
    ) -> Result<Self> {
        let mut listeners = Vec::new();
        let mut clusters = BTreeMap::new();
        for (number, variant) in variants.iter().enumerate() {
            let name = listener(number);
            let filters = filters(parts, *variant, &name).with_context(|| variant.to_string())?;
            listeners.push((name, filters));
            if let Some(server) = parts.servers.get(&(variant.kind, variant.rules)) {
                let name = cluster_name(*variant);
                let http = json!({"http2_protocol_options": {}});
                let cluster = config::cluster(&name, server.address(), &http);
                clusters.insert(name, cluster);
            }
        }
        let bootstrap = bootstrap(&listeners, clusters.into_values())?;
        let envoy = launch(parts.plan.envoy, &bootstrap, workers, folder)?;
        parts.cores.pin_proxy(envoy.process_id())?;
        let addresses = listeners
            .iter()
            .map(|(name, _)| envoy.listener(name))
            .collect::<Result<Vec<_>>>()?;
        Ok(Self { envoy, addresses })
    }

    /// Where a variant is asked, by its place among those at the start.
    pub(super) fn address(&self, number: usize) -> Result<SocketAddr> {
        let address = self.addresses.get(number).copied();
        address.context("no such listener")
    }

    /// How many requests it has got on a variant's listener.
    pub(super) fn requests(&self, number: usize) -> Result<u64> {
        let name = format!("http.{}.downstream_rq_total", listener(number));
        let stats = self.envoy.stats(&name)?;
        let stat = stats.iter().find(|(known, _)| *known == name);
        stat.map(|(_, value)| *value)
            .with_context(|| format!("Envoy has no stat {name}"))
    }
}

fn listener(number: usize) -> String {
    format!("variant-{number}")
}

/// Starts Envoy, and says what it logged where it refuses.
pub(super) fn launch(
    binary: &Path,
    bootstrap: &Value,
    workers: usize,
    folder: &Path,
) -> Result<Envoy> {
    match Envoy::start_with(binary, bootstrap, folder, workers)? {
        Started::Ready(envoy) => Ok(envoy),
        Started::Refused(log) => bail!("Envoy refused its configuration:\n{log}"),
    }
}

fn filters(parts: &Parts<'_>, variant: Variant, name: &str) -> Result<Vec<Value>> {
    Ok(match variant.kind {
        Kind::None => Vec::new(),
        Kind::Empty => {
            let module = write(parts, "empty.wasm", &floor::empty()?)?;
            vec![wasm(&module, name, "")]
        }
        Kind::Floor { calls, verifies } => {
            let keys = root().join("tests").join("keys");
            let file = format!("floor-{calls:?}-{verifies}.wasm");
            let module = write(parts, &file, &floor::module(calls, verifies, &keys)?)?;
            vec![wasm(&module, name, "")]
        }
        Kind::Doorward | Kind::Unrecorded => {
            let records = match variant.kind {
                Kind::Unrecorded => Records::Refused,
                _ => Records::All,
            };
            let configuration = rules::configuration(variant.rules, records, None)?;
            vec![wasm(parts.plan.module, name, &configuration)]
        }
        Kind::Casbin => {
            let module = parts
                .plan
                .casbin_module
                .context("there is no such module")?;
            let configuration = rules::configuration(variant.rules, Records::All, None)?;
            vec![wasm(module, name, &configuration)]
        }
        Kind::JwtAuthn { cache } => vec![rules::jwt_authn(cache, false)?],
        Kind::JwtRbac { cache } => vec![rules::jwt_authn(cache, true)?, rules::rbac(variant.rules)],
        Kind::Lua => vec![lua()],
        Kind::ExtAuthz | Kind::Rego => vec![ext_authz(variant)],
    })
}

fn write(parts: &Parts<'_>, name: &str, module: &[u8]) -> Result<PathBuf> {
    let file = parts.folder.join(name);
    std::fs::write(&file, module)
        .with_context(|| format!("{} cannot be written", file.display()))?;
    Ok(file)
}

/// A filter in a VM of its own, so that no variant has another's tokens in its
/// cache.
fn wasm(module: &Path, vm: &str, configuration: &str) -> Value {
    let environment = environment();
    let plugin = Plugin {
        module,
        environment: &environment,
        vm_configuration: "",
    };
    let mut filter = plugin.fixed(configuration);
    filter["typed_config"]["config"]["vm_config"]["vm_id"] = json!(vm);
    filter
}

/// The VM's environment: bundles here are not signed, and the module with the
/// casbin crate may decide.
pub(super) fn environment() -> BTreeMap<String, String> {
    let variables = [
        ("DOORWARD_UNSIGNED", "allow"),
        ("DOORWARD_CASBIN", "benchmark"),
    ];
    variables
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

fn lua() -> Value {
    const SOURCE: &str = "function envoy_on_request(handle)\n\
        local value = handle:headers():get('authorization')\n\
        if value == nil or string.sub(value, 1, 7) ~= 'Bearer ' then\n\
        handle:respond({[':status'] = '403'}, 'denied')\n\
        end\n\
        end\n";
    json!({
        "name": "envoy.filters.http.lua",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
            "default_source_code": {"inline_string": SOURCE},
        },
    })
}

fn ext_authz(variant: Variant) -> Value {
    json!({
        "name": "envoy.filters.http.ext_authz",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz",
            "transport_api_version": "V3",
            "grpc_service": {
                "envoy_grpc": {"cluster_name": cluster_name(variant)},
                "timeout": TIMEOUT,
            },
        },
    })
}

fn cluster_name(variant: Variant) -> String {
    format!("{:?}-{}", variant.kind, variant.rules)
}

/// The tests' Envoy without access log and upstream, since it answers itself,
/// with a listener for each of these lists of filters.
pub(super) fn bootstrap(
    listeners: &[(String, Vec<Value>)],
    clusters: impl IntoIterator<Item = Value>,
) -> Result<Value> {
    const MANAGER: &str = "/filter_chains/0/filters/0/typed_config";
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 1));
    let mut bootstrap = config::bootstrap(&Value::Null, nowhere, Path::new("unused"));
    let template = bootstrap.pointer("/static_resources/listeners/0").cloned();
    let template = template.context("the bootstrap has no listener")?;
    let route = json!({"match": {"prefix": "/"}, "direct_response": {"status": 200}});
    let mut all = Vec::new();
    for (name, filters) in listeners {
        let mut listener = template.clone();
        listener["name"] = json!(name);
        let manager = listener
            .pointer_mut(MANAGER)
            .and_then(Value::as_object_mut)
            .context("the bootstrap has no connection manager")?;
        manager.remove("access_log");
        manager.insert("stat_prefix".to_owned(), json!(name));
        let chain = manager
            .get_mut("http_filters")
            .and_then(Value::as_array_mut);
        let chain = chain.context("the bootstrap has no filters")?;
        chain.retain(|filter| !filter.is_null());
        chain.splice(0..0, filters.iter().cloned());
        let host = json!({"name": "all", "domains": ["*"], "routes": [route]});
        manager.insert("route_config".to_owned(), json!({"virtual_hosts": [host]}));
        all.push(listener);
    }
    bootstrap["static_resources"]["listeners"] = Value::Array(all);
    // Its work grows with the listeners, and some slices would pay for it.
    bootstrap["stats_flush_interval"] = json!("290s");
    for cluster in clusters {
        config::add_cluster(&mut bootstrap, cluster)?;
    }
    Ok(bootstrap)
}
