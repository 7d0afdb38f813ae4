//! The contract on a real server that speaks as Azure Blob Storage does.
//!
//! It has no hierarchical namespace; `azure_faults` shows what such a one answers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "test code"
)]

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use async_trait::async_trait;
use futures::TryStreamExt;
use futures::future::join_all;
use jiff::Timestamp;
use opendal::layers::RetryLayer;
use opendal::{Operator, services};
use storage::contract::Fixture;
use storage::{
    AzureAccess, AzureAccount, AzureIdentity, Buckets, ConditionalDelete, Deletion, EntryKind, Key,
    ObjectStorage, Put, RemovedDirectory, Storage, StorageError,
};
use testbed::object_store::{AzureServer, Keeps};

static SERVER: LazyLock<AzureServer> =
    LazyLock::new(|| AzureServer::start(Keeps::InMemory).unwrap());

/// A prefix of a container of its own, and a second client that writes there past the port.
struct Container {
    name: String,
    store: ObjectStorage,
    aside: Operator,
}

const PREFIX: &str = "flink/checkpoints";

impl Container {
    #[allow(clippy::unused_async, reason = "the contract awaits its fixtures")]
    async fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("container-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        SERVER.make_container(&name).unwrap();
        let store = directory(&access(&SERVER), &name);
        // What the client beside speaks HTTP with.
        opendal::install_default();
        let endpoint = format!("{}/{}", SERVER.endpoint(), AzureServer::ACCOUNT);
        let aside = services::Azblob::default()
            .container(&name)
            .endpoint(&endpoint)
            .account_name(AzureServer::ACCOUNT)
            .account_key(SERVER.key())
            .root(PREFIX);
        Self {
            store,
            // Connections of tests that are over may break off.
            aside: Operator::new(aside).unwrap().layer(RetryLayer::new()),
            name,
        }
    }

    /// An empty request about one blob, past the port.
    fn put(&self, path: &str, query: &str, headers: &[(&str, &str)]) {
        let path = format!("{}/{PREFIX}/{path}", self.name);
        SERVER.put(&path, query, headers).unwrap();
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

    async fn delete(&self, path: &str) -> Result<Deletion, StorageError> {
        let found = self.store.stat(&key(path)).await?.unwrap();
        let version = &found.version;
        self.store.delete_if_unchanged(&key(path), version).await
    }
}

fn identity(setting: &str, value: &str) -> AzureIdentity {
    let named = AzureIdentity::named(|name| match name {
        "AZURE_STORAGE_ACCOUNT_NAME" => Some(AzureServer::ACCOUNT.to_owned()),
        _ if name == setting => Some(value.to_owned()),
        _ => None,
    });
    named.unwrap().unwrap()
}

fn access(server: &AzureServer) -> AzureAccess {
    AzureAccess {
        endpoint: Some(server.endpoint()),
        identity: identity("AZURE_STORAGE_ACCOUNT_KEY", server.key()),
    }
}

fn signed(permissions: &str, until: Timestamp) -> AzureAccess {
    AzureAccess {
        identity: identity(
            "AZURE_STORAGE_SAS_TOKEN",
            &SERVER.signature(permissions, until).unwrap(),
        ),
        ..access(&SERVER)
    }
}

fn directory(access: &AzureAccess, container: &str) -> ObjectStorage {
    let account = AzureAccount::new(access.clone());
    let own = key(".flink-retention");
    let bucket = AzureServer::authority(container);
    account.directory(&bucket, &key(PREFIX), own).unwrap()
}

fn key(path: &str) -> Key {
    path.parse().unwrap()
}

#[async_trait]
impl Fixture for Container {
    fn store(&self) -> Arc<dyn Storage> {
        Arc::new(self.store.clone())
    }

    async fn write(&self, key: &Key, bytes: &[u8]) {
        self.aside
            .write(key.as_str(), bytes.to_vec())
            .await
            .unwrap();
    }

