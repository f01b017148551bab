//! What a VM keeps while configurations come and go. A proxy makes one VM for
//! each worker, and each is used by that worker alone.

use doorward_token::{
    DEFAULT_VERIFICATION_BUDGET_PERCENT, HostVerifier, SignatureState, SignatureVerifier,
};

use crate::signatures::{Proxy, UnknownSignatures, software_only};

thread_local! {
    static SIGNATURES: SignatureState = SignatureState::default();
}

/// Takes from the VM's environment whose cryptography checks signatures. That
/// the same value comes with every configuration is the proxy's doing: another
/// environment is another VM.
pub(crate) fn choose_signatures() -> Result<(), UnknownSignatures> {
    let software_only = software_only()?;
    SIGNATURES.with(|state| state.set_software_only(software_only));
    Ok(())
}

/// Does something with the verifier of this VM.
pub(crate) fn with_verifier<T>(act: impl FnOnce(&dyn SignatureVerifier) -> T) -> T {
    SIGNATURES.with(|state| {
        act(&HostVerifier::new(
            &Proxy,
            state,
            DEFAULT_VERIFICATION_BUDGET_PERCENT,
        ))
    })
}
