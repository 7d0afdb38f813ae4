//! What cannot come out on every store as it does in memory.

use super::Adapter;

/// What must come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// All that the file says.
    Everything,
    /// What its head says of deleted files, and that nothing that is needed goes.
    Head,
    /// It tells of what such a store does not have.
    Nothing,
}

/// Buckets have no links, and a directory is there only as long as something is in it.
const IN_BUCKETS: [(&str, Expected); 7] = [
    // An empty `chk-N` is part of the story.
    ("guard-in-flight", Expected::Head),
    ("lc-05-empty-checkpoint-directory", Expected::Nothing),
    ("lc-22-stopped-with-savepoint", Expected::Nothing),
    ("lc-69-marker-of-an-old-checkpoint", Expected::Nothing),
    // A base in which nothing was written yet is empty, and not missing.
    ("lc-66-restored-backup", Expected::Head),
    ("guard-special-file", Expected::Head),
    ("lc-62-links", Expected::Nothing),
];

/// How far a listing gets before it breaks off is a matter of time.
const IN_TIME: [&str; 2] = ["guard-incomplete-listing", "lc-63-listing-that-breaks-off"];

impl Adapter {
    pub(crate) fn expected(self, scenario: &str) -> Expected {
        let in_buckets = IN_BUCKETS.iter().find(|(name, _)| *name == scenario);
        match in_buckets {
            Some((_, expected)) if !self.has_directories() => *expected,
            _ if self != Self::Memory && IN_TIME.contains(&scenario) => Expected::Head,
            _ => Expected::Everything,
        }
    }
}
