use retention::location::{Location, LocationError, ObjectStore, Origin, Store};
use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use storage::{Buckets, Key, LocalStorage, Observed, Requests, Storage, StorageError};

/// Where locations can be reached from this process.
#[derive(Clone, Debug, Default)]
pub struct Stores {
    roots: Vec<Root>,
    mounts: Vec<Mount>,
    /// Every other bucket of the kinds of store where somebody is known as whom it is reached. Only for looking.
    buckets: Vec<(ObjectStore, Arc<dyn Buckets>)>,
}

#[derive(Clone, Debug)]
struct Root {
    location: Location,
    storage: Arc<dyn Storage>,
}

/// `[<namespace>/]file:<path in the pods>=<path here>`: where a volume of Flink's pods is mounted here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// None on the command line, where there is only one world.
    pub namespace: Option<String>,
    /// As the Flink pods see it.
    pub remote: String,
    pub local: PathBuf,
}

/// A `--mount` that says no place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MountError {
    #[error(
        "{0:?} is no mount; write [<namespace>/]file:<path in the Flink pods>=<path here>, such as file:/opt/flink/volume=/mnt/pvc"
    )]
    Form(String),
    #[error("{text:?} is no mount: {why}")]
    Remote { text: String, why: LocationError },
}

/// Mounts that cannot be worked with.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error(
        "{one} and {other} are one directory here, or one lies in the other: what protects a file of one namespace would not protect it in the other; give each namespace a directory of its own"
    )]
    Shared { one: Mount, other: Mount },
    #[error(
        "{one} and {other} say two things about one path of the Flink pods; which of them holds its files? Name it once"
    )]
    Twice { one: Mount, other: Mount },
}

/// Where a mount really is.
#[derive(Debug)]
struct Opened {
    mount: Mount,
    path: PathBuf,
    /// Device and inode: a directory can be bound to two places.
    identity: (u64, u64),
}

impl Opened {
    async fn of(mount: &Mount, path: &Path) -> Option<Self> {
        let metadata = tokio::fs::metadata(path).await.ok()?;
        Some(Self {
            mount: mount.clone(),
            path: path.to_owned(),
            identity: (metadata.dev(), metadata.ino()),
        })
    }

    /// Whether two namespaces that are told apart everywhere else meet here. (No namespace is told apart from none.)
    fn is_shared_with(&self, other: &Self) -> bool {
        let namespaces = self
            .mount
            .namespace
            .as_ref()
            .zip(other.mount.namespace.as_ref());
        namespaces.is_some_and(|(one, other)| one != other)
            && (self.identity == other.identity
                || self.path.starts_with(&other.path)
                || other.path.starts_with(&self.path))
    }
}

impl fmt::Display for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            namespace,
            remote,
            local,
        } = self;
        if let Some(namespace) = namespace {
            write!(f, "{namespace}/")?;
        }
        write!(f, "file:{remote}={}", local.display())
    }
}

impl FromStr for Mount {
    type Err = MountError;

    fn from_str(text: &str) -> Result<Self, MountError> {
        let form = || MountError::Form(text.to_owned());
        let (remote, local) = text.split_once('=').ok_or_else(form)?;
        let (namespace, remote) = match remote.find("file:") {
            Some(0) => (None, remote),
            Some(position) => {
                let (namespace, remote) = remote.split_at(position);
                let namespace = namespace
                    .strip_suffix('/')
                    .filter(|name| !name.is_empty() && !name.contains('/'));
                (Some(namespace.ok_or_else(form)?.to_owned()), remote)
            }
            None => return Err(form()),
        };
        if local.is_empty() {
            return Err(form());
        }
        let remote =
            Location::parse(remote, &Origin::default()).map_err(|why| MountError::Remote {
                text: text.to_owned(),
                why,
            })?;
        Ok(Self {
            namespace,
            remote: remote.path().to_owned(),
            local: PathBuf::from(local),
        })
    }
}

