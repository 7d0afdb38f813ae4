//! What the walk tells about each thing it read, bottom up.

use std::borrow::Cow;

use crate::modified_utf8::Utf;
use crate::reference::{Origin, Scope, StoredLength};
use crate::visitor::OperatorHeader;

/// Makes values of its own from what the walk reads. Where the types are `()`, nothing is allocated.
pub(crate) trait Build<'a>: Sized {
    type Stream;
    type NamedStream;
    type OffsetStream;
    type Keyed;
    type NamedState;
    type OperatorState;
    type ChannelInfo;
    type Channel;
    type Subtask;
    type Operator;
    type MasterState;

    fn master_state(&mut self, version: i32, name: Utf<'a>, bytes: usize) -> Self::MasterState;
    /// Called before anything of the operator is read.
    fn begin_operator(&mut self, header: &OperatorHeader<'a>);
    fn stream(&mut self, stream: Stream<'a, Self>, origin: &Origin) -> Self::Stream;
    fn named_stream(&mut self, local_name: Utf<'a>, stream: Self::Stream) -> Self::NamedStream;
    fn offset_stream(&mut self, offset: i64, stream: Self::Stream) -> Self::OffsetStream;
    fn keyed(&mut self, keyed: Keyed<'a, Self>) -> Self::Keyed;
    fn named_state(&mut self, name: Utf<'a>, mode: u8, offsets: &'a [u8]) -> Self::NamedState;
    fn operator_state(
        &mut self,
        states: Vec<Self::NamedState>,
        directories: Option<Delegates<'a>>,
        delegate: Self::Stream,
        origin: &Origin,
    ) -> Self::OperatorState;
    fn channel_info(&mut self, outer: i32, inner: i32) -> Self::ChannelInfo;
    fn channel(
        &mut self,
        place: ChannelPlace<'a, Self>,
        state_size: i64,
        delegate: Self::Stream,
    ) -> Self::Channel;
    fn subtask(
        &mut self,
        subtask: SubtaskParts<Self::OperatorState, Self::Keyed, Self::Channel>,
    ) -> Self::Subtask;
    fn operator(&mut self, parts: OperatorParts<'a, Self::Stream, Self::Subtask>)
    -> Self::Operator;
}

/// A stream-state handle other than null.
pub(crate) enum Stream<'a, B: Build<'a>> {
    Inline {
        name: Utf<'a>,
        bytes: &'a [u8],
    },
    File {
        path: Cow<'a, str>,
        length: StoredLength,
    },
    RelativeFile {
        path: Cow<'a, str>,
        length: StoredLength,
    },
    KeyGroups {
        key_groups: KeyGroups,
        offsets: &'a [u8],
        delegate: B::Stream,
    },
    Segment {
        path: Cow<'a, str>,
        start: u64,
        size: Option<u64>,
        scope: Scope,
        logical_id: Utf<'a>,
    },
    EmptySegment,
}

/// `KeyGroupRange`: the first one, and how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyGroups {
    pub(crate) start: u16,
    pub(crate) count: u16,
}

/// A keyed-state handle.
pub(crate) enum Keyed<'a, B: Build<'a>> {
    KeyGroups {
        canonical_savepoint: bool,
        key_groups: KeyGroups,
        offsets: &'a [u8],
        delegate: B::Stream,
        handle_id: Option<Utf<'a>>,
    },
    Incremental {
        checkpoint_id: i64,
        backend: Utf<'a>,
        key_groups: KeyGroups,
        checkpointed_size: Option<i64>,
        files: IncrementalFiles<'a, B>,
        handle_id: Option<Utf<'a>>,
    },
    Changelog {
        key_groups: KeyGroups,
        checkpointed_size: Option<i64>,
        materialized: Vec<Option<B::Keyed>>,
        non_materialized: Vec<B::Keyed>,
        materialization_id: Option<i64>,
        checkpoint_id: Option<i64>,
        handle_id: Option<Utf<'a>>,
    },
    ChangelogInMemory {
        key_groups: KeyGroups,
        from: i64,
        to: i64,
        changes: usize,
        bytes: u64,
        handle_id: Option<Utf<'a>>,
    },
    ChangelogInFiles {
        key_groups: KeyGroups,
        handles: Vec<B::OffsetStream>,
        size: i64,
        checkpointed_size: Option<i64>,
        handle_id: Option<Utf<'a>>,
        storage: Option<Utf<'a>>,
    },
}

/// The files of an incremental handle.
pub(crate) struct IncrementalFiles<'a, B: Build<'a>> {
    pub(crate) meta: B::Stream,
    pub(crate) shared: Vec<B::NamedStream>,
    pub(crate) private: Vec<B::NamedStream>,
}

/// The two merge directories of operator state with file merging.
pub(crate) struct Delegates<'a> {
    pub(crate) task_owned: Cow<'a, str>,
    pub(crate) shared: Cow<'a, str>,
    pub(crate) empty: bool,
}

/// Which channels a channel handle is for.
pub(crate) enum ChannelPlace<'a, B: Build<'a>> {
    /// Gate and channel, or partition and subpartition.
    Single {
        subtask: Option<i32>,
        outer: i32,
        inner: i32,
        offsets: &'a [u8],
    },
    /// Many channels in one handle.
    Merged {
        subtask: i32,
        channels: Vec<B::ChannelInfo>,
    },
}

pub(crate) struct SubtaskParts<O, K, C> {
    pub(crate) index: u32,
    pub(crate) finished: bool,
    pub(crate) managed_operator: Option<O>,
    pub(crate) raw_operator: Option<O>,
    pub(crate) managed_keyed: Option<K>,
    pub(crate) raw_keyed: Option<K>,
    pub(crate) input_channels: Vec<C>,
    pub(crate) output_channels: Vec<C>,
}

pub(crate) struct OperatorParts<'a, S, T> {
    pub(crate) header: OperatorHeader<'a>,
    pub(crate) coordinator: Option<S>,
    pub(crate) fully_finished: bool,
    pub(crate) subtasks: Vec<T>,
}
