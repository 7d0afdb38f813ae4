//! Whether Flink could start from a snapshot: it parses, and every file that it names exists, long enough.

use crate::inventory::{Inventory, Snapshot};
use crate::location::Location;
use crate::reference::{Found, Reference, Required};

/// The answer for one snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Restorable {
    Yes {
        files: u64,
        bytes: u64,
    },
    /// At least one file is missing or too short; the first few by name.
    No {
        missing: u64,
        sample: Vec<Missing>,
    },
    /// Somebody would have to look at a place that could not be looked at.
    Unverified {
        files: u64,
        sample: Vec<Location>,
    },
}

/// A file that a snapshot needs and storage does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    pub location: Location,
    /// The listed size in bytes, where the file exists but is too short.
    pub found: Option<u64>,
    pub required: Required,
}

const SAMPLE: usize = 5;

impl Restorable {
    #[must_use]
    pub fn is_yes(&self) -> bool {
        matches!(self, Self::Yes { .. })
    }

    /// Checks a snapshot against what was found.
    #[must_use]
    pub fn of(snapshot: &Snapshot, inventory: &Inventory) -> Self {
        let table = &inventory.references;
        let (mut files, mut bytes, mut missing, mut unverified) = (0, snapshot.inline_bytes, 0, 0);
        let (mut sample, mut unseen) = (Vec::new(), Vec::new());
        for reference in &snapshot.references {
            let Reference { file, required } = *reference;
            files += 1;
            let found = match (table.state(file), required) {
                (Found::Present { size, .. }, Required::AtLeast(least)) if size < least => {
                    Some(size)
                }
                (Found::Present { size, .. }, Required::AtLeast(_) | Required::Present) => {
                    bytes += size;
                    continue;
                }
                (Found::Absent, _) => None,
                (Found::Unknown, _) => {
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