impl Stores {
    /// Opens every mount.
    pub async fn open(mounts: Vec<Mount>) -> Result<Self, OpenError> {
        let mut opened: Vec<Opened> = Vec::new();
        let mut stores = Self {
            roots: Vec::new(),
            mounts,
            buckets: Vec::new(),
        };
        for (position, mount) in stores.mounts.clone().into_iter().enumerate() {
            let before = stores.mounts.get(..position).unwrap_or_default();
            let same =
                |other: &&Mount| other.namespace == mount.namespace && other.remote == mount.remote;
            if let Some(one) = before.iter().find(same) {
                return Err(OpenError::Twice {
                    one: one.clone(),
                    other: mount,
                });
            }
            let location =
                Location::parse(&mount.remote, &stores.origin(mount.namespace.as_deref()));
            let storage = Arc::new(LocalStorage::open(&mount.local).await?);
            if let Some(place) = Opened::of(&mount, storage.root_path()).await {
                if let Some(other) = opened.iter().find(|other| other.is_shared_with(&place)) {
                    return Err(OpenError::Shared {
                        one: other.mount.clone(),
                        other: mount,
                    });
                }
                opened.push(place);
            }
            // The path of a parsed mount parses again.
            if let Ok(location) = location {
                stores.add(location, storage);
            }
        }
        Ok(stores)
    }

    /// Makes everything below `location` reachable through `storage`.
    pub fn add(&mut self, location: Location, storage: Arc<dyn Storage>) {
        self.roots.push(Root { location, storage });
        self.roots
            .sort_by_key(|root| std::cmp::Reverse(root.location.path().len()));
    }

    /// Makes a volume reachable that somebody else has opened.
    pub fn mount(&mut self, mount: Mount, storage: Arc<dyn Storage>) {
        let (namespace, remote) = (mount.namespace.clone(), mount.remote.clone());
        self.mounts.push(mount);
        if let Ok(location) = Location::parse(&remote, &self.origin(namespace.as_deref())) {
            self.add(location, storage);
        }
    }

    /// Lets every other bucket of a kind of store be looked into.
    #[must_use]
    pub fn looking_into(mut self, kind: ObjectStore, buckets: Arc<dyn Buckets>) -> Self {
        self.buckets.push((kind, buckets));
        self
    }

    /// The same places, of whose requests somebody is told.
    #[must_use]
    pub fn observed_by(&self, requests: &Arc<dyn Requests>) -> Self {
        let requests = Arc::clone(requests);
        self.each(move |storage| Arc::new(Observed::new(storage, Arc::clone(&requests))))
    }

    /// The same places, each reached through what is made of its store; of a bucket, whenever it is looked into.
    #[must_use]
    pub fn each(
        &self,
        through: impl Fn(Arc<dyn Storage>) -> Arc<dyn Storage> + Clone + Send + Sync + 'static,
    ) -> Self {
        let Self {
            roots,
            mounts,
            buckets,
        } = self;
        let roots = roots.iter().map(|Root { location, storage }| Root {
            location: location.clone(),
            storage: through(Arc::clone(storage)),
        });
        let buckets = buckets.iter().map(|(kind, inner)| {
            let (inner, through) = (Arc::clone(inner), through.clone());
            let buckets: Arc<dyn Buckets> = Arc::new(BucketsThrough { inner, through });
            (*kind, buckets)
        });
        Self {
            roots: roots.collect(),
            mounts: mounts.clone(),
            buckets: buckets.collect(),
        }
    }

    /// What path strings of a namespace leave out.
    #[must_use]
    pub fn origin(&self, namespace: Option<&str>) -> Origin {
        Origin {
            namespace: namespace.map(str::to_owned),
            default_scheme: None,
            volumes: self
                .mounts
                .iter()
                .filter(|mount| mount.namespace.as_deref() == namespace)
                .map(|mount| mount.remote.clone())
                .collect(),
        }
    }

    /// The origin of the strings inside files at `location`.
    #[must_use]
    pub fn origin_of(&self, location: &Location) -> Origin {
        match location.store() {
            Store::File {
                namespace,
                volume: _,
            } => self.origin(namespace.as_deref()),
            Store::Object { .. } | Store::Hdfs { .. } | Store::Other { .. } => self.origin(None),
        }
    }

