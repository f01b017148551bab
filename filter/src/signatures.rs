//! The proxy's cryptography, by its foreign function `verify_signature`.

use doorward_token::{HostCallError, SignatureHost, SignaturePath};

use crate::host;

/// The variable of the VM's environment that says whose cryptography checks
/// signatures: `host`, the default, or `software`.
pub(crate) const SIGNATURES_VARIABLE: &str = "DOORWARD_SIGNATURES";

/// The variable has another value.
#[derive(Debug)]
pub(crate) struct UnknownSignatures;

impl std::fmt::Display for UnknownSignatures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "the VM's environment variable {SIGNATURES_VARIABLE} is neither \"host\" nor \
             \"software\""
        )
    }
}

/// Whether the VM's environment wants the module's own cryptography only.
pub(crate) fn software_only() -> Result<bool, UnknownSignatures> {
    match std::env::var_os(SIGNATURES_VARIABLE) {
        None => Ok(false),
        Some(value) if value == "host" => Ok(false),
        Some(value) if value == "software" => Ok(true),
        Some(_) => Err(UnknownSignatures),
    }
}

/// The host of this module.
pub(crate) struct Proxy;

impl SignatureHost for Proxy {
    fn verify_signature(&self, arguments: &[u8]) -> Result<Vec<u8>, HostCallError> {
        match host::call_foreign_function("verify_signature", arguments) {
            Ok(Some(answer)) => Ok(answer),
            Ok(None) => Err(HostCallError::Absent),
            Err(error) => {
                log::error!("doorward: a signature could not be checked: {error}");
                Err(HostCallError::Failed)
            }
        }
    }

    fn monotonic_nanoseconds(&self) -> Option<u64> {
        host::monotonic_nanoseconds().ok()
    }

    fn in_use(&self, path: SignaturePath) {
        match path {
            SignaturePath::Host => {
                log::info!("doorward: signatures are checked by the host's verify_signature");
            }
            SignaturePath::Software => log::warn!(
                "doorward: signatures are checked in the module, which is slow: the host has no \
                 verify_signature, or {SIGNATURES_VARIABLE} is \"software\""
            ),
        }
    }
}
