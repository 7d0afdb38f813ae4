//! Servers that are killed, hang, or are not there.

use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use storage::contract::{FileSystemFixture, Fixture};
use storage::{HdfsAuthority, Put, Storage, StorageError};
use testbed::hdfs::{HdfsServer, USER};

use crate::fixture::{Hdfs, cluster, key};

#[tokio::test]
async fn a_new_epoch_is_created_once_although_everything_is_killed() {
    let mut server = HdfsServer::start().unwrap();
    let hdfs = Hdfs::at(&server).await;
    let epoch = key("owner/1");
    let put = hdfs.store.put_if_absent(&epoch, "a".into()).await;
    assert_eq!(put.unwrap(), Put::Created);
    hdfs.write(&key("shared/a"), b"x").await;
    let mut listing = hdfs.store.list_level(&key("shared"));
    server.kill();
    let error = listing.next().await.unwrap().unwrap_err();
    assert_eq!(error.category(), "unavailable", "{error}");
    server.restart().unwrap();
    let put = hdfs.store.put_if_absent(&epoch, "b".into()).await;
    assert_eq!(put.unwrap(), Put::Exists);
    assert_eq!(hdfs.store.read(&epoch, 9).await.unwrap().bytes, "a");
    assert_eq!(hdfs.entries("owner").await.len(), 1);
}

/// Killed at any moment, a writer leaves nothing, a file that readers ignore, or the whole file.
#[tokio::test]
async fn a_file_is_whole_or_absent_whenever_the_server_is_killed() {
    let mut server = HdfsServer::start().unwrap();
    let hdfs = Hdfs::at(&server).await;
    let store = hdfs.store.clone();
    let writing = tokio::spawn(async move {
        for number in 0.. {
            let key = key(&format!("owner/{number}"));
            match store
                .put_if_absent(&key, Bytes::from(vec![7; 100_000]))
                .await
            {
                Ok(put) => assert_eq!(put, Put::Created),
                Err(error) => return (number, error),
            }
        }
        unreachable!()
    });
    while hdfs.store.stat(&key("owner/5")).await.unwrap().is_none() {
        tokio::task::yield_now().await;
    }
    server.kill();
    let (failed, error) = writing.await.unwrap();
    assert_eq!(error.category(), "unavailable", "{error}");
    server.restart().unwrap();
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
    assert!(
        whole.len() == failed || whole.len() == failed + 1,
        "{failed}: {entries:?}"
    );
    for entry in whole {
        let read = hdfs.store.read(&entry.key, u64::MAX).await.unwrap();
        assert_eq!(read.bytes, vec![7; 100_000]);
    }
}

#[tokio::test]
async fn a_name_node_that_is_not_there_is_told_on_one_line() {
    let store = cluster("127.0.0.1:1", USER).directory(key("flink"));
    let error = store.stat(&key("a")).await.unwrap_err();
    assert_eq!(error.category(), "unavailable", "{error}");
    let text = error.to_string();
    assert!(
        text.contains("hdfs://127.0.0.1:1/flink/a") && !text.contains('\n'),
        "{text}"
    );
    cluster("name-node", USER);
    "no host".parse::<HdfsAuthority>().unwrap_err();
}

/// The clock of the test is stopped, and goes on to the next event where nothing else happens: nobody waits.
#[tokio::test]
async fn a_name_node_that_hangs_is_an_error_in_the_end() {
    let mut server = HdfsServer::start().unwrap();
    let hdfs = Hdfs::at(&server).await;
    let (file, new) = (key("shared/a"), key("owner/1"));
    hdfs.write(&file, b"x").await;
    server.hang().unwrap();
    tokio::time::pause();
    let store = &hdfs.store;
    let listed: Result<Vec<_>, _> = store.list_level(&key("shared")).try_collect().await;
    for error in [
        listed.unwrap_err(),
        store.stat(&file).await.unwrap_err(),
        store.stat(&new).await.unwrap_err(),
        store.read(&file, 9).await.unwrap_err(),
        store.put_if_absent(&new, "x".into()).await.unwrap_err(),
        store.replace(&new, "x".into()).await.unwrap_err(),
    ] {
        assert_eq!(error.category(), "unavailable", "{error}");
        let text = error.to_string();
        assert!(text.contains("no answer of the NameNode within"), "{text}");
    }
    tokio::time::resume();
    server.go_on().unwrap();
    assert_eq!(store.read(&file, 9).await.unwrap().bytes, "x");
    assert_eq!(store.stat(&new).await.unwrap(), None);
}

/// What allowed it may not be true any more. The clock of the test is stopped, so nobody waits for the minutes.
#[tokio::test]
async fn nothing_is_deleted_once_a_look_has_taken_too_long() {
    let mut server = HdfsServer::start().unwrap();
    let hdfs = Hdfs::at(&server).await;
    let store = &hdfs.store;
    let (file, directory) = (key("shared/a"), key("empty"));
    hdfs.write(&file, b"x").await;
    hdfs.make_directory(&directory).await;
    let version = hdfs.version("shared/a").await;
    let within = Duration::from_secs(20);
    server.hang().unwrap();
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    let deleted = store.delete_if_unchanged(&file, &version).await;
    let removed = store.remove_empty_directory(&directory).await;
    let took = began.elapsed();
    tokio::time::resume();
    server.go_on().unwrap();
    for error in [deleted.unwrap_err(), removed.unwrap_err()] {
        assert!(
            matches!(error, StorageError::TooLate { within: said, .. } if said == within),
            "{error}"
        );
    }
    assert!(took < within * 2 + Duration::from_secs(1), "{took:?}");
    assert_eq!(store.read(&file, 9).await.unwrap().bytes, "x");
    assert!(store.stat(&directory).await.unwrap().is_some());
}
