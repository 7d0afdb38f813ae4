//! The servers of all scenarios, started when the first one needs them.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use storage::{
    Account, AzureAccess, AzureAccount, AzureIdentity, GcsAccess, GcsAccount, GcsCredentials,
    HdfsAccess, HdfsCluster, LocalStorage, S3Access, S3Account, S3Credentials, Secret, Storage,
};
use testbed::hdfs::{HdfsServer, USER};
use testbed::object_store::{
    ACCESS_KEY, AzureServer, GcsServer, Keeps, REGION, S3Server, SECRET_KEY,
};
use tokio::net::{TcpListener, TcpStream};
use wire::{
    Accepted, Access, Connection, Fence, OperatorCertificate, Root, Term, Worker, accept, dial,
    trusting_only,
};

use super::hdfs::Hdfs;
use super::key;
use super::mirror::own;

static S3: LazyLock<S3Server> = LazyLock::new(|| {
    let server = S3Server::start().expect("versitygw starts");
    server.make_bucket(BUCKET).expect("a bucket can be made");
    server
});
static GCS: LazyLock<GcsServer> = LazyLock::new(|| {
    let server = GcsServer::start(Keeps::InMemory).expect("fake-gcs-server starts");
    server.make_bucket(BUCKET).expect("a bucket can be made");
    server
});
static AZURE: LazyLock<AzureServer> = LazyLock::new(|| {
    let server = AzureServer::start(Keeps::InMemory).expect("Azurite starts");
    server
        .make_container(BUCKET)
        .expect("a container can be made");
    server
});
pub(super) static HDFS: LazyLock<HdfsServer> =
    LazyLock::new(|| HdfsServer::start().expect("a Hadoop file system starts"));
static DISK: LazyLock<tempfile::TempDir> =
    LazyLock::new(|| tempfile::tempdir().expect("a directory can be made"));

const BUCKET: &str = "scenarios";
const TOKEN: &str = "of-the-pod";

pub(super) fn s3(name: &str) -> Arc<dyn Storage> {
    let account = S3Account::new(S3Access {
        endpoint: Some(S3.endpoint()),
        region: Some(REGION.to_owned()),
        virtual_host_style: false,
        credentials: S3Credentials::Keys {
            access_key_id: Secret::new(ACCESS_KEY.to_owned()),
            secret_access_key: Secret::new(SECRET_KEY.to_owned()),
            session_token: None,
        },
    });
    directory(&account, BUCKET, name)
}

pub(super) fn gcs(name: &str) -> Arc<dyn Storage> {
    let account = GcsAccount::new(GcsAccess {
        endpoint: Some(GCS.endpoint()),
        credentials: GcsCredentials::AccessToken(Secret::new("token".to_owned())),
    });
    directory(&account, BUCKET, name)
}

pub(super) fn azure(name: &str) -> Arc<dyn Storage> {
    let named = AzureIdentity::named(|variable| match variable {
        "AZURE_STORAGE_ACCOUNT_NAME" => Some(AzureServer::ACCOUNT.to_owned()),
        "AZURE_STORAGE_ACCOUNT_KEY" => Some(AZURE.key().to_owned()),
        _ => None,
    });
    let identity = named.expect("they are good").expect("they name somebody");
    let account = AzureAccount::new(AzureAccess {
        endpoint: Some(AZURE.endpoint()),
        identity,
    });
    directory(&account, &AzureServer::authority(BUCKET), name)
}

fn directory<A: storage::Access>(
    account: &Account<A>,
    bucket: &str,
    name: &str,
) -> Arc<dyn Storage> {
    let opened = account.directory(bucket, &key(name), own());
    Arc::new(opened.expect("a bucket has a good name"))
}

pub(super) async fn hdfs(name: &str) -> (Arc<dyn Storage>, Hdfs) {
    let authority = HDFS.authority();
    let root = key(HdfsServer::HOME.trim_start_matches('/')).join(name);
    let root = root.expect("a plain name is one of a directory");
    let outside = Hdfs::new(&authority, &root).await;
    let access = HdfsAccess::As {
        user: USER.to_owned(),
        configuration: None,
    };
    let authority = authority.parse().expect("it is a NameNode");
    let cluster = HdfsCluster::new(&authority, &access).expect("it needs no settings");
    (Arc::new(cluster.directory(root)), outside)
}

pub(super) async fn local(name: &str) -> (Arc<dyn Storage>, PathBuf) {
    let path = DISK.path().join(name);
    std::fs::create_dir(&path).expect("a directory can be made");
    let opened = LocalStorage::open(&path).await.expect("it can be opened");
    (Arc::new(opened), path)
}

/// A directory that only a worker reaches, over TCP and TLS.
pub(super) async fn worker(name: &str) -> (Arc<dyn Storage>, PathBuf) {
    let (storage, path) = local(name).await;
    let root = Root {
        name: "volume".to_owned(),
        storage,
    };
    let worker = Worker::new(vec![root], Fence::new(Access::ReadAndDelete));
    let certificate = OperatorCertificate::new().expect("a certificate can be made");
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port is free");
    let address = listener.local_addr().expect("it has an address");
    let trusted = trusting_only(&certificate.pem).expect("it is a certificate");
    tokio::spawn(async move {
        let stream = TcpStream::connect(address).await.expect("it listens");
        stream.set_nodelay(true).expect("it is open");
        let dialled = dial(stream, trusted, TOKEN).await.expect("it is let in");
        // However it ends.
        let _ = worker.serve(dialled).await;
    });
    let (stream, _) = listener.accept().await.expect("the worker dials");
    stream.set_nodelay(true).expect("it is open");
    let Accepted { admission: _, io } = accept(stream, &certificate, |token| async { Ok(token) })
        .await
        .expect("it is let in");
    let term = Term {
        lease: "0d4b6a0e-8a5e-4b0e-9a53-0b6a0a9a1c11".to_owned(),
        number: 1,
    };
    let connection = Connection::open(io, Some(term)).await.expect("it answers");
    let root = connection.root("volume").expect("the worker has it");
    (Arc::new(root), path)
}
