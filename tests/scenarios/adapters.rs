//! The stores that scenarios are played on, beside the one in memory: real adapters on real servers.

mod exceptions;
mod hdfs;
mod mirror;
mod outside;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use storage::memory::MemoryStorage;
use storage::{
    AzureAccess, AzureAccount, AzureIdentity, GcsAccess, GcsAccount, GcsCredentials, HdfsAccess,
    HdfsCluster, Key, LocalStorage, S3Access, S3Account, S3Credentials, Secret, Storage,
};
use testbed::hdfs::{HdfsServer, USER};
use testbed::object_store::{
    ACCESS_KEY, AzureServer, GcsServer, Keeps, REGION, S3Server, SECRET_KEY,
};
use tokio::runtime::Runtime;

pub(crate) use exceptions::Expected;
use hdfs::Hdfs;
pub(crate) use mirror::Mirror;
use outside::Outside;

/// Connections are shared by all scenarios, so they must outlive each.
pub(crate) static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Runtime::new().expect("threads can be started"));

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
    let server = AzureServer::start(Keeps::InMemory).expect("azurite starts");
    let made = server.make_container(BUCKET);
    made.expect("a container can be made");
    server
});
static HDFS: LazyLock<HdfsServer> =
    LazyLock::new(|| HdfsServer::start().expect("a Hadoop file system starts"));
static DISK: LazyLock<tempfile::TempDir> =
    LazyLock::new(|| tempfile::tempdir().expect("a directory can be made"));

const BUCKET: &str = "scenarios";

/// What a scenario is played on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Adapter {
    #[default]
    Memory,
    Local,
    S3,
    Gcs,
    Azure,
    Hdfs,
}

/// What the adapters did otherwise than the store in memory.
pub(crate) type Differences = Arc<Mutex<Vec<String>>>;

impl Adapter {
    pub(crate) const ALL: [Self; 6] = [
        Self::Memory,
        Self::Local,
        Self::S3,
        Self::Gcs,
        Self::Azure,
        Self::Hdfs,
    ];

    /// What the names of its tests begin with.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Memory => "",
            Self::Local => "local::",
            Self::S3 => "s3::",
            Self::Gcs => "gcs::",
            Self::Azure => "azure::",
            Self::Hdfs => "hdfs::",
        }
    }

    /// Whether a directory is there without anything in it, and a link can be.
    pub(crate) fn has_directories(self) -> bool {
        match self {
            Self::Memory | Self::Local | Self::Hdfs => true,
            Self::S3 | Self::Gcs | Self::Azure => false,
        }
    }

    /// The store of a scenario, which from now on does whatever that in memory does. None if that one is all.
    pub(crate) async fn mirror(
        self,
        memory: MemoryStorage,
        differences: &Differences,
    ) -> Option<Mirror> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("store-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let (real, outside): (Arc<dyn Storage>, Outside) = match self {
            Self::Memory => return None,
            Self::Local => {
                let path: PathBuf = DISK.path().join(name);
                std::fs::create_dir(&path).expect("a directory can be made");
                let real = LocalStorage::open(&path).await.expect("it can be opened");
                (Arc::new(real), Outside::Directory(path))
            }
            Self::S3 => {
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
                let real = account.directory(BUCKET, &key(&name), mirror::own());
                let real: Arc<dyn Storage> = Arc::new(real.expect("a bucket has a good name"));
                (Arc::clone(&real), Outside::Same(real))
            }
            Self::Gcs => {
                let account = GcsAccount::new(GcsAccess {
                    endpoint: Some(GCS.endpoint()),
                    credentials: GcsCredentials::AccessToken(Secret::new("token".to_owned())),
                });
                let real = account.directory(BUCKET, &key(&name), mirror::own());
                let real: Arc<dyn Storage> = Arc::new(real.expect("a bucket has a good name"));
                (Arc::clone(&real), Outside::Same(real))
            }
            Self::Azure => {
                let identity = AzureIdentity::named(|name| match name {
                    "AZURE_STORAGE_ACCOUNT_NAME" => Some(AzureServer::ACCOUNT.to_owned()),
                    "AZURE_STORAGE_ACCOUNT_KEY" => Some(AZURE.key().to_owned()),
                    _ => None,
                });
                let account = AzureAccount::new(AzureAccess {
                    endpoint: Some(AZURE.endpoint()),
                    identity: identity.ok().flatten().expect("it is named"),
                });
                let container = AzureServer::authority(BUCKET);
                let real = account.directory(&container, &key(&name), mirror::own());
                let real: Arc<dyn Storage> = Arc::new(real.expect("a container has a good name"));
                (Arc::clone(&real), Outside::Same(real))
            }
            Self::Hdfs => {
                let authority = HDFS.authority();
                let root = key(HdfsServer::HOME.trim_start_matches('/')).join(&name);
                let root = root.expect("a plain name is one of a directory");
                let outside = Hdfs::new(&authority, &root).await;
                let access = HdfsAccess::As {
                    user: USER.to_owned(),
                    configuration: None,
                };
                let authority = authority.parse().expect("it is a NameNode");
                let cluster = HdfsCluster::new(&authority, &access).expect("it needs no settings");
                (Arc::new(cluster.directory(root)), Outside::Hdfs(outside))
            }
        };
        Some(Mirror::new(memory, real, outside, Arc::clone(differences)))
    }
}

fn key(text: &str) -> Key {
    text.parse().expect("a plain name is a key")
}