    async fn write_many(&self, directory: &Key, names: &[String]) {
        for some in names.chunks(32) {
            join_all(some.iter().map(|name| async move {
                self.write(&directory.join(name).unwrap(), b"x").await;
            }))
            .await;
        }
    }

    /// Three pages.
    fn many(&self) -> usize {
        2_100
    }

    async fn remove(&self, key: &Key) {
        self.aside.delete(key.as_str()).await.unwrap();
    }
}

storage::contract_tests!(Container::new());

#[tokio::test]
async fn all_questions_are_answered_with_one_version() {
    let container = Container::new().await;
    let file = key("shared/a");
    container.write(&file, b"x").await;
    let stated = container.store.stat(&file).await.unwrap().unwrap().version;
    let listing = container.store.list_level(&key("shared"));
    let listed: Vec<_> = listing.try_collect().await.unwrap();
    let read = container.store.read(&file, 9).await.unwrap().version;
    assert!(stated.etag.as_deref().unwrap().starts_with("0x"));
    assert_eq!((&listed[0].version, &read), (&stated, &stated));
}

#[tokio::test]
async fn conditions_are_tried_out_and_heeded() {
    let container = Container::new().await;
    container.write(&key("shared/a"), b"x").await;
    let before = container.store.capabilities().conditional_delete;
    assert_eq!(before, ConditionalDelete::CompareThenDelete);
    let deleted = container.delete("shared/a").await;
    assert_eq!(deleted.unwrap(), Deletion::Deleted);
    let after = container.store.capabilities().conditional_delete;
    assert_eq!(after, ConditionalDelete::Atomic);
    assert_eq!(
        container.names(".flink-retention").await,
        [],
        "nothing is left"
    );
}

/// Hadoop keeps a directory by an empty blob of its very name, with a note.
#[tokio::test]
async fn what_stands_for_a_directory_is_one() {
    let container = Container::new().await;
    let stub = [
        ("x-ms-blob-type", "BlockBlob"),
        ("x-ms-meta-hdi_isfolder", "true"),
    ];
    for directory in ["job", "job/chk-4", "job/chk-5"] {
        container.put(directory, "", &stub);
    }
    container.write(&key("job/chk-5/a"), b"x").await;
    container.write(&key("job/empty"), b"").await;
    let listed = [
        ("job/chk-5".to_owned(), EntryKind::Directory),
        ("job/empty".to_owned(), EntryKind::File),
    ];
    assert_eq!(container.names("job").await, listed);
    let kind = async |path: &str| {
        let found = container.store.stat(&key(path)).await.unwrap();
        found.map(|entry| entry.kind)
    };
    assert_eq!(kind("job/chk-4").await, Some(EntryKind::Directory));
    assert_eq!(kind("job/empty").await, Some(EntryKind::File));
    let (chk_4, chk_5) = (key("job/chk-4"), key("job/chk-5"));
    for read in [
        container.store.read_range(&chk_4, 0, 9).await,
        container.store.read_range(&chk_5, 0, 9).await,
    ] {
        assert_eq!(read.unwrap_err().category(), "is_a_directory");
    }
    let version = container.store.stat(&chk_5).await.unwrap().unwrap().version;
    let deleted = container.store.delete_if_unchanged(&chk_5, &version).await;
    assert_eq!(deleted.unwrap_err().category(), "unverifiable");
    let removed = container.store.remove_empty_directory(&chk_5).await;
    assert_eq!(removed.unwrap(), RemovedDirectory::NotEmpty);
    let removed = container.store.remove_empty_directory(&chk_4).await;
    assert_eq!(removed.unwrap(), RemovedDirectory::Removed);
    assert_eq!(kind("job/chk-4").await, None);
    let empty = key("job/empty");
    let file = container.store.remove_empty_directory(&empty).await;
    assert_eq!(file.unwrap_err().category(), "not_a_directory");
}

#[tokio::test]
async fn snapshots_of_a_blob_keep_it_and_the_reason_is_said() {
    let container = Container::new().await;
    container.write(&key("shared/a"), b"x").await;
    container.put("shared/a", "comp=snapshot", &[]);
    let error = container.delete("shared/a").await.unwrap_err();
    assert_eq!(error.category(), "unavailable", "{error}");
    assert!(error.to_string().contains("it has snapshots"), "{error}");
    let one = [("shared/a".to_owned(), EntryKind::File)];
    assert_eq!(container.names("shared").await, one, "and is listed once");
}

/// The store answers with the status of a condition that does not hold.
#[tokio::test]
async fn a_lease_keeps_a_blob_and_the_reason_is_said() {
    let container = Container::new().await;
    container.write(&key("shared/a"), b"x").await;
    let lease = [
        ("x-ms-lease-action", "acquire"),
        ("x-ms-lease-duration", "-1"),
    ];
    container.put("shared/a", "comp=lease", &lease);
    let deleted = container.delete("shared/a").await;
    let replaced = container.store.replace(&key("shared/a"), "y".into()).await;
    for error in [deleted.unwrap_err(), replaced.unwrap_err()] {
        assert_eq!(error.category(), "unavailable", "{error}");
        assert!(error.to_string().contains("holds a lease"), "{error}");
    }
    let read = container.store.read(&key("shared/a"), 9).await;
    assert_eq!(read.unwrap().bytes, "x");
}

/// The client would cut the blank off, and a neighbour would be deleted.
#[tokio::test]
async fn a_name_that_ends_with_a_blank_never_stands_for_its_neighbour() {
    let container = Container::new().await;
    container.write(&key("shared/a"), b"x").await;
    let block = [("x-ms-blob-type", "BlockBlob")];
    container.put("shared/a%20", "", &block);
    container.put("shared//b", "", &block);
    let mut kinds: Vec<_> = container
        .names("shared")
        .await
        .into_iter()
        .map(|(_, kind)| kind)
        .collect();
    kinds.sort();
    assert_eq!(
        kinds,
        [EntryKind::File, EntryKind::Other, EntryKind::Other],
        "reported, and never asked for"
    );
    let neighbour = container.store.stat(&key("shared/a")).await.unwrap();
    let blank = key("shared/a ");
    let version = neighbour.unwrap().version;
    let deletion = container.store.delete_if_unchanged(&blank, &version);
    assert_eq!(deletion.await.unwrap_err().category(), "unsupported");
    assert_eq!(container.names("shared").await.len(), 3);
}

/// Azure may cut the dot off, so what is asked for under one name must not be found under the other.
#[tokio::test]
async fn a_name_that_ends_with_a_dot_is_not_its_neighbour() {
    let container = Container::new().await;
    container.write(&key("shared/a"), b"x").await;
    container.write(&key("shared/a."), b"dot").await;
    container.write(&key("shared/b./c"), b"in").await;
    let deleted = container.delete("shared/a.").await;
    assert_eq!(deleted.unwrap(), Deletion::Deleted);
    let left = [
        ("shared/a".to_owned(), EntryKind::File),
        ("shared/b.".to_owned(), EntryKind::Directory),
    ];
    assert_eq!(container.names("shared").await, left);
    let read = container.store.read(&key("shared/b./c"), 9).await;
    assert_eq!(read.unwrap().bytes, "in");
}

/// Both are answered with 404; only one of them means that a file is gone.
#[tokio::test]
async fn a_missing_container_is_no_missing_file() {
    let store = directory(&access(&SERVER), "no-such-container");
    let looked = store.stat(&key("shared/a")).await.unwrap_err();
    let read = store.read(&key("shared/a"), 9).await.unwrap_err();
    let listed: Result<Vec<_>, _> = store.list_level(&Key::root()).try_collect().await;
    let written = store.put_if_absent(&key("owner/1"), "x".into()).await;
    for error in [looked, read, listed.unwrap_err(), written.unwrap_err()] {
        assert_eq!(error.category(), "unavailable", "{error}");
        let text = error.to_string();
        assert!(text.contains("no such bucket"), "{text}");
        assert!(text.contains("abfss://no-such-container@"), "{text}");
    }
}

#[tokio::test]
async fn a_signature_allows_what_it_says_for_as_long_as_it_says() {
    let container = Container::new().await;
    container.write(&key("shared/a"), b"x").await;
    let soon = Timestamp::now() + Duration::from_mins(10);
    let all = directory(&signed("racwdl", soon), &container.name);
    let put = all.put_if_absent(&key("owner/1"), "x".into()).await;
    assert_eq!(put.unwrap(), Put::Created);
    let to_look = directory(&signed("rl", soon), &container.name);
    let read = to_look.read(&key("shared/a"), 9).await.unwrap();
    assert_eq!(read.bytes, "x");
    let file = key("shared/a");
    let deleted = to_look.delete_if_unchanged(&file, &read.version).await;
    let forbidden = deleted.unwrap_err();
    assert_eq!(forbidden.category(), "permission_denied", "{forbidden}");
    let over = Timestamp::now() - Duration::from_mins(10);
    let late = signed("racwdl", over);
    let signature = SERVER.signature("racwdl", over).unwrap();
    let secret = signature.split("sig=").nth(1).unwrap();
    let late = directory(&late, &container.name);
    // To HEAD this server gives no reason.
    for error in [
        late.read(&key("shared/a"), 9).await.unwrap_err(),
        late.list_level(&key("shared"))
            .try_collect::<Vec<_>>()
            .await
            .unwrap_err(),
    ] {
        assert_eq!(error.category(), "unauthenticated", "{error}");
        let text = format!("{error} {error:?} {late:?}");
        assert!(!text.contains(secret), "{text}");
    }
    assert_eq!(container.names("shared").await.len(), 1);
}

#[tokio::test]
async fn another_key_is_told_so() {
    let container = Container::new().await;
    let other = AzureAccess {
        identity: identity("AZURE_STORAGE_ACCOUNT_KEY", "cHJpbnRlZC1uZXZlcg=="),
        ..access(&SERVER)
    };
    let store = directory(&other, &container.name);
    // To HEAD this server gives no reason.
    for error in [
        store.read(&key("a"), 9).await.unwrap_err(),
        store
            .put_if_absent(&key("a"), "x".into())
            .await
            .unwrap_err(),
    ] {
        assert_eq!(error.category(), "unauthenticated", "{error}");
        let text = format!("{error} {error:?} {store:?}");
        assert!(!text.contains("cHJpbnRlZC1uZXZlcg"), "{text}");
    }
}

#[tokio::test]
async fn a_new_epoch_is_created_once_although_the_server_restarts() {
    let mut server = AzureServer::start(Keeps::OnDisk).unwrap();
    server.make_container("epochs").unwrap();
    let store = directory(&access(&server), "epochs");
    let put = store.put_if_absent(&key("owner/1"), "a".into()).await;
    assert_eq!(put.unwrap(), Put::Created);
    server.stop().unwrap();
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
    let container = Container::new().await;
    container.write(&key("shared/a"), b"x").await;
    let account = AzureAccount::new(access(&SERVER));
    let bucket = AzureServer::authority(&container.name);
    let looked_into = account.look_into(&bucket).unwrap();
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

fn open(access: &AzureAccess, bucket: &str) -> Result<(), String> {
    let account = AzureAccount::new(access.clone());
    let opened = account.directory(bucket, &Key::root(), key(".flink-retention"));
    opened.map(|_| ()).map_err(|error| error.to_string())
}

/// The client makes URLs of these names, and tenants choose them.
#[test]
fn a_name_that_would_lead_elsewhere_is_refused() {
    let host = "teststate.dfs.core.windows.net";
    for container in ["", ".", "..", "a/../b", "a#b", "a b", "ABC", "-ab", "a@b"] {
        let error = open(&access(&SERVER), &format!("{container}@{host}")).unwrap_err();
        assert!(
            error.contains("names no container") || error.contains("is not where"),
            "{error}"
        );
    }
    let error = open(&access(&SERVER), "container").unwrap_err();
    assert!(error.contains("names no container"), "{error}");
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
        let access = AzureAccess {
            endpoint: Some(endpoint.to_owned()),
            ..access(&SERVER)
        };
        let error = open(&access, &format!("state@{host}")).unwrap_err();
        assert!(error.contains("no address of a store"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
    let in_clear = AzureAccess {
        endpoint: Some("http://teststate.blob.core.windows.net".to_owned()),
        ..access(&SERVER)
    };
    let error = open(&in_clear, &format!("state@{host}")).unwrap_err();
    assert!(error.contains("without encryption"), "{error}");
}

/// Credentials are good for one account, so nobody else is told them: not even the account of the same name in another
/// cloud, which can belong to anybody.
#[test]
fn only_the_account_of_the_credentials_is_asked() {
    let chinese = "https://teststate.blob.core.chinacloudapi.cn";
    for (endpoint, host, is_it) in [
        (None, "teststate.dfs.core.windows.net", true),
        (None, "teststate.blob.core.windows.net", true),
        (None, "TestState.dfs.core.windows.net", true),
        (None, "other.dfs.core.windows.net", false),
        (None, "teststate.dfs.core.chinacloudapi.cn", false),
        (None, "teststate.dfs.core.windows.net.evil.example", false),
        (None, "teststate.evil.example", false),
        (None, "evil.example#teststate.dfs.core.windows.net", false),
        (Some(chinese), "teststate.dfs.core.chinacloudapi.cn", true),
        (Some(chinese), "teststate.dfs.core.windows.net", false),
        (
            Some("http://127.0.0.1:10000"),
            "teststate.dfs.core.windows.net",
            true,
        ),
        (Some("http://127.0.0.1:10000"), "127.0.0.1:10000", false),
    ] {
        let access = AzureAccess {
            endpoint: endpoint.map(str::to_owned),
            ..access(&SERVER)
        };
        let bucket = format!("state@{host}");
        assert_eq!(access.has(&bucket), is_it, "{endpoint:?} {host}");
        match open(&access, &bucket) {
            Ok(()) => assert!(is_it, "{host}"),
            Err(error) => assert!(!is_it && error.contains("is not where"), "{error}"),
        }
    }
}

/// A key only signs. A signature or token is worth as much to whoever is told it, so only the account and emulators on this
/// machine are.
#[test]
fn who_is_not_the_account_is_told_no_signature() {
    let bucket = "state@teststate.dfs.core.windows.net";
    let signature = signed("r", Timestamp::now());
    let key = access(&SERVER);
    let at = |access: &AzureAccess, endpoint: &str| {
        let endpoint = Some(endpoint.to_owned());
        let access = AzureAccess {
            endpoint,
            ..access.clone()
        };
        open(&access, bucket)
    };
    for endpoint in [
        "https://minio.storage:9000",
        "https://localhost.evil.example",
        "https://teststates.evil.example",
    ] {
        at(&key, endpoint).unwrap();
        let error = at(&signature, endpoint).unwrap_err();
        assert!(
            error.contains("does not begin with the account teststate"),
            "{error}"
        );
    }
    // A typing mistake in the name of the account, for instance.
    for endpoint in [
        "https://teststat.blob.core.windows.net",
        "https://other.dfs.core.windows.net",
        "https://other.z01.blob.storage.azure.net",
        "https://other.blob.core.chinacloudapi.cn",
    ] {
        let error = at(&key, endpoint).unwrap_err();
        assert!(error.contains("of another account"), "{error}");
    }
    for access in [&key, &signature] {
        at(access, "https://teststate.blob.core.windows.net").unwrap();
        at(access, "http://127.0.0.1:10000").unwrap();
    }
}
