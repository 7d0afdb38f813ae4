//! Builds the tree from what the walk finds.

use super::handle::{
    ChangelogPart, ChannelInfo, ChannelState, DistributionMode, KeyGroupRange, KeyedState,
    LocalFile, MergeDirectories, NamedState, OperatorState, StreamState,
};
use super::{MasterState, Operator, Subtask};
use crate::modified_utf8::Utf;
use crate::reference::Origin;
use crate::visitor::OperatorHeader;
use crate::walk::{
    Build, ChannelPlace, Delegates, IncrementalFiles, KeyGroups, Keyed, OperatorParts, Stream,
    SubtaskParts,
};

/// Makes owned nodes.
pub(super) struct Tree;

impl<'a> Build<'a> for Tree {
    type Stream = StreamState;
    type NamedStream = LocalFile;
    type OffsetStream = ChangelogPart;
    type Keyed = KeyedState;
    type NamedState = NamedState;
    type OperatorState = OperatorState;
    type ChannelInfo = ChannelInfo;
    type Channel = ChannelState;
    type Subtask = Subtask;
    type Operator = Operator;
    type MasterState = MasterState;

    fn master_state(&mut self, version: i32, name: Utf<'a>, bytes: usize) -> MasterState {
        MasterState {
            name: owned(name),
            version,
            bytes: count(bytes),
        }
    }

