//! A bucket of a real object store, with what real Flink left behind.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use storage::{
    AzureAccess, AzureAccount, AzureIdentity, Descend, EntryKind, GcsAccess, GcsAccount,
    GcsCredentials, Key, ObjectStorage, Put, S3Access, S3Account, S3Credentials, Secret, Storage,
    Walk,
};
use testbed::corpus::{Entry, Times, Tree, Truth};
use testbed::object_store::{ACCESS_KEY, AzureServer, GcsServer, REGION, S3Server, SECRET_KEY};
use tokio::runtime::Runtime;

/// A store with what a test needs besides its protocol.
pub(crate) trait Server {
    /// `s3://<bucket>/` or the like.
    fn root(&self, bucket: &str) -> String;
    fn make(&self, bucket: &str);
    /// What is there, seen in another way than by its protocol where there is one.
    fn kept(&self, bucket: &str, prefix: &Key) -> Kept;
    /// As who may everything there.
    fn open(&self, bucket: &str, prefix: &Key) -> ObjectStorage;
    /// Writes an object that looks as if it had been written then.
    fn write_as_of(&self, bucket: &str, name: &str, time: SystemTime, write: &dyn Fn());
}

/// The objects below a prefix.
#[derive(Debug)]
pub(crate) enum Kept {
    /// As files of their names.
    Files(PathBuf),
    Objects(Box<ObjectStorage>),
}

impl<S: Server> Server for LazyLock<S> {
    fn root(&self, bucket: &str) -> String {
        (**self).root(bucket)
    }

    fn make(&self, bucket: &str) {
        (**self).make(bucket);
    }

    fn kept(&self, bucket: &str, prefix: &Key) -> Kept {
        (**self).kept(bucket, prefix)
    }

    fn open(&self, bucket: &str, prefix: &Key) -> ObjectStorage {
        (**self).open(bucket, prefix)
    }

    fn write_as_of(&self, bucket: &str, name: &str, time: SystemTime, write: &dyn Fn()) {
        (**self).write_as_of(bucket, name, time, write);
    }
}

fn own() -> Key {
    ".flink-retention".parse().unwrap()
}

impl Server for S3Server {
    fn root(&self, bucket: &str) -> String {
        format!("s3://{bucket}/")
    }

    fn make(&self, bucket: &str) {
        self.make_bucket(bucket).unwrap();
    }

    fn kept(&self, bucket: &str, prefix: &Key) -> Kept {
        Kept::Files(self.directory(bucket).join(prefix.as_str()))
    }

    fn open(&self, bucket: &str, prefix: &Key) -> ObjectStorage {
        let account = S3Account::new(S3Access {
            endpoint: Some(self.endpoint()),
            region: Some(REGION.to_owned()),
            virtual_host_style: false,
            credentials: S3Credentials::Keys {
                access_key_id: Secret::new(ACCESS_KEY.to_owned()),
                secret_access_key: Secret::new(SECRET_KEY.to_owned()),
                session_token: None,
            },
        });
        account.directory(bucket, prefix, own()).unwrap()
    }

    fn write_as_of(&self, bucket: &str, name: &str, time: SystemTime, write: &dyn Fn()) {
        write();
        let stored = self.directory(bucket).join(name);
        let stored = File::options().write(true).open(stored).unwrap();
        stored.set_modified(time).unwrap();
    }
}

impl Server for GcsServer {
    fn root(&self, bucket: &str) -> String {
        format!("gs://{bucket}/")
    }

    fn make(&self, bucket: &str) {
        self.make_bucket(bucket).unwrap();
    }

    fn kept(&self, bucket: &str, prefix: &Key) -> Kept {
        Kept::Files(self.directory(bucket).join(prefix.as_str()))
    }

    fn open(&self, bucket: &str, prefix: &Key) -> ObjectStorage {
        let account = GcsAccount::new(GcsAccess {
            endpoint: Some(self.endpoint()),
            credentials: GcsCredentials::AccessToken(Secret::new("token".to_owned())),
        });
        account.directory(bucket, prefix, own()).unwrap()
    }

