//! The root context: one per plugin configuration.

use std::rc::Rc;

use doorward_authorizer::Authorizer;
use doorward_bundle::{Configuration, ConfigurationError, Secrets, UNSIGNED_VARIABLE};
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;

use crate::host;
use crate::signatures::UnknownSignatures;
use crate::stream::Stream;
use crate::vm;

/// The root context. It decides nothing until a configuration was accepted.
#[derive(Default)]
pub(crate) struct Root {
    authorizer: Option<Rc<Authorizer>>,
}

/// Why a configuration is refused.
#[derive(Debug)]
enum Refusal {
    Host(host::HostError),
    Configuration(ConfigurationError),
    Signatures(UnknownSignatures),
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Host(error) => write!(f, "{error}"),
            Self::Configuration(error) => write!(f, "{error}"),
            Self::Signatures(error) => write!(f, "{error}"),
        }
    }
}

impl Root {
    fn configure(size: usize) -> Result<Authorizer, Refusal> {
        vm::choose_signatures().map_err(Refusal::Signatures)?;
        let bytes = match size {
            0 => Vec::new(),
            _ => host::plugin_configuration(size).map_err(Refusal::Host)?,
        };
        let unsigned_allowed =
            std::env::var_os(UNSIGNED_VARIABLE).is_some_and(|value| value == "allow");
        let bundle = Configuration::parse(&bytes, unsigned_allowed)
            .and_then(|configuration| configuration.load_with(&secrets(&configuration)))
            .map_err(Refusal::Configuration)?;
        Ok(Authorizer::new(bundle))
    }
}

/// What the VM's environment holds of the secrets that a bundle names.
fn secrets(configuration: &Configuration) -> Secrets {
    let mut secrets = Secrets::default();
    for variable in configuration.secret_variables() {
        if let Some(value) = std::env::var_os(variable) {
            secrets.add(variable, value.into_encoded_bytes());
        }
    }
    secrets
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, size: usize) -> bool {
        match Self::configure(size) {
            Ok(authorizer) => {
                let bundle = authorizer.bundle();
                log::info!(
                    "doorward: {} accepted: {} policy rows, {} issuers",
                    authorizer.revision(),
                    bundle.engine().row_count(),
                    bundle.providers().len(),
                );
                self.authorizer = Some(Rc::new(authorizer));
                true
            }
            Err(refusal) => {
                log::error!("doorward: configuration refused: {refusal}");
                false
            }
        }
    }

    fn create_http_context(&self, _context_id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream::new(self.authorizer.clone())))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}
