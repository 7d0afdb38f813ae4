//! The first hop: from a `ConfigMap` value or a ZooKeeper node to a file in HA storage.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use serde::Serialize;

use super::handles::file_path;
use crate::cursor::Cursor;
use crate::error::{Error, Problem, Within};
use crate::java::{Graph, Object, Value, read_all};

const DELETE_MARKER: &str = "org.apache.flink.kubernetes.highavailability.KubernetesStateHandleStore$StateHandleWithDeleteMarker";
const RETRIEVABLE: &str = "org.apache.flink.runtime.state.RetrievableStreamStateHandle";
const FILE: &str = "org.apache.flink.runtime.state.filesystem.FileStateHandle";

/// Where the JobManager put a serialized checkpoint (or job graph).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HaPointer {
    /// The file in HA storage, as `Path.toString()` spells it.
    pub path: String,
    /// The JobManager is about to remove this entry, or crashed while it did. Since Flink 1.15.
    pub marked_for_deletion: bool,
    /// Length of that file in bytes; None if unknown.
    pub state_size: Option<u64>,
}

/// Reads the value of a `checkpointID-...` key of a job's HA `ConfigMap`.
///
/// Flink 1.15 and later wrap the handle in `StateHandleWithDeleteMarker`; 1.12 to 1.14 store it bare.
pub fn parse_config_map_value(value: &str) -> Result<HaPointer, Error> {
    let bytes = STANDARD
        .decode(value.trim_ascii())
        .map_err(|_| Error::new(Problem::NotBase64, 0))?;
    parse_pointer(&bytes)
}

/// Reads the same object from its serialized bytes, as a ZooKeeper node holds them.
pub fn parse_pointer(bytes: &[u8]) -> Result<HaPointer, Error> {
    let graph = read_all(&mut Cursor::new(bytes))?;
    pointer(&graph)
        .map_err(|reason| Error::new(Problem::JavaStream { reason }, 0))
        .field("HA pointer")
}

fn pointer(graph: &Graph<'_>) -> Result<HaPointer, &'static str> {
    let root = graph
        .object(graph.root())
        .ok_or("the pointer is not an object")?;
    let (marked_for_deletion, retrievable) = if graph.class_name(root) == DELETE_MARKER {
        let Some(Value::Bool(marked)) = graph.field(root, "markedForDeletion") else {
            return Err("pointer without markedForDeletion");
        };
        (
            marked,
            object(graph, root, "inner").ok_or("pointer without an inner handle")?,
        )
    } else {
        (false, root)
    };
    if graph.class_name(retrievable) != RETRIEVABLE {
        return Err("not an object of class RetrievableStreamStateHandle");
    }
    let file = object(graph, retrievable, "wrappedStreamStateHandle")
        .ok_or("pointer without a wrapped handle")?;
    if graph.class_name(file) != FILE {
        return Err("the wrapped handle is not of class FileStateHandle");
    }
    let Some(Value::Long(size)) = graph.field(file, "stateSize") else {
        return Err("file handle without stateSize");
    };
    Ok(HaPointer {
        path: file_path(graph, file)?,
        marked_for_deletion,
        state_size: u64::try_from(size).ok(),
    })
}

fn object<'g>(graph: &'g Graph<'_>, parent: &Object, field: &str) -> Option<&'g Object> {
    graph
        .field(parent, field)
        .and_then(|value| graph.object(value))
}
