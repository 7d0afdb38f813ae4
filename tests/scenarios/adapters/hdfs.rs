//! A directory of HDFS as another client changes it.

use bytes::Bytes;
use hdfs_native::{Client, ClientBuilder, WriteOptions};
use storage::Key;
use testbed::hdfs::{HdfsServer, USER};

pub(super) struct Hdfs {
    client: Client,
    root: Key,
}

impl Hdfs {
    /// Makes the directory.
    pub(super) async fn new(authority: &str, root: &Key) -> Self {
        let builder = ClientBuilder::new().with_url(format!("hdfs://{authority}"));
        let client = builder.with_user(USER).build();
        let hdfs = Self {
            client: client.expect("it needs no settings"),
            root: root.clone(),
        };
        hdfs.make_directory(&Key::root()).await;
        hdfs
    }

    /// A new file, whatever was there.
    pub(super) async fn write(&self, key: &Key, bytes: Bytes) {
        self.remove(key).await;
        let path = self.path(key);
        let created = Box::pin(self.client.create(&path, WriteOptions::default())).await;
        let mut file = created.expect("a file can be made");
        let written = Box::pin(file.write_bytes(bytes)).await;
        written.expect("it can be written");
        Box::pin(file.close()).await.expect("it can be closed");
    }

    pub(super) async fn make_directory(&self, key: &Key) {
        let made = self.client.mkdirs(&self.path(key), 0o755, true).await;
        made.expect("a directory can be made");
    }

    pub(super) async fn link(&self, key: &Key, server: &HdfsServer) {
        self.remove(key).await;
        let link = format!("link?path={}&to=/nowhere", self.path(key));
        server.ask(&link).expect("a link can be made");
    }

    /// Also all that is below it.
    pub(super) async fn remove(&self, key: &Key) {
        let removed = self.client.delete(&self.path(key), true).await;
        removed.expect("it can be removed");
    }

    fn path(&self, key: &Key) -> String {
        format!("/{}", self.root.join_key(key))
    }
}