    fn write_as_of(&self, bucket: &str, name: &str, time: SystemTime, write: &dyn Fn()) {
        write();
        self.set_modified(bucket, name, time).unwrap();
    }
}

impl Server for AzureServer {
    fn root(&self, bucket: &str) -> String {
        format!("abfss://{}/", Self::authority(bucket))
    }

    fn make(&self, bucket: &str) {
        self.make_container(bucket).unwrap();
    }

    fn kept(&self, bucket: &str, prefix: &Key) -> Kept {
        Kept::Objects(Box::new(self.open(bucket, prefix)))
    }

    fn open(&self, bucket: &str, prefix: &Key) -> ObjectStorage {
        let identity = AzureIdentity::named(|name| match name {
            "AZURE_STORAGE_ACCOUNT_NAME" => Some(Self::ACCOUNT.to_owned()),
            "AZURE_STORAGE_ACCOUNT_KEY" => Some(self.key().to_owned()),
            _ => None,
        });
        let account = AzureAccount::new(AzureAccess {
            endpoint: Some(self.endpoint()),
            identity: identity.unwrap().unwrap(),
        });
        let bucket = Self::authority(bucket);
        account.directory(&bucket, prefix, own()).unwrap()
    }

    fn write_as_of(&self, bucket: &str, _name: &str, time: SystemTime, write: &dyn Fn()) {
        self.write_into_as_of(bucket, Some(time)).unwrap();
        write();
        self.write_into_as_of(bucket, None).unwrap();
    }
}

const MONTH: Duration = Duration::from_hours(30 * 24);

/// A capture below a prefix of a bucket, as if Flink had written it there.
#[derive(Debug)]
pub(crate) struct Bucket {
    pub(crate) name: String,
    /// `s3://<bucket>/<prefix>` or the like, which Flink knew as `truth.root`.
    pub(crate) url: String,
    pub(crate) truth: Truth,
    kept: Kept,
}

impl Bucket {
    /// Every file is put through the store, so that it has an etag, and has its own time.
    pub(crate) fn of(server: &impl Server, name: &str, entry: &Entry) -> Self {
        server.make(name);
        let local = tempfile::tempdir().unwrap();
        let truth = entry
            .materialize(Tree::Left, local.path(), Times::OlderBy(MONTH))
            .unwrap();
        let root = server.root(name);
        let url = as_long_as(&format!("file:{}", truth.root), &root);
        let prefix = url.strip_prefix(&root).unwrap();
        let bucket = Self {
            name: name.to_owned(),
            kept: server.kept(name, &prefix.parse().unwrap()),
            truth,
            url: url.clone(),
        };
        let store = server.open(name, &prefix.parse().unwrap());
        for file in &bucket.truth.tree_files {
            let source = local.path().join(&file.path);
            let mut bytes = fs::read(&source).unwrap();
            if file.role == "metadata" {
                relocate(&mut bytes, &format!("file:{}", bucket.truth.root), &url);
            }
            let key: Key = file.path.parse().unwrap();
            let bytes = Bytes::from(bytes);
            let modified = fs::metadata(&source).unwrap().modified().unwrap();
            let name_of_object = format!("{prefix}/{}", file.path);
            server.write_as_of(name, &name_of_object, modified, &|| {
                let put = store.replace(&key, bytes.clone());
                RUNTIME.block_on(put).unwrap();
            });
        }
        bucket
    }

    /// Adds shared files that no snapshot names, as killed `JobManager`s leave them. Gives their paths.
    pub(crate) fn add_orphans(&self, server: &impl Server, job: &str, count: usize) -> Vec<String> {
        let root = server.root(&self.name);
        let prefix = self.url.strip_prefix(&root).unwrap();
        let store = server.open(&self.name, &prefix.parse().unwrap());
        let old = SystemTime::now() - MONTH;
        let orphan = |number| {
            let path = format!("ckp/{job}/shared/00000000-0000-4000-8000-{number:012x}");
            let key: Key = path.parse().unwrap();
            server.write_as_of(&self.name, &format!("{prefix}/{path}"), old, &|| {
                let put = store.put_if_absent(&key, "left behind".into());
                assert_eq!(RUNTIME.block_on(put).unwrap(), Put::Created);
            });
            path
        };
        (0..count).map(orphan).collect()
    }