    /// The same place, with the volume that it is in by the mounts of this process.
    #[must_use]
    pub fn as_mounted(&self, location: &Location) -> Location {
        let text = location.to_string();
        Location::parse(&text, &self.origin_of(location)).unwrap_or_else(|_| location.clone())
    }

    /// How to reach a location, if it can be reached.
    #[must_use]
    pub fn resolve(&self, location: &Location) -> Option<(Arc<dyn Storage>, Key)> {
        let root = self.roots.iter().find_map(|root| {
            let relative = location.relative_to(&root.location)?;
            Some((Arc::clone(&root.storage), Key::parse(relative).ok()?))
        });
        root.or_else(|| self.in_bucket(location))
    }

    fn in_bucket(&self, location: &Location) -> Option<(Arc<dyn Storage>, Key)> {
        let Store::Object { kind, bucket } = location.store() else {
            return None;
        };
        let (_, buckets) = self.buckets.iter().find(|(other, _)| other == kind)?;
        let key = Key::parse(location.path().trim_start_matches('/')).ok()?;
        Some((buckets.look_into(bucket)?, key))
    }

    /// The location as Flink sees it of a path of this machine, if a mount covers it.
    #[must_use]
    pub fn remote_of(&self, local: &Path) -> Option<Location> {
        self.mounts
            .iter()
            .filter_map(|mount| Some((mount, local.strip_prefix(&mount.local).ok()?)))
            .max_by_key(|(mount, _)| mount.local.as_os_str().len())
            .and_then(|(mount, rest)| {
                let path = format!("{}/{}", mount.remote, rest.to_str()?);
                Location::parse(&path, &self.origin(mount.namespace.as_deref())).ok()
            })
    }
}

/// Buckets, each reached through what is made of its store.
struct BucketsThrough<F> {
    inner: Arc<dyn Buckets>,
    through: F,
}

impl<F> Buckets for BucketsThrough<F>
where
    F: Fn(Arc<dyn Storage>) -> Arc<dyn Storage> + Send + Sync,
{
    fn look_into(&self, bucket: &str) -> Option<Arc<dyn Storage>> {
        self.inner.look_into(bucket).map(&self.through)
    }
}

