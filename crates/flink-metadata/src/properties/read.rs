//! Properties out of Java-serialized objects.

use super::{
    PostCheckpointAction, Properties, SavepointFormat, SharingFilesStrategy, SnapshotType,
};
use crate::cursor::Cursor;
use crate::error::{Error, Problem};
use crate::java::{Graph, Object, Value, read_all};

const PROPERTIES: &str = "org.apache.flink.runtime.checkpoint.CheckpointProperties";
const CHECKPOINT_TYPE: &str = "org.apache.flink.runtime.checkpoint.CheckpointType";
const SAVEPOINT_TYPE: &str = "org.apache.flink.runtime.checkpoint.SavepointType";

/// Reads the tail of a version 4+ file to the end of the file.
pub(crate) fn read_tail(cursor: &mut Cursor<'_>) -> Result<Option<Properties>, Error> {
    let start = cursor.offset();
    let graph = read_all(cursor)?;
    let properties = match graph.root() {
        Value::Null => Ok(None),
        root => from_graph(&graph, root).map(Some),
    };
    properties.map_err(|reason| Error::new(Problem::JavaStream { reason }, start))
}

/// Interprets an object of a stream as properties; says what is wrong if it is none.
pub(crate) fn from_graph(graph: &Graph<'_>, value: Value) -> Result<Properties, &'static str> {
    let object = graph.object(value).ok_or("properties are not an object")?;
    if graph.class_name(object) != PROPERTIES {
        return Err("not an object of class CheckpointProperties");
    }
    let flag = |name, missing| match graph.field(object, name) {
        Some(Value::Bool(flag)) => Ok(flag),
        _ => Err(missing),
    };
    let snapshot_type = graph
        .field(object, "checkpointType")
        .ok_or("properties without checkpointType")?;
    Ok(Properties {
        snapshot_type: snapshot_type_from(graph, snapshot_type)?,
        forced: flag("forced", "properties without forced")?,
        // The field came with NO_CLAIM, in 1.15.
        unclaimed: match graph.field(object, "unclaimed") {
            None => false,
            Some(Value::Bool(unclaimed)) => unclaimed,
            Some(_) => return Err("unclaimed is not a boolean"),
        },
        discard_subsumed: flag("discardSubsumed", "properties without discardSubsumed")?,
        discard_finished: flag("discardFinished", "properties without discardFinished")?,
        discard_cancelled: flag("discardCancelled", "properties without discardCancelled")?,
        discard_failed: flag("discardFailed", "properties without discardFailed")?,
        discard_suspended: flag("discardSuspended", "properties without discardSuspended")?,
    })
}

fn snapshot_type_from(graph: &Graph<'_>, value: Value) -> Result<SnapshotType, &'static str> {
    if let Some((CHECKPOINT_TYPE, constant)) = graph.enum_constant(value) {
        return enum_snapshot_type(constant);
    }
    let object = graph
        .object(value)
        .ok_or("checkpointType is not an object")?;
    match graph.class_name(object) {
        CHECKPOINT_TYPE => Ok(SnapshotType::Checkpoint {
            name: name(graph, object)?,
            sharing: Some(match constant(graph, object, "sharingFilesStrategy")? {
                "FORWARD_BACKWARD" => SharingFilesStrategy::ForwardBackward,
                "FORWARD" => SharingFilesStrategy::Forward,
                "NO_SHARING" => SharingFilesStrategy::NoSharing,
                _ => return Err("unknown sharingFilesStrategy"),
            }),
        }),
        SAVEPOINT_TYPE => Ok(SnapshotType::Savepoint {
            name: name(graph, object)?,
            format: match constant(graph, object, "formatType")? {
                "CANONICAL" => SavepointFormat::Canonical,
                "NATIVE" => SavepointFormat::Native,
                _ => return Err("unknown formatType"),
            },
            post_action: match constant(graph, object, "postCheckpointAction")? {
                "NONE" => PostCheckpointAction::None,
                "SUSPEND" => PostCheckpointAction::Suspend,
                "TERMINATE" => PostCheckpointAction::Terminate,
                _ => return Err("unknown postCheckpointAction"),
            },
        }),
        _ => Err("checkpointType is of an unknown class"),
    }
}

/// Up to 1.14 `CheckpointType` was an enum, seen in HA files only.
fn enum_snapshot_type(constant: &str) -> Result<SnapshotType, &'static str> {
    let savepoint = |post_action| SnapshotType::Savepoint {
        name: constant.to_owned(),
        format: SavepointFormat::Canonical,
        post_action,
    };
    match constant {
        "CHECKPOINT" => Ok(SnapshotType::Checkpoint {
            name: constant.to_owned(),
            sharing: None,
        }),
        "SAVEPOINT" => Ok(savepoint(PostCheckpointAction::None)),
        "SAVEPOINT_SUSPEND" | "SYNC_SAVEPOINT" => Ok(savepoint(PostCheckpointAction::Suspend)),
        "SAVEPOINT_TERMINATE" => Ok(savepoint(PostCheckpointAction::Terminate)),
        _ => Err("unknown constant of enum CheckpointType"),
    }
}

fn name(graph: &Graph<'_>, object: &Object) -> Result<String, &'static str> {
    let name = graph
        .field(object, "name")
        .and_then(|value| graph.text(value));
    name.map(|name| name.to_string_lossy().into_owned())
        .ok_or("snapshot type without a name")
}

fn constant<'a>(graph: &Graph<'a>, object: &Object, field: &str) -> Result<&'a str, &'static str> {
    let constant = graph
        .field(object, field)
        .and_then(|value| graph.enum_constant(value));
    constant
        .map(|(_, constant)| constant)
        .ok_or("snapshot type without an expected enum field")
}
