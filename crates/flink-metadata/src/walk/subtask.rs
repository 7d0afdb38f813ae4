//! A subtask's entry: four state slots and its channels.

use super::channel::Direction;
use super::{Build, SubtaskParts, Walk};
use crate::cursor::out_of_range;
use crate::error::{Error, Problem, Within};
use crate::layout::Version;
use crate::reference::{KeyedPart, Slot};

impl<'a, B: Build<'a>> Walk<'a, '_, B> {
    pub(super) fn subtask(&mut self, parallelism: u32) -> Result<B::Subtask, Error> {
        let (index, finished) = self.subtask_index(parallelism).field("subtaskIndex")?;
        self.subtask_indices.push(index);
        self.counts.subtasks = self.counts.subtasks.saturating_add(1);
        self.origin.subtask = Some(index);
        let mut parts = SubtaskParts {
            index,
            finished,
            managed_operator: None,
            raw_operator: None,
            managed_keyed: None,
            raw_keyed: None,
            input_channels: Vec::new(),
            output_channels: Vec::new(),
        };
        if finished {
            return Ok(self.build.subtask(parts));
        }
        if self.layout.version == Version::V2 {
            self.version_2_extras()?;
        }
        self.origin.slot = Slot::OperatorState;
        parts.managed_operator = self
            .optional_operator_state()
            .field("managedOperatorState")?;
        self.origin.slot = Slot::RawOperatorState;
        parts.raw_operator = self.optional_operator_state().field("rawOperatorState")?;
        self.origin.slot = Slot::KeyedState(KeyedPart::KeyGroups);
        parts.managed_keyed = self.keyed().field("managedKeyedState")?;
        self.origin.slot = Slot::RawKeyedState(KeyedPart::KeyGroups);
        parts.raw_keyed = self.keyed().field("rawKeyedState")?;
        if self.layout.version != Version::V2 {
            self.origin.slot = Slot::InputChannel;
            parts.input_channels = self.channels(Direction::Input, "inputChannelState")?;
            self.origin.slot = Slot::ResultSubpartition;
            parts.output_channels = self.channels(Direction::Output, "resultSubpartitionState")?;
        }
        Ok(self.build.subtask(parts))
    }

    /// The index, and whether the subtask is finished: version 3 and later then write -index-1.
    fn subtask_index(&mut self, parallelism: u32) -> Result<(u32, bool), Error> {
        let start = self.cursor.offset();
        let value = self.cursor.i32()?;
        let finished = value < 0 && self.layout.version != Version::V2;
        // In two's complement, !x is -x-1.
        let index = u32::try_from(if finished { !value } else { value }).ok();
        match index.filter(|index| *index < parallelism) {
            Some(index) => Ok((index, finished)),
            None => Err(out_of_range(
                i64::from(value),
                "a subtask index below the parallelism",
                start,
            )),
        }
    }

    fn version_2_extras(&mut self) -> Result<(), Error> {
        self.cursor.i64().field("duration")?;
        let start = self.cursor.offset();
        match self.cursor.i32().field("legacyStateCount")? {
            0 => Ok(()),
            _ => Err(Error::new(
                Problem::Obsolete {
                    what: "state of Flink 1.1 and older",
                },
                start,
            ))
            .field("legacyStateCount"),
        }
    }

    fn optional_operator_state(&mut self) -> Result<Option<B::OperatorState>, Error> {
        if self.cursor.flag()? {
            self.operator_state()
        } else {
            Ok(None)
        }
    }
}
