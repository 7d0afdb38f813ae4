//! What may not be done, and what HDFS does in its own way.

use futures::TryStreamExt;
use storage::contract::{FileSystemFixture, Fixture};
use storage::{Deletion, Key, PartialWrite, Put, RemovedDirectory, Storage, StorageError};
use testbed::hdfs::{HdfsServer, USER};
use testbed::proxy::{Proxy, Weather};

use crate::fixture::{Hdfs, SERVER, cluster, key, open};

#[tokio::test]
async fn what_is_forbidden_is_an_error_and_not_an_absence() {
    let hdfs = Hdfs::new().await;
    hdfs.write(&key("job/chk-1/_metadata"), b"x").await;
    hdfs.write(&key("job/secret"), b"x").await;
    for (path, mode) in [("job/secret", 0o600), ("job/chk-1", 0o700), ("job", 0o755)] {
        let path = hdfs.path(&key(path));
        hdfs.aside.set_permission(&path, mode).await.unwrap();
    }
    let stranger = open(&SERVER, "stranger", &hdfs.path(&Key::root()));
    let secret = key("job/secret");
    let version = stranger.stat(&secret).await.unwrap().unwrap().version;
    let inside = key("job/chk-1/_metadata");
    let listed: Result<Vec<_>, _> = stranger.list_level(&key("job/chk-1")).try_collect().await;
    for (error, path) in [
        (listed.unwrap_err(), "job/chk-1"),
        (
            stranger.stat(&inside).await.unwrap_err(),
            "job/chk-1/_metadata",
        ),
        (
            stranger.stat(&key("job/chk-1/no")).await.unwrap_err(),
            "job/chk-1/no",
        ),
        (
            stranger.read(&inside, 9).await.unwrap_err(),
            "job/chk-1/_metadata",
        ),
        (stranger.read(&secret, 9).await.unwrap_err(), "job/secret"),
        (
            stranger
                .delete_if_unchanged(&secret, &version)
                .await
                .unwrap_err(),
            "job/secret",
        ),
        (
            stranger
                .remove_empty_directory(&key("job/chk-1"))
                .await
                .unwrap_err(),
            "job/chk-1",
        ),
        (
            stranger
                .put_if_absent(&key("job/new"), "x".into())
                .await
                .unwrap_err(),
            "job/new",
        ),
        (
            stranger.replace(&secret, "y".into()).await.unwrap_err(),
            "job/secret",
        ),
    ] {
        assert_eq!(error.category(), "permission_denied", "{error}");
        assert_eq!(error.path(), stranger.location(&key(path)));
    }
    assert_eq!(hdfs.store.read(&secret, 9).await.unwrap().bytes, "x");
    assert_eq!(hdfs.entries("job").await.len(), 2, "nothing is left behind");
}

#[tokio::test]
async fn a_file_that_somebody_writes_stays() {
    let hdfs = Hdfs::new().await;
    let file = key("shared/a");
    hdfs.make_directory(&key("shared")).await;
    let path = hdfs.path(&file);
    for bytes in [10, (1 << 20) + 10] {
        SERVER
            .ask(&format!("open?path={path}&bytes={bytes}"))
            .unwrap();
        let version = hdfs.version("shared/a").await;
        let error = hdfs
            .store
            .delete_if_unchanged(&file, &version)
            .await
            .unwrap_err();
        assert_eq!(error.category(), "being_written", "{error}");
        // What was not closed is read only as far as the NameNode knows it, or not at all.
        let read = hdfs.store.read(&file, u64::MAX).await;
        assert!(read.is_err() || read.unwrap().bytes.len() as u64 == version.size);
        SERVER.ask(&format!("close?path={path}")).unwrap();
        let version = hdfs.version("shared/a").await;
        assert_eq!(version.size, bytes);
        assert_eq!(
            hdfs.store.read(&file, u64::MAX).await.unwrap().bytes.len() as u64,
            bytes
        );
        let deletion = hdfs.store.delete_if_unchanged(&file, &version).await;
        assert_eq!(deletion.unwrap(), Deletion::Deleted);
    }
}

/// Compared is last, so that what takes the place of the file meanwhile is seen.
#[tokio::test]
async fn a_file_that_is_replaced_while_it_is_looked_at_stays() {
    let proxy = Proxy::before(SERVER.port()).unwrap();
    let hdfs = Hdfs::new().await;
    let file = key("chk-1/_metadata");
    hdfs.write(&file, b"one").await;
    let version = hdfs.version("chk-1/_metadata").await;
    let directory = hdfs.path(&Key::root());
    let cluster = cluster(&proxy.authority(), USER);
    let store = cluster.directory(key(directory.trim_start_matches('/')));
    proxy.set(Weather::Held {
        requests: "getContentSummary",
    });
    let deletion = tokio::spawn({
        let (store, file) = (store.clone(), file.clone());
        async move { store.delete_if_unchanged(&file, &version).await }
    });
    while proxy.held() == 0 {
        tokio::task::yield_now().await;
    }
    hdfs.write(&file, b"other").await;
    proxy.set(Weather::Fair);
    let deletion = deletion.await.unwrap().unwrap();
    assert!(matches!(deletion, Deletion::Changed { .. }), "{deletion:?}");
    assert_eq!(hdfs.store.read(&file, 9).await.unwrap().bytes, "other");
}

