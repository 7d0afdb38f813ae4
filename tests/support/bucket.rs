//! A bucket of a real object store, with what real Flink left behind.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use storage::{
    GcsAccess, GcsAccount, GcsCredentials, Key, ObjectStorage, Put, S3Access, S3Account,
    S3Credentials, Secret, Storage,
};
use testbed::corpus::{Entry, Times, Tree, Truth};
use testbed::object_store::{ACCESS_KEY, GcsServer, REGION, S3Server, SECRET_KEY};

/// A store that keeps objects as files of their names.
pub(crate) trait Server {
    fn scheme(&self) -> &'static str;
    fn make(&self, bucket: &str);
    fn directory_of(&self, bucket: &str) -> PathBuf;
    /// As who may everything there.
    fn open(&self, bucket: &str, prefix: &Key) -> ObjectStorage;
    fn set_modified(&self, bucket: &str, name: &str, time: SystemTime);
}

impl<S: Server> Server for LazyLock<S> {
    fn scheme(&self) -> &'static str {
        (**self).scheme()
    }

    fn make(&self, bucket: &str) {
        (**self).make(bucket);
    }

    fn directory_of(&self, bucket: &str) -> PathBuf {
        (**self).directory_of(bucket)
    }

    fn open(&self, bucket: &str, prefix: &Key) -> ObjectStorage {
        (**self).open(bucket, prefix)
    }

    fn set_modified(&self, bucket: &str, name: &str, time: SystemTime) {
        (**self).set_modified(bucket, name, time);
    }
}

fn own() -> Key {
    ".flink-retention".parse().unwrap()
}

impl Server for S3Server {
    fn scheme(&self) -> &'static str {
        "s3"
    }

    fn make(&self, bucket: &str) {
        self.make_bucket(bucket).unwrap();
    }

    fn directory_of(&self, bucket: &str) -> PathBuf {
        self.directory(bucket)
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

    fn set_modified(&self, bucket: &str, name: &str, time: SystemTime) {
        let stored = self.directory(bucket).join(name);
        let stored = File::options().write(true).open(stored).unwrap();
        stored.set_modified(time).unwrap();
    }
}

impl Server for GcsServer {
    fn scheme(&self) -> &'static str {
        "gs"
    }

    fn make(&self, bucket: &str) {
        self.make_bucket(bucket).unwrap();
    }

    fn directory_of(&self, bucket: &str) -> PathBuf {
        self.directory(bucket)
    }

    fn open(&self, bucket: &str, prefix: &Key) -> ObjectStorage {
        let account = GcsAccount::new(GcsAccess {
            endpoint: Some(self.endpoint()),
            credentials: GcsCredentials::AccessToken(Secret::new("token".to_owned())),
        });
        account.directory(bucket, prefix, own()).unwrap()
    }

    fn set_modified(&self, bucket: &str, name: &str, time: SystemTime) {
        Self::set_modified(self, bucket, name, time).unwrap();
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
    directory: PathBuf,
}

impl Bucket {
    /// Every file is put through the store, so that it has an etag, and gets its time afterwards.
    pub(crate) fn of(server: &impl Server, name: &str, entry: &Entry) -> Self {
        server.make(name);
        let local = tempfile::tempdir().unwrap();
        let truth = entry
            .materialize(Tree::Left, local.path(), Times::OlderBy(MONTH))
            .unwrap();
        let root = format!("{}://{name}/", server.scheme());
        let url = as_long_as(&format!("file:{}", truth.root), &root);
        let prefix = url.strip_prefix(&root).unwrap();
        let bucket = Self {
            name: name.to_owned(),
            directory: server.directory_of(name).join(prefix),
            truth,
            url: url.clone(),
        };
        let store = server.open(name, &prefix.parse().unwrap());
        let runtime = tokio::runtime::Runtime::new().unwrap();
        for file in &bucket.truth.tree_files {
            let source = local.path().join(&file.path);
            let mut bytes = fs::read(&source).unwrap();
            if file.role == "metadata" {
                relocate(&mut bytes, &format!("file:{}", bucket.truth.root), &url);
            }
            let key = file.path.parse().unwrap();
            runtime.block_on(store.replace(&key, bytes.into())).unwrap();
            let modified = fs::metadata(&source).unwrap().modified().unwrap();
            server.set_modified(name, &format!("{prefix}/{}", file.path), modified);
        }
        bucket
    }

    /// Adds shared files that no snapshot names, as killed `JobManager`s leave them. Gives their paths.
    pub(crate) fn add_orphans(&self, server: &impl Server, job: &str, count: usize) -> Vec<String> {
        let root = format!("{}://{}/", server.scheme(), self.name);
        let prefix = self.url.strip_prefix(&root).unwrap();
        let store = server.open(&self.name, &prefix.parse().unwrap());
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let old = SystemTime::now() - MONTH;
        let orphan = |number| {
            let path = format!("ckp/{job}/shared/00000000-0000-4000-8000-{number:012x}");
            let key = path.parse().unwrap();
            let put = store.put_if_absent(&key, "left behind".into());
            assert_eq!(runtime.block_on(put).unwrap(), Put::Created);
            server.set_modified(&self.name, &format!("{prefix}/{path}"), old);
            path
        };
        (0..count).map(orphan).collect()
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
        let mut files = BTreeMap::new();
        collect(&self.directory, &self.directory, &mut files);
        files
    }

    /// The objects of the journal, by their names in it.
    pub(crate) fn journal(&self) -> Vec<String> {
        let journal = self.directory.join("ckp/.flink-retention");
        let mut files = BTreeMap::new();
        if journal.exists() {
            collect(&journal, &journal, &mut files);
        }
        files.into_keys().collect()
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

fn collect(root: &Path, directory: &Path, files: &mut BTreeMap<String, u64>) {
    for entry in fs::read_dir(directory).unwrap() {
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
            files.insert(relative.to_owned(), entry.metadata().unwrap().len());
        }
    }
}
