//! The contract on a real server that speaks as Google Cloud Storage does.
//!
//! It does not compare generations when it deletes, reads or looks; `gcs_faults` shows what we make of stores that do.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test code"
)]

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use futures::TryStreamExt;
use opendal::layers::RetryLayer;
use opendal::{Operator, services};
use storage::contract::Fixture;
use storage::{
    Buckets, ConditionalDelete, Deletion, EntryKind, GcsAccess, GcsAccount, GcsCredentials, Key,
    ObjectStorage, Put, RemovedDirectory, Secret, Storage,
};
use testbed::object_store::{GcsServer, Keeps};

static SERVER: LazyLock<GcsServer> = LazyLock::new(|| GcsServer::start(Keeps::InMemory).unwrap());

/// A prefix of a bucket of its own, and a second client that writes there past the port.
struct Bucket {
    store: ObjectStorage,
    aside: Operator,
}

const PREFIX: &str = "flink/checkpoints";

impl Bucket {
    #[allow(clippy::unused_async, reason = "the contract awaits its fixtures")]
    async fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let bucket = format!("bucket-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        SERVER.make_bucket(&bucket).unwrap();
        let store = directory(&access(&SERVER), &bucket);
        // What the client beside speaks HTTP with.
        opendal::install_default();
        let aside = services::Gcs::default()
            .bucket(&bucket)
            .endpoint(&SERVER.endpoint())
            .root(PREFIX)
            .skip_signature();
        Self {
            store,
            // Connections of tests that are over may break off.
            aside: Operator::new(aside).unwrap().layer(RetryLayer::new()),
        }
    }

    async fn names(&self, directory: &str) -> Vec<(String, EntryKind)> {
        let listing = self.store.list_level(&key(directory));
        let entries: Vec<_> = listing.try_collect().await.unwrap();
        let mut names: Vec<_> = entries
            .iter()
            .map(|entry| (entry.key.to_string(), entry.kind))
            .collect();
        names.sort();
        names
    }
}

fn access(server: &GcsServer) -> GcsAccess {
    GcsAccess {
        endpoint: Some(server.endpoint()),
        credentials: GcsCredentials::AccessToken(Secret::new("token".to_owned())),
    }
}

fn directory(access: &GcsAccess, bucket: &str) -> ObjectStorage {
    let account = GcsAccount::new(access.clone());
    let own = key(".flink-retention");
    account.directory(bucket, &key(PREFIX), own).unwrap()
}

fn key(path: &str) -> Key {
    path.parse().unwrap()
}

#[async_trait]
impl Fixture for Bucket {
    fn store(&self) -> Arc<dyn Storage> {
        Arc::new(self.store.clone())
    }

    async fn write(&self, key: &Key, bytes: &[u8]) {
        self.aside
            .write(key.as_str(), bytes.to_vec())
            .await
            .unwrap();
    }

    /// Three pages.
    fn many(&self) -> usize {
        2_100
    }

    async fn remove(&self, key: &Key) {
        self.aside.delete(key.as_str()).await.unwrap();
    }
}

storage::contract_tests!(Bucket::new());

#[tokio::test]
async fn the_version_of_an_object_is_its_generation() {
    let bucket = Bucket::new().await;
    let file = key("shared/a");
    bucket.write(&file, b"x").await;
    let stated = bucket.store.stat(&file).await.unwrap().unwrap().version;
    let listing = bucket.store.list_level(&key("shared"));
    let listed: Vec<_> = listing.try_collect().await.unwrap();
    let read = bucket.store.read(&file, 9).await.unwrap().version;
    let generation = stated.etag.as_deref().unwrap();
    assert!(generation.parse::<u64>().unwrap() > 1, "{generation}");
    assert_eq!((&listed[0].version, &read), (&stated, &stated));
}

/// This server deletes whatever the condition says, and that is noticed before anything of Flink's goes.
#[tokio::test]
async fn it_is_tried_out_whether_conditions_are_heeded() {
    let bucket = Bucket::new().await;
    bucket.write(&key("shared/a"), b"x").await;
    let version = bucket.store.stat(&key("shared/a")).await.unwrap().unwrap();
    let deleted = bucket
        .store
        .delete_if_unchanged(&key("shared/a"), &version.version)
        .await;
    assert_eq!(deleted.unwrap(), Deletion::Deleted);
    let after = bucket.store.capabilities().conditional_delete;
    assert_eq!(after, ConditionalDelete::CompareThenDelete);
    assert_eq!(
        bucket.names(".flink-retention").await,
        [],
        "nothing is left"
    );
}

