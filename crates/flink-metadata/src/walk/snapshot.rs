//! The top level: version, body, properties; and for version 3 which layout it is.

use super::{Build, Seen, Walk};
use crate::cursor::{Cursor, out_of_range};
use crate::error::{Error, Problem, Within};
use crate::layout::{Layout, Version, header};
use crate::properties::{Properties, read_tail};
use crate::summary::{Counts, Summary};
use crate::visitor::References;
use crate::{Reference, Visitor};

const MASTER_STATE_MAGIC: u32 = 0xc96b_1696;

/// A whole file.
pub(crate) struct Walked<O, M> {
    pub(crate) summary: Summary,
    pub(crate) body: Body<O, M>,
}

/// What the `Build` made of the body.
pub(crate) struct Body<O, M> {
    pub(crate) master_states: Vec<M>,
    pub(crate) operators: Vec<O>,
}

struct WholeFile<O, M> {
    checkpoint_id: u64,
    body: Body<O, M>,
    properties: Option<Properties>,
    counts: Counts,
    seen: Seen,
}

/// Walks a whole file.
pub(crate) fn walk<'a, B: Build<'a>>(
    bytes: &'a [u8],
    build: &mut B,
) -> Result<Walked<B::Operator, B::MasterState>, Error> {
    let mut cursor = Cursor::new(bytes);
    let version = header(&mut cursor)?;
    let walked = layout_of(&cursor, version).and_then(|layout| whole_file(cursor, layout, build));
    let file = walked.map_err(|error| error.with_version(version.number()))?;
    let WholeFile {
        checkpoint_id,
        body,
        properties,
        counts,
        seen,
    } = file;
    let summary = Summary {
        version: version.number(),
        checkpoint_id,
        properties,
        counts,
        changelog: seen.changelog,
        file_merging: seen.file_merging,
        may_hold_opaque_handles: seen.opaque_handles,
        operator_state_in_files: seen.operator_state_in_files,
    };
    Ok(Walked { summary, body })
}

/// Version 3 changed twice without a new number, so its layout is the one that reads the whole file without an error.
/// The newest layout goes first; files without channel state and changelog read the same in all of them.
fn layout_of(cursor: &Cursor<'_>, version: Version) -> Result<Layout, Error> {
    let newest = Layout::of(version);
    if version != Version::V3 {
        return Ok(newest);
    }
    let attempt = |layout| {
        whole_file(cursor.clone(), layout, &mut References(&mut Nothing)).map(|file| file.seen)
    };
    let (changelog, channels) = (
        Layout::flink_1_14_changelog(),
        Layout::flink_1_11_channels(),
    );
    match attempt(newest) {
        Ok(seen) => {
            let also_fits = |dependent, older| dependent && attempt(older).is_ok();
            if also_fits(seen.first_changelog_form, changelog)
                || also_fits(seen.single_channels, channels)
            {
                // Nothing tells which is right, so nothing may be concluded from it.
                return Err(cursor.error(Problem::AmbiguousLayout));
            }
            Ok(newest)
        }
        Err(error) => [changelog, channels]
            .into_iter()
            .find(|older| attempt(*older).is_ok())
            .ok_or(error),
    }
}

/// Looks at nothing: for finding out whether a layout fits.
struct Nothing;

impl Visitor for Nothing {
    fn reference(&mut self, _: Reference<'_>, _: &crate::Origin) {}
}

fn whole_file<'a, B: Build<'a>>(
    cursor: Cursor<'a>,
    layout: Layout,
    build: &mut B,
) -> Result<WholeFile<B::Operator, B::MasterState>, Error> {
    let mut walk = Walk::new(cursor, layout, build);
    let checkpoint_id = walk.checkpoint_id().field("checkpointId")?;
    let count = walk.cursor.count(18).field("masterStates")?;
    let master_states = walk.list("masterStates", count, Walk::master_state)?;
    let minimum = match layout.version {
        Version::V2 => 32,
        Version::V3 | Version::V4 => 29,
        Version::V5 | Version::V6 => 33,
    };
    let count = walk.cursor.count(minimum).field("operators")?;
    let operators = walk.list("operators", count, Walk::operator)?;
    let Walk {
        mut cursor,
        counts,
        seen,
        ..
    } = walk;
    let properties = match layout.version {
        Version::V2 | Version::V3 => cursor.end().map(|()| None)?,
        Version::V4 | Version::V5 | Version::V6 => read_tail(&mut cursor).field("properties")?,
    };
    Ok(WholeFile {
        checkpoint_id,
        body: Body {
            master_states,
            operators,
        },
        properties,
        counts,
        seen,
    })
}

impl<'a, B: Build<'a>> Walk<'a, '_, B> {
    fn checkpoint_id(&mut self) -> Result<u64, Error> {
        let start = self.cursor.offset();
        let id = self.cursor.i64()?;
        u64::try_from(id).map_err(|_| out_of_range(id, "a checkpoint id (0 or more)", start))
    }

    /// State of a master hook; its payload is the hook's own affair and names no files of Flink's.
    fn master_state(&mut self) -> Result<B::MasterState, Error> {
        let start = self.cursor.offset();
        let magic = self.cursor.u32().field("magic")?;
        if magic != MASTER_STATE_MAGIC {
            return Err(out_of_range(
                i64::from(magic),
                "the magic number of a master state",
                start,
            ))
            .field("magic");
        }
        let length = self.cursor.count(1).field("length")?;
        let end = self.cursor.remaining().saturating_sub(length);
        let version = self.cursor.i32().field("version")?;
        let name = self.cursor.utf().field("name")?;
        let payload = self.cursor.blob().field("payload")?;
        if self.cursor.remaining() != end {
            let length = i64::try_from(length).unwrap_or(i64::MAX);
            return Err(out_of_range(
                length,
                "the length of this master state",
                start,
            ))
            .field("length");
        }
        Ok(self.build.master_state(version, name, payload.len()))
    }
}
