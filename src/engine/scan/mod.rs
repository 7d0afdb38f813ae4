//! The two scans: what snapshots name, and what is there that nobody names.

mod candidates;
mod gaps;
mod listing;
mod look_up;
mod references;
mod snapshots;

pub use candidates::list_files;
pub use look_up::look_up;
pub use references::{ReferenceScan, add_high_availability, add_new_bases, read_references};
