//! The facts about one snapshot, under the names that Flink's own classes have for them.

use flink_metadata::{
    Contents, PostCheckpointAction, Properties, SavepointFormat, Scope, SharingFilesStrategy,
    SnapshotType,
};
use retention::location::{Location, Origin};
use serde::Serialize;

use super::operators::{self, Operator};
use crate::cli::places;

/// One snapshot; its fields are the JSON of `inspect`.
#[derive(Debug, Serialize)]
pub(super) struct Facts {
    /// The file itself, as Flink sees it.
    pub(super) metadata: Location,
    /// What Flink is started from.
    pub(super) pointer: Location,
    /// Length of the file itself in bytes.
    pub(super) file_size: usize,
    pub(super) version: i32,
    pub(super) checkpoint_id: u64,
    pub(super) properties: Option<SnapshotProperties>,
    pub(super) inline_count: u64,
    pub(super) inline_bytes: u64,
    pub(super) files: Vec<File>,
    pub(super) segments: Vec<Segment>,
    pub(super) directories: Vec<String>,
    pub(super) operators: Vec<Operator>,
    #[serde(skip)]
    origin: Origin,
}

/// A file that is referenced as a whole.
#[derive(Debug, Serialize)]
pub(super) struct File {
    pub(super) path: String,
    /// Bytes as the snapshot states them.
    pub(super) size: Option<u64>,
    /// How many handles name it, and how many of them by a relative path.
    pub(super) refs: u64,
    pub(super) relative_refs: u64,
    pub(super) kind: &'static str,
    /// The job id or savepoint in whose directory it lies.
    pub(super) owner: Option<String>,
}

/// A part of a merged file.
#[derive(Debug, Serialize)]
pub(super) struct Segment {
    pub(super) path: String,
    pub(super) offset: u64,
    pub(super) size: Option<u64>,
    pub(super) scope: Scope,
    pub(super) owner: Option<String>,
}

/// `CheckpointProperties`, words as Flink prints them.
#[derive(Debug, Serialize)]
pub(super) struct SnapshotProperties {
    pub(super) is_savepoint: bool,
    #[serde(rename = "type")]
    pub(super) snapshot_type: String,
    pub(super) format: &'static str,
    pub(super) sharing: &'static str,
    pub(super) unclaimed: bool,
    pub(super) to_string: String,
}

impl Facts {
    /// Reads the `_metadata` at `metadata`.
    pub(super) fn read(bytes: &[u8], metadata: &Location, origin: &Origin) -> anyhow::Result<Self> {
        let pointer = metadata.parent();
        let Contents {
            version,
            checkpoint_id,
            files,
            segments,
            directories,
            inline_count,
            inline_bytes,
            properties,
        } = Contents::read(bytes, Some(&pointer.to_string()))?;
        Ok(Self {
            metadata: metadata.clone(),
            pointer,
            file_size: bytes.len(),
            version,
            checkpoint_id,
            properties: properties.as_ref().map(snapshot_properties),
            inline_count,
            inline_bytes,
            files: files
                .into_iter()
                .map(|file| whole_file(file, origin))
                .collect(),
            segments: segments
                .into_iter()
                .map(|segment| part(segment, origin))
                .collect(),
            directories,
            operators: operators::read(bytes, origin)?,
            origin: origin.clone(),
        })
    }

    /// Everything that it names and that says where it is: files, merged files and directories.
    pub(super) fn locations(&self) -> impl Iterator<Item = Location> {
        let files = self.files.iter().map(|file| file.path.clone());
        let segments = self.segments.iter().map(|segment| segment.path.clone());
        // A directory counts as a file in it would.
        let directories = self
            .directories
            .iter()
            .map(|directory| format!("{directory}/_"));
        files
            .chain(segments)
            .chain(directories)
            .filter_map(|path| Location::parse(&path, &self.origin).ok())
    }
}

fn whole_file(file: flink_metadata::FileUse, origin: &Origin) -> File {
    let location = Location::parse(&file.path, origin).ok();
    let kind = if file.changelog {
        "changelog"
    } else {
        location.as_ref().map_or("other", |location| {
            places::kind_word(places::kind(location))
        })
    };
    File {
        owner: owner(location.as_ref()),
        path: file.path,
        size: file.size,
        refs: file.refs,
        relative_refs: file.relative_refs,
        kind,
    }
}

fn part(segment: flink_metadata::SegmentUse, origin: &Origin) -> Segment {
    Segment {
        owner: owner(Location::parse(&segment.path, origin).ok().as_ref()),
        path: segment.path,
        offset: segment.offset,
        size: segment.size,
        scope: segment.scope,
    }
}

fn owner(location: Option<&Location>) -> Option<String> {
    places::owner(&places::home(location?)).map(str::to_owned)
}

fn snapshot_properties(properties: &Properties) -> SnapshotProperties {
    let Properties {
        snapshot_type,
        forced,
        unclaimed,
        discard_subsumed,
        discard_finished,
        discard_cancelled,
        discard_failed,
        discard_suspended,
    } = properties;
    let (is_savepoint, words, format, sharing) = match snapshot_type {
        SnapshotType::Checkpoint { name, sharing } => {
            let sharing = sharing.map_or("null", sharing_word);
            let words = format!("CheckpointType{{name='{name}', sharingFilesStrategy={sharing}}}");
            (false, words, "null", sharing)
        }
        SnapshotType::Savepoint {
            name,
            format,
            post_action,
        } => {
            let format = match format {
                SavepointFormat::Canonical => "CANONICAL",
                SavepointFormat::Native => "NATIVE",
            };
            let action = match post_action {
                PostCheckpointAction::None => "NONE",
                PostCheckpointAction::Suspend => "SUSPEND",
                PostCheckpointAction::Terminate => "TERMINATE",
            };
            let words = format!(
                "SavepointType{{name='{name}', postCheckpointAction={action}, formatType={format}}}"
            );
            (
                true,
                words,
                format,
                sharing_word(SharingFilesStrategy::NoSharing),
            )
        }
    };
    let to_string = format!(
        "CheckpointProperties{{forced={forced}, checkpointType={words}, discardSubsumed={discard_subsumed}, \
         discardFinished={discard_finished}, discardCancelled={discard_cancelled}, discardFailed={discard_failed}, \
         discardSuspended={discard_suspended}}}"
    );
    SnapshotProperties {
        is_savepoint,
        snapshot_type: words,
        format,
        sharing,
        unclaimed: *unclaimed,
        to_string,
    }
}

fn sharing_word(sharing: SharingFilesStrategy) -> &'static str {
    match sharing {
        SharingFilesStrategy::ForwardBackward => "FORWARD_BACKWARD",
        SharingFilesStrategy::Forward => "FORWARD",
        SharingFilesStrategy::NoSharing => "NO_SHARING",
    }
}
