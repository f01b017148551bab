//! The root context: one per plugin configuration.

use std::rc::Rc;

use doorward_authorizer::Authorizer;
use doorward_bundle::{Configuration, ConfigurationError, Secrets, UNSIGNED_VARIABLE};
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;

use crate::host;
use crate::keys::{self, Timer};
use crate::signatures::UnknownSignatures;
use crate::stream::Stream;
use crate::vm;

/// The root context. It decides nothing until a configuration was accepted.
pub(crate) struct Root {
    id: u32,
    authorizer: Option<Rc<Authorizer>>,
    timer: Rc<Timer>,
}

/// Why a configuration is refused.
#[derive(Debug)]
enum Refusal {
    Host(host::HostError),
    Configuration(ConfigurationError),
    Signatures(UnknownSignatures),
    /// This module is for a benchmark, and decides otherwise in places.
    #[cfg(feature = "casbin-engine")]
    Casbin,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Host(error) => write!(f, "{error}"),
            Self::Configuration(error) => write!(f, "{error}"),
            Self::Signatures(error) => write!(f, "{error}"),
            #[cfg(feature = "casbin-engine")]
            Self::Casbin => f.write_str(
                "this module decides by the casbin crate, for a benchmark alone: the VM's \
                 environment variable DOORWARD_CASBIN is not \"benchmark\"",
            ),
        }
    }
}

impl Root {
    pub(crate) fn new(id: u32) -> Self {
        Self {
            id,
            authorizer: None,
            timer: Rc::default(),
        }
    }

    fn configure(size: usize) -> Result<Authorizer, Refusal> {
        #[cfg(feature = "casbin-engine")]
        if std::env::var_os("DOORWARD_CASBIN").is_none_or(|value| value != "benchmark") {
            return Err(Refusal::Casbin);
        }
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
        Ok(keys::authorizer(bundle))
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

impl Drop for Root {
    fn drop(&mut self) {
        keys::abandon(self.id);
    }
}

impl Context for Root {
    fn on_http_call_response(
        &mut self,
        token: u32,
        headers: usize,
        body_size: usize,
        _trailers: usize,
    ) {
        if let Some(authorizer) = &self.authorizer {
            keys::on_response(self.id, token, headers, body_size, authorizer, &self.timer);
        }
    }
}

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
                if authorizer.key_sources().next().is_some() {
                    // A call from here would be the canary's too.
                    self.timer.fire();
                }
                self.authorizer = Some(Rc::new(authorizer));
                true
            }
            Err(refusal) => {
                log::error!("doorward: configuration refused: {refusal}");
                false
            }
        }
    }

    fn on_tick(&mut self) {
        if let Some(authorizer) = &self.authorizer {
            keys::on_tick(self.id, authorizer, &self.timer);
        }
    }

    fn create_http_context(&self, context_id: u32) -> Option<Box<dyn HttpContext>> {
        let timer = Rc::clone(&self.timer);
        Some(Box::new(Stream::new(
            context_id,
            self.authorizer.clone(),
            timer,
        )))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}
