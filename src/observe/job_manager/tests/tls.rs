//! Certificates are verified, and passwords go where they belong.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use std::path::PathBuf;

/// An authority, and a directory for its certificate and whatever else is given as a file.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    directory: tempfile::TempDir,
    file: PathBuf,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("ca.pem");
        std::fs::write(&file, certificate.pem()).unwrap();
        let issuer = Issuer::new(params, key);
        Self {
            issuer,
            directory,
            file,
        }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.directory.path().join(name);
        std::fs::write(&file, text).unwrap();
        file
    }

    /// A `JobManager` with a certificate for this name.
    async fn server(&self, name: &str) -> FakeServer {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        FakeServer::start_tls(running(), config).await
    }
}

async fn ask_with(url: &str, security: RestSecurity, namespace: &str) -> JobManager {
    let client = RestClient::new(url.parse().unwrap(), security, Arc::new(SystemClock));
    let address = ClusterAddress {
        namespace: namespace.to_owned(),
        tls: true,
        ..address()
    };
    client
        .ask(&address, JOB.parse().unwrap(), &Origin::default())
        .await
}

#[tokio::test]
async fn the_authority_that_was_given_is_believed() {
    let authority = Authority::new();
    let server = authority.server("127.0.0.1").await;
    let security = RestSecurity::new(Some(&authority.file), &[]).unwrap();
    let answer = ask_with(server.url(), security, "flink").await;
    assert!(matches!(answer, JobManager::Answered(_)), "{answer:?}");
}

#[tokio::test]
async fn no_other_authority_is_believed() {
    let authority = Authority::new();
    let server = authority.server("127.0.0.1").await;
    let other = Authority::new();
    for given in [None, Some(other.file.as_path())] {
        let security = RestSecurity::new(given, &[]).unwrap();
        let why = why(ask_with(server.url(), security, "flink").await);
        assert!(why.contains("--flink-rest-ca"), "{why}");
    }
    assert_eq!(server.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn a_certificate_of_another_name_is_not_believed() {
    let authority = Authority::new();
    let server = authority.server("other-rest.flink.svc").await;
    let security = RestSecurity::new(Some(&authority.file), &[]).unwrap();
    let why = why(ask_with(server.url(), security, "flink").await);
    assert!(
        why.contains("NotValidForName") || why.contains("not valid for name"),
        "{why}"
    );
    assert_eq!(server.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn plain_http_is_no_answer_where_tls_is_expected() {
    let server = FakeServer::start(running()).await;
    let url = server.url().replace("http://", "{scheme}://");
    assert!(!why(ask_with(&url, security(), "flink").await).is_empty());
    assert_eq!(server.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn a_password_goes_to_its_own_namespace_and_over_tls_only() {
    let authority = Authority::new();
    let file = authority.write("password", "operator:s3cret:with:colons\n");
    let credentials = [format!("flink={}", file.display()).parse().unwrap()];
    let security = RestSecurity::new(Some(&authority.file), &credentials).unwrap();
    assert!(!format!("{security:?}").contains("s3cret"));

    let server = authority.server("127.0.0.1").await;
    ask_with(server.url(), security.clone(), "other").await;
    assert_eq!(server.authorized(), Vec::<String>::new());
    let answer = ask_with(server.url(), security.clone(), "flink").await;
    assert!(matches!(answer, JobManager::Answered(_)), "{answer:?}");
    // "operator:s3cret:with:colons"
    let header = "Basic b3BlcmF0b3I6czNjcmV0OndpdGg6Y29sb25z";
    assert_eq!(server.authorized(), [header; 4]);

    let plain = FakeServer::start(running()).await;
    let why = why(ask_with(plain.url(), security, "flink").await);
    assert!(
        why.contains("over TLS only") && !why.contains("s3cret"),
        "{why}"
    );
    assert_eq!(plain.asked(), Vec::<String>::new());
}

#[test]
fn files_that_cannot_be_used_are_refused_without_their_contents() {
    let authority = Authority::new();
    let new = |ca: Option<&PathBuf>, credentials: &[CredentialsFile]| {
        let refused = RestSecurity::new(ca.map(PathBuf::as_path), credentials);
        refused.unwrap_err().to_string()
    };
    let missing = authority.directory.path().join("missing");
    assert!(new(Some(&missing), &[]).contains("cannot read"));
    for text in [
        "",
        "no pem",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        let file = authority.write("bad.pem", text);
        assert!(new(Some(&file), &[]).contains("keytool"), "{text}");
    }
    let of = |file: PathBuf| CredentialsFile {
        namespace: "a".to_owned(),
        file,
    };
    for text in ["", "hunter2", ":hunter2", "user:hunter2\nmore"] {
        let told = new(None, &[of(authority.write("bad", text))]);
        assert!(
            told.contains("user:password") && !told.contains("hunter2"),
            "{told}"
        );
    }
    let good = authority.write("good", "a:b");
    assert!(new(None, &[of(good.clone()), of(good)]).contains("twice"));
    for text in ["", "file", "=file", "namespace="] {
        assert!(text.parse::<CredentialsFile>().is_err(), "{text}");
    }
}
