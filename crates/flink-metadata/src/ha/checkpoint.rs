//! The second hop: the serialized `CompletedCheckpoint`.

use serde::Serialize;

use super::handles::{Findings, collect, file_path};
use crate::cursor::Cursor;
use crate::error::{Error, Problem, Within};
use crate::java::{Graph, Object, Value, read_all};
use crate::properties::{Properties, from_graph};
use crate::reference::Reference;

const COMPLETED_CHECKPOINT: &str = "org.apache.flink.runtime.checkpoint.CompletedCheckpoint";

/// A checkpoint as the JobManager itself keeps it.
///
/// Its paths are absolute also where the `_metadata` has relative ones, so it stays right where those went wrong
/// (FLINK-39964).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HaCheckpoint {
    /// Checkpoint id.
    pub checkpoint_id: u64,
    /// When it was triggered, in milliseconds since 1970.
    pub timestamp_ms: i64,
    /// When it was completed, in milliseconds since 1970.
    pub completion_timestamp_ms: i64,
    /// Directory of the snapshot as Flink would be given it for a restore; `<checkpoint-not-externally-addressable>` if
    /// there is none.
    pub external_pointer: String,
    /// The job that wrote it, as 32 lower-case hex digits.
    pub job_id: String,
    /// Path of its `_metadata`; None if the metadata was not written to a file.
    pub metadata_path: Option<String>,
    /// What it is, and when Flink discards it.
    pub properties: Properties,
    /// Everything that its handles refer to, each handle once. No [`Reference::RelativeFile`] among them.
    pub references: Vec<Reference<'static>>,
    /// A changelog state backend wrote it.
    pub changelog: bool,
    /// It uses file merging.
    pub file_merging: bool,
    /// Bytes of state inside the file itself.
    pub inline_bytes: u64,
}

impl HaCheckpoint {
    /// The job was restored from it without taking ownership (`NO_CLAIM`).
    #[must_use]
    pub fn unclaimed(&self) -> bool {
        self.properties.unclaimed
    }
}

/// Reads a `completedCheckpoint*` file of HA storage.
///
/// Fails if any of it cannot be read, and for an object of unknown class that holds a path.
pub fn parse_blob(bytes: &[u8]) -> Result<HaCheckpoint, Error> {
    let graph = read_all(&mut Cursor::new(bytes))?;
    checkpoint(&graph).field("CompletedCheckpoint")
}

fn checkpoint(graph: &Graph<'_>) -> Result<HaCheckpoint, Error> {
    let wrong = |reason| Error::new(Problem::JavaStream { reason }, 0);
    let root = graph
        .object(graph.root())
        .ok_or_else(|| wrong("not an object"))?;
    if graph.class_name(root) != COMPLETED_CHECKPOINT {
        return Err(wrong("not an object of class CompletedCheckpoint"));
    }
    let long = |object: &Object, field| match graph.field(object, field) {
        Some(Value::Long(value)) => Ok(value),
        _ => Err(wrong("an expected number is missing")).field(field),
    };
    let value = |field| {
        graph
            .field(root, field)
            .ok_or_else(|| wrong("an expected field is missing"))
            .field(field)
    };
    let checkpoint_id =
        u64::try_from(long(root, "checkpointID")?).map_err(|_| wrong("negative checkpointID"))?;
    let external_pointer = graph
        .text(value("externalPointer")?)
        .and_then(crate::modified_utf8::Utf::to_str);
    let job = graph
        .object(value("job")?)
        .ok_or_else(|| wrong("no job id"))
        .field("job")?;
    let metadata_path = metadata_path(graph, value("metadataHandle")?)
        .map_err(wrong)
        .field("metadataHandle")?;
    let properties = from_graph(graph, value("props")?)
        .map_err(wrong)
        .field("props")?;
    let Findings {
        references,
        changelog,
        file_merging,
        inline_bytes,
    } = collect(graph, value("operatorStates")?).field("operatorStates")?;
    Ok(HaCheckpoint {
        checkpoint_id,
        timestamp_ms: long(root, "timestamp")?,
        completion_timestamp_ms: long(root, "completionTimestamp")?,
        external_pointer: external_pointer
            .ok_or_else(|| wrong("no text"))
            .field("externalPointer")?
            .into_owned(),
        // AbstractID prints the lower part first.
        job_id: format!(
            "{:016x}{:016x}",
            long(job, "lowerPart")?,
            long(job, "upperPart")?
        ),
        metadata_path,
        properties,
        references,
        changelog,
        file_merging,
        inline_bytes,
    })
}

/// A checkpoint in the JobManager's memory has its metadata inline.
fn metadata_path(graph: &Graph<'_>, handle: Value) -> Result<Option<String>, &'static str> {
    let object = graph.object(handle).ok_or("not an object")?;
    if graph.field(object, "filePath").is_some() {
        file_path(graph, object).map(Some)
    } else {
        Ok(None)
    }
}