#[tokio::test]
async fn nothing_changes_in_safe_mode_and_beyond_a_quota_and_that_is_said() {
    let server = HdfsServer::start().unwrap();
    let hdfs = Hdfs::at(&server).await;
    let file = key("shared/a");
    hdfs.write(&file, b"x").await;
    let version = hdfs.version("shared/a").await;
    let said = |error: StorageError, words: &str| {
        assert_eq!(error.category(), "unavailable", "{error}");
        let text = error.to_string();
        assert!(text.contains(words) && !text.contains('\n'), "{text}");
    };
    server.ask("safe-mode?on=true").unwrap();
    let deleted = hdfs.store.delete_if_unchanged(&file, &version).await;
    said(deleted.unwrap_err(), "safe mode");
    let put = hdfs.store.put_if_absent(&key("owner/1"), "x".into()).await;
    said(put.unwrap_err(), "safe mode");
    assert_eq!(hdfs.store.read(&file, 9).await.unwrap().bytes, "x");
    server.ask("safe-mode?on=false").unwrap();
    let root = hdfs.path(&Key::root());
    for (names, bytes, words) in [
        (3, 1_000_000_000_000_u64, "quota of names"),
        (1_000_000_000, 2_000, "quota of space"),
    ] {
        server
            .ask(&format!("quota?path={root}&names={names}&bytes={bytes}"))
            .unwrap();
        let put = hdfs.store.put_if_absent(&key("owner/1"), "x".into()).await;
        said(put.unwrap_err(), words);
    }
    let deleted = hdfs.store.delete_if_unchanged(&file, &version).await;
    assert_eq!(deleted.unwrap(), Deletion::Deleted);
}

#[tokio::test]
async fn what_a_snapshot_of_hdfs_holds_can_be_read_there_and_not_deleted() {
    let hdfs = Hdfs::new().await;
    let file = key("shared/a");
    hdfs.write(&file, b"x").await;
    let root = hdfs.path(&Key::root());
    SERVER.ask(&format!("snapshot?path={root}")).unwrap();
    assert_eq!(hdfs.entries("").await.len(), 1, "snapshots are hidden");
    let version = hdfs.version("shared/a").await;
    let kept = key(".snapshot/s/shared/a");
    let deletion = hdfs.store.delete_if_unchanged(&kept, &version).await;
    assert_eq!(deletion.unwrap_err().category(), "reserved");
    let deletion = hdfs.store.delete_if_unchanged(&file, &version).await;
    assert_eq!(deletion.unwrap(), Deletion::Deleted);
    assert_eq!(hdfs.store.read(&kept, 9).await.unwrap().bytes, "x");
    let parent = open(&SERVER, USER, &hdfs.directory);
    hdfs.store
        .remove_empty_directory(&key("shared"))
        .await
        .unwrap();
    let error = parent
        .remove_empty_directory(&key("base"))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("a snapshot of HDFS holds it"),
        "{error}"
    );
}

#[tokio::test]
async fn what_goes_to_the_trash_can_be_taken_back() {
    let hdfs = Hdfs::new().await;
    let own = key(".flink-retention");
    let store = hdfs.store.clone().with_trash(own.clone());
    assert!(store.keeps_trash().await.unwrap());
    let trash = open(&SERVER, USER, &format!("user/{USER}/.Trash/Current"));
    let file = key("shared/a");
    hdfs.write(&file, b"x").await;
    let version = hdfs.version("shared/a").await;
    let deletion = store.delete_if_unchanged(&file, &version).await;
    assert_eq!(deletion.unwrap(), Deletion::Deleted);
    assert_eq!(hdfs.store.stat(&file).await.unwrap(), None);
    let there = key(hdfs.path(&file).trim_start_matches('/'));
    assert_eq!(trash.read(&there, 9).await.unwrap().bytes, "x");

    // Nobody wants the journal's old marks back.
    let mark = own.join("mark").unwrap();
    hdfs.write(&mark, b"x").await;
    let version = hdfs.version(".flink-retention/mark").await;
    let deletion = store.delete_if_unchanged(&mark, &version).await;
    assert_eq!(deletion.unwrap(), Deletion::Deleted);
    let there = key(hdfs.path(&mark).trim_start_matches('/'));
    assert_eq!(trash.stat(&there).await.unwrap(), None);
}

#[tokio::test]
async fn a_name_node_that_keeps_no_trash_says_so() {
    let server = HdfsServer::start_without_trash().unwrap();
    let hdfs = Hdfs::at(&server).await;
    let store = hdfs.store.clone().with_trash(key(".flink-retention"));
    assert!(!store.keeps_trash().await.unwrap());
    hdfs.write(&key("shared/a"), b"x").await;
    let version = hdfs.version("shared/a").await;
    let error = store
        .delete_if_unchanged(&key("shared/a"), &version)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("keeps no trash"), "{error}");
}

