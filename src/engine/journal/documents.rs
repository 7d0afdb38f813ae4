use super::JournalError;
use bytes::Bytes;
use futures::TryStreamExt;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;
use std::sync::Arc;
use storage::{Entry, EntryKind, Key, Put, Storage};

/// The version that this program writes. It is raised whenever an older program would misunderstand what is written.
/// 2: a counter can be of a run without high availability; marks lie by the tenure of their owner.
/// 3: they lie by the epoch of the run that wrote them (those of a tenure pass for those of its first run); baselines
/// remember who names files here, which an older program would drop.
const FORMAT_VERSION: u64 = 3;
/// The versions that it reads; whatever they leave out only protects more.
const READABLE: RangeInclusive<u64> = 1..=FORMAT_VERSION;
const FORMAT: &str = "format.json";
/// The largest document that is read, in bytes.
const LIMIT: u64 = 256 * 1024 * 1024;

/// JSON documents in the journal's directory.
#[derive(Clone, Debug)]
pub(super) struct Documents {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) directory: Key,
    /// For people.
    pub(super) location: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Format {
    format_version: u64,
}

const PRESENT: Format = Format {
    format_version: FORMAT_VERSION,
};

impl Documents {
    /// Whether there is a journal; an error if it has a format that this program does not know.
    pub(super) async fn check_format(&self) -> Result<bool, JournalError> {
        match self.read::<Format>(FORMAT).await? {
            None => Ok(false),
            Some(Format { format_version }) if READABLE.contains(&format_version) => Ok(true),
            Some(Format { format_version }) => Err(JournalError::UnknownFormat {
                location: self.location.clone(),
                found: format_version,
                known: FORMAT_VERSION,
            }),
        }
    }

    pub(super) async fn establish_format(&self) -> Result<(), JournalError> {
        if !self.check_format().await? {
            self.create(FORMAT, &PRESENT).await?;
            self.check_format().await?;
        }
        Ok(())
    }

    /// Raises an older format, before its new owner writes anything in the present one.
    pub(super) async fn raise_format(&self) -> Result<(), JournalError> {
        let found = self.read::<Format>(FORMAT).await?;
        if found.is_some_and(|found| found.format_version < FORMAT_VERSION) {
            self.write(FORMAT, &PRESENT).await?;
        }
        Ok(())
    }

    pub(super) async fn read<T: DeserializeOwned>(
        &self,
        document: &str,
    ) -> Result<Option<T>, JournalError> {
        let contents = match self.storage.read(&self.key(document)?, LIMIT).await {
            Ok(contents) => contents,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        serde_json::from_slice(&contents.bytes)
            .map(Some)
            .map_err(|why| self.damaged(document, &why))
    }

    pub(super) async fn create<T: Serialize>(
        &self,
        document: &str,
        value: &T,
    ) -> Result<Put, JournalError> {
        let bytes = self.serialise(document, value)?;
        Ok(self
            .storage
            .put_if_absent(&self.key(document)?, bytes)
            .await?)
    }

    pub(super) async fn write<T: Serialize>(
        &self,
        document: &str,
        value: &T,
    ) -> Result<(), JournalError> {
        let bytes = self.serialise(document, value)?;
        Ok(self.storage.replace(&self.key(document)?, bytes).await?)
    }

    pub(super) async fn stat(&self, document: &str) -> Result<Option<Entry>, JournalError> {
        Ok(self.storage.stat(&self.key(document)?).await?)
    }

    /// The documents in a directory of the journal; none where it does not exist.
    pub(super) async fn list(&self, directory: &str) -> Result<Vec<Entry>, JournalError> {
        let mut entries = self.level(directory).await?;
        entries.retain(|entry| entry.kind == EntryKind::File && !entry.is_partial_write());
        Ok(entries)
    }

    /// The names of the directories in a directory of the journal.
    pub(super) async fn directories(&self, directory: &str) -> Result<Vec<String>, JournalError> {
        Ok(self
            .level(directory)
            .await?
            .iter()
            .filter(|entry| entry.kind == EntryKind::Directory)
            .filter_map(|entry| Some(entry.key.file_name()?.to_owned()))
            .collect())
    }

    async fn level(&self, directory: &str) -> Result<Vec<Entry>, JournalError> {
        let key = self.key(directory)?;
        let listed: Result<Vec<Entry>, _> = self.storage.list_level(&key).try_collect().await;
        match listed {
            Ok(entries) => Ok(entries),
            Err(error) if error.is_not_found() => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }

    /// Deletes the documents of a directory of the journal, and the directory if nothing else is in it.
    pub(super) async fn delete_directory(&self, directory: &str) -> Result<(), JournalError> {
        for entry in self.list(directory).await? {
            self.delete(&entry).await?;
        }
        self.storage
            .remove_empty_directory(&self.key(directory)?)
            .await?;
        Ok(())
    }

    /// Deletes one of our own documents, if it still is what was listed.
    pub(super) async fn delete(&self, entry: &Entry) -> Result<(), JournalError> {
        self.storage
            .delete_if_unchanged(&entry.key, &entry.version)
            .await?;
        Ok(())
    }

    pub(super) fn damaged(&self, document: &str, why: &dyn std::fmt::Display) -> JournalError {
        JournalError::Damaged {
            location: self.location.clone(),
            document: document.to_owned(),
            why: why.to_string(),
        }
    }

    fn serialise<T: Serialize>(&self, document: &str, value: &T) -> Result<Bytes, JournalError> {
        serde_json::to_vec(value)
            .map(Bytes::from)
            .map_err(|why| self.damaged(document, &why))
    }

    fn key(&self, document: &str) -> Result<Key, JournalError> {
        let document_key = Key::parse(document).map_err(|why| self.damaged(document, &why))?;
        Ok(self.directory.join_key(&document_key))
    }
}