#[tokio::test]
async fn a_marker_is_an_empty_directory_and_can_go() {
    let bucket = Bucket::new().await;
    bucket.aside.write("job/chk-5/a", "x").await.unwrap();
    bucket
        .store
        .replace(&key("job/chk-4"), "".into())
        .await
        .unwrap();
    let file = [
        ("job/chk-4".to_owned(), EntryKind::File),
        ("job/chk-5".to_owned(), EntryKind::Directory),
    ];
    assert_eq!(bucket.names("job").await, file);
    let not_empty = bucket.store.remove_empty_directory(&key("job/chk-5")).await;
    assert_eq!(not_empty.unwrap(), RemovedDirectory::NotEmpty);
    let file = bucket.store.remove_empty_directory(&key("job/chk-4")).await;
    assert_eq!(file.unwrap_err().category(), "not_a_directory");
}

/// The client would cut the blank off, and a neighbour would be deleted.
#[tokio::test]
async fn a_name_that_ends_with_a_blank_never_stands_for_its_neighbour() {
    let bucket = Bucket::new().await;
    bucket.write(&key("shared/a"), b"x").await;
    let neighbour = bucket.store.stat(&key("shared/a")).await.unwrap().unwrap();
    let blank = key("shared/a ");
    let deletion = bucket.store.delete_if_unchanged(&blank, &neighbour.version);
    assert_eq!(deletion.await.unwrap_err().category(), "unsupported");
    assert_eq!(bucket.names("shared").await.len(), 1);
}

/// Both are answered with 404; only one of them means that a file is gone.
#[tokio::test]
async fn a_missing_bucket_is_no_missing_file() {
    let store = directory(&access(&SERVER), "no-such-bucket");
    let looked = store.stat(&key("shared/a")).await.unwrap_err();
    let listed: Result<Vec<_>, _> = store.list_level(&Key::root()).try_collect().await;
    let written = store.put_if_absent(&key("owner/1"), "x".into()).await;
    for error in [looked, listed.unwrap_err(), written.unwrap_err()] {
        assert_eq!(error.category(), "unavailable", "{error}");
        assert!(error.to_string().contains("gs://no-such-bucket"), "{error}");
    }
}

#[tokio::test]
async fn a_new_epoch_is_created_once_although_the_server_restarts() {
    let mut server = GcsServer::start(Keeps::OnDisk).unwrap();
    server.make_bucket("epochs").unwrap();
    let store = directory(&access(&server), "epochs");
    let put = store.put_if_absent(&key("owner/1"), "a".into()).await;
    assert_eq!(put.unwrap(), Put::Created);
    server.kill();
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { store.put_if_absent(&key("owner/1"), "b".into()).await }
    });
    server.restart().unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), Put::Exists);
    assert_eq!(store.read(&key("owner/1"), 9).await.unwrap().bytes, "a");
}

#[tokio::test]
async fn outside_of_the_named_directories_nothing_can_be_changed() {
    let bucket = Bucket::new().await;
    let name = bucket.aside.info().name().clone();
    bucket.write(&key("shared/a"), b"x").await;
    let account = GcsAccount::new(access(&SERVER));
    let looked_into = account.look_into(&name).unwrap();
    let file = key("flink/checkpoints/shared/a");
    let version = looked_into.stat(&file).await.unwrap().unwrap().version;
    let deleted = looked_into.delete_if_unchanged(&file, &version).await;
    let put = looked_into.put_if_absent(&key("x"), "x".into()).await;
    let replaced = looked_into.replace(&file, "x".into()).await;
    for error in [
        deleted.unwrap_err(),
        put.unwrap_err(),
        replaced.unwrap_err(),
    ] {
        assert_eq!(error.category(), "unsupported", "{error}");
        assert!(error.to_string().contains("only looked at"), "{error}");
    }
    assert_eq!(looked_into.read(&file, 9).await.unwrap().bytes, "x");
}

/// The client makes URLs of these names, and tenants choose them.
#[test]
fn a_name_that_would_lead_elsewhere_is_refused() {
    let open = |access: &GcsAccess, bucket: &str| {
        let account = GcsAccount::new(access.clone());
        let opened = account.directory(bucket, &Key::root(), key(".flink-retention"));
        opened.map(|_| ()).map_err(|error| error.to_string())
    };
    for bucket in [
        "",
        ".",
        "..",
        "a/../b",
        "a..b",
        "evil.example/x",
        "evil#",
        "a@b",
        "a b",
        "A",
        "a:1",
        "-a",
    ] {
        let error = open(&access(&SERVER), bucket).unwrap_err();
        assert!(error.contains("no name of a bucket"), "{error}");
    }
    for endpoint in [
        "",
        "storage",
        "https://a/b",
        "https://a@b",
        "https://a?b",
        "https://me:hunter2@a",
        "https://a\\@hunter2",
        "https://a/#hunter2",
        "ftp://a",
    ] {
        let access = GcsAccess {
            endpoint: Some(endpoint.to_owned()),
            ..access(&SERVER)
        };
        let error = open(&access, "bucket").unwrap_err();
        assert!(error.contains("no address of a store"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
    open(&access(&SERVER), "state.example.com_a-1").unwrap();
}
