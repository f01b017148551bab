//! Certificates with SPIFFE IDs, made for each run: none expires, and none is
//! of use elsewhere.

use anyhow::Result;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType};

/// A certificate and its key, as PEM.
pub struct Identity {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

/// A mesh's certificate authority.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    root: String,
}

impl Authority {
    /// A new authority.
    ///
    /// # Errors
    ///
    /// When a key cannot be made.
    pub fn new() -> Result<Self> {
        let key = KeyPair::generate()?;
        let mut authority = CertificateParams::default();
        authority
            .distinguished_name
            .push(DnType::CommonName, "Doorward's tests");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = authority.self_signed(&key)?.pem();
        let issuer = Issuer::new(authority, key);
        Ok(Self { issuer, root })
    }

    /// Its own certificate, as PEM.
    #[must_use]
    pub fn root(&self) -> &str {
        &self.root
    }

    /// A certificate whose one subject alternative name is this URI (the form of
    /// the SPIFFE X509-SVID specification, section 2).
    ///
    /// # Errors
    ///
    /// When the URI is not ASCII or a key cannot be made.
    pub fn issue(&self, uri: &str) -> Result<Identity> {
        let key = KeyPair::generate()?;
        let certificate = parameters(uri)?.signed_by(&key, &self.issuer)?.pem();
        Ok(Identity {
            certificate,
            key: key.serialize_pem(),
        })
    }
}

/// A certificate with this URI that nobody but itself has signed.
///
/// # Errors
///
/// As [`Authority::issue`].
pub fn self_signed(uri: &str) -> Result<Identity> {
    let key = KeyPair::generate()?;
    let certificate = parameters(uri)?.self_signed(&key)?.pem();
    Ok(Identity {
        certificate,
        key: key.serialize_pem(),
    })
}

fn parameters(uri: &str) -> Result<CertificateParams> {
    let mut parameters = CertificateParams::default();
    parameters
        .subject_alt_names
        .push(SanType::URI(uri.try_into()?));
    Ok(parameters)
}
