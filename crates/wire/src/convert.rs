//! Between the words of the port and those of the wire. What comes from the other side is checked: nothing is taken for
//! something because it was left out.

mod failure;

use std::time::Duration;

use jiff::Timestamp;
use storage::{
    Capabilities, ConditionalDelete, Deletion, Entry, EntryKind, Key, Put, RemovedDirectory,
    Version,
};

use crate::error::WireError;
use crate::message;

pub(crate) use failure::{failure, printable, refused, storage_error};

const NO_VERSION: WireError = WireError::Malformed("an entry without a version");

pub(crate) fn version_out(version: &Version) -> message::Version {
    let Version {
        size,
        modified,
        etag,
    } = version;
    message::Version {
        size: *size,
        modified: modified.map(|time| message::Time {
            seconds: time.as_second(),
            nanos: time.subsec_nanosecond(),
        }),
        etag: etag.clone(),
    }
}

pub(crate) fn version_in(version: Option<message::Version>) -> Result<Version, WireError> {
    let message::Version {
        size,
        modified,
        etag,
    } = version.ok_or(NO_VERSION)?;
    let modified = modified.map(|message::Time { seconds, nanos }| {
        Timestamp::new(seconds, nanos).map_err(|_| WireError::Malformed("a time that is none"))
    });
    Ok(Version {
        size,
        modified: modified.transpose()?,
        etag,
    })
}

/// An entry by the name that it has in its directory.
pub(crate) fn listed_out(entry: &Entry) -> message::Entry {
    message::Entry {
        name: entry.key.file_name().unwrap_or_default().to_owned(),
        ..found_out(entry)
    }
}

/// What is at a key that the other side named.
pub(crate) fn found_out(entry: &Entry) -> message::Entry {
    let Entry {
        key: _,
        kind,
        version,
    } = entry;
    let kind = match kind {
        EntryKind::File => message::Kind::File,
        EntryKind::Directory => message::Kind::Directory,
        EntryKind::Symlink => message::Kind::Symlink,
        EntryKind::Other => message::Kind::Other,
    };
    message::Entry {
        name: String::new(),
        kind: kind.into(),
        version: Some(version_out(version)),
    }
}

/// An entry of the listing of `directory`.
pub(crate) fn listed_in(directory: &Key, entry: message::Entry) -> Result<Entry, WireError> {
    let key = directory
        .join(&entry.name)
        .map_err(|_| WireError::Malformed("an entry whose name is none"))?;
    found_in(key, entry)
}

/// What is at `key`.
pub(crate) fn found_in(key: Key, entry: message::Entry) -> Result<Entry, WireError> {
    let message::Entry {
        name: _,
        kind,
        version,
    } = entry;
    let kind = match message::Kind::try_from(kind) {
        Ok(message::Kind::File) => EntryKind::File,
        Ok(message::Kind::Directory) => EntryKind::Directory,
        Ok(message::Kind::Symlink) => EntryKind::Symlink,
        Ok(message::Kind::Other) => EntryKind::Other,
        Ok(message::Kind::Missing) | Err(_) => {
            return Err(WireError::Malformed("an entry of no known kind"));
        }
    };
    Ok(Entry {
        key,
        kind,
        version: version_in(version)?,
    })
}

pub(crate) fn deletion_out(deletion: &Deletion) -> message::Deletion {
    let (deleted, found) = match deletion {
        Deletion::Deleted => (message::DeletionOutcome::Deleted, None),
        Deletion::AlreadyGone => (message::DeletionOutcome::AlreadyGone, None),
        Deletion::Changed { found } => (message::DeletionOutcome::Changed, Some(found_out(found))),
    };
    message::Deletion {
        deleted: deleted.into(),
        found,
    }
}

pub(crate) fn deletion_in(key: &Key, deletion: message::Deletion) -> Result<Deletion, WireError> {
    let message::Deletion { deleted, found } = deletion;
    match (message::DeletionOutcome::try_from(deleted), found) {
        (Ok(message::DeletionOutcome::Deleted), None) => Ok(Deletion::Deleted),
        (Ok(message::DeletionOutcome::AlreadyGone), None) => Ok(Deletion::AlreadyGone),
        (Ok(message::DeletionOutcome::Changed), Some(found)) => Ok(Deletion::Changed {
            found: found_in(key.clone(), found)?,
        }),
        _ => Err(WireError::Malformed("a deletion of no known outcome")),
    }
}

pub(crate) fn removed_out(removed: RemovedDirectory) -> i32 {
    match removed {
        RemovedDirectory::Removed => message::RemovalOutcome::Removed,
        RemovedDirectory::AlreadyGone => message::RemovalOutcome::AlreadyGone,
        RemovedDirectory::NotEmpty => message::RemovalOutcome::NotEmpty,
    }
    .into()
}

pub(crate) fn removed_in(removed: i32) -> Result<RemovedDirectory, WireError> {
    match message::RemovalOutcome::try_from(removed) {
        Ok(message::RemovalOutcome::Removed) => Ok(RemovedDirectory::Removed),
        Ok(message::RemovalOutcome::AlreadyGone) => Ok(RemovedDirectory::AlreadyGone),
        Ok(message::RemovalOutcome::NotEmpty) => Ok(RemovedDirectory::NotEmpty),
        Ok(message::RemovalOutcome::Missing) | Err(_) => {
            Err(WireError::Malformed("a removal of no known outcome"))
        }
    }
}

pub(crate) fn put_out(put: Put) -> i32 {
    match put {
        Put::Created => message::Put::Created,
        Put::Exists => message::Put::Exists,
    }
    .into()
}

pub(crate) fn put_in(put: i32) -> Result<Put, WireError> {
    match message::Put::try_from(put) {
        Ok(message::Put::Created) => Ok(Put::Created),
        Ok(message::Put::Exists) => Ok(Put::Exists),
        Ok(message::Put::Missing) | Err(_) => {
            Err(WireError::Malformed("a creation of no known outcome"))
        }
    }
}

pub(crate) fn root_out(name: &str, location: String, able: Capabilities) -> message::Root {
    let Capabilities {
        conditional_delete,
        real_directories,
        modified_resolution,
    } = able;
    message::Root {
        name: name.to_owned(),
        location,
        deletes_atomically: match conditional_delete {
            ConditionalDelete::Atomic => true,
            ConditionalDelete::CompareThenDelete => false,
        },
        real_directories,
        modified_resolution_nanos: u64::try_from(modified_resolution.as_nanos())
            .unwrap_or(u64::MAX),
    }
}

pub(crate) fn capabilities_in(root: &message::Root) -> Capabilities {
    Capabilities {
        conditional_delete: if root.deletes_atomically {
            ConditionalDelete::Atomic
        } else {
            ConditionalDelete::CompareThenDelete
        },
        real_directories: root.real_directories,
        modified_resolution: Duration::from_nanos(root.modified_resolution_nanos),
    }
}
