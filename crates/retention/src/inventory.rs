//! What storage holds: the snapshots and what they name, and every file that nobody names.

use crate::evidence::Gap;
use crate::layout::{self, FileKind, JobDirectory, METADATA_FILE, Placement};
use crate::location::Location;
use crate::reference::{DirectoryKey, Reference, ReferenceTable};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Both scans of one run: the references first, then the files that were listed against them.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    /// Every file that a snapshot names.
    pub references: ReferenceTable,
    /// Every snapshot that could be read.
    pub snapshots: Vec<Snapshot>,
    /// Every directory that was looked at.
    pub bases: Vec<Base>,
    /// Files whose name no snapshot has: all that might go.
    pub unreferenced: Vec<ListedFile>,
    /// Files that a name protects though no reference says that they are here (moved or copied directories).
    pub named_elsewhere: Vec<ListedFile>,
    /// What is in each job directory, by base and path.
    pub job_directories: BTreeMap<(BaseId, JobDirectory), JobDirectoryFacts>,
    /// What could not be read, and what that protects.
    pub gaps: Vec<Gap>,
    /// Of the `_metadata` that could not be read: those of a known version that end early. Nobody can start from them.
    pub torn: BTreeSet<Location>,
}

/// The position of a base in [`Inventory::bases`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BaseId(pub usize);

/// A listed directory.
#[derive(Clone, Debug)]
pub struct Base {
    /// Where it is.
    pub location: Location,
    /// How its reference scan ended.
    pub reading: Reading,
    /// How its candidate scan ended.
    pub listing: Listing,
    /// The directories in it that are pruned under their own names: nothing in them is decided here.
    pub apart: Vec<Location>,
}

impl Base {
    /// The directory in it that is pruned under its own name and holds this, if any.
    #[must_use]
    pub fn pruned_apart(&self, location: &Location) -> Option<&Location> {
        self.apart
            .iter()
            .find(|apart| location.relative_to(apart).is_some())
    }
}

/// What the reference scan knows of a base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Every snapshot.
    Whole,
    /// Every snapshot but some `_metadata` that end early.
    ButTorn,
    /// Not every snapshot.
    Partly,
    /// That it is absent, or holds nothing that Flink writes: so does a volume that is not mounted.
    Bare,
    /// Nothing.
    Failed,
}

/// Whether the candidate scan of a base may be trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listing {
    /// Only its references were read.
    NotAsked,
    /// Every entry was seen.
    Complete { finished: Timestamp },
    /// Something was not: nothing in it may be judged.
    Incomplete { why: String },
}

/// A file as it was listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedFile {
    /// The base that lists it.
    pub base: BaseId,
    /// Relative to the base. A plan shares it.
    pub path: Arc<str>,
    /// Where it lies in the layout of Flink.
    pub placement: Placement,
    /// In bytes.
    pub size: u64,
    /// None where the store does not say.
    pub modified: Option<Timestamp>,
    /// False for symlinks, devices and names that are no text.
    pub regular: bool,
}

/// One readable snapshot.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub source: Source,
    /// The directory against which relative handles resolve.
    pub location: Location,
    pub kind: SnapshotKind,
    /// The number inside the snapshot.
    pub checkpoint_id: u64,
    pub format_version: u32,
    /// Where it was listed; none if it was found only in high-availability storage.
    pub place: Option<SnapshotPlace>,
    /// When it was complete: the modification time of `_metadata`, or what the blob says.
    pub completed: Timestamp,
    /// Sorted by file, each once.
    pub references: Vec<Reference>,
    /// State inside `_metadata` itself, in bytes.
    pub inline_bytes: u64,
    pub contents: Contents,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// A `_metadata` file.
    Metadata,
    /// A blob in high-availability storage.
    HighAvailability,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SnapshotKind {
    Checkpoint,
    Savepoint,
}

/// Where the `_metadata` of a snapshot lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotPlace {
    pub base: BaseId,
    /// The path of `_metadata`, relative to the base.
    pub metadata_path: Box<str>,
    pub placement: Placement,
    pub metadata_size: u64,
    pub modified: Option<Timestamp>,
}

/// Features whose files do not follow the simple rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Changelog handles (tags 8-10, 13, 14).
    pub changelog: bool,
    /// File merging (tags 15-17).
    pub file_merging: bool,
    /// Files below `op_…_attempt_…`.
    pub forst: bool,
}

/// What the candidate scan saw in a job directory.
#[allow(
    clippy::struct_excessive_bools,
    reason = "facts that do not depend on each other, each asked for by its name"
)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobDirectoryFacts {
    pub has_merged: bool,
    pub has_forst: bool,
    pub has_changelog: bool,
    /// The latest modification of any file in it.
    pub newest: Option<Timestamp>,
    /// The store does not say of some file when it was modified.
    pub has_untimed: bool,
}

impl Inventory {
    #[must_use]
    pub fn base(&self, id: BaseId) -> Option<&Base> {
        self.bases.get(id.0)
    }

    /// The base with which the snapshots of a directory are read.
    #[must_use]
    pub fn read_with(&self, directory: &Location) -> Option<&Base> {
        let reads = |base: &&Base| {
            let relative = directory.relative_to(&base.location);
            relative.is_some_and(|relative| !layout::is_among_data_files(relative))
        };
        let bases = self.bases.iter().filter(reads);
        bases.max_by_key(|base| base.location.path().len())
    }

    /// The location of a path in a base.
    #[must_use]
    pub fn location(&self, base: BaseId, path: &str) -> Option<Location> {
        Some(self.base(base)?.location.join(path))
    }

    /// The snapshots whose `_metadata` was read.
    pub fn stored(&self) -> impl Iterator<Item = (&Snapshot, &SnapshotPlace)> {
        self.snapshots
            .iter()
            .filter_map(|snapshot| Some((snapshot, snapshot.place.as_ref()?)))
    }

    /// Every `_metadata` that was listed and could not be read, with the directory that it would describe.
    pub fn unreadable(&self) -> impl Iterator<Item = (&ListedFile, Location)> {
        self.unreferenced
            .iter()
            .filter(|file| {
                matches!(
                    file.placement.kind,
                    FileKind::CheckpointMetadata | FileKind::SavepointMetadata
                )
            })
            .filter_map(|file| Some((file, self.location(file.base, &file.path)?.parent())))
    }

    /// Why the `_metadata` of a snapshot directory could not be read.
    #[must_use]
    pub fn why_unreadable(&self, directory: &Location) -> &str {
        let metadata = directory.join(METADATA_FILE).to_string();
        self.gaps
            .iter()
            .find(|gap| gap.what == metadata)
            .map_or("its _metadata cannot be read", |gap| gap.why.as_str())
    }
}

impl Snapshot {
    #[must_use]
    pub fn directory_key(&self) -> DirectoryKey {
        DirectoryKey::of(self.location.path())
    }

    #[must_use]
    pub fn job(&self) -> Option<&JobDirectory> {
        self.place.as_ref()?.placement.job.as_deref()
    }
}
