//! Reads Apache Flink's `_metadata` files and the pointers that its high-availability services keep.
//!
//! Pure: bytes in, snapshot contents out; no I/O. Two ways in:
//!
//! * [`visit`] walks a borrowed slice and hands each reference to a [`Visitor`] without allocating per handle;
//! * [`parse`] builds the whole owned tree, for people to look at. [`Contents`] sums up what a snapshot refers to.
//!
//! [`ha`] reads the values of Flink's HA `ConfigMap`s and the `completedCheckpoint*` files behind them.
//!
//! The formats 2 to 6 (Flink 1.3 to 2.3) are read completely and strictly: whatever is not understood is an
//! [`Error`], because a reference that was overlooked would make a needed file look like garbage. There is no
//! checksum in these files, so a path that parses is not yet a file that exists.
//!
//! ```
//! use flink_metadata::{Origin, Reference, Visitor, visit};
//!
//! #[derive(Default)]
//! struct Paths(Vec<String>);
//!
//! impl Visitor for Paths {
//!     fn reference(&mut self, reference: Reference<'_>, _: &Origin) {
//!         self.0.push(reference.path().to_owned());
//!     }
//! }
//!
//! // Version 3, checkpoint 7, nothing else in it.
//! let bytes = [0x49, 0x60, 0x67, 0x2d, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0];
//! let mut paths = Paths::default();
//! let summary = visit(&bytes, &mut paths)?;
//! assert_eq!((summary.version, summary.checkpoint_id), (3, 7));
//! assert!(paths.0.is_empty());
//! # Ok::<(), flink_metadata::Error>(())
//! ```
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    missing_docs
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::as_conversions
    )
)]

mod contents;
mod cursor;
mod error;
pub mod ha;
mod java;
mod layout;
mod modified_utf8;
mod operator_id;
mod properties;
mod reference;
mod summary;
pub mod tree;
mod visitor;
mod walk;

pub use contents::{Contents, FileUse, SegmentUse};
pub use error::{Category, Error, Problem};
pub use operator_id::OperatorId;
pub use properties::{
    PostCheckpointAction, Properties, SavepointFormat, SharingFilesStrategy, SnapshotType,
};
pub use reference::{DirectoryOwner, KeyedPart, Origin, Reference, Scope, Slot, StoredLength};
pub use summary::{Counts, SnapshotKind, Summary};
pub use tree::Metadata;
pub use visitor::{Inline, OperatorHeader, Visitor, visit};

/// Builds the full tree of a `_metadata` file.
///
/// Allocates in proportion to the input. To find references only, [`visit`] is much faster.
pub fn parse(bytes: &[u8]) -> Result<Metadata, Error> {
    tree::parse(bytes)
}
