use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use opendal::options::ListOptions;
use opendal::{Error, ErrorKind};

use super::ObjectStorage;
use super::circle::Circle;
use super::look::{directory_entry, head, version_of};
use super::name::is_taken_literally;
use super::protocol::Protocol;
use crate::port::{Entry, EntryKind, Key, Operation, Storage, StorageError};

/// A store can list anything.
const LONGEST_NAME: usize = 100;

/// What the store says that begins with `prefix`, up to the next `/`; at most `at_once` names in one answer.
pub(super) async fn names(
    store: &ObjectStorage,
    prefix: &str,
    at_once: Option<usize>,
) -> opendal::Result<BoxStream<'static, opendal::Result<opendal::Entry>>> {
    let operator = store.operator.clone();
    let operator = operator.with_context(store.transport.context());
    let options = ListOptions {
        limit: at_once.or(store.protocol.names_in_a_page()),
        ..ListOptions::default()
    };
    let listing = operator.lister_options(prefix, options).await?;
    let mut circle = Circle::new();
    let names = listing.map(move |listed| {
        let entry = listed?;
        if circle.is_closed_by(entry.path()) {
            let path: String = entry.path().chars().take(LONGEST_NAME).collect();
            let text = format!("the store listed {path:?} twice, so it has no end");
            return Err(Error::new(ErrorKind::Unexpected, text));
        }
        Ok(entry)
    });
    Ok(names.boxed())
}

/// Objects and common prefixes directly in `directory`, page by page.
pub(super) fn level(
    store: &ObjectStorage,
    directory: Key,
) -> BoxStream<'_, Result<Entry, StorageError>> {
    stream::once(open(store, directory)).try_flatten().boxed()
}

async fn open(
    store: &ObjectStorage,
    directory: Key,
) -> Result<BoxStream<'_, Result<Entry, StorageError>>, StorageError> {
    let operation = Operation::List;
    let prefix = store.directory_name(operation, &directory)?;
    let lister = names(store, &prefix, None)
        .await
        .map_err(|error| store.bucket_failure(operation, &directory, &error))?;
    let prefix = prefix.trim_start_matches('/').to_owned();
    let entries = lister.map(move |listed| match listed {
        Ok(item) => entry(store.protocol, &directory, &prefix, &item).map_err(|why| {
            StorageError::Unavailable {
                operation,
                path: store.location(&directory),
                cause: Arc::new(why),
            }
        }),
        Err(error) => Err(store.bucket_failure(operation, &directory, &error)),
    });
    let entries = entries
        .map(move |entry| async move {
            match entry? {
                Some(entry) if may_be_a_directory(store, &entry) => {
                    is_still_a_file(store, entry).await
                }
                entry => Ok(entry),
            }
        })
        .buffered(LOOKED_AT_ONCE)
        .filter_map(|entry| std::future::ready(entry.transpose()));
    Ok(ending_with_its_first_error(entries.boxed()))
}

/// How many of those that may stand for a directory are looked at side by side.
const LOOKED_AT_ONCE: usize = 16;

fn may_be_a_directory(store: &ObjectStorage, entry: &Entry) -> bool {
    entry.kind == EntryKind::File && store.protocol.may_be_a_directory(&entry.version)
}

/// None for what stands for a directory: that is listed by its own name as soon as there is anything in it.
async fn is_still_a_file(
    store: &ObjectStorage,
    entry: Entry,
) -> Result<Option<Entry>, StorageError> {
    let operation = Operation::List;
    let name = store.object_name(operation, &entry.key)?;
    let found = head(store, &entry.key, &name, operation).await?;
    Ok(found
        .is_none_or(|found| found.kind == EntryKind::File)
        .then_some(entry))
}

/// A store that answers another question than was asked has not said what is here.
#[derive(Debug, thiserror::Error)]
#[error("the store listed {0:?}, which is outside of what was asked for")]
struct Outside(String);

/// None is the marker of the directory itself.
fn entry(
    protocol: Protocol,
    directory: &Key,
    prefix: &str,
    listed: &opendal::Entry,
) -> Result<Option<Entry>, Outside> {
    let path = listed.path();
    if path == "/" {
        return Ok(None);
    }
    let Some(rest) = path.strip_prefix(prefix) else {
        return Err(Outside(path.chars().take(LONGEST_NAME).collect()));
    };
    if rest.is_empty() {
        return Ok(None);
    }
    let (name, is_directory) = match rest.strip_suffix('/') {
        Some(name) => (name, true),
        None => (rest, false),
    };
    Ok(match directory.join(name) {
        Ok(key) if is_directory => Some(directory_entry(key)),
        Ok(key) => Some(Entry {
            key,
            kind: if is_taken_literally(path) {
                EntryKind::File
            } else {
                EntryKind::Other
            },
            version: version_of(protocol, listed.metadata()),
        }),
        // An empty segment, `.` or `..`: names that no key has.
        Err(_) => directory
            .join(&format!("({})", name.replace(['/', '\0'], "\u{fffd}")))
            .ok()
            .map(|key| Entry {
                key,
                kind: EntryKind::Other,
                version: version_of(protocol, listed.metadata()),
            }),
    })
}

fn ending_with_its_first_error(
    entries: BoxStream<'_, Result<Entry, StorageError>>,
) -> BoxStream<'_, Result<Entry, StorageError>> {
    stream::unfold(Some(entries), |entries| async move {
        let mut entries = entries?;
        let entry = entries.next().await?;
        let rest = entry.is_ok().then_some(entries);
        Some((entry, rest))
    })
    .boxed()
}
