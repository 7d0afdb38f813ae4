//! Stream-state handles: where bytes of state are.

use std::borrow::Cow;

use super::{Build, KeyGroups, MAX_PARALLELISM, Stream, Walk, add};
use crate::cursor::out_of_range;
use crate::error::{Error, Problem, Within};
use crate::reference::{KeyedPart, Scope, Slot, StoredLength};

impl<'a, B: Build<'a>> Walk<'a, '_, B> {
    /// A handle in a place where Flink does not accept null.
    pub(super) fn required_stream(&mut self) -> Result<B::Stream, Error> {
        let start = self.cursor.offset();
        let missing = || {
            Error::new(
                Problem::MisplacedTag {
                    what: "a required stream handle",
                    tag: 0,
                },
                start,
            )
        };
        self.stream()?.ok_or_else(missing)
    }

    /// Any handle; None for null.
    pub(super) fn stream(&mut self) -> Result<Option<B::Stream>, Error> {
        let start = self.cursor.offset();
        let stream = match self.cursor.u8()? {
            0 => return Ok(None),
            1 => self.inline()?,
            2 => self.file()?,
            3 => self.nested(Self::key_groups_stream)?,
            6 => self.relative_file()?,
            15 => self.segment()?,
            16 => {
                self.seen.file_merging = true;
                add(&mut self.counts.empty_segments, 1);
                Stream::EmptySegment
            }
            tag => {
                return Err(Error::new(
                    Problem::UnknownTag {
                        what: "stream handle",
                        tag,
                    },
                    start,
                ));
            }
        };
        Ok(Some(self.build.stream(stream, &self.origin)))
    }

