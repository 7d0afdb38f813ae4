use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};
use storage::{Entry, Key, Operation, StorageError};

use super::{About, OTHER, RemoteStorage};
use crate::connection::Answers;
use crate::convert::listed_in;
use crate::error::WireError;
use crate::message::{self, Asked, Told};

/// A listing that was cut is an error, never short: it is complete when the worker says so, and says how many there were.
pub(super) fn stream(
    storage: &RemoteStorage,
    directory: Key,
) -> BoxStream<'_, Result<Entry, StorageError>> {
    let listing = Listing {
        storage,
        directory,
        answers: None,
        seen: 0,
    };
    stream::try_unfold(listing, Listing::some)
        .map_ok(|entries| stream::iter(entries).map(Ok))
        .try_flatten()
        .boxed()
}

struct Listing<'a> {
    storage: &'a RemoteStorage,
    directory: Key,
    /// None before the first are asked for.
    answers: Option<Answers>,
    seen: u64,
}

impl Listing<'_> {
    /// The next entries, and how to go on; `None` when there are no more.
    async fn some(mut self) -> Result<Option<(Vec<Entry>, Self)>, StorageError> {
        let about = self.storage.about(Operation::List, &self.directory);
        let mut answers = match self.answers.take() {
            Some(answers) => answers,
            None => {
                about
                    .ask(Asked::List(self.storage.at(&self.directory)))
                    .await?
            }
        };
        match about.told(&mut answers).await? {
            Told::Entries(message::Entries { entries }) => {
                let entries = self.checked(about, entries)?;
                self.seen += entries.len() as u64;
                self.answers = Some(answers);
                Ok(Some((entries, self)))
            }
            Told::End(message::End { entries }) if entries == self.seen => Ok(None),
            Told::End(_) => Err(about.wrong(WireError::Short)),
            _ => Err(about.wrong(OTHER)),
        }
    }

    fn checked(
        &self,
        about: About<'_>,
        entries: Vec<message::Entry>,
    ) -> Result<Vec<Entry>, StorageError> {
        let entries = entries
            .into_iter()
            .map(|entry| listed_in(&self.directory, entry));
        let entries: Result<Vec<Entry>, WireError> = entries.collect();
        entries.map_err(|error| about.wrong(error))
    }
}
