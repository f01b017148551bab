//! The root context: one per plugin configuration.

use std::cell::RefCell;
use std::rc::Rc;

use doorward_authorizer::Authorizer;
use doorward_bundle::{Configuration, ConfigurationError, Secrets, UNSIGNED_VARIABLE};

use crate::host;
use crate::keys::{self, Timer};
use crate::signatures::UnknownSignatures;
use crate::vm;

/// The root context. It decides nothing until a configuration was accepted.
pub(crate) struct Root {
    id: u32,
    authorizer: RefCell<Option<Rc<Authorizer>>>,
    timer: Rc<Timer>,
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
    pub(crate) fn new(id: u32) -> Self {
        Self {
            id,
            authorizer: RefCell::default(),
            timer: Rc::default(),
        }
    }

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

impl Root {
    /// Whether the configuration of `size` bytes is accepted.
    pub(crate) fn on_configure(&self, size: usize) -> bool {
        // The signature tests' module answers by itself and needs none.
        #[cfg(feature = "vectors")]
        if crate::vectors::is_on() {
            return true;
        }
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
                self.authorizer.replace(Some(Rc::new(authorizer)));
                true
            }
            Err(refusal) => {
                log::error!("doorward: configuration refused: {refusal}");
                false
            }
        }
    }

    /// What decides requests; none before a configuration was accepted.
    pub(crate) fn authorizer(&self) -> Option<Rc<Authorizer>> {
        self.authorizer.borrow().clone()
    }

    /// The timer of this context.
    pub(crate) fn timer(&self) -> &Rc<Timer> {
        &self.timer
    }

    pub(crate) fn on_tick(&self) {
        if let Some(authorizer) = self.authorizer() {
            keys::on_tick(self.id, &authorizer, &self.timer);
        }
    }

    pub(crate) fn on_http_call_response(&self, token: u32, headers: usize, body_size: usize) {
        if let Some(authorizer) = self.authorizer() {
            keys::on_response(self.id, token, headers, body_size, &authorizer, &self.timer);
        }
    }
}
