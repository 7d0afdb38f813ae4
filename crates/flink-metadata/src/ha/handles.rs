//! Finds every reference below an object of a serialized checkpoint.

use std::borrow::Cow;

use crate::error::{Error, Problem};
use crate::java::{Graph, Node, Object, Value};
use crate::reference::{DirectoryOwner, Reference, Scope, StoredLength};

const PATH: &str = "org.apache.flink.core.fs.Path";
const URI: &str = "java.net.URI";
const FILE: &str = "org.apache.flink.runtime.state.filesystem.FileStateHandle";
const SEGMENT: &str = "org.apache.flink.runtime.state.filemerging.SegmentFileStateHandle";
const EMPTY_SEGMENT: &str =
    "org.apache.flink.runtime.state.filemerging.EmptySegmentFileStateHandle";
const DIRECTORY: &str = "org.apache.flink.runtime.state.filemerging.DirectoryStreamStateHandle";
const MERGING_OPERATOR_STATE: &str =
    "org.apache.flink.runtime.state.filemerging.FileMergingOperatorStreamStateHandle";
const INLINE: &str = "org.apache.flink.runtime.state.memory.ByteStreamStateHandle";
const CHANGELOG_PREFIX: &str = "org.apache.flink.runtime.state.changelog.";
const CHANGELOG_FILES: &str =
    "org.apache.flink.runtime.state.changelog.ChangelogStateHandleStreamImpl";

/// Classes with "Handle" in their names that name files only by other handles, or not at all. Not among them:
/// `PlaceholderStreamStateHandle`, which must have been replaced by the real one.
const HOLDERS: [&str; 17] = [
    "ByteStreamStateHandle",
    "ChangelogStateBackendHandleImpl",
    "ChangelogStateHandleStreamImpl",
    "EmptyFileMergingOperatorStreamStateHandle",
    "FileMergingOperatorStreamStateHandle",
    "HandleAndLocalPath",
    "InMemoryChangelogStateHandle",
    "IncrementalRemoteKeyedStateHandle",
    "InputChannelStateHandle",
    "KeyGroupsSavepointStateHandle",
    "KeyGroupsStateHandle",
    "MergedInputChannelStateHandle",
    "MergedResultSubpartitionStateHandle",
    "OperatorStreamStateHandle",
    "PhysicalStateHandleID",
    "ResultSubpartitionStateHandle",
    "StateHandleID",
];

/// What was found below an object.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) references: Vec<Reference<'static>>,
    pub(super) changelog: bool,
    pub(super) file_merging: bool,
    /// State that is in the stream itself.
    pub(super) inline_bytes: u64,
}

/// Follows every object below `root` once.
pub(super) fn collect(graph: &Graph<'_>, root: Value) -> Result<Findings, Error> {
    if graph.object(root).is_none() {
        return Err(unreadable("not an object"));
    }
    let mut collector = Collector {
        graph,
        visited: vec![false; graph.len()],
        findings: Findings::default(),
    };
    let mut pending = vec![Step {
        value: root,
        place: Place::Elsewhere,
    }];
    while let Some(step) = pending.pop() {
        collector.step(&step, &mut pending)?;
    }
    Ok(collector.findings)
}

/// How an object was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Elsewhere,
    /// Below the changelog increments of a file handle.
    ChangelogFiles,
    Directory(DirectoryOwner),
}

struct Step {
    value: Value,
    place: Place,
}

struct Collector<'g, 'a> {
    graph: &'g Graph<'a>,
    visited: Vec<bool>,
    findings: Findings,
}

impl Collector<'_, '_> {
    fn step(&mut self, step: &Step, pending: &mut Vec<Step>) -> Result<(), Error> {
        let Value::Object(handle) = step.value else {
            return Ok(());
        };
        match self.visited.get_mut(handle.index()) {
            Some(visited) if !*visited => *visited = true,
            _ => return Ok(()),
        }
        match self.graph.node(handle) {
            Some(Node::Object(object)) => self.object(object, step.place, pending),
            Some(Node::Array { elements, bytes: _ }) => {
                pending.extend(elements.iter().map(|value| Step {
                    value: *value,
                    place: step.place,
                }));
                Ok(())
            }
            Some(Node::Text(_) | Node::Enum { .. } | Node::Class(_) | Node::ClassObject) => Ok(()),
            Some(Node::Pending) | None => Err(unreadable("an object was never completed")),
        }
    }

