//! Signatures checked by the proxy's own cryptography, where it offers any.

mod budget;
mod message;

use std::cell::{Cell, RefCell};

use self::message::Answer;
use crate::ecdsa::der_signature;
use crate::signature::check_form;
use crate::{Algorithm, Jwk, PublicKey, SignatureError, SignatureVerifier, SoftwareVerifier};

pub use budget::VerificationBudget;

/// The share of a worker's time for slow checks, in percent, of a policy that
/// names none.
pub const DEFAULT_VERIFICATION_BUDGET_PERCENT: u8 = 50;

/// Why a host's function gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostCallError {
    /// The host has no such function.
    Absent,
    /// It has, and the call failed.
    Failed,
}

/// What a host does for [`HostVerifier`].
pub trait SignatureHost {
    /// Calls the foreign function `verify_signature` with these bytes.
    ///
    /// # Errors
    /// [`HostCallError`] where there is no answer.
    fn verify_signature(&self, arguments: &[u8]) -> Result<Vec<u8>, HostCallError>;

    /// The time in nanoseconds, of a clock that only goes forward; `None`
    /// where the host does not tell.
    fn monotonic_nanoseconds(&self) -> Option<u64>;

    /// Says which cryptography is in use from now on: once, and again only if
    /// it changes.
    fn in_use(&self, path: SignaturePath);
}

/// Whose cryptography checks a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignaturePath {
    /// The host's, by `verify_signature`.
    Host,
    /// This crate's own, in the module.
    Software,
}

impl SignaturePath {
    /// Its name in logs and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Software => "software",
        }
    }
}

/// How many signatures were checked, by whose cryptography.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SignatureCounts {
    /// By the host's.
    pub host: u64,
    /// By this crate's own.
    pub software: u64,
}

/// What a worker remembers of its host's cryptography and of the time that
/// its own has taken. It outlives policies.
#[derive(Debug, Default)]
pub struct SignatureState {
    path: Cell<Option<SignaturePath>>,
    software_only: Cell<bool>,
    budget: RefCell<VerificationBudget>,
    counts: Cell<SignatureCounts>,
}

impl SignatureState {
    /// Whether the host is never to be asked, whatever it offers.
    pub fn set_software_only(&self, software_only: bool) {
        self.software_only.set(software_only);
    }

    /// How many signatures were checked since the last call.
    pub fn take_counts(&self) -> SignatureCounts {
        self.counts.take()
    }

    fn count(&self, path: SignaturePath) {
        let mut counts = self.counts.get();
        let count = match path {
            SignaturePath::Host => &mut counts.host,
            SignaturePath::Software => &mut counts.software,
        };
        *count = count.saturating_add(1);
        self.counts.set(counts);
    }
}

/// Asks the host for what its `verify_signature` can check, and checks
/// everything else by [`SoftwareVerifier`].
///
/// A host without the function is asked once; from then on software checks
/// everything. What a host answers otherwise refuses: a failed call is no
/// reason to try the software, since then whoever makes calls fail chooses
/// who decides.
///
/// What software checks is under the budget of [`VerificationBudget`], but for
/// algorithms that cost next to nothing.
pub struct HostVerifier<'a> {
    host: &'a dyn SignatureHost,
    state: &'a SignatureState,
    budget_percent: u8,
}

impl<'a> HostVerifier<'a> {
    /// A verifier that asks `host`; slow checks get `budget_percent` of the
    /// time.
    #[must_use]
    pub const fn new(
        host: &'a dyn SignatureHost,
        state: &'a SignatureState,
        budget_percent: u8,
    ) -> Self {
        Self {
            host,
            state,
            budget_percent,
        }
    }

    /// `key_info` is the key's SubjectPublicKeyInfo.
    fn check(
        &self,
        algorithm: Algorithm,
        key: &PublicKey,
        key_info: Option<&[u8]>,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        check_form(algorithm, key, signature)?;
        let (Some(hash), Some(key_info)) = (host_hash(algorithm), key_info) else {
            return self.by_software(algorithm, key, message, signature);
        };
        if !self.state.software_only.get() && self.state.path.get() != Some(SignaturePath::Software)
        {
            let answer = match key {
                PublicKey::Ec { curve, .. } => {
                    let der = der_signature(*curve, signature).ok_or(SignatureError::Invalid)?;
                    self.ask(hash, key_info, &der, message)
                }
                _ => self.ask(hash, key_info, signature, message),
            };
            if let Some(verdict) = answer {
                self.use_path(SignaturePath::Host);
                return verdict;
            }
        }
        self.use_path(SignaturePath::Software);
        self.by_software(algorithm, key, message, signature)
    }

    /// `None` where the host has no such function.
    fn ask(
        &self,
        hash: &str,
        key_info: &[u8],
        signature: &[u8],
        message: &[u8],
    ) -> Option<Result<(), SignatureError>> {
        let arguments = message::arguments(hash, key_info, signature, message);
        let answer = match self.host.verify_signature(&arguments) {
            Err(HostCallError::Absent) => return None,
            Err(HostCallError::Failed) => return Some(Err(SignatureError::Failed)),
            Ok(answer) => answer,
        };
        self.state.count(SignaturePath::Host);
        Some(match message::read_answer(&answer) {
            Some(Answer::Valid) => Ok(()),
            Some(Answer::Invalid) => Err(SignatureError::Invalid),
            Some(Answer::Unable) => Err(SignatureError::Unsupported),
            None => Err(SignatureError::Failed),
        })
    }

    fn by_software(
        &self,
        algorithm: Algorithm,
        key: &PublicKey,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        let check = || {
            self.state.count(SignaturePath::Software);
            SoftwareVerifier.verify(algorithm, key, message, signature)
        };
        let now = || {
            self.host
                .monotonic_nanoseconds()
                .ok_or(SignatureError::Failed)
        };
        let start = now()?;
        if !self
            .state
            .budget
            .borrow()
            .allows(start, self.budget_percent)
        {
            return Err(SignatureError::OverBudget);
        }
        let verdict = check();
        let end = now()?;
        self.state
            .budget
            .borrow_mut()
            .spend(start, end, self.budget_percent);
        verdict
    }

    fn use_path(&self, path: SignaturePath) {
        if self.state.path.replace(Some(path)) != Some(path) {
            self.host.in_use(path);
        }
    }
}

impl SignatureVerifier for HostVerifier<'_> {
    fn verify(
        &self,
        algorithm: Algorithm,
        key: &PublicKey,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        let key_info = key.subject_public_key_info();
        self.check(algorithm, key, key_info.as_deref(), message, signature)
    }

    fn verify_by(
        &self,
        algorithm: Algorithm,
        key: &Jwk,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        let public_key = key.public_key();
        let key_info = key.subject_public_key_info();
        self.check(algorithm, public_key, key_info, message, signature)
    }
}

/// The host's name of the hash, for algorithms that `verify_signature` knows:
/// RSASSA-PKCS1-v1_5 and ECDSA. It takes no parameters, so not PSS, and a hash
/// always, so not EdDSA.
const fn host_hash(algorithm: Algorithm) -> Option<&'static str> {
    match algorithm {
        Algorithm::RS256 | Algorithm::ES256 => Some("sha256"),
        Algorithm::RS384 | Algorithm::ES384 => Some("sha384"),
        Algorithm::RS512 | Algorithm::ES512 => Some("sha512"),
        Algorithm::PS256 | Algorithm::PS384 | Algorithm::PS512 | Algorithm::EdDSA => None,
    }
}