/// A snapshot that somebody has deleted looks like any other, and may be taken back.
#[tokio::test]
async fn a_directory_with_a_trash_is_not_listed_and_nothing_in_one_is_changed() {
    let hdfs = Hdfs::new().await;
    let inside = key(".Trash/Current/job/chk-1/_metadata");
    hdfs.write(&inside, b"x").await;
    hdfs.write(&key("zone/job/.Trash"), b"a file").await;
    let listed: Result<Vec<_>, _> = hdfs.store.list_level(&Key::root()).try_collect().await;
    let error = listed.unwrap_err();
    assert_eq!(error.category(), "reserved");
    let trash = hdfs.store.location(&key(".Trash"));
    assert!(error.to_string().contains(&trash), "{error}");
    assert_eq!(hdfs.entries("zone/job").await.len(), 1);
    // Whoever names it may look into it.
    assert_eq!(hdfs.entries(".Trash/Current/job").await.len(), 1);
    assert_eq!(hdfs.store.read(&inside, 9).await.unwrap().bytes, "x");

    let version = hdfs.version(inside.as_str()).await;
    let within = open(&SERVER, USER, &hdfs.path(&key(".Trash/Current")));
    assert_eq!(within.reserved(), Some(trash));
    assert_eq!(hdfs.store.reserved(), None);
    let (file, job) = (key("job/chk-1/_metadata"), key("job"));
    for error in [
        within
            .delete_if_unchanged(&file, &version)
            .await
            .unwrap_err(),
        within.remove_empty_directory(&job).await.unwrap_err(),
        within.put_if_absent(&job, "x".into()).await.unwrap_err(),
        within.replace(&file, "x".into()).await.unwrap_err(),
        hdfs.store
            .delete_if_unchanged(&inside, &version)
            .await
            .unwrap_err(),
    ] {
        assert_eq!(error.category(), "reserved", "{error}");
    }
    assert_eq!(hdfs.store.read(&inside, 9).await.unwrap().bytes, "x");
}

#[tokio::test]
async fn outside_of_the_named_directories_nothing_can_be_changed() {
    let hdfs = Hdfs::new().await;
    hdfs.write(&key("shared/a"), b"x").await;
    let cluster = cluster(&SERVER.authority(), USER);
    let all = cluster.look_into().with_trash(key("own"));
    let file = key(hdfs.path(&key("shared/a")).trim_start_matches('/'));
    let version = all.stat(&file).await.unwrap().unwrap().version;
    for error in [
        all.delete_if_unchanged(&file, &version).await.unwrap_err(),
        all.put_if_absent(&key("flink/x"), "x".into())
            .await
            .unwrap_err(),
        all.replace(&file, "x".into()).await.unwrap_err(),
        all.remove_empty_directory(&key("flink")).await.unwrap_err(),
    ] {
        assert_eq!(error.category(), "unsupported", "{error}");
        assert!(error.to_string().contains("only looked at"), "{error}");
    }
    assert_eq!(all.read(&file, 9).await.unwrap().bytes, "x");
}

/// Also of a name that the right one begins with, and of a directory where a file should be.
#[tokio::test]
async fn a_directory_takes_the_name_of_a_new_file() {
    let hdfs = Hdfs::new().await;
    hdfs.make_directory(&key("owner/1")).await;
    let put = hdfs.store.put_if_absent(&key("owner/1"), "x".into()).await;
    assert_eq!(put.unwrap(), Put::Exists);
    assert_eq!(
        hdfs.store
            .remove_empty_directory(&key("owner/1"))
            .await
            .unwrap(),
        RemovedDirectory::Removed
    );
    assert_eq!(hdfs.entries("owner").await, []);
}

/// HDFS refuses some names; nothing of them can be there.
#[tokio::test]
async fn a_name_that_hdfs_cannot_hold_is_an_error() {
    let hdfs = Hdfs::new().await;
    let long = "x".repeat(300);
    for name in ["a:b", long.as_str()] {
        let put = hdfs.store.put_if_absent(&key(name), "x".into()).await;
        assert_eq!(put.unwrap_err().category(), "unsupported", "{name}");
    }
    assert_eq!(hdfs.entries("").await, []);
}

#[tokio::test]
async fn a_leftover_of_a_crash_is_known_by_its_name() {
    let hdfs = Hdfs::new().await;
    hdfs.make_directory(&key("owner")).await;
    let name = format!("owner/{}1", PartialWrite::PREFIX);
    SERVER
        .ask(&format!("open?path={}&bytes=1", hdfs.path(&key(&name))))
        .unwrap();
    let put = hdfs.store.put_if_absent(&key("owner/1"), "x".into()).await;
    assert_eq!(put.unwrap(), Put::Created);
    let entries: Vec<_> = hdfs
        .store
        .list_level(&key("owner"))
        .try_collect()
        .await
        .unwrap();
    let whole: Vec<_> = entries
        .iter()
        .filter(|entry| !entry.is_partial_write())
        .collect();
    assert_eq!((entries.len(), whole.len()), (2, 1));
}
