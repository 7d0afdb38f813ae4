//! How the two know each other's machine. The operator makes a certificate when it starts to lead, and keeps its key in
//! memory; whoever makes a worker tells it that certificate. The worker trusts it and no authority besides.

use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

/// The name in the certificate: a worker dials an address, but expects this name there.
pub(crate) const NAME: &str = "operator.flink-retention.internal";

/// What an operator shows to workers.
#[derive(Clone, Debug)]
pub struct OperatorCertificate {
    /// For the worker to trust, as PEM.
    pub pem: String,
    pub(crate) config: Arc<ServerConfig>,
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    #[error("cannot make a certificate: {0}")]
    Made(#[from] rcgen::Error),
    #[error("cannot use the certificate: {0}")]
    Tls(#[from] rustls::Error),
    #[error("the operator's certificate is none: {0}; start the worker as the operator's Job does")]
    NoCertificate(String),
}

impl OperatorCertificate {
    /// A new one, with a new key.
    ///
    /// # Errors
    /// The cryptography of this build cannot.
    pub fn new() -> Result<Self, TrustError> {
        let key = KeyPair::generate()?;
        // Valid for as long as anybody can live: it ends with this process, and the clocks of nodes differ.
        let certificate = CertificateParams::new(vec![NAME.to_owned()])?.self_signed(&key)?;
        let private = PrivateKeyDer::try_from(key.serialize_der())
            .map_err(|why| TrustError::NoCertificate(why.to_owned()))?;
        let config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)?;
        Ok(Self {
            pem: certificate.pem(),
            config: Arc::new(config),
        })
    }
}

/// For a worker: trusts this certificate alone.
///
/// # Errors
/// It is not exactly one certificate.
pub fn trusting_only(pem: &str) -> Result<Arc<ClientConfig>, TrustError> {
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes())
        .map_err(|error| TrustError::NoCertificate(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    roots.add(certificate)?;
    let config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}
