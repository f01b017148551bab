//! How a simulated proxy is set up.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use serde_json::Value;

use crate::metadata;
use crate::property::{Property, parse_path};
use crate::scenario::{ClusterAnswer, DECISION_PROPERTY, Scenario, Script};
use crate::verify_signature::{VERIFY_SIGNATURE, verify_signature};
use crate::vm::Budget;
use crate::world::{Clock, ForeignFunction, LogLevel, Random, World};

/// Fuel of one callback by default, about as many instructions: some seconds of work, so that
/// only a module that loops reaches it.
pub const DEFAULT_FUEL: u64 = 5_000_000_000;

/// Memory of one VM by default, in bytes.
pub const DEFAULT_MEMORY: usize = 256 << 20;

/// The set-up of a simulated proxy.
#[derive(Clone)]
pub struct Options {
    /// Environment variables of the VM.
    pub environment: BTreeMap<String, String>,
    /// The VM's configuration.
    pub vm_configuration: String,
    /// The plugin's name, the property `plugin_name`.
    pub plugin_name: String,
    /// The root id, the property `plugin_root_id`.
    pub root_id: String,
    /// The VM id, the property `plugin_vm_id`.
    pub vm_id: String,
    /// Lines of a lower level are not logged; Envoy's default is info.
    pub log_level: LogLevel,
    /// Fuel of one callback; a callback that uses more traps.
    pub fuel: u64,
    /// Memory of one VM in bytes; it cannot grow beyond.
    pub memory: usize,
    /// Facts of the proxy by attribute path, such as `xds.node.metadata['NAMESPACE']`; null makes
    /// an attribute absent.
    pub properties: BTreeMap<String, Value>,
    /// Answers to HTTP calls by cluster name.
    pub clusters: BTreeMap<String, Vec<ClusterAnswer>>,
    /// The time at the start, which then moves only when it is told to; the real time when
    /// absent.
    pub clock: Option<SystemTime>,
    /// Where the sequence of random bytes begins.
    pub seed: u64,
    /// What the upstream answers to every request.
    pub upstream: UpstreamResponse,
    /// Foreign functions by name; every other name is answered with not found. By default Envoy's
    /// `verify_signature`.
    pub foreign_functions: BTreeMap<String, ForeignFunction>,
    /// The filter state that holds the module's decision record.
    pub decision_property: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            environment: BTreeMap::new(),
            vm_configuration: String::new(),
            plugin_name: "plugin".to_owned(),
            root_id: String::new(),
            vm_id: String::new(),
            log_level: LogLevel::Info,
            fuel: DEFAULT_FUEL,
            memory: DEFAULT_MEMORY,
            properties: BTreeMap::new(),
            clusters: BTreeMap::new(),
            clock: None,
            seed: 0,
            upstream: UpstreamResponse::default(),
            foreign_functions: BTreeMap::from([(
                VERIFY_SIGNATURE.to_owned(),
                Arc::new(verify_signature) as ForeignFunction,
            )]),
            decision_property: DECISION_PROPERTY.to_owned(),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Options")
    }
}

impl Options {
    /// These options with what a scenario says of the proxy.
    #[must_use]
    pub fn with_scenario(mut self, scenario: &Scenario) -> Self {
        self.environment.clone_from(&scenario.environment);
        self.vm_configuration.clone_from(&scenario.vm_configuration);
        self.properties.clone_from(&scenario.properties);
        self.clusters.clone_from(&scenario.clusters);
        self.clock = scenario.clock.map(|clock| clock.0);
        for name in &scenario.without_foreign_functions {
            self.foreign_functions.remove(name);
        }
        self
    }

    pub(crate) fn budget(&self) -> Budget {
        Budget {
            fuel: self.fuel,
            memory: self.memory,
        }
    }

    pub(crate) fn world(&self) -> Result<World, PropertyError> {
        Ok(World {
            clock: self.clock.map_or(Clock::Real, Clock::Set),
            log_level: self.log_level,
            clusters: self
                .clusters
                .iter()
                .map(|(name, answers)| (name.clone(), Script::new(answers.clone())))
                .collect(),
            foreign: self.foreign_functions.clone(),
            properties: property_tree(&self.properties)?,
            environment: self.environment.clone(),
            vm_configuration: self.vm_configuration.clone(),
            plugin_name: self.plugin_name.clone(),
            root_id: self.root_id.clone(),
            vm_id: self.vm_id.clone(),
            random: Random(self.seed),
            ..World::default()
        })
    }
}

/// What the simulated upstream answers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UpstreamResponse {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Default for UpstreamResponse {
    fn default() -> Self {
        Self {
            status: 200,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }
}

/// Why a property cannot be set.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PropertyError {
    /// The path is no path.
    #[error("property `{0}` is no path such as request.headers['x-team']")]
    Path(String),
    /// The path goes through a value.
    #[error("property `{path}` goes through `{part}`, which has a value of its own")]
    Conflict {
        /// The path.
        path: String,
        /// The part below which something is to be set.
        part: String,
    },
}

/// The given properties as one map of maps.
fn property_tree(properties: &BTreeMap<String, Value>) -> Result<Property, PropertyError> {
    let mut tree = Property::Map(BTreeMap::new());
    for (path, value) in properties {
        let parts = parse_path(path).ok_or_else(|| PropertyError::Path(path.clone()))?;
        let property = if metadata::is_struct(&parts) {
            Property::of_struct(value)
        } else {
            Property::from_json(value)
        };
        tree.insert(&parts, property)
            .map_err(|part| PropertyError::Conflict {
                path: path.clone(),
                part,
            })?;
    }
    Ok(tree)
}
