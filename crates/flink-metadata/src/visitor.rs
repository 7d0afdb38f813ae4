//! The quick way in: references only.

use std::borrow::Cow;

use crate::error::Error;
use crate::modified_utf8::Utf;
use crate::operator_id::OperatorId;
use crate::reference::{DirectoryOwner, Origin, Reference};
use crate::summary::Summary;
use crate::walk::{
    Build, ChannelPlace, Delegates, Keyed, OperatorParts, Stream, SubtaskParts, walk,
};

/// Is told what a snapshot consists of, in the order of the file.
pub trait Visitor {
    /// A file, a part of one, or a directory that the snapshot needs. One file can be told many times.
    fn reference(&mut self, reference: Reference<'_>, origin: &Origin);

    /// Bytes of state inside the metadata itself. Never a file, whatever its name looks like.
    fn inline(&mut self, inline: Inline<'_>, origin: &Origin) {
        let _ = (inline, origin);
    }

    /// An operator, before its references.
    fn operator(&mut self, operator: &OperatorHeader<'_>) {
        let _ = operator;
    }
}

/// State inside the metadata (`ByteStreamStateHandle`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inline<'a> {
    /// For file-system checkpoint storage the path of a file that was never made; otherwise a random name.
    pub name: Cow<'a, str>,
    /// The state.
    pub bytes: &'a [u8],
}

/// What the file says about an operator itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorHeader<'a> {
    /// Its id.
    pub id: OperatorId,
    /// Its name. Version 5 and later.
    pub name: Option<Cow<'a, str>>,
    /// The uid that the job's author gave it. Version 5 and later.
    pub uid: Option<Cow<'a, str>>,
    /// Parallelism, at least 1.
    pub parallelism: u32,
    /// Max parallelism, at most 32768.
    pub max_parallelism: u32,
}

/// Walks a `_metadata` file and tells the visitor about every reference in it.
///
/// Nothing is allocated per handle, except for paths that are not plain UTF-8. When it fails, the visitor may already
/// have been told some references; they are not all that the snapshot needs.
pub fn visit(bytes: &[u8], visitor: &mut impl Visitor) -> Result<Summary, Error> {
    walk(bytes, &mut References(visitor)).map(|walked| walked.summary)
}

/// Turns the walk's findings into calls of a visitor.
pub(crate) struct References<'v, V>(pub(crate) &'v mut V);

impl<'a, V: Visitor> Build<'a> for References<'_, V> {
    type Stream = ();
    type NamedStream = ();
    type OffsetStream = ();
    type Keyed = ();
    type NamedState = ();
    type OperatorState = ();
    type ChannelInfo = ();
    type Channel = ();
    type Subtask = ();
    type Operator = ();
    type MasterState = ();

    fn begin_operator(&mut self, header: &OperatorHeader<'a>) {
        self.0.operator(header);
    }

    #[inline]
    fn stream(&mut self, stream: Stream<'a, Self>, origin: &Origin) {
        let reference = match stream {
            Stream::File { path, length } => Reference::File { path, length },
            Stream::RelativeFile { path, length } => Reference::RelativeFile { path, length },
            Stream::Segment {
                path,
                start,
                size,
                scope,
                logical_id,
            } => Reference::Segment {
                path,
                start,
                size,
                scope,
                logical_id: logical_id.to_string_lossy(),
            },
            Stream::Inline { name, bytes } => {
                return self.0.inline(
                    Inline {
                        name: name.to_string_lossy(),
                        bytes,
                    },
                    origin,
                );
            }
            Stream::KeyGroups { .. } | Stream::EmptySegment => return,
        };
        self.0.reference(reference, origin);
    }

    fn operator_state(
        &mut self,
        _: Vec<()>,
        directories: Option<Delegates<'a>>,
        (): (),
        origin: &Origin,
    ) {
        if let Some(Delegates {
            task_owned,
            shared,
            empty: _,
        }) = directories
        {
            self.0.reference(
                Reference::Directory {
                    path: task_owned,
                    owner: DirectoryOwner::TaskOwned,
                },
                origin,
            );
            self.0.reference(
                Reference::Directory {
                    path: shared,
                    owner: DirectoryOwner::Shared,
                },
                origin,
            );
        }
    }

    fn master_state(&mut self, _: i32, _: Utf<'a>, _: usize) {}
    fn named_stream(&mut self, _: Utf<'a>, (): ()) {}
    fn offset_stream(&mut self, _: i64, (): ()) {}
    fn keyed(&mut self, _: Keyed<'a, Self>) {}
    fn named_state(&mut self, _: Utf<'a>, _: u8, _: &'a [u8]) {}
    fn channel_info(&mut self, _: i32, _: i32) {}
    fn channel(&mut self, _: ChannelPlace<'a, Self>, _: i64, (): ()) {}
    fn subtask(&mut self, _: SubtaskParts<(), (), ()>) {}
    fn operator(&mut self, _: OperatorParts<'a, (), ()>) {}
}
