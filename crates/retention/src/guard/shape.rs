//! What a file is, by its name and its listing.

use crate::layout::FileKind;
use crate::plan::{Candidate, Context};
use jiff::Timestamp;

pub(super) fn unknown_name(_: &Context<'_>, candidate: &Candidate<'_>) -> Option<String> {
    match candidate.file.placement.kind {
        FileKind::Foreign => {
            Some("its name and place fit nothing that is known of Flink".to_owned())
        }
        FileKind::CheckpointMetadata
        | FileKind::Exclusive
        | FileKind::TemporaryMetadata
        | FileKind::EmptyCheckpoint
        | FileKind::Shared
        | FileKind::Merged
        | FileKind::ForSt
        | FileKind::TaskOwned
        | FileKind::Changelog
        | FileKind::SavepointMetadata
        | FileKind::Savepoint
        | FileKind::Journal => None,
    }
}

pub(super) fn special_file(_: &Context<'_>, candidate: &Candidate<'_>) -> Option<String> {
    (!candidate.file.regular)
        .then(|| "it is no regular file (a link, a device, or a name that is no text)".to_owned())
}

/// Zero, negative, missing and future times say that a clock or a copy lied: no age can be told.
pub(super) fn unusable_time(context: &Context<'_>, candidate: &Candidate<'_>) -> Option<String> {
    match candidate.file.modified {
        None => Some("the store gives it no modification time".to_owned()),
        Some(modified) if modified <= Timestamp::UNIX_EPOCH => {
            Some(format!("its modification time is {modified}"))
        }
        Some(modified)
            if modified.duration_since(context.now) > context.policy.margins.clock_skew =>
        {
            Some(format!("its modification time {modified} is in the future"))
        }
        Some(_) => None,
    }
}
