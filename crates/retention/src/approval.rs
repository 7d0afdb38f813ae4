//! A person's yes to the exact files of one plan: an upper bound of what may go. Fresh evidence still decides.

use crate::inventory::Inventory;
use crate::plan::{Plan, PlanEntry, Ripeness, Waiting};
use jiff::Timestamp;
use std::collections::HashMap;

/// The files that a person has seen and approved, by location, each as it was then: a later version of one of them is
/// another file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Approved {
    versions: HashMap<Box<str>, (u64, Timestamp)>,
}

impl Approved {
    /// Files by location (as a [`crate::location::Location`] is written), size in bytes and modification time.
    #[must_use]
    pub fn new(files: impl IntoIterator<Item = (Box<str>, u64, Timestamp)>) -> Self {
        Self {
            versions: files
                .into_iter()
                .map(|(location, size, modified)| (location, (size, modified)))
                .collect(),
        }
    }

    /// The same plan, in which everything that nobody has approved waits.
    #[must_use]
    pub fn bound(&self, inventory: &Inventory, mut plan: Plan) -> Plan {
        let ripe = plan
            .entries
            .iter_mut()
            .filter(|entry| entry.ripeness == Ripeness::Ripe);
        for entry in ripe {
            if !self.contains(inventory, entry) {
                entry.ripeness = Ripeness::Waiting(Waiting::Approval);
            }
        }
        plan
    }

    fn contains(&self, inventory: &Inventory, entry: &PlanEntry) -> bool {
        let location = inventory.location(entry.base, &entry.path);
        let version = location.and_then(|at| self.versions.get(at.to_string().as_str()));
        version
            .is_some_and(|&(size, modified)| size == entry.size && Some(modified) == entry.modified)
    }
}
