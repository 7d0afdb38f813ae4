//! The stores that scenarios are played on, beside the one in memory: real adapters on real servers.

mod exceptions;
mod hdfs;
mod mirror;
mod outside;
mod servers;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use storage::memory::MemoryStorage;
use storage::{Key, Storage};
use tokio::runtime::Runtime;

pub(crate) use exceptions::Expected;
pub(crate) use mirror::Mirror;
use outside::Outside;

/// Connections are shared by all scenarios, so they must outlive each.
pub(crate) static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Runtime::new().expect("threads can be started"));

/// What a scenario is played on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Adapter {
    #[default]
    Memory,
    Local,
    /// That directory as an operator reaches it which cannot mount it: over TCP and TLS.
    Worker,
    S3,
    Gcs,
    Azure,
    Hdfs,
}

/// What the adapters did otherwise than the store in memory.
pub(crate) type Differences = Arc<Mutex<Vec<String>>>;

impl Adapter {
    pub(crate) const ALL: [Self; 7] = [
        Self::Memory,
        Self::Local,
        Self::Worker,
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
            Self::Worker => "worker::",
            Self::S3 => "s3::",
            Self::Gcs => "gcs::",
            Self::Azure => "azure::",
            Self::Hdfs => "hdfs::",
        }
    }

    /// Whether a directory is there without anything in it, and a link can be.
    pub(crate) fn has_directories(self) -> bool {
        match self {
            Self::Memory | Self::Local | Self::Worker | Self::Hdfs => true,
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
        let on_disk = |(real, path)| (real, Outside::Directory(path));
        let in_bucket = |real: Arc<dyn Storage>| (Arc::clone(&real), Outside::Same(real));
        let (real, outside): (Arc<dyn Storage>, Outside) = match self {
            Self::Memory => return None,
            Self::Local => on_disk(servers::local(&name).await),
            Self::Worker => on_disk(servers::worker(&name).await),
            Self::S3 => in_bucket(servers::s3(&name)),
            Self::Gcs => in_bucket(servers::gcs(&name)),
            Self::Azure => in_bucket(servers::azure(&name)),
            Self::Hdfs => {
                let (real, outside) = servers::hdfs(&name).await;
                (real, Outside::Hdfs(outside))
            }
        };
        Some(Mirror::new(memory, real, outside, Arc::clone(differences)))
    }
}

fn key(text: &str) -> Key {
    text.parse().expect("a plain name is a key")
}
