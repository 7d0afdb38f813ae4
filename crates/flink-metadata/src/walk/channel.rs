//! Handles of in-flight data (unaligned checkpoints).

use super::{Build, ChannelPlace, Walk, add};
use crate::error::{Error, Problem, Within};
use crate::layout::ChannelLayout;

/// Which list of a subtask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Input,
    Output,
}

impl<'a, B: Build<'a>> Walk<'a, '_, B> {
    pub(super) fn channels(
        &mut self,
        direction: Direction,
        field: &'static str,
    ) -> Result<Vec<B::Channel>, Error> {
        let minimum = match self.layout.channels {
            ChannelLayout::Flink1_11 => 21,
            ChannelLayout::Flink1_12 => 25,
            ChannelLayout::Flink2_1 => 22,
        };
        let count = self.cursor.count(minimum).field(field)?;
        add(&mut self.counts.channel_handles, count);
        self.list(field, count, |walk| walk.channel(direction))
    }

    fn channel(&mut self, direction: Direction) -> Result<B::Channel, Error> {
        match self.layout.channels {
            ChannelLayout::Flink1_11 => self.single_channel(false),
            ChannelLayout::Flink1_12 => self.single_channel(true),
            ChannelLayout::Flink2_1 => {
                let start = self.cursor.offset();
                match (direction, self.cursor.u8()?) {
                    (Direction::Input, 1) | (Direction::Output, 2) => self.single_channel(true),
                    (Direction::Input, 3) | (Direction::Output, 4) => self.merged_channels(),
                    (Direction::Input, tag @ (2 | 4)) | (Direction::Output, tag @ (1 | 3)) => {
                        Err(Error::new(
                            Problem::MisplacedTag {
                                what: "channel state of this direction",
                                tag,
                            },
                            start,
                        ))
                    }
                    (_, tag) => Err(Error::new(
                        Problem::UnknownTag {
                            what: "channel state",
                            tag,
                        },
                        start,
                    )),
                }
            }
        }
    }

    fn single_channel(&mut self, with_subtask: bool) -> Result<B::Channel, Error> {
        self.seen.single_channels = true;
        let subtask = if with_subtask {
            Some(self.cursor.i32().field("subtaskIndex")?)
        } else {
            None
        };
        let outer = self.cursor.i32().field("gateOrPartition")?;
        let inner = self.cursor.i32().field("channelOrSubpartition")?;
        let offsets = self.offsets()?;
        let size = self.channel_size()?;
        let delegate = self.required_stream().field("delegate")?;
        Ok(self.build.channel(
            ChannelPlace::Single {
                subtask,
                outer,
                inner,
                offsets,
            },
            size,
            delegate,
        ))
    }

    fn merged_channels(&mut self) -> Result<B::Channel, Error> {
        let subtask = self.cursor.i32().field("subtaskIndex")?;
        let size = self.channel_size()?;
        let delegate = self.required_stream().field("delegate")?;
        let length = self.cursor.count(1).field("channels")?;
        let end = self.cursor.remaining().saturating_sub(length);
        let count = self.cursor.count(20).field("channels")?;
        let channels = self.list("channels", count, |walk| {
            let outer = walk.cursor.i32().field("gateOrPartition")?;
            let inner = walk.cursor.i32().field("channelOrSubpartition")?;
            walk.channel_size()?;
            walk.offsets()?;
            Ok(walk.build.channel_info(outer, inner))
        })?;
        if self.cursor.remaining() != end {
            return Err(self.cursor.error(Problem::OutOfRange {
                value: i64::try_from(length).unwrap_or(i64::MAX),
                expected: "the length of the packed channel offsets",
            }))
            .field("channels");
        }
        Ok(self
            .build
            .channel(ChannelPlace::Merged { subtask, channels }, size, delegate))
    }

    fn offsets(&mut self) -> Result<&'a [u8], Error> {
        let count = self.cursor.count(8).field("offsets")?;
        self.cursor.bytes(count.saturating_mul(8)).field("offsets")
    }

    fn channel_size(&mut self) -> Result<i64, Error> {
        let start = self.cursor.offset();
        match self.cursor.i64().field("stateSize")? {
            size @ -1.. => Ok(size),
            size => Err(crate::cursor::out_of_range(
                size,
                "a size in bytes (-1 if unknown)",
                start,
            ))
            .field("stateSize"),
        }
    }
}
