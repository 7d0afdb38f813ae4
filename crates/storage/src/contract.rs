//! What every adapter must do, as tests that run on any of them.
//!
//! An adapter's tests implement [`Fixture`] (and [`FileSystemFixture`] where there are real directories and links) and
//! call [`contract_tests!`](crate::contract_tests) (and
//! [`file_system_contract_tests!`](crate::file_system_contract_tests)) with an expression that makes a fresh fixture.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "this is test code: a broken rule ends the test"
)]

pub mod absence;
pub mod deletion;
pub mod directories;
pub mod links;
pub mod listing;
pub mod names;
pub mod reading;
pub mod volume;
pub mod writing;

use std::sync::Arc;

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt};

use crate::port::{Deletion, Entry, Key, Storage, StorageError, Version};

/// A fresh, empty store, and another way to its contents that does not use the port.
#[async_trait]
pub trait Fixture: Send + Sync {
    fn store(&self) -> Arc<dyn Storage>;

    /// Writes or overwrites a file as Flink would.
    async fn write(&self, key: &Key, bytes: &[u8]);

    /// Writes a file of one byte under each of these names in the directory: [`Fixture::many`] of them.
    async fn write_many(&self, directory: &Key, names: &[String]) {
        for name in names {
            self.write(&directory.join(name).unwrap(), b"x").await;
        }
    }

    /// How many files are many, in hundreds: more than come in two answers of the store.
    fn many(&self) -> usize {
        20_000
    }

    /// Removes what is at `key` and all below it, if anything, as a user would.
    async fn remove(&self, key: &Key);
}

/// The same for stores with real directories and symbolic links.
#[async_trait]
pub trait FileSystemFixture: Fixture {
    async fn make_directory(&self, key: &Key);

    /// Makes a link to a directory outside of the root, in which there is a file [`OUTSIDE_FILE`] with the contents
    /// [`OUTSIDE_CONTENTS`] and an empty directory [`OUTSIDE_DIRECTORY`].
    async fn link_outside(&self, key: &Key);

    /// Makes a link to the root itself.
    async fn link_to_root(&self, key: &Key);

    /// Makes something that hangs when it is opened for reading: a named pipe.
    async fn make_pipe(&self, key: &Key);

    /// Whether the directory outside is as it was made.
    async fn outside_is_untouched(&self) -> bool;
}

pub const OUTSIDE_FILE: &str = "file";
pub const OUTSIDE_CONTENTS: &[u8] = b"not ours";
pub const OUTSIDE_DIRECTORY: &str = "empty";

/// Makes one test of each rule for any store. `$fixture` is an async expression that makes a [`Fixture`].
#[macro_export]
macro_rules! contract_tests {
    ($fixture:expr) => {
        $crate::contract_tests!(@each $fixture,
            absence: [what_is_not_there_is_absent_and_not_an_error, errors_name_the_full_path]
            names: [names_are_taken_literally, hidden_files_are_seen]
            reading: [the_limit_is_exact, ranges_end_with_the_file, contents_come_with_their_version]
            listing: [many_entries_come_once_each, entries_below_are_not_listed,
                files_that_vanish_meanwhile_are_left_out]
            deletion: [an_unchanged_file_goes_and_nothing_else, a_replaced_file_stays,
                a_file_of_another_size_stays, a_size_alone_deletes_nothing, the_root_cannot_go]
            writing: [what_is_there_is_not_overwritten, of_many_writers_one_creates,
                a_reader_never_sees_a_part, missing_directories_are_made, no_partial_file_is_left]
        );
    };
    (@each $fixture:expr, $($module:ident: [$($case:ident),* $(,)?])*) => {
        $($(
            #[tokio::test]
            async fn $case() {
                $crate::contract::$module::$case(&$fixture.await).await;
            }
        )*)*
    };
}

/// Makes one test of each rule for stores with directories and links. `$fixture` is an async expression that makes a
/// [`FileSystemFixture`].
#[macro_export]
macro_rules! file_system_contract_tests {
    ($fixture:expr) => {
        $crate::contract_tests!(@each $fixture,
            directories: [empty_directories_are_seen_and_can_go, a_directory_with_anything_in_it_stays,
                a_directory_is_not_a_file, a_file_is_not_a_directory, a_missing_directory_is_an_error,
                a_directory_removed_while_it_is_listed_is_an_error, a_pipe_is_never_opened]
            links: [a_link_is_only_a_link, nothing_goes_through_a_link, a_directory_replaced_by_a_link_is_not_followed,
                a_cycle_ends]
        );
    };
}

fn key(path: &str) -> Key {
    path.parse().unwrap()
}

async fn list(store: &dyn Storage, directory: &Key) -> Result<Vec<Entry>, StorageError> {
    let mut entries: Vec<Entry> = store.list_level(directory).try_collect().await?;
    entries.sort_by(|one, other| one.key.cmp(&other.key));
    Ok(entries)
}

async fn list_names(store: &dyn Storage, directory: &str) -> Vec<String> {
    let entries = list(store, &key(directory)).await.unwrap();
    entries
        .iter()
        .filter_map(|entry| entry.key.file_name())
        .map(str::to_owned)
        .collect()
}

async fn version(store: &dyn Storage, key: &Key) -> Version {
    store
        .stat(key)
        .await
        .unwrap()
        .expect("it was just written")
        .version
}

async fn contents(store: &dyn Storage, key: &Key) -> Vec<u8> {
    store.read(key, u64::MAX).await.unwrap().bytes.to_vec()
}

/// Whether nothing is there now. Not every store that compares for us tells the two apart.
fn is_absent(deletion: &Deletion) -> bool {
    matches!(deletion, Deletion::Deleted | Deletion::AlreadyGone)
}

/// Overwrites the file until the store shows another version of it. Its clock may be coarse.
async fn overwrite_visibly(fixture: &dyn Fixture, key: &Key, bytes: &[u8]) {
    let before = version(&*fixture.store(), key).await;
    loop {
        fixture.write(key, bytes).await;
        if version(&*fixture.store(), key).await != before {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// The first entry of a listing and the rest of the stream.
async fn begin_listing<'store>(
    store: &'store dyn Storage,
    directory: &Key,
) -> futures::stream::BoxStream<'store, Result<Entry, StorageError>> {
    let mut listing = store.list_level(directory);
    listing
        .next()
        .await
        .expect("the directory is not empty")
        .unwrap();
    listing
}
