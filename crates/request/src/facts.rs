//! What a host tells of the request and the connection.

/// Why a fact could not be read although the host may have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the host could not read it")]
pub struct ReadError;

/// The host's side of a request: everything that is not in its headers.
///
/// An absent fact is `Ok(None)`; a fact that the host failed to give is an
/// error, and an error denies. The two are never confused, since `??` gives a
/// default for absence only.
pub trait Facts {
    /// The host's property at `path`, such as `["source", "address"]`, in the
    /// encoding of the host: text as it is, integers as eight little-endian
    /// bytes, booleans as one byte
    /// ([Envoy attributes](https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/attributes)).
    ///
    /// # Errors
    /// The host answered with anything but a value or "not found".
    fn property(&self, path: &[&str]) -> Result<Option<Vec<u8>>, ReadError>;
}