    fn begin_operator(&mut self, _: &OperatorHeader<'a>) {}

    fn stream(&mut self, stream: Stream<'a, Self>, _: &Origin) -> StreamState {
        match stream {
            Stream::Inline { name, bytes } => StreamState::Inline {
                name: owned(name),
                size: count(bytes.len()),
            },
            Stream::File { path, length } => StreamState::File {
                path: path.into_owned(),
                size: length.stated(),
            },
            Stream::RelativeFile { path, length } => StreamState::RelativeFile {
                relative: path.into_owned(),
                size: length.stated(),
            },
            Stream::KeyGroups {
                key_groups,
                offsets,
                delegate,
            } => StreamState::KeyGroups {
                range: range(key_groups),
                offsets: longs(offsets),
                delegate: Box::new(delegate),
            },
            Stream::Segment {
                path,
                start,
                size,
                scope,
                logical_id,
            } => StreamState::Segment {
                path: path.into_owned(),
                offset: start,
                size,
                scope,
                logical_id: owned(logical_id),
            },
            Stream::EmptySegment => StreamState::EmptySegment,
        }
    }

    fn named_stream(&mut self, local_name: Utf<'a>, stream: StreamState) -> LocalFile {
        LocalFile {
            local: owned(local_name),
            handle: stream,
        }
    }

    fn offset_stream(&mut self, offset: i64, stream: StreamState) -> ChangelogPart {
        ChangelogPart {
            offset,
            handle: stream,
        }
    }

    fn keyed(&mut self, keyed: Keyed<'a, Self>) -> KeyedState {
        match keyed {
            Keyed::KeyGroups {
                canonical_savepoint: true,
                key_groups,
                offsets,
                delegate,
                handle_id: _,
            } => KeyedState::KeyGroupsSavepoint {
                range: range(key_groups),
                offsets: longs(offsets),
                delegate,
            },
            Keyed::KeyGroups {
                canonical_savepoint: false,
                key_groups,
                offsets,
                delegate,
                handle_id,
            } => KeyedState::KeyGroups {
                range: range(key_groups),
                offsets: longs(offsets),
                delegate,
                handle_id: handle_id.map(owned),
            },
            Keyed::Incremental {
                checkpoint_id,
                backend,
                key_groups,
                checkpointed_size,
                files,
                handle_id,
            } => {
                let IncrementalFiles {
                    meta,
                    shared,
                    private,
                } = files;
                KeyedState::Incremental {
                    range: range(key_groups),
                    checkpoint_id,
                    backend: owned(backend),
                    checkpointed_size,
                    meta,
                    shared,
                    private,
                    handle_id: handle_id.map(owned),
                }
            }
            Keyed::Changelog {
                key_groups,
                checkpointed_size,
                materialized,
                non_materialized,
                materialization_id,
                checkpoint_id,
                handle_id,
            } => KeyedState::Changelog {
                range: range(key_groups),
                materialization_id,
                checkpoint_id,
                checkpointed_size,
                materialized,
                non_materialized,
                handle_id: handle_id.map(owned),
            },
            Keyed::ChangelogInMemory {
                key_groups,
                from,
                to,
                changes,
                bytes,
                handle_id,
            } => KeyedState::ChangelogInMemory {
                range: range(key_groups),
                from,
                to,
                changes: count(changes),
                bytes,
                handle_id: handle_id.map(owned),
            },
            Keyed::ChangelogInFiles {
                key_groups,
                handles,
                size,
                checkpointed_size,
                handle_id,
                storage,
            } => KeyedState::ChangelogInFiles {
                range: range(key_groups),
                handles,
                size,
                checkpointed_size,
                handle_id: handle_id.map(owned),
                storage: storage.map(owned),
            },
        }
    }

    fn named_state(&mut self, name: Utf<'a>, mode: u8, offsets: &'a [u8]) -> NamedState {
        let mode = match mode {
            0 => DistributionMode::SplitDistribute,
            1 => DistributionMode::Union,
            _ => DistributionMode::Broadcast,
        };
        NamedState {
            name: owned(name),
            mode,
            offsets: longs(offsets),
        }
    }

    fn operator_state(
        &mut self,
        states: Vec<NamedState>,
        directories: Option<Delegates<'a>>,
        delegate: StreamState,
        _: &Origin,
    ) -> OperatorState {
        let directories = directories.map(
            |Delegates {
                 task_owned,
                 shared,
                 empty,
             }| MergeDirectories {
                task_owned: task_owned.into_owned(),
                shared: shared.into_owned(),
                empty,
            },
        );
        OperatorState {
            states,
            directories,
            delegate,
        }
    }

    fn channel_info(&mut self, outer: i32, inner: i32) -> ChannelInfo {
        ChannelInfo(outer, inner)
    }

    fn channel(
        &mut self,
        place: ChannelPlace<'a, Self>,
        state_size: i64,
        delegate: StreamState,
    ) -> ChannelState {
        match place {
            ChannelPlace::Single {
                subtask,
                outer,
                inner,
                offsets,
            } => ChannelState {
                subtask,
                channels: vec![ChannelInfo(outer, inner)],
                merged: false,
                offsets: longs(offsets),
                state_size,
                delegate,
            },
            ChannelPlace::Merged { subtask, channels } => ChannelState {
                subtask: Some(subtask),
                channels,
                merged: true,
                offsets: Vec::new(),
                state_size,
                delegate,
            },
        }
    }

    fn subtask(
        &mut self,
        subtask: SubtaskParts<OperatorState, KeyedState, ChannelState>,
    ) -> Subtask {
        let SubtaskParts {
            index,
            finished,
            managed_operator,
            raw_operator,
            managed_keyed,
            raw_keyed,
            input_channels,
            output_channels,
        } = subtask;
        Subtask {
            index,
            finished,
            managed_operator,
            raw_operator,
            managed_keyed,
            raw_keyed,
            input_channels,
            output_channels,
        }
    }

    fn operator(&mut self, parts: OperatorParts<'a, StreamState, Subtask>) -> Operator {
        let OperatorParts {
            header,
            coordinator,
            fully_finished,
            subtasks,
        } = parts;
        let OperatorHeader {
            id,
            name,
            uid,
            parallelism,
            max_parallelism,
        } = header;
        Operator {
            id,
            name: name.map(std::borrow::Cow::into_owned),
            uid: uid.map(std::borrow::Cow::into_owned),
            parallelism,
            max_parallelism,
            fully_finished,
            coordinator,
            subtasks,
        }
    }
}

fn owned(text: Utf<'_>) -> String {
    text.to_string_lossy().into_owned()
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

fn range(key_groups: KeyGroups) -> KeyGroupRange {
    let last = key_groups
        .start
        .saturating_add(key_groups.count.saturating_sub(1));
    KeyGroupRange(key_groups.start, last)
}

fn longs(bytes: &[u8]) -> Vec<i64> {
    bytes
        .as_chunks::<8>()
        .0
        .iter()
        .map(|chunk| i64::from_be_bytes(*chunk))
        .collect()
}
