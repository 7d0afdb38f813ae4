//! Drives the five steps over the bases of one policy: observe, scan, plan, enact, report.
//!
//! The middle is the pure core; what is here asks and tells: the [`Observer`] for evidence, [`Stores`] for files, the
//! [`journal`] for what lasts between runs. Clock, observer and stores are passed in and nothing is spawned, so a
//! simulation can stop a run at every await point.

pub mod clock;
pub mod consent;
pub mod enact;
pub mod journal;
pub mod metadata_cache;
pub mod observer;
pub mod pace;
pub mod progress;
pub mod report;
pub mod run;
pub mod scan;
pub mod stores;

pub use clock::{Clock, SystemClock};
pub use consent::Consent;
pub use metadata_cache::MetadataCache;
pub use observer::Observer;
pub use pace::Pace;
pub use progress::{NoProgress, Progress, Step};
pub use report::{Asked, Blocked, Deleted, Outcome, Report};
pub use run::{Mode, Run, RunError};
pub use stores::{Mount, MountError, OpenError, Stores};