impl<F> fmt::Debug for BucketsThrough<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { inner, through: _ } = self;
        f.debug_tuple("BucketsThrough").field(inner).finish()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_mount_has_a_namespace_or_not() {
        let mount: Mount = "flink/file:/opt/flink/volume=/mnt/x".parse().unwrap();
        assert_eq!(mount.namespace.as_deref(), Some("flink"));
        assert_eq!(
            (mount.remote.as_str(), mount.local.to_str()),
            ("/opt/flink/volume", Some("/mnt/x"))
        );
        let mount: Mount = "file:///opt/v/=/mnt/x".parse().unwrap();
        assert_eq!((mount.namespace, mount.remote.as_str()), (None, "/opt/v"));
    }

    #[tokio::test]
    async fn two_namespaces_never_share_a_directory() {
        let directory = tempfile::tempdir().unwrap();
        let at = |path: &str| directory.path().join(path).display().to_string();
        std::fs::create_dir_all(at("volume/inner")).unwrap();
        std::fs::create_dir(at("other")).unwrap();
        std::os::unix::fs::symlink(at("volume"), at("link")).unwrap();
        let open = async |one: &str, other: &str| {
            let mounts = [one, other].map(|mount| {
                let (remote, local) = mount.split_once('=').unwrap();
                format!("{remote}={}", at(local)).parse().unwrap()
            });
            Stores::open(mounts.to_vec()).await.map(|_| ())
        };
        for second in [
            "b/file:/y=volume",
            "b/file:/x=volume/inner",
            "b/file:/x=link",
        ] {
            let error = open("a/file:/x=volume", second).await.unwrap_err();
            assert!(error.to_string().starts_with("a/file:/x="), "{error}");
        }
        for second in [
            "b/file:/x=other",
            "a/file:/y=volume",
            "a/file:/x/inner=volume/inner",
            "file:/x=volume",
        ] {
            open("a/file:/x=volume", second).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_path_of_the_pods_is_mounted_once() {
        let directory = tempfile::tempdir().unwrap();
        let open = async |one: &str, other: &str| {
            let mounts = [(one, "1"), (other, "2")].map(|(remote, local)| {
                let local = directory.path().join(local);
                std::fs::create_dir_all(&local).unwrap();
                format!("{remote}={}", local.display()).parse().unwrap()
            });
            Stores::open(mounts.to_vec()).await.map(|_| ())
        };
        for (one, other) in [("a/file:/x", "a/file:///x/"), ("file:/x", "file:/x")] {
            let error = open(one, other).await.unwrap_err();
            assert!(matches!(error, OpenError::Twice { .. }), "{error}");
        }
        open("a/file:/x", "b/file:/x").await.unwrap();
        open("a/file:/x", "a/file:/x/y").await.unwrap();
    }

    #[tokio::test]
    async fn what_somebody_else_has_opened_is_a_volume_like_others() {
        let directory = tempfile::tempdir().unwrap();
        let mut stores = Stores::default();
        for (remote, local) in [("/x", "outer"), ("/x/y", "inner")] {
            let path = directory.path().join(local);
            std::fs::create_dir(&path).unwrap();
            let storage = LocalStorage::open(&path).await.unwrap();
            let mount = format!("a/file:{remote}={}", path.display())
                .parse()
                .unwrap();
            stores.mount(mount, Arc::new(storage));
        }
        let at = |namespace, text| {
            let location = Location::parse(text, &stores.origin(Some(namespace))).unwrap();
            let (storage, key) = stores.resolve(&location)?;
            Some(storage.location(&key))
        };
        assert!(at("a", "file:/x/1").unwrap().ends_with("outer/1"));
        assert!(at("a", "file:/x/y/1").unwrap().ends_with("inner/1"));
        assert_eq!((at("b", "file:/x/1"), at("a", "file:/z")), (None, None));
    }

    #[derive(Debug)]
    struct EveryBucket(Arc<dyn Storage>);

    impl Buckets for EveryBucket {
        fn look_into(&self, _: &str) -> Option<Arc<dyn Storage>> {
            Some(Arc::clone(&self.0))
        }
    }

    #[tokio::test]
    async fn a_bucket_is_looked_into_only_where_no_directory_of_it_is_nearer() {
        let directory = tempfile::tempdir().unwrap();
        let open = async |name: &str| {
            let path = directory.path().join(name);
            std::fs::create_dir(&path).unwrap();
            LocalStorage::open(&path).await.unwrap()
        };
        let at = |text: &str| Location::parse(text, &Origin::default()).unwrap();
        let mut stores = Stores::default();
        stores.add(at("s3://b/ckp"), Arc::new(open("named").await));
        assert!(stores.resolve(&at("s3://b/other")).is_none());
        let buckets = Arc::new(EveryBucket(Arc::new(open("bucket").await)));
        let stores = stores.looking_into(ObjectStore::S3, buckets);
        for (text, expected) in [
            ("s3a://b/ckp/x", "named/x"),
            ("s3://b/other/x", "bucket/other/x"),
            ("s3://b", "bucket"),
            ("s3://c/ckp/x", "bucket/ckp/x"),
        ] {
            let (storage, key) = stores.resolve(&at(text)).unwrap();
            let found = storage.location(&key);
            assert!(found.trim_end_matches('/').ends_with(expected), "{found}");
        }
        assert!(stores.resolve(&at("gs://c/x")).is_none());
        let others = Arc::new(EveryBucket(Arc::new(open("google").await)));
        let stores = stores.looking_into(ObjectStore::Gcs, others);
        for (text, expected) in [("gs://c/x", "google/x"), ("s3://c/x", "bucket/x")] {
            let (storage, key) = stores.resolve(&at(text)).unwrap();
            assert!(storage.location(&key).ends_with(expected), "{text}");
        }
        assert!(stores.resolve(&at("file:/x")).is_none());
    }

    #[test]
    fn what_is_no_mount_is_refused() {
        for text in [
            "",
            "/a=/b",
            "file:/a",
            "file:/a=",
            "/file:/a=/b",
            "a/b/file:/a=/b",
            "file://h/a=/b",
        ] {
            assert!(text.parse::<Mount>().is_err(), "{text}");
        }
    }
}
