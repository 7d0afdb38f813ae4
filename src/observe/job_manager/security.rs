//! Whom a REST endpoint is believed, and what is told to it: the administrator's word, never a tenant's.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::HeaderValue;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

/// Longer than any name and password.
const LONGEST_CREDENTIALS: usize = 4096;

/// Certificates are always verified. There is no switch: whoever can pose as a `JobManager` decides what is deleted.
#[derive(Clone, Debug)]
pub struct RestSecurity {
    tls: ClientConfig,
    credentials: BTreeMap<String, Credentials>,
}

/// `--flink-rest-credentials <namespace>=<file>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialsFile {
    /// They are sent to the clusters of this namespace only.
    pub namespace: String,
    pub file: PathBuf,
}

/// A name and a password. They are never printed.
#[derive(Clone)]
pub(super) struct Credentials(HeaderValue);

/// What the administrator gave cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SecurityError {
    #[error("cannot read {}: {why}", file.display())]
    Unreadable { file: PathBuf, why: String },
    #[error(
        "{} has no certificate that can be used ({why}); write the authority's certificate as PEM (keytool -exportcert -rfc, if it is in a truststore)",
        file.display()
    )]
    NoCertificate { file: PathBuf, why: String },
    #[error("{} has no credentials; write user:password on one line", file.display())]
    NoCredentials { file: PathBuf },
    #[error("{text:?} names no credentials; write NAMESPACE=FILE")]
    NoCredentialsFile { text: String },
    #[error("the namespace {namespace} has credentials twice; name one file for it")]
    Twice { namespace: String },
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

impl RestSecurity {
    /// With a file of authorities, those alone are believed; without, the ones of this machine.
    pub fn new(
        authorities: Option<&Path>,
        credentials: &[CredentialsFile],
    ) -> Result<Self, SecurityError> {
        let roots = match authorities {
            Some(file) => authorities_in(file)?,
            None => authorities_of_this_machine(),
        };
        let provider = Arc::new(aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut by_namespace = BTreeMap::new();
        for CredentialsFile { namespace, file } in credentials {
            let read = Credentials::read(file)?;
            if by_namespace.insert(namespace.clone(), read).is_some() {
                let namespace = namespace.clone();
                return Err(SecurityError::Twice { namespace });
            }
        }
        Ok(Self {
            tls,
            credentials: by_namespace,
        })
    }

    pub(super) fn tls(&self) -> ClientConfig {
        self.tls.clone()
    }

    pub(super) fn credentials(&self, namespace: &str) -> Option<&Credentials> {
        self.credentials.get(namespace)
    }
}

impl Credentials {
    fn read(file: &Path) -> Result<Self, SecurityError> {
        let text = std::fs::read_to_string(file).map_err(|why| unreadable(file, &why))?;
        let none = || SecurityError::NoCredentials {
            file: file.to_owned(),
        };
        let text = text.trim_end_matches(['\r', '\n']);
        let named = text
            .split_once(':')
            .is_some_and(|(user, _)| !user.is_empty());
        if !named || text.contains(char::is_control) || text.len() > LONGEST_CREDENTIALS {
            return Err(none());
        }
        let header = format!("Basic {}", STANDARD.encode(text));
        let mut header = HeaderValue::from_str(&header).map_err(|_| none())?;
        header.set_sensitive(true);
        Ok(Self(header))
    }

    pub(super) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
}

fn authorities_in(file: &Path) -> Result<RootCertStore, SecurityError> {
    let bytes = std::fs::read(file).map_err(|why| unreadable(file, &why))?;
    let unusable = |why: String| SecurityError::NoCertificate {
        file: file.to_owned(),
        why,
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&bytes) {
        let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| unusable(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(unusable("it has none".to_owned()));
    }
    Ok(roots)
}

/// None at all is no error: then no endpoint with TLS is believed.
fn authorities_of_this_machine() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

fn unreadable(file: &Path, why: &std::io::Error) -> SecurityError {
    SecurityError::Unreadable {
        file: file.to_owned(),
        why: why.to_string(),
    }
}

impl FromStr for CredentialsFile {
    type Err = SecurityError;

    fn from_str(text: &str) -> Result<Self, SecurityError> {
        match text.split_once('=') {
            Some((namespace, file)) if !namespace.is_empty() && !file.is_empty() => Ok(Self {
                namespace: namespace.to_owned(),
                file: PathBuf::from(file),
            }),
            _ => Err(SecurityError::NoCredentialsFile {
                text: text.to_owned(),
            }),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}
