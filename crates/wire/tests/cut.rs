//! A connection that is cut after any number of bytes: no listing is short, no file a part, and what was changed is what
//! was asked for, or nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use futures::TryStreamExt;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use storage::memory::MemoryStorage;
use storage::{Deletion, Entry, Key, Put, Storage, StorageError};
use support::{term, worker};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex, split};
use wire::{Access, Connection, RemoteStorage};

const FILES: usize = 700;
const LENGTH: usize = 100_000;

/// Which way the bytes are counted.
#[derive(Clone, Copy, Debug)]
enum Way {
    FromWorker,
    ToWorker,
}

fn key(path: &str) -> Key {
    path.parse().unwrap()
}

fn store() -> MemoryStorage {
    let seconds = AtomicI64::new(1_700_000_000);
    let store = MemoryStorage::new(Arc::new(move || {
        Timestamp::from_second(seconds.fetch_add(1, Ordering::Relaxed)).unwrap()
    }));
    for number in 0..FILES {
        store.insert_file(&key(&format!("shared/{number:036}")), "x");
    }
    store.insert_file(&key("large"), vec![7; LENGTH]);
    store
}

/// Carries bytes both ways, and cuts both after so many of one.
async fn carry(
    worker: DuplexStream,
    operator: DuplexStream,
    way: Way,
    most: usize,
    seen: Arc<AtomicUsize>,
) {
    let ((mut from_worker, mut to_worker), (mut from_operator, mut to_operator)) =
        (split(worker), split(operator));
    let (up, down) = match way {
        Way::FromWorker => (most, usize::MAX),
        Way::ToWorker => (usize::MAX, most),
    };
    let counted = |counts: bool| counts.then(|| Arc::clone(&seen));
    let from_worker_counts = matches!(way, Way::FromWorker);
    tokio::select! {
        () = pump(&mut from_worker, &mut to_operator, up, counted(from_worker_counts)) => {}
        () = pump(&mut from_operator, &mut to_worker, down, counted(!from_worker_counts)) => {}
    }
}

async fn pump(
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
    most: usize,
    seen: Option<Arc<AtomicUsize>>,
) {
    let (mut left, mut buffer) = (most, vec![0; 4096]);
    while left > 0 {
        let room = left.min(buffer.len());
        let Ok(read @ 1..) = from.read(&mut buffer[..room]).await else {
            return;
        };
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
        left -= read;
        if let Some(seen) = &seen {
            seen.fetch_add(read, Ordering::Relaxed);
        }
    }
}

/// Plays `call` on a fresh store, over a connection that is cut after so many bytes. None if it was cut before the first
/// call. Otherwise with the bytes that went.
async fn play<T>(
    way: Way,
    most: usize,
    call: impl AsyncFnOnce(RemoteStorage) -> T,
) -> (Option<T>, MemoryStorage, usize) {
    let store = store();
    let seen = Arc::new(AtomicUsize::new(0));
    let ((worker_end, near), (operator_end, far)) = (duplex(4096), duplex(4096));
    let carrying = tokio::spawn(carry(near, far, way, most, Arc::clone(&seen)));
    let worker = worker(Arc::new(store.clone()), Access::ReadAndDelete);
    let serving = tokio::spawn(async move { worker.serve(TokioIo::new(worker_end)).await });
    let connection = Connection::open(TokioIo::new(operator_end), Some(term(1))).await;
    let result = match connection {
        Ok(connection) => Some(call(connection.root("volume").unwrap()).await),
        Err(_) => None,
    };
    // The connection has ended by now, and the worker with it: nothing happens afterwards.
    let _ = serving.await.unwrap();
    carrying.await.unwrap();
    (result, store, seen.load(Ordering::Relaxed))
}

