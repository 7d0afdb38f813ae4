//! Whether Flink could start from a snapshot: it parses, and every file that it names exists, long enough.

use crate::inventory::{Inventory, Snapshot};
use crate::location::Location;
use crate::reference::{Found, Reference, Required};

/// The answer for one snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Restorable {
    /// Everything is there.
    Yes {
        /// The number of files that it names.
        files: u64,
        /// Their size, and that of the state inside `_metadata`.
        bytes: u64,
    },
    /// At least one file is missing or too short; the first few by name.
    No {
        /// How many.
        missing: u64,
        /// The first few.
        sample: Vec<Missing>,
    },
    /// Somebody would have to look at a place that could not be looked at.
    Unverified {
        /// How many files nobody could look for.
        files: u64,
        /// The first few.
        sample: Vec<Location>,
    },
}

/// A file that a snapshot needs and storage does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Where the snapshot says that it is.
    pub location: Location,
    /// The listed size in bytes, where the file exists but is too short.
    pub found: Option<u64>,
    /// What the snapshot needs of it.
    pub required: Required,
}

const SAMPLE: usize = 5;

/// Which snapshots of an inventory are restorable, by position: asked once, because every reference is looked at.
#[derive(Clone, Debug, Default)]
pub struct WholeSnapshots(Vec<Wholeness>);

/// Whether the files of a snapshot are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wholeness {
    /// All of them: it is restorable.
    Whole,
    /// A file is known to be missing or too short.
    Hollow,
    /// Somebody would have to look at a place that could not be looked at.
    NotVerified,
}

impl WholeSnapshots {
    /// Asks about every snapshot.
    #[must_use]
    pub fn of(inventory: &Inventory) -> Self {
        let state = |snapshot| match Restorable::of(snapshot, inventory) {
            Restorable::Yes { .. } => Wholeness::Whole,
            Restorable::No { .. } => Wholeness::Hollow,
            Restorable::Unverified { .. } => Wholeness::NotVerified,
        };
        Self(inventory.snapshots.iter().map(state).collect())
    }

    /// Whether the snapshot at this position of [`Inventory::snapshots`] is restorable.
    #[must_use]
    pub fn contains(&self, snapshot: usize) -> bool {
        self.0.get(snapshot) == Some(&Wholeness::Whole)
    }

    /// What is known of the files of the snapshot at this position.
    #[must_use]
    pub fn state(&self, snapshot: usize) -> Wholeness {
        let state = self.0.get(snapshot).copied();
        state.unwrap_or(Wholeness::NotVerified)
    }

    /// The restorable snapshots of the inventory that this was made of.
    pub fn iter<'i>(&self, inventory: &'i Inventory) -> impl Iterator<Item = &'i Snapshot> {
        inventory
            .snapshots
            .iter()
            .zip(&self.0)
            .filter_map(|(snapshot, state)| (*state == Wholeness::Whole).then_some(snapshot))
    }
}

impl Restorable {
    /// Whether every file is known to be there, long enough.
    #[must_use]
    pub fn is_yes(&self) -> bool {
        matches!(self, Self::Yes { .. })
    }

    /// Checks a snapshot against what was found.
    #[must_use]
    pub fn of(snapshot: &Snapshot, inventory: &Inventory) -> Self {
        let table = &inventory.references;
        let (mut files, mut bytes) = (0_u64, snapshot.inline_bytes);
        let (mut missing, mut unverified) = (0_u64, 0_u64);
        let (mut sample, mut unseen) = (Vec::new(), Vec::new());
        for reference in &snapshot.references {
            let Reference { file, required } = *reference;
            let Required(least) = required;
            files += 1;
            let found = match table.state(file) {
                Found::Present { size, .. } if size < least => Some(size),
                Found::Present { size, .. } => {
                    bytes = bytes.saturating_add(size);
                    continue;
                }
                Found::Absent => None,
                Found::Unknown => {
                    unverified += 1;
                    if unseen.len() < SAMPLE {
                        unseen.extend(table.location(file));
                    }
                    continue;
                }
            };
            missing += 1;
            if sample.len() < SAMPLE {
                sample.extend(table.location(file).map(|location| Missing {
                    location,
                    found,
                    required,
                }));
            }
        }
        match (missing, unverified) {
            (0, 0) => Self::Yes { files, bytes },
            (0, files) => Self::Unverified {
                files,
                sample: unseen,
            },
            (missing, _) => Self::No { missing, sample },
        }
    }
}
