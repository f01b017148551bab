//! The configurations that Envoy is started with in tests.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

/// The type of the HTTP filter's configuration.
const WASM: &str = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";

/// The name of the filter, of the plugin, and of the ECDS resource.
pub(crate) const NAME: &str = "doorward";

/// What the plugin is given.
#[derive(Clone, Debug)]
pub struct Plugin<'a> {
    /// The module's file.
    pub module: &'a Path,
    /// Environment variables of the VM.
    pub environment: &'a BTreeMap<String, String>,
    /// The VM's configuration.
    pub vm_configuration: &'a str,
}

impl Plugin<'_> {
    /// The HTTP filter's configuration with this plugin configuration in it.
    fn filter(&self, configuration: &str) -> Value {
        let text = |text: &str| {
            json!({
                "@type": "type.googleapis.com/google.protobuf.StringValue",
                "value": text,
            })
        };
        let mut vm = json!({
            "vm_id": NAME,
            "runtime": "envoy.wasm.runtime.v8",
            "code": {"local": {"filename": self.module}},
            "environment_variables": {"key_values": self.environment},
        });
        if !self.vm_configuration.is_empty()
            && let Some(vm) = vm.as_object_mut()
        {
            vm.insert("configuration".to_owned(), text(self.vm_configuration));
        }
        json!({
            "@type": WASM,
            "config": {
                "name": NAME,
                "root_id": NAME,
                "failure_policy": "FAIL_CLOSED",
                "vm_config": vm,
                "configuration": text(configuration),
            },
        })
    }

    /// An HTTP filter of this configuration, for as long as Envoy runs.
    #[must_use]
    pub fn fixed(&self, configuration: &str) -> Value {
        json!({"name": NAME, "typed_config": self.filter(configuration)})
    }

    /// The text of a file that [`discovered`] watches.
    #[must_use]
    pub fn resource(&self, configuration: &str) -> String {
        json!({
            "resources": [{
                "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
                "name": NAME,
                "typed_config": self.filter(configuration),
            }],
        })
        .to_string()
    }
}

/// An HTTP filter whose configuration is in a file that may be replaced.
#[must_use]
pub fn discovered(file: &Path) -> Value {
    json!({
        "name": NAME,
        "config_discovery": {
            "config_source": {
                "resource_api_version": "V3",
                "path_config_source": {
                    "path": file,
                    "watched_directory": {"path": file.parent()},
                },
            },
            "type_urls": [WASM],
        },
    })
}

/// What the access log has of each request.
#[must_use]
pub fn access_log_format() -> Value {
    json!({
        "connection": "%CONNECTION_ID%",
        "path": "%REQ(:PATH)%",
        "status": "%RESPONSE_CODE%",
        "details": "%RESPONSE_CODE_DETAILS%",
        "decision": "%FILTER_STATE(wasm.doorward.decision:PLAIN)%",
    })
}

/// A whole configuration: one listener on a free port with this filter before
/// the router, and the upstream.
#[must_use]
pub fn bootstrap(filter: &Value, upstream: SocketAddr, access_log: &Path) -> Value {
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.\
                  http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "ingress",
        "http_protocol_options": {"enable_trailers": true},
        "access_log": [{
            "name": "envoy.access_loggers.file",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
                "path": access_log,
                "log_format": {"json_format": access_log_format()},
            },
        }],
        "http_filters": [filter, {
            "name": "envoy.filters.http.router",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
            },
        }],
        "route_config": {
            "virtual_hosts": [{
                "name": "all",
                "domains": ["*"],
                "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "upstream"}}],
            }],
        },
    });
    json!({
        // Configuration discovery asks for both, whatever they say.
        "node": {"id": "tests", "cluster": "tests"},
        "admin": {"address": address(SocketAddr::from(([127, 0, 0, 1], 0)))},
        "static_resources": {
            "listeners": [{
                "name": "ingress",
                "address": address(SocketAddr::from(([127, 0, 0, 1], 0))),
                "filter_chains": [{
                    "filters": [{
                        "name": "envoy.filters.network.http_connection_manager",
                        "typed_config": manager,
                    }],
                }],
            }],
            // Trailers go on to the upstream, so that what is in them is seen.
            "clusters": [cluster("upstream", upstream, &json!({
                "http_protocol_options": {"enable_trailers": true},
            }))],
        },
    })
}

/// A cluster of one server, which is spoken to by this version of HTTP.
pub(crate) fn cluster(name: &str, server: SocketAddr, http: &Value) -> Value {
    json!({
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.\
                          HttpProtocolOptions",
                "explicit_http_config": http,
            },
        },
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{
                "lb_endpoints": [{"endpoint": {"address": address(server)}}],
            }],
        },
    })
}

/// Adds a cluster to a whole configuration.
///
/// # Errors
///
/// When the configuration has no clusters, which none of [`bootstrap`] lacks.
pub fn add_cluster(bootstrap: &mut Value, cluster: Value) -> Result<()> {
    let clusters = bootstrap.pointer_mut("/static_resources/clusters");
    let clusters = clusters.and_then(Value::as_array_mut);
    clusters.context("there are no clusters")?.push(cluster);
    Ok(())
}

fn address(address: SocketAddr) -> Value {
    json!({"socket_address": {
        "address": address.ip().to_string(),
        "port_value": address.port(),
    }})
}