/// Cuts at many places, at the ends of the conversation at each, and shows what came of it.
async fn cut_everywhere<T>(
    call: impl AsyncFn(RemoteStorage) -> T,
    check: impl Fn(T, &MemoryStorage, &str) -> bool,
) {
    for way in [Way::FromWorker, Way::ToWorker] {
        let (whole, store, total) = play(way, usize::MAX, &call).await;
        assert!(
            check(whole.unwrap(), &store, "whole"),
            "it does not work uncut"
        );
        let (mut worked, mut failed) = (0, 0);
        let step = (total / 200).max(1);
        let places = (0..total)
            .step_by(step)
            .chain(total.saturating_sub(40)..=total);
        for place in places {
            let (result, store, _) = play(way, place, &call).await;
            let Some(result) = result else { continue };
            let told = format!("{way:?} cut after {place} of {total} bytes");
            if check(result, &store, &told) {
                worked += 1;
            } else {
                failed += 1;
            }
        }
        // Whoever is cut off after the last answer has it.
        assert!(
            failed > 3 && worked > 0,
            "{way:?}: {failed} failed, {worked} worked"
        );
    }
}

#[tokio::test]
async fn a_listing_is_whole_or_an_error() {
    cut_everywhere(
        async |store| {
            let listed: Result<Vec<Entry>, StorageError> =
                store.list_level(&key("shared")).try_collect().await;
            listed
        },
        |listed, _, told| match listed {
            Ok(entries) => {
                assert_eq!(entries.len(), FILES, "{told}");
                true
            }
            Err(error) => {
                assert_eq!(error.category(), "unavailable", "{told}: {error}");
                false
            }
        },
    )
    .await;
}

#[tokio::test]
async fn a_file_is_whole_or_an_error() {
    cut_everywhere(
        async |store| store.read(&key("large"), u64::MAX).await,
        |read, _, told| match read {
            Ok(contents) => {
                assert_eq!(contents.bytes, vec![7; LENGTH], "{told}");
                true
            }
            Err(error) => {
                assert_eq!(error.category(), "unavailable", "{told}: {error}");
                false
            }
        },
    )
    .await;
}

#[tokio::test]
async fn what_is_there_is_never_said_to_be_absent() {
    cut_everywhere(
        async |store| store.stat(&key("large")).await,
        |stat, _, told| match stat {
            Ok(found) => {
                assert!(found.is_some(), "{told}");
                true
            }
            Err(error) => {
                assert_eq!(error.category(), "unavailable", "{told}: {error}");
                false
            }
        },
    )
    .await;
}

#[tokio::test]
async fn one_file_is_deleted_or_none() {
    cut_everywhere(
        async |store| {
            let version = store.stat(&key("large")).await?.unwrap().version;
            store.delete_if_unchanged(&key("large"), &version).await
        },
        |deletion, store, told| {
            // The answer may be lost, as with any server; nothing else may be gone.
            let others = store
                .files()
                .iter()
                .filter(|(key, _)| key.as_str() != "large")
                .count();
            assert_eq!(others, FILES, "{told}");
            match deletion {
                Ok(deletion) => {
                    assert_eq!(deletion, Deletion::Deleted, "{told}");
                    assert!(!store.contains(&key("large")), "{told}");
                    true
                }
                Err(error) => {
                    assert_eq!(error.category(), "unavailable", "{told}: {error}");
                    false
                }
            }
        },
    )
    .await;
}

#[tokio::test]
async fn a_file_is_written_whole_or_not() {
    for replaces in [false, true] {
        cut_everywhere(
            async move |store: RemoteStorage| {
                let contents = bytes::Bytes::from(vec![9; LENGTH]);
                if replaces {
                    store
                        .replace(&key("large"), contents)
                        .await
                        .map(|()| Put::Created)
                } else {
                    store.put_if_absent(&key("new"), contents).await
                }
            },
            |put, store, told| {
                let files = store.files();
                for (key, contents) in &files {
                    let whole = match key.as_str() {
                        "new" => *contents == vec![9; LENGTH],
                        "large" => *contents == vec![7; LENGTH] || *contents == vec![9; LENGTH],
                        _ => *contents == "x",
                    };
                    assert!(whole, "{told}: a part of {key}");
                }
                match put {
                    Ok(put) => {
                        assert_eq!(put, Put::Created, "{told}");
                        let (_, last) = files
                            .iter()
                            .find(|(key, _)| matches!(key.as_str(), "new"))
                            .or(files.iter().find(|(key, _)| key.as_str() == "large"))
                            .unwrap();
                        assert_eq!(*last, vec![9; LENGTH], "{told}");
                        true
                    }
                    Err(error) => {
                        assert_eq!(error.category(), "unavailable", "{told}: {error}");
                        false
                    }
                }
            },
        )
        .await;
    }
}