    fn object(
        &mut self,
        object: &Object,
        place: Place,
        pending: &mut Vec<Step>,
    ) -> Result<(), Error> {
        let graph = self.graph;
        let class = graph.class_name(object);
        if graph.is_a(object, EMPTY_SEGMENT) {
            self.findings.file_merging = true;
            return Ok(());
        }
        if graph.is_a(object, SEGMENT) {
            self.findings.file_merging = true;
            let segment = segment(graph, object).map_err(unreadable)?;
            self.findings.references.push(segment);
            return Ok(());
        }
        if graph.is_a(object, FILE) {
            let file = file(graph, object, place).map_err(unreadable)?;
            self.findings.references.push(file);
            return Ok(());
        }
        if graph.is_a(object, DIRECTORY) {
            self.findings.file_merging = true;
            let Place::Directory(owner) = place else {
                return Err(unreadable(
                    "a directory handle outside of merged operator state",
                ));
            };
            let path = path_in(graph, object, "directory").map_err(unreadable)?;
            self.findings.references.push(Reference::Directory {
                path: Cow::Owned(path),
                owner,
            });
            return Ok(());
        }
        if may_name_files(class) {
            let class = class.to_owned();
            return Err(Error::new(Problem::UnknownClass { class }, 0));
        }
        if graph.is_a(object, INLINE) {
            let data = graph.field(object, "data");
            let bytes = data.and_then(|data| graph.array_bytes(data));
            let bytes = bytes.ok_or_else(|| unreadable("inline state without data"))?;
            let sum = self.findings.inline_bytes;
            self.findings.inline_bytes =
                sum.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        }
        self.findings.changelog |= class.starts_with(CHANGELOG_PREFIX);
        let place = if class == CHANGELOG_FILES {
            Place::ChangelogFiles
        } else {
            place
        };
        if graph.is_a(object, MERGING_OPERATOR_STATE) {
            self.findings.file_merging = true;
            for (field, owner) in [
                ("taskOwnedDirHandle", DirectoryOwner::TaskOwned),
                ("sharedDirHandle", DirectoryOwner::Shared),
            ] {
                let value = graph
                    .field(object, field)
                    .ok_or_else(|| unreadable("merged state without directory"))?;
                // Subtasks share a directory's object, so it may have been seen before.
                self.step(
                    &Step {
                        value,
                        place: Place::Directory(owner),
                    },
                    pending,
                )?;
            }
        }
        pending.extend(object.values().map(|value| Step { value, place }));
        Ok(())
    }
}

/// Whether an object of this class, other than those read above, may name a file in a way that we do not know.
fn may_name_files(class: &str) -> bool {
    let simple_name = class.rsplit(['.', '$']).next().unwrap_or(class);
    let unknown_handle = simple_name.contains("Handle") && !HOLDERS.contains(&simple_name);
    unknown_handle
        || matches!(class, PATH | URI)
        || class.starts_with("java.io.")
        || class.starts_with("java.nio.")
}

fn file(
    graph: &Graph<'_>,
    object: &Object,
    place: Place,
) -> Result<Reference<'static>, &'static str> {
    let size = size(graph, object)?;
    let length = match (place, size) {
        (Place::ChangelogFiles, size) => StoredLength::Changelog(size),
        (_, Some(size)) => StoredLength::Exact(size),
        (_, None) => StoredLength::Unknown,
    };
    // A RelativeFileStateHandle is one too, with its absolute path in the same field.
    Ok(Reference::File {
        path: Cow::Owned(file_path(graph, object)?),
        length,
    })
}

fn segment(graph: &Graph<'_>, object: &Object) -> Result<Reference<'static>, &'static str> {
    let start = match graph.field(object, "startPos") {
        Some(Value::Long(start)) => {
            u64::try_from(start).map_err(|_| "segment with a negative startPos")?
        }
        _ => return Err("segment without startPos"),
    };
    let scope = match graph
        .field(object, "scope")
        .and_then(|value| graph.enum_constant(value))
    {
        Some((_, "EXCLUSIVE")) => Scope::Exclusive,
        Some((_, "SHARED")) => Scope::Shared,
        _ => return Err("segment without a known scope"),
    };
    let id = graph
        .field(object, "logicalFileId")
        .and_then(|value| graph.object(value));
    let id = id
        .and_then(|id| graph.field(id, "keyString"))
        .and_then(|value| graph.text(value));
    Ok(Reference::Segment {
        path: Cow::Owned(file_path(graph, object)?),
        start,
        size: size(graph, object)?,
        scope,
        logical_id: Cow::Owned(
            id.ok_or("segment without an id")?
                .to_string_lossy()
                .into_owned(),
        ),
    })
}

fn size(graph: &Graph<'_>, object: &Object) -> Result<Option<u64>, &'static str> {
    match graph.field(object, "stateSize") {
        Some(Value::Long(-1)) => Ok(None),
        Some(Value::Long(size)) => u64::try_from(size)
            .map(Some)
            .map_err(|_| "file handle with a negative size"),
        _ => Err("file handle without stateSize"),
    }
}

/// The `filePath` of a file handle.
pub(super) fn file_path(graph: &Graph<'_>, object: &Object) -> Result<String, &'static str> {
    path_in(graph, object, "filePath")
}

/// A field that holds a `Path`, which holds a `URI`, which holds a string.
fn path_in(graph: &Graph<'_>, object: &Object, field: &str) -> Result<String, &'static str> {
    let inner = |object: &Object, field: &str, class: &str| {
        let found = graph
            .field(object, field)
            .and_then(|value| graph.object(value));
        found.filter(|found| graph.class_name(found) == class)
    };
    let path = inner(object, field, PATH).ok_or("handle without a path")?;
    let uri = inner(path, "uri", URI).ok_or("path without a URI")?;
    let string = graph
        .field(uri, "string")
        .and_then(|value| graph.text(value))
        .ok_or("URI without a string")?;
    super::uri::to_path_string(&string.to_str().ok_or("path with a lone surrogate")?)
}

fn unreadable(reason: &'static str) -> Error {
    Error::new(Problem::JavaStream { reason }, 0)
}