    /// For a store that has got other credentials.
    pub(crate) fn look_again(&mut self, server: &impl Server) {
        let root = server.root(&self.name);
        let prefix = self.url.strip_prefix(&root).unwrap();
        self.kept = server.kept(&self.name, &prefix.parse().unwrap());
    }

    /// The base of the capture.
    pub(crate) fn base(&self) -> String {
        format!("{}/ckp", self.url)
    }

    /// A path as Flink named it when the capture was made.
    pub(crate) fn relocated(&self, text: &str) -> String {
        text.replace(&format!("file:{}", self.truth.root), &self.url)
    }

    /// Every object of Flink with its size, as the store keeps them.
    pub(crate) fn files(&self) -> BTreeMap<String, u64> {
        match &self.kept {
            Kept::Files(directory) => collected(directory),
            Kept::Objects(store) => {
                let mut files = listed(store);
                files.retain(|name, _| !name.starts_with(JOURNAL));
                files
            }
        }
    }

    /// The objects of the journal, by their names in it.
    pub(crate) fn journal(&self) -> Vec<String> {
        match &self.kept {
            Kept::Files(directory) => {
                let journal = directory.join(JOURNAL);
                collected(&journal).into_keys().collect()
            }
            Kept::Objects(store) => {
                let names = listed(store).into_keys();
                let inside = names.filter_map(|name| Some(name.strip_prefix(JOURNAL)?.to_owned()));
                inside.collect()
            }
        }
    }

    pub(crate) fn files_of_role(&self, roles: &[&str]) -> BTreeMap<String, u64> {
        let files = self.truth.tree_files.iter();
        let files = files.filter(|file| roles.contains(&file.role.as_str()));
        files.map(|file| (file.path.clone(), file.size)).collect()
    }
}

/// A URL of the same length: the lengths that a `_metadata` gives of its strings stay true.
fn as_long_as(text: &str, url: &str) -> String {
    let missing = text.len().checked_sub(url.len()).unwrap();
    format!("{url}{}", "x".repeat(missing))
}

fn relocate(bytes: &mut [u8], from: &str, to: &str) {
    let (from, to) = (from.as_bytes(), to.as_bytes());
    for start in 0..bytes.len().saturating_sub(from.len()) {
        if &bytes[start..start + from.len()] == from {
            bytes[start..start + to.len()].copy_from_slice(to);
        }
    }
    let path = from.strip_prefix(b"file:").unwrap();
    let rest = bytes.windows(path.len()).any(|window| window == path);
    assert!(!rest, "a path without a scheme is still named");
}

const JOURNAL: &str = "ckp/.flink-retention/";

/// What asks a store again and again keeps its connections.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

fn listed(store: &ObjectStorage) -> BTreeMap<String, u64> {
    let mut files = BTreeMap::new();
    let walk = Walk::new(store, Key::root()).run(|entry| {
        if entry.kind == EntryKind::File {
            files.insert(entry.key.to_string(), entry.version.size);
        }
        Descend::Yes
    });
    RUNTIME.block_on(walk).unwrap();
    files
}

fn collected(directory: &Path) -> BTreeMap<String, u64> {
    let mut files = BTreeMap::new();
    if directory.exists() {
        collect(directory, directory, &mut files);
    }
    files
}

fn collect(root: &Path, directory: &Path, files: &mut BTreeMap<String, u64>) {
    let entries = match fs::read_dir(directory) {
        // It went meanwhile.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return,
        entries => entries.unwrap(),
    };
    for entry in entries {
        let entry = entry.unwrap();
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            if entry.file_name() != ".flink-retention" {
                collect(root, &path, files);
            }
        } else {
            let relative = path.strip_prefix(root).unwrap().to_str().unwrap();
            // What a server keeps beside an object.
            if relative.ends_with(".metadata") {
                continue;
            }
            match entry.metadata() {
                Ok(metadata) => drop(files.insert(relative.to_owned(), metadata.len())),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => panic!("{relative}: {error}"),
            }
        }
    }
}
