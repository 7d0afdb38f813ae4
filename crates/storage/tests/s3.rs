//! The contract on a real store that speaks S3.
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
use opendal::{Operator, services};
use storage::contract::Fixture;
use storage::{
    Buckets, ConditionalDelete, Deletion, EntryKind, Key, ObjectStorage, Put, RemovedDirectory,
    S3Access, S3Account, S3Credentials, Secret, Storage, Version,
};
use testbed::object_store::{ACCESS_KEY, REGION, S3Server, SECRET_KEY};

static SERVER: LazyLock<S3Server> = LazyLock::new(|| S3Server::start().unwrap());

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
        let store = directory(&access(), &bucket);
        // What the client beside speaks HTTP with.
        opendal::install_default();
        let aside = services::S3::default()
            .bucket(&bucket)
            .endpoint(&SERVER.endpoint())
            .region(REGION)
            .root(PREFIX)
            .access_key_id(ACCESS_KEY)
            .secret_access_key(SECRET_KEY)
            .disable_config_load();
        Self {
            store,
            aside: Operator::new(aside).unwrap(),
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

fn access() -> S3Access {
    S3Access {
        endpoint: Some(SERVER.endpoint()),
        region: Some(REGION.to_owned()),
        virtual_host_style: false,
        credentials: keys(SECRET_KEY),
    }
}

fn keys(secret: &str) -> S3Credentials {
    S3Credentials::Keys {
        access_key_id: Secret::new(ACCESS_KEY.to_owned()),
        secret_access_key: Secret::new(secret.to_owned()),
        session_token: None,
    }
}

fn directory(access: &S3Access, bucket: &str) -> ObjectStorage {
    let account = S3Account::new(access.clone());
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

    /// Past the server, which keeps an object as a file of its name.
    async fn write_many(&self, directory: &Key, names: &[String]) {
        let bucket = self.aside.info().name().clone();
        let directory = SERVER
            .directory(&bucket)
            .join(PREFIX)
            .join(directory.as_str());
        std::fs::create_dir_all(&directory).unwrap();
        for name in names {
            std::fs::write(directory.join(name), "x").unwrap();
        }
    }

    /// Three pages: for each of them this server reads the directory from its beginning.
    fn many(&self) -> usize {
        2_100
    }

    async fn remove(&self, key: &Key) {
        self.aside.delete(key.as_str()).await.unwrap();
    }
}

storage::contract_tests!(Bucket::new());

#[tokio::test]
async fn it_is_tried_out_whether_conditions_are_heeded() {
    let bucket = Bucket::new().await;
    let before = bucket.store.capabilities().conditional_delete;
    assert_eq!(before, ConditionalDelete::CompareThenDelete);
    bucket.write(&key("shared/a"), b"x").await;
    let version = bucket.store.stat(&key("shared/a")).await.unwrap().unwrap();
    let deleted = bucket
        .store
        .delete_if_unchanged(&key("shared/a"), &version.version)
        .await;
    assert_eq!(deleted.unwrap(), Deletion::Deleted);
    let after = bucket.store.capabilities().conditional_delete;
    assert_eq!(after, ConditionalDelete::Atomic);
    assert_eq!(
        bucket.names(".flink-retention").await,
        [],
        "nothing is left"
    );
}

#[tokio::test]
async fn a_marker_is_an_empty_directory_and_can_go() {
    let bucket = Bucket::new().await;
    bucket.aside.create_dir("job/chk-4/").await.unwrap();
    let directory = [("job/chk-4".to_owned(), EntryKind::Directory)];
    assert_eq!(bucket.names("job").await, directory);
    assert_eq!(bucket.names("job/chk-4").await, []);
    bucket.write(&key("job/chk-5/a"), b"x").await;
    for (directory, removed) in [
        ("job/chk-4", RemovedDirectory::Removed),
        ("job/chk-4", RemovedDirectory::AlreadyGone),
        ("job/chk-5", RemovedDirectory::NotEmpty),
    ] {
        let outcome = bucket.store.remove_empty_directory(&key(directory)).await;
        assert_eq!(outcome.unwrap(), removed, "{directory}");
    }
    assert_eq!(bucket.store.stat(&key("job/chk-4")).await.unwrap(), None);
    assert_eq!(bucket.names("job/chk-5").await.len(), 1);
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
    assert_eq!(
        bucket.store.read(&blank, 9).await.unwrap_err().category(),
        "unsupported"
    );
    assert_eq!(bucket.names("shared").await.len(), 1);
}

/// HEAD answers 404 for both; only one of them means that a file is gone.
#[tokio::test]
async fn a_missing_bucket_is_no_missing_file() {
    let store = directory(&access(), "no-such-bucket");
    let looked = store.stat(&key("shared/a")).await.unwrap_err();
    let listed: Result<Vec<_>, _> = store.list_level(&Key::root()).try_collect().await;
    let written = store.put_if_absent(&key("owner/1"), "x".into()).await;
    for error in [looked, listed.unwrap_err(), written.unwrap_err()] {
        assert_eq!(error.category(), "unavailable", "{error}");
        assert!(error.to_string().contains("s3://no-such-bucket"), "{error}");
    }
}

#[tokio::test]
async fn wrong_keys_are_refused_and_never_printed() {
    let bucket = Bucket::new().await;
    let access = S3Access {
        credentials: keys("wrong-and-secret"),
        ..access()
    };
    let store = directory(&access, "bucket-0");
    // To HEAD a store can say no more than that it is forbidden.
    let looked = store.stat(&key("shared/a")).await.unwrap_err();
    assert_eq!(looked.category(), "permission_denied", "{looked}");
    let listing: Result<Vec<_>, _> = store.list_level(&Key::root()).try_collect().await;
    let listed = listing.unwrap_err();
    assert_eq!(listed.category(), "unauthenticated", "{listed}");
    for text in [
        format!("{access:?}"),
        format!("{store:?}"),
        format!("{looked} {looked:?}"),
        format!("{listed} {listed:?}"),
    ] {
        assert!(!text.contains("wrong-and-secret"), "{text}");
    }
    drop(bucket);
}

#[tokio::test]
async fn a_new_epoch_is_created_once_although_the_server_restarts() {
    let mut server = S3Server::start().unwrap();
    server.make_bucket("epochs").unwrap();
    let access = S3Access {
        endpoint: Some(server.endpoint()),
        ..access()
    };
    let store = directory(&access, "epochs");
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

/// A listing that the server did not bring to its end is no listing; where it comes back in time, it is all of one.
#[tokio::test]
async fn a_listing_goes_on_where_it_was_although_the_server_restarts() {
    let mut server = S3Server::start().unwrap();
    server.make_bucket("listing").unwrap();
    let directory_of_files = server.directory("listing").join(PREFIX).join("shared");
    std::fs::create_dir_all(&directory_of_files).unwrap();
    for number in 0..5_000 {
        std::fs::write(directory_of_files.join(format!("{number:04}")), "x").unwrap();
    }
    let access = S3Access {
        endpoint: Some(server.endpoint()),
        ..access()
    };
    let store = directory(&access, "listing");
    for comes_back in [true, false] {
        let mut listing = store.list_level(&key("shared"));
        let first = listing.try_next().await.unwrap().unwrap();
        server.kill();
        let (rest, ()) = tokio::join!(listing.try_collect::<Vec<_>>(), async {
            if comes_back {
                server.restart().unwrap();
            }
        });
        if !comes_back {
            let error = rest.unwrap_err();
            assert_eq!(error.category(), "unavailable", "{error}");
            continue;
        }
        let mut names: Vec<String> = rest
            .unwrap()
            .iter()
            .chain([&first])
            .map(|entry| entry.key.to_string())
            .collect();
        names.sort();
        let expected = (0..5_000).map(|number| format!("shared/{number:04}"));
        assert!(names.into_iter().eq(expected));
    }
}

/// Evidence knows size and time; the etag that is compared is that of the file which had them.
#[tokio::test]
async fn a_file_goes_by_size_and_time_if_no_etag_is_known() {
    let bucket = Bucket::new().await;
    let file = key("shared/a");
    bucket.write(&file, b"x").await;
    let found = bucket.store.stat(&file).await.unwrap().unwrap().version;
    assert!(found.etag.is_some());
    let expected = Version {
        etag: None,
        ..found.clone()
    };
    let other = Version {
        modified: found
            .modified
            .map(|time| time + jiff::SignedDuration::from_secs(1)),
        ..expected.clone()
    };
    let deletion = bucket.store.delete_if_unchanged(&file, &other).await;
    assert!(matches!(deletion.unwrap(), Deletion::Changed { .. }));
    let deletion = bucket.store.delete_if_unchanged(&file, &expected).await;
    assert_eq!(deletion.unwrap(), Deletion::Deleted);
}

#[tokio::test]
async fn outside_of_the_named_directories_nothing_can_be_changed() {
    let bucket = Bucket::new().await;
    let name = bucket.aside.info().name().clone();
    bucket.write(&key("shared/a"), b"x").await;
    let account = S3Account::new(access());
    let looked_into = account.look_into(&name).unwrap();
    let file = key("flink/checkpoints/shared/a");
    let version = looked_into.stat(&file).await.unwrap().unwrap().version;
    let deleted = looked_into.delete_if_unchanged(&file, &version).await;
    let put = looked_into.put_if_absent(&key("x"), "x".into()).await;
    let replaced = looked_into.replace(&file, "x".into()).await;
    let removed = looked_into.remove_empty_directory(&key("flink")).await;
    for error in [
        deleted.unwrap_err(),
        put.unwrap_err(),
        replaced.unwrap_err(),
        removed.unwrap_err(),
    ] {
        assert_eq!(error.category(), "unsupported", "{error}");
        assert!(error.to_string().contains("only looked at"), "{error}");
    }
    assert_eq!(looked_into.read(&file, 9).await.unwrap().bytes, "x");
}

/// The client makes URLs of these names, and tenants choose them.
#[test]
fn a_name_that_would_lead_to_another_host_is_refused() {
    let own = || key(".flink-retention");
    let open = |access: &S3Access, bucket: &str| {
        let opened = S3Account::new(access.clone()).directory(bucket, &Key::root(), own());
        opened.map(|_| ()).map_err(|error| error.to_string())
    };
    for bucket in [
        "",
        ".",
        "..",
        "evil.example/x",
        "evil#",
        "a@b",
        "a b",
        "a:1",
        "a\\b",
    ] {
        let error = open(&access(), bucket).unwrap_err();
        assert!(error.contains("no name of a bucket"), "{error}");
    }
    let region = |region: &str| S3Access {
        endpoint: None,
        region: Some(region.to_owned()),
        ..access()
    };
    for name in ["evil.example/", "eu@evil", "", "eu.west"] {
        let error = open(&region(name), "bucket").unwrap_err();
        assert!(error.contains("is no region"), "{error}");
    }
    open(&region("eu-central-1"), "bucket").unwrap();
    let endpoint = |endpoint: &str| S3Access {
        endpoint: Some(endpoint.to_owned()),
        ..access()
    };
    let error = open(&endpoint("https://minio.storage:9000"), "minio").unwrap_err();
    assert!(
        error.contains("begins with the name of the bucket"),
        "{error}"
    );
    open(&endpoint("https://minio.storage:9000"), "flink").unwrap();
    for address in [
        "",
        "minio:9000",
        "ftp://minio",
        "https://",
        "https://me:hunter2@minio",
        "https://minio?x=hunter2",
        "https://minio/#hunter2",
        "https://minio\\@hunter2",
    ] {
        let error = open(&endpoint(address), "flink").unwrap_err();
        assert!(error.contains("no address of a store"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn a_wrong_endpoint_is_told_on_one_line() {
    let mut server = S3Server::start().unwrap();
    let access = S3Access {
        endpoint: Some(server.endpoint()),
        ..access()
    };
    server.kill();
    let store = directory(&access, "bucket-0");
    let error = store.stat(&key("shared/a")).await.unwrap_err();
    assert_eq!(error.category(), "unavailable", "{error}");
    let text = error.to_string();
    assert!(
        text.contains(&server.endpoint()) && !text.contains('\n'),
        "{text}"
    );
    assert!(text.len() < 500, "{text}");
}
