//! The store in memory stands for a file system in simulations: any sequence of calls must end alike on both.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use futures::TryStreamExt;
use jiff::Timestamp;
use proptest::prelude::*;

use crate::contract::FileSystemFixture;
use crate::contract::volume::Volume;
use crate::memory::{MemoryStorage, Node};
use crate::port::{Deletion, Entry, EntryKind, Key, Storage, StorageError};

#[derive(Debug, Clone)]
enum Step {
    MakeDirectory(Key),
    Link(Key),
    Pipe(Key),
    List(Key),
    Stat(Key),
    Read(Key, u64),
    ReadRange(Key, u64, u64),
    /// With the size that is there and this much more: 0 is unchanged.
    Delete(Key, u64),
    RemoveDirectory(Key),
    PutIfAbsent(Key, u8),
    Replace(Key, u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = || {
        proptest::collection::vec(prop_oneof!["a", "b", "a\\.b"], 1..4)
            .prop_map(|names| names.join("/").parse::<Key>().unwrap())
    };
    let step = prop_oneof![
        1 => key().prop_map(Step::MakeDirectory),
        1 => key().prop_map(Step::Link),
        1 => key().prop_map(Step::Pipe),
        2 => key().prop_map(Step::List),
        2 => key().prop_map(Step::Stat),
        2 => (key(), 0..4_u64).prop_map(|(key, limit)| Step::Read(key, limit)),
        2 => (key(), 0..4_u64, 0..4_u64).prop_map(|(key, offset, length)| Step::ReadRange(key, offset, length)),
        4 => (key(), prop_oneof![3 => Just(0), 1 => Just(1)]).prop_map(|(key, more)| Step::Delete(key, more)),
        3 => key().prop_map(Step::RemoveDirectory),
        5 => (key(), 0..4_u8).prop_map(|(key, length)| Step::PutIfAbsent(key, length)),
        3 => (key(), 0..4_u8).prop_map(|(key, length)| Step::Replace(key, length)),
    ];
    proptest::collection::vec(step, 1..40)
}

/// What a caller can see, without times and places.
fn seen<T: std::fmt::Debug>(outcome: Result<T, StorageError>) -> String {
    match outcome {
        Ok(value) => format!("{value:?}"),
        Err(error) => error.category().to_owned(),
    }
}

fn seen_entry(entry: &Entry) -> (Key, EntryKind, Option<u64>) {
    (
        entry.key.clone(),
        entry.kind,
        (entry.kind == EntryKind::File).then_some(entry.version.size),
    )
}

async fn do_step(store: &dyn Storage, step: &Step) -> String {
    let bytes = |length: u8| Bytes::from(vec![length; usize::from(length)]);
    match step {
        Step::MakeDirectory(_) | Step::Link(_) | Step::Pipe(_) => String::new(),
        Step::List(key) => {
            let listed: Result<Vec<Entry>, StorageError> =
                store.list_level(key).try_collect().await;
            let mut entries =
                listed.map(|entries| entries.iter().map(seen_entry).collect::<Vec<_>>());
            if let Ok(entries) = &mut entries {
                entries.sort();
            }
            seen(entries)
        }
        Step::Stat(key) => seen(
            store
                .stat(key)
                .await
                .map(|entry| entry.as_ref().map(seen_entry)),
        ),
        Step::Read(key, limit) => seen(store.read(key, *limit).await.map(|read| read.bytes)),
        Step::ReadRange(key, offset, length) => seen(
            store
                .read_range(key, *offset, *length)
                .await
                .map(|read| read.bytes),
        ),
        Step::Delete(key, more) => {
            let there = store
                .stat(key)
                .await
                .ok()
                .flatten()
                .map(|entry| entry.version);
            let mut expected = there.unwrap_or(crate::Version {
                size: 0,
                modified: Some(Timestamp::UNIX_EPOCH),
                etag: None,
            });
            expected.size += more;
            seen(
                store
                    .delete_if_unchanged(key, &expected)
                    .await
                    .map(|deletion| match deletion {
                        Deletion::Deleted => "deleted".to_owned(),
                        Deletion::AlreadyGone => "gone".to_owned(),
                        Deletion::Changed { found } => format!("changed: {:?}", seen_entry(&found)),
                    }),
            )
        }
        Step::RemoveDirectory(key) => seen(store.remove_empty_directory(key).await),
        Step::PutIfAbsent(key, length) => seen(store.put_if_absent(key, bytes(*length)).await),
        Step::Replace(key, length) => seen(store.replace(key, bytes(*length)).await),
    }
}

/// Changes past the port, where nothing is at the key and everything above is a directory or missing.
async fn prepare(volume: &Volume, memory: &MemoryStorage, step: &Step) {
    let (Step::MakeDirectory(key) | Step::Link(key) | Step::Pipe(key)) = step else {
        return;
    };
    if !matches!(memory.stat(key).await, Ok(None)) {
        return;
    }
    match step {
        Step::MakeDirectory(_) => {
            volume.make_directory(key).await;
            memory.insert(key, Node::Directory);
        }
        Step::Link(_) => {
            volume.link_outside(key).await;
            memory.insert(key, Node::Symlink);
        }
        _ => {
            volume.make_pipe(key).await;
            memory.insert(key, Node::Other);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn memory_behaves_as_a_file_system(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let volume = Volume::new().await;
            let seconds = AtomicI64::new(0);
            let tick = move || Timestamp::from_second(seconds.fetch_add(1, Ordering::Relaxed)).unwrap();
            let memory = MemoryStorage::new(Arc::new(tick));
            for step in &steps {
                prepare(&volume, &memory, step).await;
                let (local, modelled) = (do_step(&volume.store, step).await, do_step(&memory, step).await);
                prop_assert_eq!(local, modelled, "{:?}", step);
            }
            prop_assert!(volume.outside_is_untouched().await);
            Ok(())
        })?;
    }
}
