//! The one reader of the format: it goes through a file front to back and tells a [`Build`] what it found.
//!
//! What comes out is up to the `Build`: nothing but references for a visitor, a tree for `inspect`.

mod build;
mod channel;
mod keyed;
mod operator;
mod operator_state;
mod snapshot;
mod stream;
mod subtask;

pub(crate) use build::{
    Build, ChannelPlace, Delegates, IncrementalFiles, KeyGroups, Keyed, OperatorParts, Stream,
    SubtaskParts,
};
pub(crate) use snapshot::walk;

use crate::cursor::Cursor;
use crate::layout::Layout;
use crate::reference::{Origin, Slot};
use crate::summary::Counts;
use crate::{OperatorId, error::Error, error::Problem};

/// Keyed handles and streams together; Flink nests three deep.
const MAX_DEPTH: usize = 8;

/// `KeyGroupRangeAssignment.UPPER_BOUND_MAX_PARALLELISM`.
const MAX_PARALLELISM: i64 = 32_768;

/// State of a walk.
struct Walk<'a, 'b, B> {
    cursor: Cursor<'a>,
    layout: Layout,
    build: &'b mut B,
    origin: Origin,
    depth: usize,
    counts: Counts,
    seen: Seen,
    /// Subtask indices of the current operator; reused from operator to operator.
    subtask_indices: Vec<u32>,
}

/// What occurred anywhere in the file.
#[derive(Debug, Clone, Copy, Default)]
#[allow(clippy::struct_excessive_bools)] // Independent findings.
pub(crate) struct Seen {
    pub(crate) changelog: bool,
    pub(crate) file_merging: bool,
    pub(crate) opaque_handles: bool,
    pub(crate) operator_state_in_files: bool,
    /// Changelog handles whose layout changed within version 3.
    pub(crate) first_changelog_form: bool,
    /// Channel handles whose layout changed within version 3.
    pub(crate) single_channels: bool,
}

impl<'a, 'b, B: Build<'a>> Walk<'a, 'b, B> {
    fn new(cursor: Cursor<'a>, layout: Layout, build: &'b mut B) -> Self {
        let origin = Origin {
            operator: OperatorId([0; 16]),
            subtask: None,
            slot: Slot::Coordinator,
            materialized: false,
        };
        Self {
            cursor,
            layout,
            build,
            origin,
            depth: 0,
            counts: Counts::default(),
            seen: Seen::default(),
            subtask_indices: Vec::new(),
        }
    }

    /// Runs a step one level deeper.
    fn nested<T>(&mut self, step: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        if self.depth >= MAX_DEPTH {
            return Err(self.cursor.error(Problem::TooDeep { limit: MAX_DEPTH }));
        }
        self.depth = self.depth.saturating_add(1);
        let result = step(self);
        self.depth = self.depth.saturating_sub(1);
        result
    }

    /// Reads `count` elements in a row.
    fn list<T>(
        &mut self,
        name: &'static str,
        count: usize,
        mut element: impl FnMut(&mut Self) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        use crate::error::Within;
        // The count was checked against the bytes left; elements without size take no memory at all.
        let mut list = Vec::with_capacity(if size_of::<T>() == 0 {
            0
        } else {
            count.min(1024)
        });
        for index in 0..count {
            list.push(element(self).element(name, index)?);
        }
        Ok(list)
    }
}

/// Adds to a count.
fn add(count: &mut u64, more: usize) {
    *count = count.saturating_add(u64::try_from(more).unwrap_or(u64::MAX));
}