    fn inline(&mut self) -> Result<Stream<'a, B>, Error> {
        let name = self.cursor.utf().field("handleName")?;
        let bytes = self.cursor.blob().field("data")?;
        add(&mut self.counts.inline_count, 1);
        add(&mut self.counts.inline_bytes, bytes.len());
        if matches!(
            self.origin.slot,
            Slot::OperatorState | Slot::RawOperatorState
        ) && !self.seen.opaque_handles
        {
            self.seen.opaque_handles = memchr::memmem::find(bytes, b"FileStateHandle").is_some();
        }
        Ok(Stream::Inline { name, bytes })
    }

    fn file(&mut self) -> Result<Stream<'a, B>, Error> {
        let length = self.stored_length().field("stateSize")?;
        let path = self.absolute_path().field("filePath")?;
        add(&mut self.counts.files, 1);
        self.note_file();
        Ok(Stream::File { path, length })
    }

    fn relative_file(&mut self) -> Result<Stream<'a, B>, Error> {
        let path = self.relative_path().field("relativePath")?;
        let length = self.stored_length().field("stateSize")?;
        add(&mut self.counts.relative_files, 1);
        self.note_file();
        Ok(Stream::RelativeFile { path, length })
    }

    fn key_groups_stream(&mut self) -> Result<Stream<'a, B>, Error> {
        let (key_groups, offsets) = self.key_groups_with_offsets()?;
        let delegate = self.required_stream().field("delegate")?;
        Ok(Stream::KeyGroups {
            key_groups,
            offsets,
            delegate,
        })
    }

    fn segment(&mut self) -> Result<Stream<'a, B>, Error> {
        let offset = self.cursor.offset();
        let start = self.cursor.i64().field("startPos")?;
        let Ok(start) = u64::try_from(start) else {
            return Err(out_of_range(start, "an offset (0 or more)", offset)).field("startPos");
        };
        let size = self.size().field("stateSize")?;
        if start
            .checked_add(size.unwrap_or(0))
            .is_none_or(|end| i64::try_from(end).is_err())
        {
            let start = i64::try_from(start).unwrap_or(i64::MAX);
            return Err(out_of_range(
                start,
                "an offset with room for the segment",
                offset,
            ))
            .field("startPos");
        }
        let offset = self.cursor.offset();
        let scope = match self.cursor.i32().field("scope")? {
            0 => Scope::Exclusive,
            1 => Scope::Shared,
            value => {
                return Err(out_of_range(i64::from(value), "a scope (0 or 1)", offset))
                    .field("scope");
            }
        };
        let path = self.absolute_path().field("filePath")?;
        let logical_id = self.cursor.utf().field("logicalFileId")?;
        self.seen.file_merging = true;
        add(&mut self.counts.segments, 1);
        self.note_file();
        Ok(Stream::Segment {
            path,
            start,
            size,
            scope,
            logical_id,
        })
    }

    fn note_file(&mut self) {
        if matches!(
            self.origin.slot,
            Slot::OperatorState | Slot::RawOperatorState
        ) {
            self.seen.operator_state_in_files = true;
        }
    }

    pub(super) fn key_groups(&mut self) -> Result<KeyGroups, Error> {
        let offset = self.cursor.offset();
        let start = self.cursor.i32().field("startKeyGroup")?;
        let count = self.cursor.i32().field("keyGroups")?;
        let end = i64::from(start).saturating_add(i64::from(count));
        match (u16::try_from(start), u16::try_from(count)) {
            (Ok(start), Ok(count)) if count > 0 && end <= MAX_PARALLELISM => {
                Ok(KeyGroups { start, count })
            }
            _ => Err(out_of_range(
                end,
                "the end of a range of key groups below 32768",
                offset,
            ))
            .field("keyGroups"),
        }
    }

    /// A range, and for each key group its offset in the delegate.
    pub(super) fn key_groups_with_offsets(&mut self) -> Result<(KeyGroups, &'a [u8]), Error> {
        let key_groups = self.key_groups()?;
        let offsets = self
            .cursor
            .bytes(usize::from(key_groups.count).saturating_mul(8))
            .field("offsets")?;
        Ok((key_groups, offsets))
    }

    /// Bytes; None for -1, which stands for unknown.
    fn size(&mut self) -> Result<Option<u64>, Error> {
        let start = self.cursor.offset();
        match self.cursor.i64()? {
            -1 => Ok(None),
            value => match u64::try_from(value) {
                Ok(size) => Ok(Some(size)),
                Err(_) => Err(out_of_range(
                    value,
                    "a size in bytes (-1 if unknown)",
                    start,
                )),
            },
        }
    }

    fn stored_length(&mut self) -> Result<StoredLength, Error> {
        let size = self.size()?;
        let changelog = matches!(
            self.origin.slot,
            Slot::KeyedState(KeyedPart::Changelog) | Slot::RawKeyedState(KeyedPart::Changelog)
        );
        Ok(match size {
            _ if changelog => StoredLength::Changelog(size),
            Some(size) => StoredLength::Exact(size),
            None => StoredLength::Unknown,
        })
    }

    #[inline]
    pub(super) fn absolute_path(&mut self) -> Result<Cow<'a, str>, Error> {
        let start = self.cursor.offset();
        let unusable = |reason| Error::new(Problem::UnusablePath { reason }, start);
        let path = self
            .cursor
            .utf()?
            .to_str()
            .ok_or_else(|| unusable(LONE_SURROGATE))?;
        if path.is_empty() {
            Err(unusable("it is empty"))
        } else {
            Ok(path)
        }
    }

    fn relative_path(&mut self) -> Result<Cow<'a, str>, Error> {
        let start = self.cursor.offset();
        let unusable = |reason| Error::new(Problem::UnusablePath { reason }, start);
        let path = self
            .cursor
            .utf()?
            .to_str()
            .ok_or_else(|| unusable(LONE_SURROGATE))?;
        // Flink's Path would resolve ".." out of the directory, and takes "x:y" for a scheme.
        if path.split('/').any(|part| matches!(part, "" | "." | "..")) || path.contains(':') {
            return Err(unusable(
                "a relative path may not be empty or absolute, nor contain a scheme, '.' or '..'",
            ));
        }
        Ok(path)
    }
}

const LONE_SURROGATE: &str = "it contains a lone surrogate";
