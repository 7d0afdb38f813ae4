//! Directories of a real Hadoop file system.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use hdfs_native::{Client, ClientBuilder, WriteOptions};
use storage::contract::{
    FileSystemFixture, Fixture, OUTSIDE_CONTENTS, OUTSIDE_DIRECTORY, OUTSIDE_FILE,
};
use storage::{EntryKind, HdfsAccess, HdfsCluster, HdfsStorage, Key, Storage, Version};
use testbed::hdfs::{HdfsServer, USER};

/// For every test that does not harm it.
pub(crate) static SERVER: LazyLock<HdfsServer> = LazyLock::new(|| HdfsServer::start().unwrap());

/// A directory of its own, and a second client that writes there past the port.
pub(crate) struct Hdfs {
    pub(crate) store: HdfsStorage,
    pub(crate) aside: Client,
    pub(crate) directory: String,
}

impl Hdfs {
    pub(crate) async fn new() -> Self {
        Self::at(&SERVER).await
    }

    pub(crate) async fn at(server: &HdfsServer) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let directory = format!("{}/{number}", HdfsServer::HOME);
        let hdfs = Self {
            store: open(server, USER, &format!("{directory}/base")),
            aside: client(server, USER),
            directory,
        };
        let outside = format!("{}/outside", hdfs.directory);
        for made in [
            hdfs.path(&Key::root()),
            format!("{outside}/{OUTSIDE_DIRECTORY}"),
        ] {
            hdfs.aside.mkdirs(&made, 0o755, true).await.unwrap();
        }
        put(
            &hdfs.aside,
            &format!("{outside}/{OUTSIDE_FILE}"),
            OUTSIDE_CONTENTS,
        )
        .await;
        hdfs
    }

    pub(crate) fn path(&self, key: &Key) -> String {
        let path = format!("{}/base/{key}", self.directory);
        path.trim_end_matches('/').to_owned()
    }

    fn link(&self, key: &Key, to: &str) {
        let path = self.path(key);
        SERVER.ask(&format!("link?path={path}&to={to}")).unwrap();
    }

    pub(crate) async fn entries(&self, directory: &str) -> Vec<(String, EntryKind)> {
        let listing = self.store.list_level(&key(directory));
        let entries: Vec<_> = listing.try_collect().await.unwrap();
        let entries = entries.iter();
        entries
            .map(|entry| (entry.key.to_string(), entry.kind))
            .collect()
    }

    pub(crate) async fn version(&self, path: &str) -> Version {
        self.store.stat(&key(path)).await.unwrap().unwrap().version
    }
}

pub(crate) fn open(server: &HdfsServer, user: &str, directory: &str) -> HdfsStorage {
    let cluster = cluster(&server.authority(), user);
    cluster.directory(key(directory.trim_start_matches('/')))
}

pub(crate) fn cluster(authority: &str, user: &str) -> HdfsCluster {
    let access = HdfsAccess::As {
        user: user.to_owned(),
        configuration: None,
    };
    HdfsCluster::new(&authority.parse().unwrap(), &access).unwrap()
}

pub(crate) fn client(server: &HdfsServer, user: &str) -> Client {
    let url = format!("hdfs://{}", server.authority());
    let builder = ClientBuilder::new().with_url(url).with_user(user);
    builder.build().unwrap()
}

pub(crate) async fn put(client: &Client, path: &str, bytes: &[u8]) {
    let options = WriteOptions::default().overwrite(true);
    let mut file = Box::pin(client.create(path, options)).await.unwrap();
    let bytes = Bytes::copy_from_slice(bytes);
    Box::pin(file.write_bytes(bytes)).await.unwrap();
    Box::pin(file.close()).await.unwrap();
}

pub(crate) fn key(path: &str) -> Key {
    path.parse().unwrap()
}

#[async_trait]
impl Fixture for Hdfs {
    fn store(&self) -> Arc<dyn Storage> {
        Arc::new(self.store.clone())
    }

    async fn write(&self, key: &Key, bytes: &[u8]) {
        put(&self.aside, &self.path(key), bytes).await;
    }

    async fn write_many(&self, directory: &Key, names: &[String]) {
        let keys = stream::iter(names).map(|name| directory.join(name).unwrap());
        keys.for_each_concurrent(16, async |key| self.write(&key, b"x").await)
            .await;
    }

    /// Three pages of this server.
    fn many(&self) -> usize {
        250
    }

    async fn remove(&self, key: &Key) {
        self.aside.delete(&self.path(key), true).await.unwrap();
    }
}

#[async_trait]
impl FileSystemFixture for Hdfs {
    async fn make_directory(&self, key: &Key) {
        let path = self.path(key);
        self.aside.mkdirs(&path, 0o755, true).await.unwrap();
    }

    async fn link_outside(&self, key: &Key) {
        self.link(key, &format!("{}/outside", self.directory));
    }

    async fn link_to_root(&self, key: &Key) {
        self.link(key, &self.path(&Key::root()));
    }

    async fn make_pipe(&self, _: &Key) {
        panic!("HDFS has no pipes");
    }

    async fn outside_is_untouched(&self) -> bool {
        let outside = format!("{}/outside", self.directory);
        let there = self.aside.list_status(&outside, true).await.unwrap();
        let paths: BTreeSet<&str> = there.iter().map(|status| status.path.as_str()).collect();
        let file = format!("{outside}/{OUTSIDE_FILE}");
        let directory = format!("{outside}/{OUTSIDE_DIRECTORY}");
        let contents = self.aside.read(&file).await.unwrap();
        let contents = contents
            .read_range(0, contents.file_length())
            .await
            .unwrap();
        paths == BTreeSet::from([file.as_str(), directory.as_str()]) && contents == OUTSIDE_CONTENTS
    }
}
